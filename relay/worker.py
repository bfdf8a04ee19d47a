"""A thread that owns one engine, so that a slow or hung engine never stops the event loop.

Speech and language libraries block, keep state that only one thread may touch, and now and then
hang inside native code, where nothing can stop them. A `Worker` gives such a library a thread of
its own and a bounded queue in front of it. A job that hangs costs its caller an `EngineTimeout`;
its thread is abandoned, and a new thread with a fresh resource takes over the queue.

The urgent comes first, but others let it pass for a while only, so that nobody starves; among
equals it is first come, first served.
"""

import asyncio
import contextlib
import enum
import itertools
import math
import queue
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

from relay.errors import EngineBusy, EngineError, EngineTimeout
from relay.streams import within
from relay.urgency import Urgency

T = TypeVar("T")
R = TypeVar("R")

Cancelled = threading.Event
"""Set when nobody waits for a job any more; a long job looks at it often and returns."""

MAX_HUNG = 3
"""Abandoned threads that may be stuck at once: each holds its own copy of the resource."""

MAX_PIECES = 8192
"""Pieces that a stream may make; far above the longest reply that the settings allow."""

CLOSE_TIMEOUT_S = 5.0


class _Event(enum.Enum):
    STARTED = enum.auto()
    PIECE = enum.auto()
    DONE = enum.auto()
    FAILED = enum.auto()


