"""The thread that owns an engine: order, limits, hangs, cancellation, end."""

import asyncio
import contextlib
import threading
import time

import pytest

from relay.errors import EngineBusy, EngineError, EngineTimeout, ModelMissing
from relay.worker import MAX_HUNG, Worker

LONG = 30.0


class Resource:
    """Counts itself, and notes which thread made and freed it."""

    def __init__(self) -> None:
        self.made_in = threading.current_thread()
        self.freed_in: threading.Thread | None = None

    def free(self) -> None:
        self.freed_in = threading.current_thread()


@contextlib.asynccontextmanager
async def worker_of(factory=Resource, *, max_waiting=4, dispose=Resource.free):
    worker = Worker("test.engine", factory, max_waiting=max_waiting, dispose=dispose)
    try:
        yield worker
    finally:
        await worker.close()


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
        await asyncio.sleep(0.005)


async def test_everything_happens_in_one_thread_and_in_order():
    seen = []
    async with worker_of() as worker:
        first = await worker.call(lambda resource, _: resource, timeout_s=LONG)
        calls = [
            worker.call(
                lambda resource, _, n=n: seen.append((n, resource, threading.current_thread())),
                timeout_s=LONG,
            )
            for n in range(4)
        ]
        await asyncio.gather(*calls)
    assert seen == [(n, first, first.made_in) for n in range(4)]
    assert first.made_in is not threading.main_thread()
    assert first.freed_in is first.made_in
    assert not first.made_in.is_alive()


async def test_a_failure_names_its_type_and_place_but_never_its_text():
    def fail(_resource, _cancelled):
        raise ValueError("what the child said")

    async with worker_of() as worker:
        with pytest.raises(EngineError) as raised:
            await worker.call(fail, timeout_s=LONG)
        assert "ValueError at test_worker.py" in str(raised.value)
        assert "child" not in str(raised.value)
        assert raised.value.__cause__ is None
        # The engine goes on with the same resource.
        assert await worker.call(lambda _resource, _cancelled: 7, timeout_s=LONG) == 7


async def test_an_engine_that_cannot_load_says_why_and_may_be_tried_again():
    tries = []

    def factory():
        tries.append(1)
        if len(tries) == 1:
            raise ModelMissing("test.engine", "not there")
        return Resource()

    async with worker_of(factory) as worker:
        with pytest.raises(ModelMissing, match="not there"):
            await worker.start(timeout_s=LONG)
        await worker.start(timeout_s=LONG)


async def test_a_hung_engine_is_replaced_and_the_queue_goes_on():
    release = threading.Event()
    async with worker_of() as worker:
        old = await worker.call(lambda resource, _: resource, timeout_s=LONG)
        hung = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=0.2))
        waiting = asyncio.create_task(worker.call(lambda resource, _: resource, timeout_s=LONG))
        with pytest.raises(EngineTimeout):
            await hung
        new = await waiting
        assert new is not old
        assert worker.hung == 1
        release.set()
        await until(lambda: worker.hung == 0)
        assert old.freed_in is old.made_in


async def test_an_engine_that_hangs_again_and_again_is_given_up_until_it_lets_go():
    release = threading.Event()
    async with worker_of() as worker:
        for _ in range(MAX_HUNG):
            with pytest.raises(EngineTimeout):
                await worker.call(lambda *_: release.wait(LONG), timeout_s=0.05)
        with pytest.raises(EngineError, match="restart the relay"):
            await worker.call(lambda *_: 1, timeout_s=LONG)
        release.set()
        await until(lambda: worker.hung == 0)
        assert await worker.call(lambda *_: 1, timeout_s=LONG) == 1


async def test_who_waits_when_the_engine_is_given_up_is_told_at_once():
    release = threading.Event()
    async with worker_of() as worker:
        for _ in range(MAX_HUNG - 1):
            with pytest.raises(EngineTimeout):
                await worker.call(lambda *_: release.wait(LONG), timeout_s=0.05)
        last = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=0.2))
        waiting = asyncio.create_task(worker.call(lambda *_: 1, timeout_s=LONG))
        with pytest.raises(EngineTimeout):
            await last
        with pytest.raises(EngineError, match="hangs"):
            await waiting
        release.set()


async def test_a_factory_that_hangs_is_a_hang_too():
    release = threading.Event()

    def factory():
        if not release.is_set():
            release.wait(LONG)
        return Resource()

    async with worker_of(factory) as worker:
        with pytest.raises(EngineTimeout):
            await worker.start(timeout_s=0.1)
        release.set()
        await worker.start(timeout_s=LONG)


