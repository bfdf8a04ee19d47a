"""Keeps the connected toys in step with what parents decide, on the page or by the command line."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from device.protocol import Close
from relay.database import StoreError
from relay.guardian import HouseGuardian
from relay.house import House
from relay.rules.loudness import Loudness
from relay.rules.timekeeper import HomeTime, Timekeeper
from relay.session import Session
from relay.store import Store
from relay.store.usage import Usage
from relay.streams import within
from relay.telemetry import log

_logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
"""How soon a removed toy is cut off, and a new rule takes effect, whoever has changed it."""


class Caretaker:
    """One for the whole relay. `guardian` is what sessions ask before every turn."""

    def __init__(self, store: Store) -> None:
        self.house = House(store.database)
        self._clock = HomeTime()
        self._timekeeper = Timekeeper(self.house, Usage(store.database), self._clock)
        self.guardian = HouseGuardian(self.house, self._timekeeper)
        self._loudness = Loudness()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Look at the house for the first time; raises StoreError."""
        await self.house.refresh()
        await self._timekeeper.refresh()

    async def stop(self) -> None:
        """Write down the minutes that were talked; never raises."""
        await self._timekeeper.save()

    async def note_change(self) -> None:
        """Have what a parent has just changed take effect; raises StoreError."""
        await self.house.refresh()
        self._changed.set()

    async def watch(self, sessions: Mapping[str, Session]) -> None:
        """See what was changed, here at once, by another process within a second; endless."""
        while True:
            with contextlib.suppress(TimeoutError):
                await within(self._changed.wait(), _LOOK_EVERY_S)
            self._changed.clear()
            try:
                await self._look(sessions)
            except Exception as error:
                # Whatever it was, a parent's next change must still be seen.
                reason = str(error) if isinstance(error, StoreError) else type(error).__name__
                log(_logger, logging.ERROR, "the house could not be looked at", reason=reason)

    async def _look(self, sessions: Mapping[str, Session]) -> None:
        # Listed first: a toy that comes in meanwhile may be newer than what is looked at.
        here = list(sessions.values())
        await self.house.refresh()
        self.guardian.forget_the_gone()
        await asyncio.gather(*map(self._check, here))
        self._loudness.apply(sessions, self.house.standings, self._clock.second_of_day())
        await self._timekeeper.refresh()

    async def _check(self, session: Session) -> None:
        """Cut off a toy that was removed; have one of another age or child connect anew."""
        standing = self.house.standings.get(session.toy.id)
        if standing is None:
            await session.close(Close.NOT_AUTHORISED, "token unknown or revoked")
        elif standing.toy.age != session.toy.age:
            await session.close(Close.GOING_AWAY, "the age was changed")
        elif standing.toy.child != session.toy.child:
            await session.close(Close.GOING_AWAY, "the child was changed")
