"""One turn's sound on its way to the toy: announced, paced, and always ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from device.protocol import FRAME_MS, PCM_FRAME_BYTES
from relay import messages
from relay.frames import SILENCE, FramePacker
from relay.link import ToyLink
from relay.pacer import PlayoutClock
from relay.record import Stage, TurnRecord

SENTENCE_PAUSE_MS = 160
"""Silence after a sentence: the engines trim theirs, and people take a breath."""

CLAUSE_PAUSE_MS = 40
"""Silence after a part of a sentence."""

_SENTENCE_ENDS = (".", "!", "?", '"', "”", "…")


@dataclass(frozen=True)
class Utterance:
    """A sentence and its sound: 16 kHz mono signed 16-bit little-endian."""

    text: str
    pcm: bytes


class Speech:
    """What the toy says in one turn."""

    def __init__(
        self, link: ToyLink, codec: int, clock: PlayoutClock, turn: int, record: TurnRecord
    ) -> None:
        self._link = link
        self._clock = clock
        self._turn = turn
        self._record = record
        self._packer = FramePacker(codec, turn)
        self._said = ""  # what was said last
        self.started = False
        self.stopped = False

    async def say(self, utterance: Utterance) -> None:
        """Send one sentence, at the pace of the toy's ear; it returns when the last frame left."""
        if self._said:
            await self._send(_pause_after(self._said))
        self._said = utterance.text
        self._record.said.append(utterance.text)
        await self._send(utterance.pcm)

    async def say_all(self, utterances: AsyncIterator[Utterance]) -> None:
        """Send sentences as they come; while one is late, silence keeps the toy from running dry.

        A toy that runs dry stops, counts an underrun and collects a prebuffer again.
        """
        while True:
            upcoming = asyncio.ensure_future(anext(utterances, None))
            try:
                while not upcoming.done():
                    await self._bridge(upcoming)
            finally:
                if not upcoming.done():
                    upcoming.cancel()
                    await asyncio.wait([upcoming])
            utterance = upcoming.result()
            if utterance is None:
                return
            await self.say(utterance)

    async def _bridge(self, upcoming: "asyncio.Future[Utterance | None]") -> None:
        wait_s: float | None = None
        if self.started:
            # A frame at a time at most: silence sent too eagerly only delays the next sentence.
            wait_s = max(self._clock.until_low_s(time.monotonic()), FRAME_MS / 1000)
        await asyncio.wait([upcoming], timeout=wait_s)
        if not upcoming.done():
            await self._send(SILENCE)

    async def _send(self, pcm: bytes) -> None:
        if not self.started:
            self.started = True
            await self._link.send(messages.speech_start(self._turn))
        for start in range(0, len(pcm), PCM_FRAME_BYTES):
            frame = pcm[start : start + PCM_FRAME_BYTES]
            if wait_s := self._clock.wait_s(time.monotonic()):
                await asyncio.sleep(wait_s)
            await self._link.send(self._packer.pack(frame.ljust(PCM_FRAME_BYTES, b"\0")))
            now = time.monotonic()
            self._clock.sent(now)
            self._record.at.setdefault(Stage.FIRST_FRAME, now)
            self._record.at[Stage.LAST_FRAME] = now
            self._record.audio_out_ms += FRAME_MS

    async def stop(self, reason: str) -> None:
        """End the turn's sound with a reason of `StopReason`; only the first call counts."""
        if self.stopped:
            return
        self.stopped = True
        await self._link.send(messages.speech_stop(self._turn, reason, self._packer.count))

    def held_s(self) -> float:
        """Return the seconds of sound that the toy has still to play."""
        return self._clock.held_s(time.monotonic())


def _pause_after(text: str) -> bytes:
    pause_ms = SENTENCE_PAUSE_MS if text.endswith(_SENTENCE_ENDS) else CLAUSE_PAUSE_MS
    return bytes(PCM_FRAME_BYTES * (pause_ms // FRAME_MS))
