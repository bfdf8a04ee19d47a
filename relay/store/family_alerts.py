"""Alerts as a parent sees them: those of one household's toys."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

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


class FamilyAlerts:
    """A household's alerts; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unseen(self, household: str, *, limit: int = 5) -> tuple[list[FamilyAlert], int]:
        """Return the latest alerts that no parent has ticked off, and how many there are."""

        def work(connection: Connection) -> tuple[list[FamilyAlert], int]:
            chosen = (toys.c.household == household, alerts.c.seen.is_(None))
            query = (
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
                .where(*chosen)
                .order_by(alerts.c.created.desc(), alerts.c.id.desc())
            )
            count = select(func.count()).select_from(alerts.join(toys, alerts.c.toy == toys.c.id))
            rows = connection.execute(query.limit(limit))
            found = [FamilyAlert(row[0], Alert(row[1]), *row[2:]) for row in rows]
            return found, int(connection.execute(count.where(*chosen)).scalar_one())

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
