"""How long children have talked each day, so that a restart gives no minute back."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from relay.database import Database
from relay.schema import usage


@dataclass(frozen=True)
class Day:
    """A child's day: seconds talked, questions asked, those in which something was stopped."""

    seconds: int = 0
    questions: int = 0
    stopped: int = 0


class Usage:
    """The table of seconds talked; a day is written 2026-11-22. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, child: str, day: str, seconds: int) -> int:
        """Add seconds to a child's day and return how many there are then."""

        def work(connection: Connection) -> int:
            this = (usage.c.child == child, usage.c.day == day)
            more = update(usage).where(*this).values(seconds=usage.c.seconds + seconds)
            total = connection.execute(more.returning(usage.c.seconds)).scalar_one_or_none()
            if total is None:
                connection.execute(insert(usage).values(child=child, day=day, seconds=seconds))
            return seconds if total is None else int(total)

        return await self._database.call(work)

    async def of(self, child: str, day: str) -> int:
        """Return how many seconds a child has talked on a day."""

        def work(connection: Connection) -> int:
            query = select(usage.c.seconds).where(usage.c.child == child, usage.c.day == day)
            return int(connection.execute(query).scalar_one_or_none() or 0)

        return await self._database.read(work)

    async def day(self, child: str, day: str) -> Day:
        """Return what there was on a child's day."""

        def work(connection: Connection) -> Day:
            query = select(usage.c.seconds, usage.c.questions, usage.c.stopped).where(
                usage.c.child == child, usage.c.day == day
            )
            row = connection.execute(query).one_or_none()
            return Day() if row is None else Day(*row)

        return await self._database.read(work)
