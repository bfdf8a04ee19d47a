"""Offers to let a new toy in, each by a code that may be tried once."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from relay.database import Database
from relay.schema import pairings
from relay.store.toy import check_child
from relay.store.values import allowed_age, clean_name, now

# How long an offer that is over is still told from one that never was: 24 hours.
_REMEMBERED_S = 24 * 3600


@dataclass(frozen=True)
class Pairing:
    """An offer: who may join by the code with this digest, and until when (Unix seconds)."""

    code_digest: bytes
    household: str
    name: str
    age: int
    expires: int
    child: str | None = None
    created: int = 0
    used: int | None = None


class Pairings:
    """The table of offers; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, pairing: Pairing) -> None:
        """Keep an offer; NotFound where its child is of another household."""
        row = {
            **vars(pairing),
            "name": clean_name(pairing.name),
            "age": allowed_age(pairing.age),
            "created": pairing.created or now(),
        }

        def work(connection: Connection) -> None:
            if pairing.child is not None:
                check_child(connection, pairing.household, pairing.child)
            connection.execute(delete(pairings).where(pairings.c.expires < now() - _REMEMBERED_S))
            connection.execute(insert(pairings).values(**row))

        await self._database.call(work)

    async def find(self, code_digest: bytes) -> Pairing | None:
        """Return an offer, whether it can still be used or not."""

        def work(connection: Connection) -> Pairing | None:
            query = select(pairings).where(pairings.c.code_digest == code_digest)
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else _pairing(row)

        return await self._database.read(work)

    async def use(self, code_digest: bytes) -> Pairing | None:
        """Take an offer for good and return it; None if it is unknown, used or expired."""

        def work(connection: Connection) -> Pairing | None:
            taken = connection.execute(
                update(pairings)
                .where(
                    pairings.c.code_digest == code_digest,
                    pairings.c.used.is_(None),
                    pairings.c.expires > now(),
                )
                .values(used=now())
                .returning(*pairings.c)
            )
            row = taken.mappings().one_or_none()
            return None if row is None else _pairing(row)

        return await self._database.call(work)

    async def open(self, household: str | None = None) -> list[Pairing]:
        """Return the offers that can be used now, of one household or of all, newest first."""

        def work(connection: Connection) -> list[Pairing]:
            query = (
                select(pairings)
                .where(pairings.c.used.is_(None), pairings.c.expires > now())
                .order_by(pairings.c.created.desc())
            )
            if household is not None:
                query = query.where(pairings.c.household == household)
            return [_pairing(row) for row in connection.execute(query).mappings()]

        return await self._database.read(work)

    async def remembered(self) -> list[Pairing]:
        """Return all offers there are, also those that are over, newest first."""

        def work(connection: Connection) -> list[Pairing]:
            query = select(pairings).order_by(pairings.c.created.desc())
            return [_pairing(row) for row in connection.execute(query).mappings()]

        return await self._database.read(work)


def _pairing(row: RowMapping) -> Pairing:
    return Pairing(**{**row, "code_digest": bytes(row["code_digest"])})
