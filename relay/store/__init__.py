"""What the relay remembers. No token, no password; a child's words only where a parent said so.

`Store` holds what the link to the toys needs: toys and alerts, of every household. The tables of a
family are beside it, one file a concern. The same code serves SQLite and PostgreSQL; everything
runs off the event loop.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from relay.age import AgeBand
from relay.database import Database, StoreError
from relay.safety.verdict import Alert
from relay.schema import alerts, toys
from relay.store.households import find_home
from relay.store.toy import Toy, check_child, find_toy, name_taken, select_toys, toy_of
from relay.store.values import NotFound, allowed_age, clean_name, now

__all__ = ["AlertRecord", "Store", "Toy"]


@dataclass(frozen=True)
class AlertRecord:
    """Something a parent should know of: what kind of thing, when, at which toy."""

    toy: str
    session: str
    kind: Alert
    category: str
    band: AgeBand
    created: int


class Store:
    """Toys and alerts in one database. `url` is an SQLAlchemy address; raises StoreError."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._database = Database(url, timeout_s=timeout_s)

    @property
    def where(self) -> str:
        """The file, or the address without its password."""
        return self._database.where

    @property
    def database(self) -> Database:
        """The database itself, for what keeps tables of its own in it."""
        return self._database

    async def open(self) -> None:
        """Make or update the tables; call it first. Raises StoreError."""
        await self._database.open()

    async def check(self) -> None:
        """Look for damage and whether it can be written; raises StoreError."""
        await self._database.check()

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()

    async def add_toy(
        self,
        toy_id: str,
        name: str,
        age: int,
        token_digest: bytes,
        *,
        household: str | None = None,
        child: str | None = None,
    ) -> Toy:
        """Add a toy to a household, by default this home's, and give it to a child if one is named.

        Raises StoreError when name or age cannot be used, the name is taken in the household, or
        the child is of another one.
        """
        name, age = clean_name(name), allowed_age(age)

        def work(connection: Connection) -> Toy:
            home = household or find_home(connection).id
            if child is not None:
                check_child(connection, home, child)
            try:
                connection.execute(
                    insert(toys).values(
                        id=toy_id,
                        household=home,
                        child=child,
                        name=name,
                        age=age,
                        token_digest=token_digest,
                        created=now(),
                    )
                )
            except IntegrityError as error:
                raise name_taken(name) from error
            return find_toy(connection, toy_id)

        return await self._database.call(work)

    async def toys(self, *, with_removed: bool = False) -> list[Toy]:
        """Return the toys by name; removed ones only when asked for."""

        def work(connection: Connection) -> list[Toy]:
            query = select_toys().order_by(toys.c.name, toys.c.created)
            if not with_removed:
                query = query.where(toys.c.revoked.is_(None))
            return [toy_of(row) for row in connection.execute(query).mappings()]

        return await self._database.read(work)

    async def toy_with_digest(self, toy_id: str) -> tuple[Toy, bytes] | None:
        """Return a toy that is in use and its token's digest, or None."""

        def work(connection: Connection) -> tuple[Toy, bytes] | None:
            query = select_toys().where(toys.c.id == toy_id, toys.c.revoked.is_(None))
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else (toy_of(row), bytes(row["token_digest"]))

        return await self._database.read(work)

    async def remove_toy(self, name: str) -> Toy:
        """Take a toy's token away for good; raises StoreError if there is no such toy."""
        return await self._change(name, revoked=now(), token_digest=b"")

    async def set_age(self, name: str, age: int) -> Toy:
        """Set the age of a toy's child; raises StoreError for a bad age or an unknown toy."""
        return await self._change(name, age=allowed_age(age))

    async def note_seen(self, toy_id: str) -> None:
        """Remember that a toy has just connected."""

        def work(connection: Connection) -> None:
            connection.execute(update(toys).where(toys.c.id == toy_id).values(last_seen=now()))

        await self._database.call(work)

    async def add_alert(
        self, alert: Alert, *, toy: str, session: str, category: str, band: AgeBand
    ) -> None:
        """Keep an alert for the parent. `toy` is the id of a toy, `session` a correlation id."""

        def work(connection: Connection) -> None:
            connection.execute(
                insert(alerts).values(
                    toy=toy,
                    child=select(toys.c.child).where(toys.c.id == toy).scalar_subquery(),
                    session=session,
                    kind=alert.value,
                    category=category,
                    age_band=band.value,
                    created=now(),
                )
            )

        await self._database.call(work)

    async def alerts(self, *, limit: int = 100) -> list[AlertRecord]:
        """Return the latest alerts, newest first."""

        def work(connection: Connection) -> list[AlertRecord]:
            query = (
                select(alerts).order_by(alerts.c.created.desc(), alerts.c.id.desc()).limit(limit)
            )
            return [
                AlertRecord(
                    row.toy,
                    row.session,
                    Alert(row.kind),
                    row.category,
                    AgeBand(row.age_band),
                    row.created,
                )
                for row in connection.execute(query)
            ]

        return await self._database.read(work)

    async def _change(self, name: str, **values: object) -> Toy:
        """Change a toy that the command line names; its id does as well as its name."""

        def work(connection: Connection) -> Toy:
            toy = _named(connection, name.strip())
            if "age" in values and toy.child is not None:
                raise StoreError(
                    f'"{toy.name}" has the age of its child: change it on the parent\'s page'
                )
            connection.execute(update(toys).where(toys.c.id == toy.id).values(**values))
            return find_toy(connection, toy.id)

        return await self._database.call(work)


def _named(connection: Connection, name: str) -> Toy:
    query = select_toys().where(
        or_(toys.c.name == name, toys.c.id == name), toys.c.revoked.is_(None)
    )
    found = [toy_of(row) for row in connection.execute(query).mappings()]
    if not found:
        raise NotFound(f'there is no toy named "{name}": see toy list')
    if len(found) > 1:
        raise StoreError(f'several households have a toy named "{name}": give its id, see toy list')
    return found[0]
