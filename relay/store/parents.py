"""Parents' accounts. A password is kept only as its slow hash, which comes here ready-made."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from relay.database import Database
from relay.schema import parents
from relay.store.values import NameTaken, NotFound, clean_name, new_id, now


@dataclass(frozen=True)
class Parent:
    """A parent's account."""

    id: str
    household: str
    name: str
    created: int


_COLUMNS = (parents.c.id, parents.c.household, parents.c.name, parents.c.created)


class Parents:
    """The table of accounts; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, household: str, name: str, password_hash: str) -> Parent:
        """Make an account; raises NameTaken, for names are unique over all households."""
        return await self._database.call(add_parent, household, name, password_hash)

    async def find(self, name: str) -> tuple[Parent, str] | None:
        """Return the account that logs in by this name and its password's hash, or None."""

        def work(connection: Connection) -> tuple[Parent, str] | None:
            query = select(*_COLUMNS, parents.c.password_hash).where(
                parents.c.folded_name == fold(name)
            )
            row = connection.execute(query).one_or_none()
            return None if row is None else (Parent(*row[:-1]), row[-1])

        return await self._database.read(work)

    async def of(self, household: str) -> list[Parent]:
        """Return the parents of a household, the oldest account first."""

        def work(connection: Connection) -> list[Parent]:
            query = select(*_COLUMNS).where(parents.c.household == household)
            return [Parent(*row) for row in connection.execute(query.order_by(parents.c.created))]

        return await self._database.read(work)

    async def all(self) -> list[Parent]:
        """Return the parents of every household by name."""

        def work(connection: Connection) -> list[Parent]:
            query = select(*_COLUMNS).order_by(parents.c.name)
            return [Parent(*row) for row in connection.execute(query)]

        return await self._database.read(work)

    async def exist(self) -> bool:
        """Tell whether anybody has an account."""

        def work(connection: Connection) -> bool:
            return bool(connection.execute(select(func.count()).select_from(parents)).scalar())

        return await self._database.read(work)

    async def set_password(self, parent: str, password_hash: str) -> None:
        """Keep another password's hash; raises NotFound."""
        await self._database.call(set_password, parent, password_hash)

    async def remove(self, household: str, parent: str) -> None:
        """Remove an account and all its log-ins; raises NotFound."""

        def work(connection: Connection) -> None:
            one = (parents.c.id == parent, parents.c.household == household)
            if not connection.execute(delete(parents).where(*one)).rowcount:
                raise NotFound("there is no such parent")

        await self._database.call(work)


def add_parent(connection: Connection, household: str, name: str, password_hash: str) -> Parent:
    """Make an account inside a transaction; see `Parents.add`."""
    parent = Parent(new_id(), household, clean_name(name, "a parent's"), now())
    try:
        connection.execute(
            insert(parents).values(
                **vars(parent), folded_name=fold(parent.name), password_hash=password_hash
            )
        )
    except IntegrityError as error:
        raise NameTaken("somebody logs in by this name already: take another one") from error
    return parent


def set_password(connection: Connection, parent: str, password_hash: str) -> None:
    """Keep another password's hash inside a transaction; raises NotFound."""
    changed = connection.execute(
        update(parents).where(parents.c.id == parent).values(password_hash=password_hash)
    )
    if not changed.rowcount:
        raise NotFound("there is no such parent")


def fold(name: str) -> str:
    """Return a name as names are compared: without outer blanks and whatever the case."""
    # The longest folding of one character is three (Unicode CaseFolding.txt), as of the table.
    return name.strip().casefold()
