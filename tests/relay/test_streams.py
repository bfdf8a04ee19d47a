"""Working ahead and giving up, without losing an item, an error or a task."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from relay.errors import EngineTimeout, RelayError
from relay.streams import ReadAhead, with_deadlines, within


class Source:
    """Yields numbers; notes how far it got and whether it was closed."""

    def __init__(self, count: int, *, error: BaseException | None = None, hangs: bool = False):
        self.count = count
        self.error = error
        self.hangs = hangs
        self.made = 0
        self.closed = False

    async def items(self) -> AsyncGenerator[str, None]:
        try:
            for number in range(self.count):
                self.made += 1
                yield str(number)
            if self.hangs:
                await asyncio.Event().wait()
            if self.error:
                raise self.error
        finally:
            self.closed = True


async def test_all_items_in_order() -> None:
    ahead = ReadAhead(Source(5).items(), 2)
    assert [item async for item in ahead] == list("01234")
    assert [item async for item in ahead] == []


async def test_it_works_ahead_but_only_so_far() -> None:
    source = Source(50)
    ahead = ReadAhead(source.items(), 3)
    for _ in range(20):
        await asyncio.sleep(0)
    assert source.made == 4
    assert await anext(ahead) == "0"
    await ahead.aclose()
    await ahead.aclose()
    assert source.closed


async def test_closing_without_waiting_closes_the_source_all_the_same() -> None:
    source = Source(1, hangs=True)
    ahead = ReadAhead(source.items(), 3)
    await asyncio.sleep(0.01)
    ahead.close()
    await asyncio.sleep(0.01)
    assert source.closed
    assert ahead.error is None


async def test_error_comes_after_the_items_before_it() -> None:
    ahead = ReadAhead(Source(2, error=KeyError("x")).items(), 5)
    await asyncio.sleep(0.01)
    assert isinstance(ahead.error, KeyError)
    assert [await anext(ahead), await anext(ahead)] == ["0", "1"]
    with pytest.raises(KeyError):
        await anext(ahead)


async def test_cancellation_inside_the_source_is_an_error_not_a_hang() -> None:
    ahead = ReadAhead(Source(1, error=asyncio.CancelledError()).items(), 5)
    await anext(ahead)
    with pytest.raises(RelayError):
        await asyncio.wait_for(anext(ahead), 5)


async def test_cancelling_the_reader_closes_the_source() -> None:
    source = Source(1, hangs=True)

    async def read() -> None:
        async with contextlib.aclosing(ReadAhead(source.items(), 2)) as ahead:
            async for _ in ahead:
                pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    reader.cancel()
    await asyncio.wait([reader])
    assert reader.cancelled()
    assert source.closed


@pytest.mark.parametrize(("count", "first_s", "whole_s"), [(0, 0.05, 5), (1, 5, 0.05)])
async def test_deadlines(count: int, first_s: float, whole_s: float) -> None:
    source = Source(count, hangs=True)
    limited = with_deadlines(source.items(), first_s=first_s, whole_s=whole_s, engine="llm")
    with pytest.raises(EngineTimeout, match="llm"):
        async for _ in limited:
            pass
    assert source.closed


async def test_no_deadline_passed() -> None:
    source = Source(3)
    limited = with_deadlines(source.items(), first_s=5, whole_s=5, engine="llm")
    assert [item async for item in limited] == ["0", "1", "2"]


async def test_within_time() -> None:
    async def quick() -> int:
        return 7

    assert await within(quick(), 5) == 7
    with pytest.raises(TimeoutError):
        await within(asyncio.Event().wait(), 0.01)


async def test_cancellation_that_comes_with_the_result_is_not_swallowed() -> None:
    result = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(within(result, 5))
    await asyncio.sleep(0)
    result.set_result(7)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_what_will_not_be_cancelled_is_left_behind(monkeypatch) -> None:
    monkeypatch.setattr("relay.streams._LETTING_GO_S", 0.05)
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    with pytest.raises(TimeoutError):
        await within(stubborn(), 0.01)
    let_go.set()
