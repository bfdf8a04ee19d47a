# heap: 200K
"""The runner itself: both kinds of test run, and the helpers notice what is wrong."""

import asyncio
import gc

from tests.device.check import equal, raises, raises_async


async def _fail():
    await asyncio.sleep(0)
    raise KeyError("gone")


def test_raises_returns_the_error():
    equal(raises(ValueError, int, "x").args[0][:7], "invalid")
    raises(AssertionError, raises, ValueError, int, "1")


async def test_async_tests_are_awaited():
    equal((await raises_async(KeyError, _fail())).args, ("gone",))


def test_equal_shows_both_values():
    message = str(raises(AssertionError, equal, 1, 2, "count"))
    equal(message, "count: got 1, expected 2")


def test_the_heap_is_as_small_as_asked():
    equal(gc.mem_free() + gc.mem_alloc() <= 200 * 1024, True)
