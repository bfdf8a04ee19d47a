"""What is written of children's turns: counts, and words where the parent wants them."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, insert, select, update

from relay.database import Database
from relay.schema import children, rules, toys, transcripts, usage
from relay.store.transcripts import Transcript, row_of


class Entry(Protocol):
    """One turn: whose, on which day of the home's calendar, and what of it is to be kept."""

    @property
    def child(self) -> str:
        """The child's id."""

    @property
    def day(self) -> str:
        """Such as 2026-11-22."""

    @property
    def stopped(self) -> bool:
        """Whether something was stopped in it."""

    @property
    def words(self) -> Transcript | None:
        """What was said, if that is to be kept."""


class Diary:
    """Writes turns; every method raises StoreError, and then has written nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, entries: Sequence[Entry]) -> None:
        """Keep turns, as far as their children are still there and their words still wanted."""

        def work(connection: Connection) -> None:
            named = {entry.child for entry in entries}
            there = set(
                connection.execute(select(children.c.id).where(children.c.id.in_(named))).scalars()
            )
            # Asked here once more: what was switched off meanwhile is not written any more.
            wanted = set(
                connection.execute(
                    select(rules.c.child).where(
                        rules.c.child.in_(there), rules.c.keep_transcripts.is_(True)
                    )
                ).scalars()
            )
            in_use = {entry.words.toy for entry in entries if entry.words is not None}
            known = set(
                connection.execute(select(toys.c.id).where(toys.c.id.in_(in_use))).scalars()
            )
            for entry in entries:
                if entry.child in there:
                    _count(connection, entry)
            rows = [
                row_of(entry.words)
                for entry in entries
                if entry.words is not None and entry.child in wanted and entry.words.toy in known
            ]
            if rows:
                connection.execute(insert(transcripts), rows)

        await self._database.call(work)


def _count(connection: Connection, entry: Entry) -> None:
    this = (usage.c.child == entry.child, usage.c.day == entry.day)
    stopped = int(entry.stopped)
    counted = connection.execute(
        update(usage)
        .where(*this)
        .values(questions=usage.c.questions + 1, stopped=usage.c.stopped + stopped)
    )
    if not counted.rowcount:
        connection.execute(
            insert(usage).values(
                child=entry.child, day=entry.day, seconds=0, questions=1, stopped=stopped
            )
        )
