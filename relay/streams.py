"""Tools for pipelines that can be interrupted: time limits, and working ahead."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TypeVar

from relay.errors import EngineTimeout, RelayError

T = TypeVar("T")


# For what was cancelled to let go; then it is left behind, as its worker may be hung.
_LETTING_GO_S = 2.0


async def within(awaitable: Awaitable[T], timeout_s: float) -> T:
    """Return what `awaitable` gives; TimeoutError, and it is cancelled, after `timeout_s`.

    Unlike `asyncio.wait_for` before Python 3.12 it never swallows a cancellation that arrives
    together with the result (CPython #81839): a child's interruption must not get lost.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait([task], timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_LETTING_GO_S)
    if not task.done() or task.cancelled():
        raise TimeoutError
    return task.result()


class _End:
    """The source has ended, with an error or without."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


async def read_ahead(source: AsyncGenerator[T, None], limit: int) -> AsyncGenerator[T, None]:
    """Yield what `source` yields, letting it work up to `limit` items ahead in its own task.

    Closing this generator stops the task and closes `source` before it returns; an exception of
    `source` is raised here after the items that came before it.
    """
    ready: asyncio.Queue[T | _End] = asyncio.Queue(limit)
    closing = False

    async def pump() -> None:
        end = _End()
        try:
            async with contextlib.aclosing(source):
                async for item in source:
                    await ready.put(item)
        except asyncio.CancelledError:
            if closing:
                raise
            # Not our own cancellation: something below gave up, and the reader must hear of it.
            end = _End(RelayError("the source was cancelled"))
        except Exception as error:
            end = _End(error)
        await ready.put(end)

    task = asyncio.create_task(pump())
    try:
        while not isinstance(item := await ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closing = True
        task.cancel()
        await asyncio.wait([task])


async def _next(source: AsyncIterator[str]) -> str | _End:
    # StopAsyncIteration cannot travel through a task's result.
    try:
        return await anext(source)
    except StopAsyncIteration:
        return _End()


async def with_deadlines(
    source: AsyncIterator[str], *, first_s: float, whole_s: float, engine: str
) -> AsyncGenerator[str, None]:
    """Yield what `source` yields; EngineTimeout if the first item or the whole takes too long.

    Closing this generator closes `source`, if it can be closed.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    limit = min(first_s, whole_s)
    try:
        while True:
            left = began + limit - loop.time()
            try:
                item = await within(_next(source), left)
            except TimeoutError:
                raise EngineTimeout(engine, f"no answer within {limit:g} s") from None
            if isinstance(item, _End):
                return
            limit = whole_s
            yield item
    finally:
        if (close := getattr(source, "aclose", None)) is not None:
            await close()
