"""Runs one device test script under MicroPython; see test_on_micropython.py for how it is called.

    micropython tests/device/check.py SCRIPT [TEST ...]

SCRIPT is the name of a file beside this one, without `.py`. Its functions `test_*`, plain or async,
are run in the order of their names, or only those asked for. Each prints "ok NAME" or "FAIL NAME"
with the traceback; the exit code is 1 when any failed.
"""

import asyncio
import gc
import sys
from array import array


def run(module, wanted):
    """Run the tests of `module` (all, or those named in `wanted`); return how many failed."""
    names = wanted or sorted(name for name in dir(module) if name.startswith("test_"))
    failed = 0
    for name in names:
        gc.collect()
        try:
            result = getattr(module, name)()
            if hasattr(result, "send"):  # MicroPython's coroutines are generators
                asyncio.run(result)
            print("ok", name)
        except BaseException as error:  # CancelledError and SystemExit are failures here, too
            failed += 1
            print("FAIL", name)
            sys.print_exception(error)
        asyncio.new_event_loop()  # tasks that a test left behind end with it
    if not names:
        print("FAIL there is no test in this script")
        failed = 1
    return failed


def raises(kind, function, *arguments, **named):
    """Call `function` and return the error of type `kind` that it must raise."""
    try:
        function(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


async def raises_async(kind, awaitable):
    """Await `awaitable` and return the error of type `kind` that it must raise."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def equal(actual, expected, about=""):
    """Assert that both are equal, and show them when they are not."""
    if actual != expected:
        raise AssertionError(f"{about or 'values'}: got {actual!r}, expected {expected!r}")


def peak(pcm):
    """Return the largest magnitude among signed 16-bit samples."""
    return max(abs(sample) for sample in array("h", bytes(pcm)))


if __name__ == "__main__":
    script = __import__("tests.device." + sys.argv[1], None, None, ["*"])
    sys.exit(1 if run(script, sys.argv[2:]) else 0)
