"""What was said, where a parent has switched that on, and only until it expires."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, tuple_, update

from relay.database import Database
from relay.schema import transcripts

_DAY_S = 24 * 3600


@dataclass(frozen=True)
class Transcript:
    """One turn in words. Times are Unix seconds.

    `reason` says why sentences were stopped: `heard:` or `said:` and the filter's category, several
    with blanks between them, "" if none. `id` is the store's, 0 for one that is not stored.
    """

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
    id: int = 0


_COLUMNS = tuple(transcripts.c[name] for name in Transcript.__dataclass_fields__)


def row_of(transcript: Transcript) -> dict[str, object]:
    """Return the columns of a turn that is to be stored."""
    return {name: value for name, value in vars(transcript).items() if name != "id"}


class Transcripts:
    """The table of transcripts; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transcript: Transcript) -> None:
        """Keep a turn. Whoever calls has seen that the parent wants it kept."""

        def work(connection: Connection) -> None:
            connection.execute(insert(transcripts).values(**row_of(transcript)))

        await self._database.call(work)

    async def of(
        self,
        household: str,
        child: str,
        *,
        now: int,
        words: str = "",
        before: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Transcript]:
        """Return a child's turns that have not expired, newest first.

        `words` must occur in what was said on either side, as they stand, in upper or lower case.
        `before` is the time and id of the last turn that was shown.
        """

        def work(connection: Connection) -> list[Transcript]:
            query = select(*_COLUMNS).where(
                transcripts.c.household == household,
                transcripts.c.child == child,
                transcripts.c.expires > now,
            )
            if words:
                query = query.where(
                    or_(
                        transcripts.c.heard.icontains(words, autoescape=True),
                        transcripts.c.said.icontains(words, autoescape=True),
                    )
                )
            if before is not None:
                query = query.where(
                    transcripts.c.at <= before[0],
                    tuple_(transcripts.c.at, transcripts.c.id) < tuple_(*before),
                )
            in_order = query.order_by(transcripts.c.at.desc(), transcripts.c.id.desc())
            return [Transcript(*row) for row in connection.execute(in_order.limit(limit))]

        return await self._database.read(work)

    async def shorten(self, child: str, days: int) -> None:
        """Have what is kept of a child expire no later than so many days after it was said."""

        def work(connection: Connection) -> None:
            latest = transcripts.c.at + days * _DAY_S
            connection.execute(
                update(transcripts)
                .where(transcripts.c.child == child, transcripts.c.expires > latest)
                .values(expires=latest)
            )

        await self._database.call(work)

    async def erase_expired(self, now: int) -> int:
        """Erase what has expired; return how many turns that were."""

        def work(connection: Connection) -> int:
            over = delete(transcripts).where(transcripts.c.expires <= now)
            return connection.execute(over).rowcount

        return await self._database.call(work)
