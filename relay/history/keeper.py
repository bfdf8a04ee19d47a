"""Writes what is kept of turns, in its own time: no child ever waits for the database."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from relay.database import StoreError
from relay.history.note import Note, is_confided, note_of
from relay.house import House
from relay.record import TurnRecord
from relay.store.diary import Diary
from relay.store.transcripts import Transcript
from relay.streams import within
from relay.telemetry import log

_logger = logging.getLogger(__name__)

MOST_WAITING = 500
_BATCH = 50
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_LAST_WORDS_S = 5.0  # to write what is left when the relay stops
# What a child says after it has confided in the toy may still be about that.
CONFIDING_S = 15 * 60.0


class Keeper:
    """Give `observe` every turn; `start` and `stop` it. `lose` hears how many could not be kept."""

    def __init__(
        self,
        diary: Diary,
        house: House,
        *,
        show: Callable[[Transcript], None],
        lose: Callable[[int], None],
    ) -> None:
        self._diary = diary
        self._house = house
        self._show = show
        self._lose = lose
        self._waiting: asyncio.Queue[Note] = asyncio.Queue(MOST_WAITING)
        self._batch: list[Note] = []
        self._confided_at: dict[str, float] = {}  # by toy
        self._task: asyncio.Task[None] | None = None

    def observe(self, record: TurnRecord) -> None:
        """Keep a turn that has ended, as far as its parents want it; never waits."""
        now = time.monotonic()
        if is_confided(record):
            self._confided_at[record.toy] = now
        note = note_of(
            record,
            self._house.standings.get(record.toy),
            int(time.time()),
            may_quote=now - self._confided_at.get(record.toy, -CONFIDING_S) >= CONFIDING_S,
        )
        if note is None:
            return
        if note.words is not None:
            self._show(note.words)
        try:
            self._waiting.put_nowait(note)
        except asyncio.QueueFull:
            self._count_lost(1, "the database has not been usable for too long")

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Write what is left, for a few seconds; harmless when repeated."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            await within(self._waiting.join(), _LAST_WORDS_S)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        if left := len(self._batch) + self._waiting.qsize():
            self._count_lost(left, "the relay stopped while the database could not be used")

    async def _write(self) -> None:
        while True:
            self._batch = [await self._waiting.get()]
            while len(self._batch) < _BATCH and not self._waiting.empty():
                self._batch.append(self._waiting.get_nowait())
            await self._write_batch()
            for _ in self._batch:
                self._waiting.task_done()
            self._batch = []

    async def _write_batch(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await self._diary.write(self._batch)
                return
            except StoreError as error:
                log(_logger, logging.WARNING, "turns wait to be kept", reason=str(error))
            except Exception:
                # A mistake of ours, which trying again would only repeat.
                self._count_lost(len(self._batch), "internal error")
                return
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _count_lost(self, count: int, reason: str) -> None:
        self._lose(count)
        log(_logger, logging.ERROR, "turns could not be kept", count=count, reason=reason)
