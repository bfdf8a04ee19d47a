"""Alerts as a parent sees them: those of one household's toys."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_, update

from relay.database import Database
from relay.safety.verdict import Alert
from relay.schema import alerts, children, toys
from relay.store.values import NotFound, now


@dataclass(frozen=True)
class FamilyAlert:
    """Something a parent should know of: what kind of thing, when, at which toy, of which child."""

    id: int
    kind: Alert
    category: str
    created: int
    toy: str
    child: str | None
    seen: int | None


_IN_ORDER = (
    select(
        alerts.c.id,
        alerts.c.kind,
        alerts.c.category,
        alerts.c.created,
        toys.c.name,
        children.c.name,
        alerts.c.seen,
    )
    .select_from(
        alerts.join(toys, alerts.c.toy == toys.c.id).outerjoin(
            children, alerts.c.child == children.c.id
        )
    )
    .order_by(alerts.c.created.desc(), alerts.c.id.desc())
)


def _found(connection: Connection, query: Select[Any]) -> list[FamilyAlert]:
    return [FamilyAlert(row[0], Alert(row[1]), *row[2:]) for row in connection.execute(query)]


class FamilyAlerts:
    """A household's alerts; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unseen(self, household: str, *, limit: int = 5) -> tuple[list[FamilyAlert], int]:
        """Return the latest alerts that no parent has ticked off, and how many there are."""

        def work(connection: Connection) -> tuple[list[FamilyAlert], int]:
            chosen = (toys.c.household == household, alerts.c.seen.is_(None))
            count = select(func.count()).select_from(alerts.join(toys, alerts.c.toy == toys.c.id))
            found = _found(connection, _IN_ORDER.where(*chosen).limit(limit))
            return found, int(connection.execute(count.where(*chosen)).scalar_one())

        return await self._database.read(work)

    async def of(
        self, household: str, *, before: tuple[int, int] | None = None, limit: int = 30
    ) -> list[FamilyAlert]:
        """Return all alerts, newest first; `before` is time and id of the last one shown."""

        def work(connection: Connection) -> list[FamilyAlert]:
            query = _IN_ORDER.where(toys.c.household == household)
            if before is not None:
                query = query.where(tuple_(alerts.c.created, alerts.c.id) < tuple_(*before))
            return _found(connection, query.limit(limit))

        return await self._database.read(work)

    async def tick_off(self, household: str, alert: int) -> None:
        """Note that a parent has seen an alert; raises NotFound."""

        def work(connection: Connection) -> None:
            family = select(toys.c.id).where(toys.c.household == household)
            changed = connection.execute(
                update(alerts)
                .where(alerts.c.id == alert, alerts.c.toy.in_(family))
                .values(seen=func.coalesce(alerts.c.seen, now()))
            )
            if not changed.rowcount:
                raise NotFound("there is no such alert")

        await self._database.call(work)
