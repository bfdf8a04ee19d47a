"""How the toys are, kept every few minutes; and what they tell of failures."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Protocol

from relay.database import StoreError
from relay.messages import Heartbeat, Hello
from relay.record import Stage, TurnRecord
from relay.store.health import Crash, Health, HealthSample
from relay.telemetry import log

_logger = logging.getLogger(__name__)

SAMPLE_EVERY_S = 300
_LOOK_EVERY_S = 5.0
_AFTER_A_FAILURE = "watchdog"  # a reset that says nothing more, and is one all the same


class Patient(Protocol):
    """A connected toy, as far as its health goes."""

    @property
    def id(self) -> str:
        """The session's id."""

    @property
    def hello(self) -> Hello | None:
        """What the toy said of itself."""

    @property
    def health(self) -> Heartbeat | None:
        """The latest heartbeat."""


class Vitals:
    """`observe` is a turn observer, `watch` a task; `sessions` are the connected toys by id."""

    def __init__(self, health: Health, sessions: Mapping[str, Patient]) -> None:
        self._health = health
        self._sessions = sessions
        self._turnaround_ms: dict[str, int] = {}  # the latest since the last sample, by toy
        self._greeted: dict[str, str] = {}  # toy to the session whose hello has been looked at
        self._sampled_at: dict[str, int] = {}  # by toy

    def observe(self, record: TurnRecord) -> None:
        """Take the time of an answer from a turn that has ended."""
        waited = record.between_ms(Stage.END_OF_SPEECH, Stage.FIRST_FRAME)
        if waited is not None:
            self._turnaround_ms[record.toy] = max(0, round(waited))

    async def watch(self) -> None:
        """Keep what there is to keep, until cancelled."""
        while True:
            try:
                await self.look(int(time.time()))
            except StoreError as error:
                log(_logger, logging.WARNING, "health could not be kept", reason=str(error))
            except Exception:
                log(_logger, logging.ERROR, "the toys' health could not be looked at")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def look(self, now: int) -> None:
        """Look at the toys at a time in Unix seconds; raises StoreError."""
        sessions = dict(self._sessions)
        await self._note_crashes(sessions, now)
        # Whole multiples: thinning keeps the same of every toy, and a restart adds none.
        at = now // SAMPLE_EVERY_S * SAMPLE_EVERY_S
        samples = [
            self._sample(toy, at, session.health)
            for toy, session in sessions.items()
            if session.health is not None and self._sampled_at.get(toy) != at
        ]
        if samples:
            await self._health.add(samples)
            for sample in samples:
                self._turnaround_ms.pop(sample.toy, None)
        here = {toy: then for toy, then in self._sampled_at.items() if toy in sessions}
        self._sampled_at = here | {sample.toy: at for sample in samples}

    def _sample(self, toy: str, at: int, beat: Heartbeat) -> HealthSample:
        return HealthSample(
            toy=toy,
            at=at,
            rssi=beat.rssi,
            battery_percent=beat.battery_percent,
            heap_free=min(beat.heap_free, 2**31 - 1),
            reconnects=None if beat.reconnects is None else min(beat.reconnects, 2**31 - 1),
            turnaround_ms=self._turnaround_ms.get(toy),
        )

    async def _note_crashes(self, sessions: Mapping[str, Patient], now: int) -> None:
        self._greeted = {toy: id_ for toy, id_ in self._greeted.items() if toy in sessions}
        for toy, session in sessions.items():
            hello = session.hello
            if hello is None or self._greeted.get(toy) == session.id:
                continue
            if hello.crash or hello.reset == _AFTER_A_FAILURE:
                told = Crash(toy, now, hello.firmware, hello.reset or "", hello.crash or "")
                await self._health.add_crash(told)
            self._greeted[toy] = session.id
