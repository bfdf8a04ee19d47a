"""One utterance on its way through an engine: collected on the loop, worked on in the thread.

What an engine does with sound is a `Decoder`; this module gives it the sound in time, in order,
in bounded memory and never more than one job at once, so that many toys share one engine fairly.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from relay.audio import BYTES_PER_MS
from relay.errors import EngineBusy
from relay.stt import Transcript
from relay.worker import Cancelled, Worker

Model = TypeVar("Model")
Model_contra = TypeVar("Model_contra", contravariant=True)

MAX_UTTERANCE_MS = 130_000
"""Longest sound that is kept: above the longest `max_listen_s`. What comes later is dropped."""

FEED_MS = 100
"""Sound that is collected before the engine looks at it: smaller bites cost more than they help."""


class Decoder(Protocol[Model_contra]):
    """An engine's work on one utterance. Called in the engine's thread only."""

    def feed(self, model: Model_contra, pcm: bytes, cancelled: Cancelled) -> None:
        """Work on the next piece of sound."""

    def finish(self, model: Model_contra, cancelled: Cancelled) -> Transcript:
        """Return the transcript of all the sound."""


class Utterance(Generic[Model]):
    """The `Recognition` of every engine. Made by `Utterances.start`."""

    def __init__(
        self, worker: Worker[Model], decoder: Decoder[Model], timeout_s: float, room: list[object]
    ) -> None:
        self._worker = worker
        self._decoder: Decoder[Model] | None = decoder
        self._timeout_s = timeout_s
        self._room = room
        self._room.append(self)
        self._waiting = bytearray()
        self._bytes_left = MAX_UTTERANCE_MS * BYTES_PER_MS
        self._feeding: asyncio.Task[None] | None = None

    def accept(self, pcm: bytes) -> None:
        """Add sound; see `Recognition.accept`."""
        if self._decoder is None:
            return
        kept = pcm[: self._bytes_left]
        self._bytes_left -= len(kept)
        self._waiting += kept
        if self._feeding is None and len(self._waiting) >= FEED_MS * BYTES_PER_MS:
            self._feeding = asyncio.create_task(self._feed(self._decoder))
            # An utterance that is cancelled has nobody to tell its error to.
            self._feeding.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def finish(self) -> Transcript:
        """Return the transcript; see `Recognition.finish`."""
        decoder = self._decoder
        if decoder is None:
            return Transcript("", 0.0)
        try:
            if self._feeding is not None:
                await self._feeding
            rest = bytes(self._waiting)

            def run(model: Model, cancelled: Cancelled) -> Transcript:
                decoder.feed(model, rest, cancelled)
                return decoder.finish(model, cancelled)

            return await self._worker.call(run, timeout_s=self._timeout_s)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Throw the utterance away; see `Recognition.cancel`."""
        if self._feeding is not None:
            self._feeding.cancel()
        self._decoder = None
        self._waiting.clear()
        if self in self._room:
            self._room.remove(self)

    async def _feed(self, decoder: Decoder[Model]) -> None:
        """Give the engine what waits until less than a bite is left; `finish` raises its errors."""
        while len(self._waiting) >= FEED_MS * BYTES_PER_MS:
            bite = bytes(self._waiting)
            self._waiting.clear()

            def run(model: Model, cancelled: Cancelled, bite: bytes = bite) -> None:
                decoder.feed(model, bite, cancelled)

            await self._worker.call(run, timeout_s=self._timeout_s)
        self._feeding = None


class Utterances(Generic[Model]):
    """All utterances of an engine: at most `most` are under way."""

    def __init__(
        self, engine: str, load: Callable[[], Model], *, most: int, timeout_s: float
    ) -> None:
        self._most = most
        self._timeout_s = timeout_s
        self._under_way: list[object] = []
        # Each utterance has one job in the queue at most, so this queue is never full.
        self.worker: Worker[Model] = Worker(engine, load, max_waiting=most + 1)

    def start(self, decoder: Decoder[Model]) -> Utterance[Model]:
        """Begin an utterance; raises EngineBusy."""
        if len(self._under_way) >= self._most:
            raise EngineBusy(self.worker.engine, f"{self._most} utterances are under way already")
        return Utterance(self.worker, decoder, self._timeout_s, self._under_way)
