"""The paw, and a child that asks with it: squeeze, speak, let go, listen."""

from __future__ import annotations

import asyncio
import time
from typing import Literal

from device.light import Look
from tools.virtual_toy.errors import ToyTimeoutError
from tools.virtual_toy.microphone import Microphone
from tools.virtual_toy.process import Board
from tools.virtual_toy.reply import TURN_LOOKS, Reply, compose
from tools.virtual_toy.senses import Senses
from tools.virtual_toy.sound import Samples

TAP_S = 0.12
YOUR_TURN_S = 0.25  # the earcon that answers a tap
SETTLE_S = 0.25  # after the look has left the turn, its last sounds are on the way
START_S = 2.0  # a turn that has not begun by then will not: the toy is offline


class Paw:
    """The switch between the paw's pin and ground."""

    def __init__(self, board: Board, pin: int, senses: Senses) -> None:
        self.down = False
        self._board = board
        self._pin = pin
        self._senses = senses

    def press(self) -> float:
        """Squeeze; returns when."""
        return self._move(True)

    def release(self) -> float:
        """Let go; returns when."""
        return self._move(False)

    def _move(self, down: bool) -> float:
        self.down = down
        self._board.hold_pin(self._pin, 0 if down else 1)
        return self._senses.note("paw", "down" if down else "up").at


class Child:
    """Asks one question at a time."""

    def __init__(self, paw: Paw, microphone: Microphone, senses: Senses) -> None:
        self._paw = paw
        self._microphone = microphone
        self._senses = senses
        self._tapped = False  # the toy listens hands-free since it was interrupted by a tap

    async def ask(
        self,
        question: Samples,
        *,
        mode: Literal["hold", "tap"],
        lead_ms: float,
        hold_extra_ms: float,
        interrupt_after_ms: float | None,
        timeout_s: float,
        voiced_samples: int | None,
    ) -> Reply:
        """See VirtualToy.ask."""
        listens = self._paw.down or self._tapped
        pressed_at = time.monotonic() if listens else self._paw.press()
        released_at = None
        if mode == "tap" and not self._tapped:
            await asyncio.sleep(TAP_S)
            self._paw.release()
            await asyncio.sleep(YOUR_TURN_S)
        begins_at = time.monotonic() + lead_ms / 1000
        voiced_at = self._microphone.play(question, begins_at, voiced_samples)
        if mode == "hold":
            await asyncio.sleep(max(0.0, voiced_at + hold_extra_ms / 1000 - time.monotonic()))
            released_at = self._paw.release()
        deadline = time.monotonic() + timeout_s
        interrupted_at = None
        self._tapped = False
        if interrupt_after_ms is not None:
            interrupted_at = await self._interrupt(pressed_at, interrupt_after_ms, deadline)
        if interrupted_at is None:
            await self._wait_for_end(pressed_at, deadline)
        else:
            self._tapped = mode == "tap"
            if self._tapped:
                self._paw.release()
            await asyncio.sleep(SETTLE_S)
        self._microphone.hush()
        return compose(
            self._senses.speaker,
            [(at, look) for at, look in self._senses.looks if at >= pressed_at],
            pressed_at=pressed_at,
            released_at=released_at,
            last_voiced_at=voiced_at,
            interrupted_at=interrupted_at,
            now=time.monotonic(),
        )

    async def _interrupt(self, since: float, after_ms: float, deadline: float) -> float | None:
        """Squeeze the paw `after_ms` into the answer; returns when, None if it was shorter."""
        senses = self._senses
        began = await senses.wait(
            lambda: senses.look == Look.SPEAKING or self._is_over(since),
            deadline - time.monotonic(),
        )
        if not began or senses.look != Look.SPEAKING:
            return None
        # The light is earlier than the sound, which the toy gathers first.
        await senses.wait(lambda: senses.speaker.end > time.monotonic(), START_S)
        await asyncio.sleep(after_ms / 1000)
        if senses.look != Look.SPEAKING:
            return None
        interrupted_at = self._paw.press()
        await asyncio.sleep(TAP_S)
        return interrupted_at

    async def _wait_for_end(self, since: float, deadline: float) -> None:
        """Wait until the turn is over and its last sample has been heard."""
        timeout_s = deadline - time.monotonic()
        if not await self._senses.wait(lambda: self._is_over(since), timeout_s):
            raise ToyTimeoutError(
                f"The toy was still {self._senses.look} {timeout_s:.0f} s after the question."
            )
        await asyncio.sleep(SETTLE_S)
        await asyncio.sleep(max(0.0, min(deadline, self._senses.speaker.end) - time.monotonic()))

    def _is_over(self, since: float) -> bool:
        if self._paw.down or self._senses.look in TURN_LOOKS:
            return False
        began = any(at >= since and look in TURN_LOOKS for at, look in self._senses.looks)
        return began or time.monotonic() > since + START_S
