# path: tools/virtual_toy/board
"""Starting, and starting again: no error leaves a toy that looks alive and is not."""

import asyncio
import sys

import machine

from device import app
from device.states import State
from tests.device.board import Bench
from tests.device.check import equal, raises_async


def count_resets():
    resets = []
    machine.reset = lambda: resets.append(1)
    app.RESTART_DELAY_MS = 1
    return resets


def test_an_unforeseen_error_restarts_the_toy():
    resets = count_resets()

    async def fail():
        raise MemoryError("no room")

    app._main = fail
    app.run()
    equal(len(resets), 1)


def test_ctrl_c_stops_it_without_a_restart():
    resets = count_resets()

    async def stop():
        raise KeyboardInterrupt

    app._main = stop
    try:
        app.run()
    except KeyboardInterrupt:
        equal(len(resets), 0)
        return
    raise AssertionError("Ctrl-C was swallowed")


def test_main_starts_the_application():
    started = []
    app.run = lambda: started.append(1)
    import boot

    while "" in sys.path:
        sys.path.remove("")
    with open(boot.__file__) as file:  # noqa: PTH123
        exec(file.read(), {"__name__": "__main__"})
    import main  # noqa: F401

    equal(started, [1])
    assert "" in sys.path


async def test_a_part_that_dies_ends_the_toy():
    for part in ("connect", "rssi"):
        bench = Bench()

        def die(*_):
            raise ZeroDivisionError(part)  # noqa: B023

        connection = await bench.start()
        await connection.welcome(heartbeat_s=0.2)
        await bench.until_state(State.IDLE)
        setattr(bench.toy.wifi, part, die)
        await connection.drop()
        bench.toy.wifi.wlan.disconnect()
        await raises_async(ZeroDivisionError, asyncio.wait_for(bench.running, 5))
