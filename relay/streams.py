"""Tools for pipelines that can be interrupted: time limits, and working ahead."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Generic, TypeVar

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


class ReadAhead(Generic[T]):
    """An async iterator over `source`, which works up to `limit` items ahead in a task of its own.

    The task begins at once, before anybody reads. An exception of `source` is raised here after the
    items that came before it.
    """

    def __init__(self, source: AsyncGenerator[T, None], limit: int) -> None:
        self._source = source
        self._ready: asyncio.Queue[T | _End] = asyncio.Queue(limit)
        self._closing = False
        self.error: Exception | None = None
        """What `source` has failed with, known as soon as it has."""
        self._task = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        try:
            async with contextlib.aclosing(self._source) as source:
                async for item in source:
                    await self._ready.put(item)
        except asyncio.CancelledError:
            if self._closing:
                raise
            # Not our own cancellation: something below gave up, and the reader must hear of it.
            self.error = RelayError("the source was cancelled")
        except Exception as error:
            self.error = error
        await self._ready.put(_End())

    def __aiter__(self) -> "ReadAhead[T]":
        return self

    async def __anext__(self) -> T:
        item = await self._ready.get()
        if not isinstance(item, _End):
            return item
        self._ready.put_nowait(item)  # for whoever asks again
        if self.error is not None:
            raise self.error
        raise StopAsyncIteration

    def close(self) -> None:
        """Stop the task, which then closes `source`; harmless when repeated."""
        self._closing = True
        self._task.cancel()

    async def aclose(self) -> None:
        """Stop the task and wait until it has closed `source`."""
        self.close()
        await asyncio.wait([self._task])


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
