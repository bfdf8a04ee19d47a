"""What the relay remembers: toys and alerts. No words of a child, no token.

The same code serves SQLite and PostgreSQL; everything runs off the event loop.
"""

import time
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from device.protocol import OLDEST_AGE, YOUNGEST_AGE, is_allowed_age
from relay.age import AgeBand
from relay.database import Database, StoreError
from relay.safety.verdict import Alert
from relay.schema import alerts, toys

LONGEST_NAME = 40

_TOY_COLUMNS = (
    toys.c.id,
    toys.c.name,
    toys.c.age,
    toys.c.created,
    toys.c.revoked,
    toys.c.last_seen,
)


@dataclass(frozen=True)
class Toy:
    """A toy and the age of its child. Times are Unix seconds; None is never."""

    id: str
    name: str
    age: int
    created: int = 0
    revoked: int | None = None
    last_seen: int | None = None


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

    async def add_toy(self, toy_id: str, name: str, age: int, token_digest: bytes) -> Toy:
        """Add a toy; raises StoreError when name or age cannot be used or the name is taken."""
        toy = Toy(toy_id, clean_name(name), allowed_age(age), created=_now())

        def work(connection: Connection) -> None:
            try:
                connection.execute(
                    insert(toys).values(
                        id=toy.id,
                        name=toy.name,
                        age=toy.age,
                        token_digest=token_digest,
                        created=toy.created,
                    )
                )
            except IntegrityError as error:
                raise StoreError(
                    f'a toy named "{toy.name}" is there already: '
                    f'take another name, or remove it first (toy remove "{toy.name}")'
                ) from error

        await self._database.call(work)
        return toy

    async def toys(self, *, with_removed: bool = False) -> list[Toy]:
        """Return the toys by name; removed ones only when asked for."""

        def work(connection: Connection) -> list[Toy]:
            query = select(*_TOY_COLUMNS).order_by(toys.c.name, toys.c.created)
            if not with_removed:
                query = query.where(toys.c.revoked.is_(None))
            return [_toy(row) for row in connection.execute(query).mappings()]

        return await self._database.read(work)

    async def toy_with_digest(self, toy_id: str) -> tuple[Toy, bytes] | None:
        """Return a toy that is in use and its token's digest, or None."""

        def work(connection: Connection) -> tuple[Toy, bytes] | None:
            query = select(*_TOY_COLUMNS, toys.c.token_digest).where(
                toys.c.id == toy_id, toys.c.revoked.is_(None)
            )
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else (_toy(row), bytes(row[toys.c.token_digest]))

        return await self._database.read(work)

    async def remove_toy(self, name: str) -> Toy:
        """Take a toy's token away for good; raises StoreError if there is no such toy."""
        return await self._change(name, revoked=_now(), token_digest=b"")

    async def set_age(self, name: str, age: int) -> Toy:
        """Set the age of a toy's child; raises StoreError for a bad age or an unknown toy."""
        return await self._change(name, age=allowed_age(age))

    async def note_seen(self, toy_id: str) -> None:
        """Remember that a toy has just connected."""

        def work(connection: Connection) -> None:
            connection.execute(update(toys).where(toys.c.id == toy_id).values(last_seen=_now()))

        await self._database.call(work)

    async def add_alert(
        self, alert: Alert, *, toy: str, session: str, category: str, band: AgeBand
    ) -> None:
        """Keep an alert for the parent. `toy` is the id of a toy, `session` a correlation id."""

        def work(connection: Connection) -> None:
            connection.execute(
                insert(alerts).values(
                    toy=toy,
                    session=session,
                    kind=alert.value,
                    category=category,
                    age_band=band.value,
                    created=_now(),
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
        def work(connection: Connection) -> Toy:
            statement = (
                update(toys)
                .where(toys.c.name == name.strip(), toys.c.revoked.is_(None))
                .values(**values)
                .returning(*_TOY_COLUMNS)
            )
            row = connection.execute(statement).mappings().one_or_none()
            if row is None:
                raise StoreError(f'there is no toy named "{name.strip()}": see toy list')
            return _toy(row)

        return await self._database.call(work)


def clean_name(name: str) -> str:
    """Return a toy's name without outer blanks; StoreError if it is empty, long or unprintable."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise StoreError(f"a toy's name has 1 to {LONGEST_NAME} printable characters")
    return name


def allowed_age(age: int) -> int:
    """Return `age`; StoreError outside 3 to 13."""
    if not is_allowed_age(age):
        raise StoreError(f"the age must be a whole number from {YOUNGEST_AGE} to {OLDEST_AGE}")
    return age


def _toy(row: RowMapping) -> Toy:
    return Toy(**{column.name: row[column] for column in _TOY_COLUMNS})


def _now() -> int:
    return int(time.time())
