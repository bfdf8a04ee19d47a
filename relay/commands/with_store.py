"""A command's work on the store: opened for it, closed after it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from relay.config import Settings
from relay.store import Store

_Result = TypeVar("_Result")


def with_store(settings: Settings, work: Callable[[Store], Awaitable[_Result]]) -> _Result:
    """Return what `work` makes of the store; raises StoreError."""

    async def run() -> _Result:
        store = Store(settings.store_url, timeout_s=settings.store.timeout_s)
        try:
            await store.open()
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
