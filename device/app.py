"""The application: make ready (device.start), then be a toy, for ever; and what if that ends."""

import asyncio
import gc
import sys
import time

import machine

from device.log import log
from device.unload import unload

# Collect before the heap would have to grow: on the ESP32 it grows by taking memory that Wi-Fi and
# TLS need, and a sound frame leaves about 1 KB of garbage in asyncio.
GC_THRESHOLD_BYTES = 16384
RESTART_DELAY_MS = 2000  # long enough to read the console, and to stop it there with Ctrl-C


def run():
    """Run the toy; returns never. After an unforeseen error it starts again from the beginning."""
    gc.threshold(GC_THRESHOLD_BYTES)
    try:
        asyncio.run(_main())
    except Exception as error:
        sys.print_exception(error)
        _keep(error)
        restart = machine.reset
    except (KeyboardInterrupt, SystemExit):  # a developer's: the program ends
        from device import watchdog

        watchdog.loosen()  # or it would reset the toy in the middle of what the developer does
        raise
    else:
        from device import crash

        restart = crash.restart
    time.sleep_ms(RESTART_DELAY_MS)
    restart()


def _keep(error):
    asyncio.new_event_loop()  # lets go of the tasks, and so of the toy, for there may be no room
    gc.collect()
    try:
        from device import crash

        crash.keep(error)
    except MemoryError:
        log("app", "no room for a crash report")


async def _main():
    ready = await _make_ready()
    if ready is None:
        return
    # Imported only now: a toy without an age does not even load what could open a microphone.
    from device.toy import Toy

    toy = Toy(*ready)
    _watch_update(toy)
    await toy.run()


async def _make_ready():
    from device import start

    try:
        return await start.make_ready()
    finally:
        unload("device.start")


def _watch_update(toy):
    """Keep an update that is on trial, or go back to the version before; device.slots decides."""
    if "a" in sys.path or "b" in sys.path:
        from device import slots

        slots.watch(toy)
        unload("device.slots")
