"""Toys as a parent sees them: those of one household, changed by id."""

from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

from relay.database import Database
from relay.schema import toys
from relay.store.toy import Toy, check_child, find_toy, name_taken, select_toys, toy_of
from relay.store.values import NotFound, clean_name, now


class FamilyToys:
    """A household's toys that are in use; every method raises StoreError.

    A toy of another household, or a removed one, is one that is not there: NotFound.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, household: str) -> list[Toy]:
        """Return the toys of a household by name."""

        def work(connection: Connection) -> list[Toy]:
            query = select_toys().where(toys.c.household == household, toys.c.revoked.is_(None))
            rows = connection.execute(query.order_by(toys.c.name)).mappings()
            return [toy_of(row) for row in rows]

        return await self._database.read(work)

    async def get(self, household: str, toy: str) -> Toy:
        """Return a toy; raises NotFound."""
        return await self._database.read(_get, household, toy)

    async def rename(self, household: str, toy: str, name: str) -> Toy:
        """Give a toy another name; NameTaken where another toy of the household has it."""
        return await self._change(household, toy, name=clean_name(name))

    async def give_to(self, household: str, toy: str, child: str | None) -> Toy:
        """Give a toy to a child, or to nobody; NotFound for a child of another household."""
        return await self._change(household, toy, child=child)

    async def pause(self, household: str, toy: str, paused: bool) -> Toy:
        """Let a toy rest, or wake it up again; it stays connected."""
        return await self._change(household, toy, paused=now() if paused else None)

    async def revoke(self, household: str, toy: str) -> Toy:
        """Take a toy's token away for good."""
        return await self._change(household, toy, revoked=now(), token_digest=b"")

    async def _change(self, household: str, toy: str, **values: object) -> Toy:
        def work(connection: Connection) -> Toy:
            _get(connection, household, toy)
            if isinstance(child := values.get("child"), str):
                check_child(connection, household, child)
            try:
                connection.execute(update(toys).where(toys.c.id == toy).values(**values))
            except IntegrityError as error:
                raise name_taken(str(values.get("name", ""))) from error
            return find_toy(connection, toy)

        return await self._database.call(work)


def _get(connection: Connection, household: str, toy: str) -> Toy:
    found = find_toy(connection, toy)
    if found.household != household or found.revoked is not None:
        raise NotFound("there is no such toy")
    return found
