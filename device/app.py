"""The application: load the settings, or ask for a grown-up; then be a toy, for ever."""

import asyncio
import gc
import sys
import time

import machine

from device import next_start
from device import settings as settings_file
from device.age_gate import may_listen
from device.button import Press
from device.light import Look
from device.log import log
from device.next_start import Start
from device.ui import POLL_MS, Light, Paw
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
    start = next_start.take()
    settings = _load_settings()
    from device.boards import find_board, hold_power

    board = find_board(settings and settings.board)
    hold_power(board)
    unload("device.boards")  # the other boards'
    unpaired = settings is not None and settings.pairing_code is not None
    if unpaired and start == Start.NORMAL and await _pair(board, settings):
        return
    ready = settings is not None and not unpaired and may_listen(settings.age)
    if start == Start.SET_UP or not ready:
        await _set_up(board, settings, ready)
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


async def _pair(board, settings):
    """Pair by the code in the settings; True when the toy is to start again with what it got."""
    from device.portal.key import toy_name
    from device.portal.trial import attempt
    from device.portal.verdict import Verdict

    light = Light(board)
    light.show(Look.CONNECTING)
    light.animate()
    verdict = await attempt(settings, board, toy_name(), settings_file.save)
    if verdict == Verdict.GOOD:
        return True
    log("app", "a grown-up is needed: not paired with the relay (%s)" % verdict)
    return False


async def _set_up(board, settings, ready):
    """Let a grown-up set the toy up with a phone: no microphone and no sound meanwhile.

    Returns when the toy is to start again: only that gives back all the memory that it took. When
    nobody came, a toy that is `ready` goes back to being one, and another waits for a squeeze.
    """
    from device.portal.portal import Portal

    light = Light(board)
    fields = settings.copy_fields() if settings else {}
    if await Portal(board, light, fields, ready).run() or ready:
        return
    light.show(Look.NEEDS_GROWN_UP)
    paw = Paw(board)
    while paw.poll() != Press.DOWN:
        light.animate()
        await asyncio.sleep_ms(POLL_MS)
