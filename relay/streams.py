"""Two tools for pipelines of async generators: working ahead, and not waiting for ever."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from relay.errors import EngineTimeout, RelayError

T = TypeVar("T")


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
                item = await asyncio.wait_for(anext(source), max(left, 0.001))
            except StopAsyncIteration:
                return
            except asyncio.TimeoutError:
                raise EngineTimeout(engine, f"no answer within {limit:g} s") from None
            limit = whole_s
            yield item
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
