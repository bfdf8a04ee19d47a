"""Keeps the time that children talk, over restarts, and tells what each may do now.

The day is the home's calendar day, durations are measured with a clock that nobody can set: moving
the computer's clock neither adds minutes nor takes any.
"""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.age import AgeBand
from relay.database import StoreError
from relay.house import House, Standing
from relay.rules.leave import Leave, Rest, Talked, leave
from relay.rules.stopwatch import Stopwatch
from relay.rules.wording import resting, soon
from relay.store.usage import Usage
from relay.telemetry import log

_logger = logging.getLogger(__name__)

SAVE_EVERY_S = 30.0
WARN_S = 120.0
"""Rest that is nearer than this is announced, once."""

_SECONDS_A_DAY = 24 * 3600


@dataclass(frozen=True)
class HomeTime:
    """The clocks: local time as `time.localtime` gives it, and one that only goes forward."""

    local: Callable[[], time.struct_time] = time.localtime
    monotonic: Callable[[], float] = time.monotonic

    def day(self) -> str:
        """Return the day of the home's calendar: 2026-11-22."""
        return time.strftime("%Y-%m-%d", self.local())

    def second_of_day(self) -> int:
        """Return the seconds since midnight on the home's clock, as it shows them."""
        now = self.local()
        return min(now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec, _SECONDS_A_DAY - 1)


@dataclass
class _Child:
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    saved: dict[str, int] = field(default_factory=dict)  # day to seconds, as the store has them
    unsaved: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    warned: Rest | None = None


class Timekeeper:
    """One for the whole relay. `refresh` it every second or so."""

    def __init__(self, house: House, usage: Usage, clock: HomeTime | None = None) -> None:
        self._house = house
        self._usage = usage
        self._clock = clock or HomeTime()
        # By child; toys without one are kept under their own id, and only in memory.
        self._children: dict[str, _Child] = defaultdict(_Child)
        self._saved_at = -math.inf
        self._one_at_a_time = asyncio.Lock()

    def leave(self, toy: str) -> Leave:
        """Return what the child of a toy may do now."""
        standing = self._house.standings.get(toy)
        # A toy that was let in a moment ago, and is not in the house's view yet.
        return Leave(None) if standing is None else self._leave(standing)

    def begin(self, toy: str) -> None:
        """A turn begins."""
        child = self._child(toy)
        if child.stopwatch.is_running:
            self.end(toy)
        self._add(child, child.stopwatch.begin(self._clock.monotonic()))

    def end(self, toy: str) -> None:
        """The turn has ended; harmless when none ran."""
        child = self._child(toy)
        self._add(child, child.stopwatch.end(self._clock.monotonic()))

    def closing_words(self, toy: str, band: AgeBand) -> str | None:
        """Return what is to be said after an answer: that rest begins, or that it is near."""
        now = self.leave(toy)
        child = self._child(toy)
        if now.rest is not None:
            child.warned = None
            return resting(now, band)
        if now.left_s is None or now.left_s > WARN_S:
            child.warned = None
            return None
        if child.warned is now.ending:
            return None
        child.warned = now.ending
        return soon(now)

    async def refresh(self) -> None:
        """Look at the store, and write to it what is due; raises StoreError, and loses nothing."""
        async with self._one_at_a_time:
            if self._clock.monotonic() - self._saved_at >= SAVE_EVERY_S:
                await self._save()
            await self._load()

    async def save(self) -> None:
        """Write all that was talked to the store, as when the relay stops; never raises."""
        try:
            async with self._one_at_a_time:
                await self._save()
        except StoreError as error:
            log(_logger, logging.ERROR, "minutes could not be stored", reason=str(error))

    async def _save(self) -> None:
        for identifier, child in list(self._children.items()):
            if not self._is_child(identifier):
                continue
            if child.stopwatch.is_running:
                # What runs is counted as it goes: a relay that is cut off gives no minute back.
                now = self._clock.monotonic()
                self._add(child, child.stopwatch.end(now))
                child.stopwatch.begin(now)
            for day, seconds in list(child.unsaved.items()):
                if whole := int(seconds):
                    child.saved[day] = await self._usage.add(identifier, day, whole)
                    child.unsaved[day] -= whole
                if day != self._clock.day():
                    del child.unsaved[day]
        self._saved_at = self._clock.monotonic()

    async def _load(self) -> None:
        day = self._clock.day()
        for standing in list(self._house.standings.values()):
            if standing.toy.child is None:
                continue
            child = self._children[standing.toy.child]
            if day not in child.saved:
                child.saved = {day: await self._usage.of(standing.toy.child, day)}
        known = {each.toy.child or each.toy.id for each in self._house.standings.values()}
        for gone in self._children.keys() - known:
            del self._children[gone]

    def _leave(self, standing: Standing) -> Leave:
        child = self._children[standing.toy.child or standing.toy.id]
        now, day = self._clock.monotonic(), self._clock.day()
        today = child.saved.get(day, 0) + child.unsaved.get(day, 0.0)
        talked = Talked(
            today=today + child.stopwatch.running(now),
            stretch=child.stopwatch.stretch(now),
            break_left=child.stopwatch.break_left(now),
        )
        return leave(standing, self._clock.second_of_day(), talked)

    def _child(self, toy: str) -> _Child:
        standing = self._house.standings.get(toy)
        return self._children[(standing.toy.child if standing else None) or toy]

    def _is_child(self, identifier: str) -> bool:
        standings = self._house.standings.values()
        return any(standing.toy.child == identifier for standing in standings)

    def _add(self, child: _Child, seconds: float) -> None:
        if seconds > 0:
            child.unsaved[self._clock.day()] += seconds
