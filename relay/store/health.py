"""How toys have been: signal, battery, memory, over time; and what failed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, insert, select

from relay.database import Database
from relay.schema import crashes, health_samples, toys


@dataclass(frozen=True)
class HealthSample:
    """A toy's health at a moment (Unix seconds); None is not known. RSSI in dBm, heap in bytes."""

    toy: str
    at: int
    rssi: int | None = None
    battery_percent: int | None = None
    heap_free: int | None = None
    reconnects: int | None = None
    turnaround_ms: int | None = None


@dataclass(frozen=True)
class Crash:
    """A failure that a toy told of at its next hello, `at` Unix seconds. No words of a child."""

    toy: str
    at: int
    firmware: str
    reset: str
    report: str


_CRASH_COLUMNS = tuple(crashes.c[name] for name in Crash.__dataclass_fields__)
_COLUMNS = tuple(health_samples.c[name] for name in HealthSample.__dataclass_fields__)


class Health:
    """The tables of samples and crashes; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, samples: Sequence[HealthSample]) -> None:
        """Keep samples, at most one a toy and second; those of toys that are gone are left out."""

        def work(connection: Connection) -> None:
            named = {sample.toy for sample in samples}
            known = set(connection.execute(select(toys.c.id).where(toys.c.id.in_(named))).scalars())
            times = {sample.at for sample in samples}
            kept = select(health_samples.c.toy, health_samples.c.at).where(
                health_samples.c.toy.in_(known), health_samples.c.at.in_(times)
            )
            there = {tuple(row) for row in connection.execute(kept)}
            fresh = [
                dict(vars(sample))
                for sample in samples
                if sample.toy in known and (sample.toy, sample.at) not in there
            ]
            if fresh:
                connection.execute(insert(health_samples), fresh)

        await self._database.call(work)

    async def add_crash(self, crash: Crash) -> None:
        """Keep what a toy told of a failure."""

        def work(connection: Connection) -> None:
            toy = connection.execute(select(toys.c.id).where(toys.c.id == crash.toy))
            if toy.one_or_none() is not None:
                connection.execute(insert(crashes).values(**vars(crash)))

        await self._database.call(work)

    async def crashes(self, toy: str, *, limit: int = 20) -> list[Crash]:
        """Return the latest failures of a toy, newest first."""

        def work(connection: Connection) -> list[Crash]:
            query = select(*_CRASH_COLUMNS).where(crashes.c.toy == toy)
            latest = query.order_by(crashes.c.at.desc(), crashes.c.id.desc()).limit(limit)
            return [Crash(*row) for row in connection.execute(latest)]

        return await self._database.read(work)

    async def since(self, toy: str, at: int) -> list[HealthSample]:
        """Return a toy's samples from `at` on, the oldest first."""

        def work(connection: Connection) -> list[HealthSample]:
            query = select(*_COLUMNS).where(health_samples.c.toy == toy, health_samples.c.at >= at)
            in_order = query.order_by(health_samples.c.at)
            return [HealthSample(*row) for row in connection.execute(in_order)]

        return await self._database.read(work)

    async def erase_before(self, at: int) -> int:
        """Erase samples and failures that are older; return how many."""

        def work(connection: Connection) -> int:
            return sum(
                connection.execute(delete(table).where(table.c.at < at)).rowcount
                for table in (health_samples, crashes)
            )

        return await self._database.call(work)

    async def thin(self, before: int, every_s: int) -> int:
        """Of the samples before a time keep those at whole multiples of `every_s` seconds."""

        def work(connection: Connection) -> int:
            between = and_(health_samples.c.at < before, health_samples.c.at % every_s != 0)
            return connection.execute(delete(health_samples).where(between)).rowcount

        return await self._database.call(work)