async def test_too_many_waiting_is_busy_and_so_is_a_turn_that_does_not_come():
    release = threading.Event()
    async with worker_of(max_waiting=1) as worker:
        running = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=LONG))
        waiting = asyncio.create_task(worker.call(lambda *_: 1, timeout_s=0.1))
        await until(lambda: worker.unfinished == 2)
        with pytest.raises(EngineBusy):
            await worker.call(lambda *_: 1, timeout_s=LONG)
        with pytest.raises(EngineBusy, match="turn did not come"):
            await waiting
        assert worker.hung == 0
        release.set()
        assert await running is True


async def test_cancelling_tells_the_job_and_frees_the_engine():
    stopped = threading.Event()

    def work(_resource, cancelled):
        cancelled.wait(LONG)
        stopped.set()

    async with worker_of() as worker:
        task = asyncio.create_task(worker.call(work, timeout_s=LONG))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await worker.call(lambda *_: stopped.is_set(), timeout_s=LONG)


async def test_a_cancelled_job_that_waits_is_never_begun():
    release, begun = threading.Event(), threading.Event()
    async with worker_of() as worker:
        running = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=LONG))
        waiting = asyncio.create_task(worker.call(lambda *_: begun.set(), timeout_s=LONG))
        await until(lambda: worker.unfinished == 2)
        waiting.cancel()
        await asyncio.wait([waiting])
        release.set()
        await running
        await worker.call(lambda *_: None, timeout_s=LONG)
    assert not begun.is_set()


async def test_a_job_that_hangs_after_its_caller_left_is_noticed():
    release = threading.Event()
    async with worker_of() as worker:
        task = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=0.2))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        await until(lambda: worker.hung == 1)
        assert await worker.call(lambda *_: 1, timeout_s=LONG) == 1
        release.set()


async def test_a_stream_comes_piece_by_piece_and_does_not_wait_for_its_reader():
    made = []

    def count(_resource, _cancelled):
        for n in range(50):
            made.append(n)
            yield n

    async with worker_of() as worker:
        stream = worker.stream(count, first_timeout_s=LONG, timeout_s=LONG)
        assert await anext(stream) == 0
        # Another caller is served although nobody has read the rest.
        await worker.call(lambda *_: None, timeout_s=LONG)
        assert len(made) == 50
        assert [n async for n in stream] == list(range(1, 50))
        assert worker.unfinished == 0


async def test_closing_a_stream_stops_it_within_one_piece():
    step, ended = threading.Semaphore(0), threading.Event()

    def endless(_resource, _cancelled):
        try:
            n = 0
            while True:
                step.acquire(timeout=LONG)
                yield n
                n += 1
        finally:
            ended.set()

    async with worker_of() as worker:
        stream = worker.stream(endless, first_timeout_s=LONG, timeout_s=LONG)
        step.release()
        assert await anext(stream) == 0
        await stream.aclose()
        step.release()  # the piece that was under way
        await worker.call(lambda *_: None, timeout_s=LONG)
        assert ended.is_set()


async def test_a_stream_that_stops_in_the_middle_is_a_hang():
    release = threading.Event()

    def stall(_resource, _cancelled):
        yield 1
        release.wait(LONG)

    async with worker_of() as worker:
        stream = worker.stream(stall, first_timeout_s=LONG, timeout_s=0.1)
        with pytest.raises(EngineTimeout):
            _ = [piece async for piece in stream]
        assert worker.hung == 1
        release.set()


async def test_an_error_in_the_middle_of_a_stream_comes_after_its_pieces():
    def fail(_resource, _cancelled):
        yield 1
        raise RuntimeError

    async with worker_of() as worker:
        pieces = []
        with pytest.raises(EngineError, match="RuntimeError"):
            async for piece in worker.stream(fail, first_timeout_s=LONG, timeout_s=LONG):
                pieces.append(piece)
        assert pieces == [1]


async def test_closing_tells_who_waits_and_refuses_who_comes():
    worker = Worker("test.engine", Resource, max_waiting=4)
    running = asyncio.create_task(
        worker.call(lambda _, cancelled: cancelled.wait(LONG), timeout_s=LONG)
    )
    waiting = asyncio.create_task(worker.call(lambda *_: 1, timeout_s=LONG))
    await until(lambda: worker.unfinished == 2)
    begun = time.monotonic()
    await worker.close()
    assert time.monotonic() - begun < LONG
    results = await asyncio.gather(running, waiting, return_exceptions=True)
    assert all(isinstance(result, EngineError) for result in results)
    with pytest.raises(EngineError, match="closed"):
        await worker.call(lambda *_: 1, timeout_s=LONG)
