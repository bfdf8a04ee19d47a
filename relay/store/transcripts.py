"""What was said, where a parent has switched that on, and only until it expires."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from relay.database import Database
from relay.schema import transcripts


@dataclass(frozen=True)
class Transcript:
    """One turn in words. Times are Unix seconds; `reason` is the filter's, "" if none."""

    household: str
    child: str
    toy: str
    session: str
    turn: int
    at: int
    heard: str
    said: str
    outcome: str
    reason: str
    expires: int


_COLUMNS = tuple(transcripts.c[name] for name in Transcript.__dataclass_fields__)


class Transcripts:
    """The table of transcripts; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transcript: Transcript) -> None:
        """Keep a turn. Whoever calls has seen that the parent wants it kept."""

        def work(connection: Connection) -> None:
            connection.execute(insert(transcripts).values(**vars(transcript)))

        await self._database.call(work)

    async def of(
        self, household: str, child: str, *, now: int, before: int | None = None, limit: int = 50
    ) -> list[Transcript]:
        """Return a child's turns that have not expired, newest first, from `before` backwards."""

        def work(connection: Connection) -> list[Transcript]:
            query = select(*_COLUMNS).where(
                transcripts.c.household == household,
                transcripts.c.child == child,
                transcripts.c.expires > now,
            )
            if before is not None:
                query = query.where(transcripts.c.at < before)
            in_order = query.order_by(transcripts.c.at.desc(), transcripts.c.id.desc())
            return [Transcript(*row) for row in connection.execute(in_order.limit(limit))]

        return await self._database.read(work)

    async def erase_expired(self, now: int) -> int:
        """Erase what has expired; return how many turns that were."""

        def work(connection: Connection) -> int:
            over = delete(transcripts).where(transcripts.c.expires <= now)
            return connection.execute(over).rowcount

        return await self._database.call(work)
