"""What parents have decided, kept at hand: sessions ask here and wait for no database."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from relay.database import Database
from relay.schema import consents, rules, toys
from relay.store.children import CONSENT_VERSION
from relay.store.rules import ChildRules, rules_of_row
from relay.store.toy import Toy, select_toys, toy_of


@dataclass(frozen=True)
class Standing:
    """How things stand with a toy: its child's rules, and whether a parent lets it talk.

    `rules` is None for a toy without a child. `consented` says that a parent of the child has
    agreed to the present version and has not taken that back.
    """

    toy: Toy
    rules: ChildRules | None = None
    consented: bool = False


class House:
    """A read-only view of all toys in use, as fresh as the last `refresh`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings: Mapping[str, Standing] = {}
        self._one_at_a_time = asyncio.Lock()  # what was read first must not be kept last

    @property
    def standings(self) -> Mapping[str, Standing]:
        """How things stand with every toy, by the toy's id."""
        return self._standings

    def rules_of(self, toy: str) -> ChildRules | None:
        """Return the rules of a toy's child; None for an unknown toy, or one without a child."""
        standing = self._standings.get(toy)
        return None if standing is None else standing.rules

    async def refresh(self) -> None:
        """Look at the store; raises StoreError and then keeps what was known."""
        async with self._one_at_a_time:
            self._standings = await self._database.read(_look)


def _look(connection: Connection) -> dict[str, Standing]:
    query = select_toys().where(toys.c.revoked.is_(None))
    found = [toy_of(row) for row in connection.execute(query).mappings()]
    decided = {
        row["child"]: rules_of_row(row) for row in connection.execute(select(rules)).mappings()
    }
    agreed = select(consents.c.child).where(
        consents.c.withdrawn.is_(None), consents.c.version == CONSENT_VERSION
    )
    consented = set(connection.execute(agreed).scalars())
    return {
        toy.id: Standing(toy)
        if toy.child is None
        else Standing(toy, decided.get(toy.child, ChildRules(toy.child)), toy.child in consented)
        for toy in found
    }
