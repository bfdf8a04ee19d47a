"""Who is next when many want one engine, and who walks away."""

import asyncio
import contextlib
import threading

import pytest

from relay.errors import EngineBusy
from relay.urgency import Urgency
from relay.worker import Worker

LONG = 30.0


@contextlib.asynccontextmanager
async def worker_of(*, max_waiting):
    worker = Worker("test.engine", object, max_waiting=max_waiting)
    try:
        yield worker
    finally:
        await worker.close()


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens in another thread
        await asyncio.sleep(0.005)


async def blocked(worker, release):
    """Keep the worker's thread busy until `release` is set."""
    running = asyncio.create_task(worker.call(lambda *_: release.wait(LONG), timeout_s=LONG))
    await until(lambda: worker.unfinished == 1)
    return running


async def test_the_urgent_comes_first_and_equals_in_their_order():
    done, release = [], threading.Event()
    async with worker_of(max_waiting=9) as worker:
        running = await blocked(worker, release)
        asked = [
            (urgency, name)
            for urgency in (Urgency.BACKGROUND, Urgency.SPECULATIVE, Urgency.FIRST_SENTENCE)
            for name in "ab"
        ]
        waiting = [
            asyncio.create_task(
                worker.call(lambda *_, job=job: done.append(job), timeout_s=LONG, urgency=job[0])
            )
            for job in asked
        ]
        await until(lambda: worker.unfinished == 7)
        release.set()
        await asyncio.gather(running, *waiting)
    assert done == sorted(asked)


async def test_what_has_waited_long_enough_is_not_passed_any_more():
    done, release = [], threading.Event()
    async with worker_of(max_waiting=4) as worker:
        running = await blocked(worker, release)
        patient = asyncio.create_task(
            worker.call(lambda *_: done.append("old"), timeout_s=LONG, urgency=Urgency.LATER)
        )
        await asyncio.sleep(Urgency.LATER.patience_s + 0.1)
        urgent = asyncio.create_task(worker.call(lambda *_: done.append("new"), timeout_s=LONG))
        await until(lambda: worker.unfinished == 3)
        release.set()
        await asyncio.gather(running, patient, urgent)
    assert done == ["old", "new"]


async def test_a_full_queue_gives_up_what_is_least_urgent_for_what_is_more():
    release = threading.Event()
    async with worker_of(max_waiting=2) as worker:
        running = await blocked(worker, release)

        def ask(urgency):
            return asyncio.create_task(
                worker.call(lambda *_: urgency, timeout_s=LONG, urgency=urgency)
            )

        guess, ahead = ask(Urgency.SPECULATIVE), ask(Urgency.BACKGROUND)
        await until(lambda: worker.unfinished == 3)
        first = ask(Urgency.FIRST_SENTENCE)
        with pytest.raises(EngineBusy, match="more urgent"):
            await ahead
        with pytest.raises(EngineBusy, match="waiting already"):
            await ask(Urgency.SPECULATIVE)
        release.set()
        assert await guess is Urgency.SPECULATIVE
        assert await first is Urgency.FIRST_SENTENCE
        await running


async def test_a_cancellation_that_comes_together_with_a_piece_is_not_lost():
    begun = threading.Event()

    def work(_resource, cancelled):
        begun.set()
        cancelled.wait(LONG)

    async with worker_of(max_waiting=4) as worker:
        await worker.start(timeout_s=LONG)
        for _ in range(20):
            begun.clear()
            task = asyncio.create_task(worker.call(work, timeout_s=LONG))
            await asyncio.sleep(0)
            # The loop stands still until the thread has told it that the job began.
            begun.wait(LONG)
            task.cancel()
            await asyncio.wait([task], timeout=LONG)
            assert task.cancelled()
