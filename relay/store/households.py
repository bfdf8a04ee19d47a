"""Households: the parents, children and toys that belong together."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from relay.database import Database
from relay.schema import households
from relay.store.values import clean_name, new_id, now

HOME = "Home"


@dataclass(frozen=True)
class Household:
    """A family, as far as the relay is concerned."""

    id: str
    name: str
    created: int


class Households:
    """The table of households; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def home(self) -> Household:
        """Return the household that this relay stands with: the first one."""
        return await self._database.call(find_home)

    async def add(self, name: str) -> Household:
        """Make another household, where one relay serves several."""
        return await self._database.call(_add, clean_name(name, "a household's"))

    async def all(self) -> list[Household]:
        """Return all households, the first one first."""

        def work(connection: Connection) -> list[Household]:
            return [Household(*row) for row in connection.execute(_IN_ORDER)]

        return await self._database.read(work)

    async def country(self, household: str) -> str:
        """Return whose help lines a household wants to see, "" if it has not said."""

        def work(connection: Connection) -> str:
            query = select(households.c.country).where(households.c.id == household)
            return connection.execute(query).scalar_one_or_none() or ""

        return await self._database.read(work)

    async def set_country(self, household: str, country: str) -> None:
        """Set it; "" takes it back."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(households)
                .where(households.c.id == household)
                .values(country=country or None)
            )

        await self._database.call(work)


_IN_ORDER = select(households.c.id, households.c.name, households.c.created).order_by(
    households.c.created, households.c.id
)


def find_home(connection: Connection) -> Household:
    """Return the first household; make it if everything has been erased."""
    row = connection.execute(_IN_ORDER.limit(1)).one_or_none()
    return Household(*row) if row else _add(connection, HOME)


def _add(connection: Connection, name: str) -> Household:
    latest = connection.execute(select(func.max(households.c.created))).scalar_one()
    # Never the same second twice: the first household stays the first.
    made = Household(new_id(), name, max(now(), (latest or 0) + 1))
    connection.execute(insert(households).values(**vars(made)))
    return made
