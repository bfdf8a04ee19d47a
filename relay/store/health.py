"""How toys have been: signal, battery, memory, over time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from relay.database import Database
from relay.schema import health_samples


@dataclass(frozen=True)
class HealthSample:
    """A toy's health at a moment (Unix seconds); None is not known. RSSI in dBm, heap in bytes."""

    toy: str
    at: int
    rssi: int | None = None
    battery_mv: int | None = None
    heap_free: int | None = None
    reconnects: int | None = None
    turnaround_ms: int | None = None


_COLUMNS = tuple(health_samples.c[name] for name in HealthSample.__dataclass_fields__)


class Health:
    """The table of samples; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, samples: Sequence[HealthSample]) -> None:
        """Keep samples, at most one a toy and second."""

        def work(connection: Connection) -> None:
            if samples:
                connection.execute(
                    insert(health_samples), [dict(vars(sample)) for sample in samples]
                )

        await self._database.call(work)

    async def since(self, toy: str, at: int) -> list[HealthSample]:
        """Return a toy's samples from `at` on, the oldest first."""

        def work(connection: Connection) -> list[HealthSample]:
            query = select(*_COLUMNS).where(health_samples.c.toy == toy, health_samples.c.at >= at)
            in_order = query.order_by(health_samples.c.at)
            return [HealthSample(*row) for row in connection.execute(in_order)]

        return await self._database.read(work)

    async def erase_before(self, at: int) -> int:
        """Erase samples that are older; return how many."""

        def work(connection: Connection) -> int:
            old = delete(health_samples).where(health_samples.c.at < at)
            return connection.execute(old).rowcount

        return await self._database.call(work)
