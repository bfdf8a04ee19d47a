"""One utterance on its way through an engine: collected on the loop, worked on in the thread.

What an engine does with sound is a `Decoder`; this module gives it the sound in time, in order and
in bounded memory, and asks it for a transcript ahead of time while nobody else needs the engine.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from relay.audio import BYTES_PER_MS
from relay.errors import EngineBusy, EngineError
from relay.stt import Transcript
from relay.urgency import Urgency
from relay.worker import Cancelled, Worker

Model = TypeVar("Model")
Model_contra = TypeVar("Model_contra", contravariant=True)
R = TypeVar("R")

MAX_UTTERANCE_MS = 130_000
"""Longest sound that is kept: above the longest `max_listen_s`. What comes later is dropped."""

FEED_MS = 60
"""Sound that is collected before the engine looks at it: smaller bites cost more than they help."""

_WAITED_FOR = {Urgency.FIRST_SENTENCE, Urgency.SPECULATIVE}

_JOBS_EACH = 3
"""Jobs of an utterance that may wait at once: it is fed, looked at, and ended."""


class Decoder(Protocol[Model_contra]):
    """An engine's work on one utterance. Called in the engine's thread only."""

    def feed(self, model: Model_contra, pcm: bytes) -> None:
        """Take in the next piece of sound."""

    @property
    def ripe(self) -> bool:
        """Whether the child paused, and a transcript made now would save time at the end."""

    def so_far(self, model: Model_contra, cancelled: Cancelled) -> Transcript:
        """Return the transcript of all the sound up to now; more may follow.

        It may leave much sound for the end, and return none. Once `cancelled` is set it returns
        soon, whatever it has.
        """

    def finish(self, model: Model_contra, cancelled: Cancelled) -> Transcript:
        """Return the transcript of all the sound."""


class Utterance(Generic[Model]):
    """The `Recognition` of every engine. Made by `Utterances.start`."""

    def __init__(self, engine: "Utterances[Model]", decoder: Decoder[Model]) -> None:
        self._engine = engine
        self._decoder: Decoder[Model] | None = decoder
        self._bytes_left = MAX_UTTERANCE_MS * BYTES_PER_MS
        self._bytes_waiting = 0
        # The loop adds to it, the engine's thread takes from it.
        self._waiting: deque[bytes] = deque()
        self._feeding: asyncio.Task[None] | None = None
        self._inside = threading.Lock()
        self._given_up = threading.Event()
        self._error: Exception | None = None

    def accept(self, pcm: bytes) -> None:
        """Add sound; see `Recognition.accept`."""
        if self._decoder is None:
            return
        kept = pcm[: self._bytes_left]
        self._bytes_left -= len(kept)
        self._bytes_waiting += len(kept)
        self._waiting.append(kept)
        if self._feeding is None and self._bytes_waiting >= FEED_MS * BYTES_PER_MS:
            self._feeding = asyncio.create_task(self._feed(self._decoder))

    async def so_far(self) -> Transcript:
        """Return the transcript up to now; see `Recognition.so_far`."""
        if (decoder := self._decoder) is None:
            return Transcript("", 0.0)
        return await self._work(decoder, decoder.so_far, Urgency.SPECULATIVE)

    async def partial(self) -> Transcript:
        """Return the words so far, if that holds nobody up; see `Recognition.partial`."""
        if (decoder := self._decoder) is None or not self._engine.may_work_ahead:
            return Transcript("", 0.0)
        return await self._work_ahead(decoder)

    async def finish(self) -> Transcript:
        """Return the transcript; see `Recognition.finish`."""
        if (decoder := self._decoder) is None:
            return Transcript("", 0.0)
        try:
            return await self._work(decoder, decoder.finish, Urgency.FIRST_SENTENCE)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Throw the utterance away; see `Recognition.cancel`."""
        if self._feeding is not None:
            self._feeding.cancel()
        self._decoder = None
        self._waiting.clear()
        self._engine.under_way.discard(self)

    async def _feed(self, decoder: Decoder[Model]) -> None:
        """Give the engine what waits until less than a bite is left; `finish` raises its errors."""
        try:
            while self._bytes_waiting >= FEED_MS * BYTES_PER_MS:
                self._bytes_waiting = 0
                ripe = await self._work(decoder, lambda *_: decoder.ripe, Urgency.LATER)
                if ripe and self._engine.may_work_ahead:
                    await self._work_ahead(decoder)
        except EngineError as error:
            self._error = error
        finally:
            self._feeding = None

    async def _work_ahead(self, decoder: Decoder[Model]) -> Transcript:
        """Return a transcript that the decoder remembers; empty when somebody needs the engine."""
        self._given_up.clear()
        self._engine.working_ahead = self
        try:
            return await self._work(
                decoder,
                lambda model, _cancelled: decoder.so_far(model, self._given_up),
                Urgency.BACKGROUND,
            )
        except EngineBusy:
            return Transcript("", 0.0)  # something more urgent took its place
        finally:
            self.give_up()
            self._engine.working_ahead = None

    def give_up(self) -> None:
        """End the work ahead, if there is any: somebody waits for the engine."""
        self._given_up.set()

    async def _work(
        self, decoder: Decoder[Model], work: Callable[[Model, Cancelled], R], urgency: Urgency
    ) -> R:
        """Return what `work` gives in the engine's thread once all sound that came is taken in."""

        def run(model: Model, cancelled: Cancelled) -> R:
            if not self._inside.acquire(blocking=False):
                raise EngineError(self._engine.worker.engine, "hangs in what was said before")
            try:
                self._catch_up(decoder, model)
                return work(model, cancelled)
            finally:
                self._inside.release()

        ahead = self._engine.working_ahead
        if urgency in _WAITED_FOR and ahead is not None and ahead is not self:
            ahead.give_up()
        return await self._engine.worker.call(
            run, timeout_s=self._engine.timeout_s, urgency=urgency
        )

    def _catch_up(self, decoder: Decoder[Model], model: Model) -> None:
        if self._error is not None:
            raise self._error
        pieces = []
        with contextlib.suppress(IndexError):
            while True:
                pieces.append(self._waiting.popleft())
        try:
            if pieces:
                decoder.feed(model, b"".join(pieces))
        except Exception as error:
            self._error = error  # a part is missing now: no transcript would be a true one
            raise


class Utterances(Generic[Model]):
    """All utterances of an engine: at most `most` are under way.

    With `ahead` a transcript is made at every pause, while nobody else needs the engine.
    """

    def __init__(
        self,
        engine: str,
        load: Callable[[], Model],
        *,
        most: int,
        timeout_s: float,
        ahead: bool = False,
    ) -> None:
        self._most = most
        self.timeout_s = timeout_s
        self._ahead = ahead
        self.under_way: set[Utterance[Model]] = set()
        self.working_ahead: Utterance[Model] | None = None
        self.worker: Worker[Model] = Worker(engine, load, max_waiting=most * _JOBS_EACH)

    def start(self, decoder: Decoder[Model]) -> Utterance[Model]:
        """Begin an utterance; raises EngineBusy."""
        if len(self.under_way) >= self._most:
            raise EngineBusy(self.worker.engine, f"{self._most} utterances are under way already")
        utterance = Utterance(self, decoder)
        self.under_way.add(utterance)
        return utterance

    @property
    def may_work_ahead(self) -> bool:
        """Whether a transcript may be made before anybody asked for it: nobody waits."""
        return self._ahead and self.worker.unfinished == 0