class _Job(Generic[T]):
    """One request, and the way back from the worker's thread to the event loop that asked."""

    def __init__(self, run: Callable[[T, Cancelled], Iterator[Any]], urgency: Urgency) -> None:
        self.run = run
        self.urgency = urgency
        self.place = time.monotonic() + urgency.patience_s
        self.cancelled = Cancelled()
        self.events: asyncio.Queue[tuple[_Event, Any]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def post(self, event: _Event, value: object = None) -> None:
        """Tell the loop that asked, from any thread; a loop that has closed needs no answer."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.events.put_nowait, (event, value))


class _Life(Generic[T]):
    """One life of a worker: a thread and the resource it made. Ends by a None in the queue."""

    def __init__(self, worker: "Worker[T]") -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._abandoned = False
        self._job: _Job[T] | None = None
        # A daemon, so that a hung library cannot keep the process from ending.
        self.thread = threading.Thread(target=self._loop, name=worker.engine, daemon=True)
        self.thread.start()

    def abandon(self, job: _Job[T]) -> bool:
        """Give this thread up if `job` still holds it; the thread ends when the job lets go."""
        with self._lock:
            if self._job is job:
                self._abandoned = True
            return self._abandoned

    def _loop(self) -> None:
        resource: T | None = None
        while (job := self._worker.jobs.get()[-1]) is not None:
            if job.cancelled.is_set():
                continue
            self._job = job
            try:
                if resource is None:
                    resource = self._worker.factory()
                self._run(job, resource)
            except BaseException as error:  # whatever it was, the caller gets it
                job.post(_Event.FAILED, _as_engine_error(self._worker.engine, error))
            with self._lock:
                self._job = None
                if self._abandoned:
                    break
        if resource is not None and self._worker.dispose is not None:
            with contextlib.suppress(Exception):
                self._worker.dispose(resource)

    def _run(self, job: _Job[T], resource: T) -> None:
        job.post(_Event.STARTED)
        pieces = job.run(resource, job.cancelled)
        try:
            for made, piece in enumerate(pieces, start=1):
                if job.cancelled.is_set():
                    raise EngineError(self._worker.engine, "was cancelled")
                if made > MAX_PIECES:
                    raise EngineError(self._worker.engine, "made more than anybody can use")
                job.post(_Event.PIECE, piece)
        finally:
            if close := getattr(pieces, "close", None):
                close()
        job.post(_Event.DONE)


class Worker(Generic[T]):
    """Runs jobs on one resource, one at a time, in a thread of its own. Use it from one loop.

    `factory` makes the resource in that thread, at the first job; `dispose` frees it there at the
    end. At most `max_waiting` jobs wait behind the one that runs.
    """

    def __init__(
        self,
        engine: str,
        factory: Callable[[], T],
        *,
        max_waiting: int,
        dispose: Callable[[T], None] | None = None,
    ) -> None:
        self.engine = engine
        self.factory = factory
        self.dispose = dispose
        # A job, or None to end the thread, behind its place and a number that tells equals apart.
        self.jobs: queue.PriorityQueue[tuple[float, int, _Job[T] | None]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._max_waiting = max_waiting
        self._unfinished: list[_Job[T]] = []
        self._life: _Life[T] | None = None
        self._hung: list[_Life[T]] = []
        self._closed = False

    @property
    def unfinished(self) -> int:
        """Jobs that wait or run."""
        return len(self._unfinished)

    @property
    def hung(self) -> int:
        """Abandoned threads that are still stuck."""
        self._hung = [life for life in self._hung if life.thread.is_alive()]
        return len(self._hung)

    async def start(self, *, timeout_s: float) -> None:
        """Make the resource now; raises as `call` does, with what the factory raised."""
        await self.call(lambda _resource, _cancelled: None, timeout_s=timeout_s)

    async def call(
        self,
        function: Callable[[T, Cancelled], R],
        *,
        timeout_s: float,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> R:
        """Return `function(resource, cancelled)`, which may run for `timeout_s` seconds.

        Raises EngineBusy when too many wait already, its turn does not come within as long again,
        or it had to make room for something more urgent; EngineTimeout when it hangs; EngineError
        when it raises or the worker is closed.
        """

        def run(resource: T, cancelled: Cancelled) -> Iterator[R]:
            yield function(resource, cancelled)

        stream = self.stream(run, first_timeout_s=timeout_s, timeout_s=timeout_s, urgency=urgency)
        async with contextlib.aclosing(stream):
            (result,) = [result async for result in stream]
        return result

    async def stream(
        self,
        function: Callable[[T, Cancelled], Iterator[R]],
        *,
        first_timeout_s: float,
        timeout_s: float,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> AsyncGenerator[R, None]:
        """Yield what the iterator `function(resource, cancelled)` yields; raises as `call` does.

        The first piece may take `first_timeout_s`, each later one `timeout_s`. The job never waits
        for its reader: a toy that speaks slowly must not hold the model. `aclose()` cancels it.
        """
        job = self._submit(function, urgency)
        started = ended = False
        allowed = first_timeout_s
        try:
            while True:
                try:
                    event, value = await within(job.events.get(), allowed)
                except TimeoutError:
                    raise self._gave_up(job, allowed, started=started) from None
                if event is _Event.STARTED:
                    started = True
                elif event is _Event.PIECE:
                    allowed = timeout_s
                    yield value
                else:
                    ended = not job.cancelled.is_set()
                    if event is _Event.FAILED:
                        raise value
                    return
        finally:
            job.cancelled.set()
            self._unfinished.remove(job)
            if not ended:
                # Nobody waits for it (barge-in); should the job hang, somebody must notice.
                asyncio.get_running_loop().call_later(timeout_s, self._replace, job)

    async def close(self) -> None:
        """Cancel what waits and runs, and end the thread; a hung one is left behind."""
        self._closed = True
        for job in self._unfinished:
            job.post(_Event.FAILED, EngineError(self.engine, "is closing"))
            job.cancelled.set()
        self.jobs.put((-math.inf, next(self._numbers), None))
        if self._life is not None:
            await asyncio.to_thread(self._life.thread.join, CLOSE_TIMEOUT_S)

    def _submit(
        self, function: Callable[[T, Cancelled], Iterator[Any]], urgency: Urgency
    ) -> _Job[T]:
        if self._closed:
            raise EngineError(self.engine, "is closed")
        self._make_room(urgency)
        if self._life is None:
            if self.hung >= MAX_HUNG:
                raise EngineError(self.engine, f"hung {MAX_HUNG} times; restart the relay")
            self._life = _Life(self)
        job = _Job(function, urgency)
        self._unfinished.append(job)
        self.jobs.put((job.place, next(self._numbers), job))
        return job

    def _make_room(self, urgency: Urgency) -> None:
        """Give up what can best be spared, if that is less urgent; raises EngineBusy if not."""
        wanted = [job for job in self._unfinished if not job.cancelled.is_set()]
        if len(wanted) <= self._max_waiting:
            return
        spare = max(wanted, key=lambda job: job.place)
        if spare.urgency <= urgency:
            raise EngineBusy(self.engine, f"{self._max_waiting} others are waiting already")
        spare.cancelled.set()
        spare.post(_Event.FAILED, EngineBusy(self.engine, "something more urgent took its place"))

    def _gave_up(self, job: _Job[T], waited_s: float, *, started: bool) -> EngineError:
        # A job that holds the thread without having started hangs in the factory.
        if self._replace(job) or started:
            return EngineTimeout(self.engine, f"did not answer within {waited_s:g} s")
        return EngineBusy(self.engine, f"its turn did not come within {waited_s:g} s")

    def _replace(self, job: _Job[T]) -> bool:
        """Abandon the thread if `job` still holds it, and let a new one take over the queue."""
        if self._life is None or not self._life.abandon(job):
            return False
        self._hung.append(self._life)
        self._life = None
        if self._closed:
            return True
        if self.hung < MAX_HUNG:
            self._life = _Life(self)
            return True
        for waiting in self._unfinished:
            if waiting is not job:
                waiting.post(_Event.FAILED, EngineError(self.engine, "hangs; restart the relay"))
                waiting.cancelled.set()
        return True


def _as_engine_error(engine: str, error: BaseException) -> EngineError:
    """Name the exception's type and place, never its text: that may quote a child."""
    if isinstance(error, EngineError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return EngineError(engine, f"{type(error).__name__}{place}")
