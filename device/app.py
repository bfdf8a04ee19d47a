"""The application: load the settings, or ask for a grown-up; then be a toy, for ever."""

import asyncio
import gc
import sys
import time

import machine

from device import settings as settings_file
from device.age_gate import may_listen
from device.light import Look
from device.log import log
from device.next_start import Start
from device.ui import POLL_MS, Light
from device.unload import unload

# Collect before the heap would have to grow: on the ESP32 it grows by taking memory that Wi-Fi and
# TLS need, and a sound frame leaves about 1 KB of garbage in asyncio.
GC_THRESHOLD_BYTES = 16384
RESTART_DELAY_MS = 2000  # long enough to read the console, and to stop it there with Ctrl-C
# In safe mode, before the toy tries again: twice as long each time.
FIRST_REST_MS = 15000
LONGEST_REST_MS = 600000


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
    from device import next_start

    start = next_start.take()
    unload("device.next_start")
    settings = _load_settings()
    from device.boards import find_board, hold_power

    board = find_board(settings and settings.board)
    hold_power(board)
    unload("device.boards")  # the other boards'
    unpaired = settings is not None and settings.pairing_code is not None
    if unpaired and start == Start.NORMAL:
        from device import set_up

        if await set_up.pair(board, settings):
            return
    ready = settings is not None and not unpaired and may_listen(settings.age)
    if start == Start.SET_UP or not ready:
        from device import set_up

        await set_up.by_phone(board, settings, ready)
        return
    from device import crash

    failures = crash.begin()
    over = failures - crash.MOST_FAILURES
    safe = over >= 0
    unload("device.crash")
    if safe:
        await _rest(board, over)
    # Imported only now: a toy without an age does not even load what could open a microphone.
    from device.toy import Toy

    toy = Toy(settings, board, safe)
    _watch_update(toy)
    await toy.run()


def _watch_update(toy):
    """Keep an update that is on trial, or go back to the version before; device.slots decides."""
    if "a" in sys.path or "b" in sys.path:
        from device import slots

        slots.watch(toy)
        unload("device.slots")


async def _rest(board, doublings):
    """Wait before another start in safe mode, so that a toy that dies at once does not wear out."""
    left_ms = min(FIRST_REST_MS << min(doublings, 10), LONGEST_REST_MS)
    log("app", "safe mode", rest_s=left_ms // 1000)
    light = Light(board)
    light.show(Look.SAFE)
    while left_ms > 0:
        light.animate()
        await asyncio.sleep_ms(POLL_MS)
        left_ms -= POLL_MS


def _load_settings():
    try:
        settings = settings_file.load()
    except settings_file.SettingsError as error:
        for problem in error.problems:
            log("app", "a grown-up is needed: " + problem)
        return None
    if not may_listen(settings.age) and not settings.pairing_code:
        log("app", "a grown-up is needed: no age from 3 to 13 has been set")
    return settings
