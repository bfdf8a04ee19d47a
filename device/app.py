"""The application: load the settings, or ask for a grown-up; then be a toy, for ever."""

import asyncio
import gc
import sys
import time

import machine

from device import next_start
from device import settings as settings_file
from device.age_gate import may_listen
from device.boards import find_board, hold_power
from device.button import Press
from device.light import Look
from device.log import log
from device.next_start import Start
from device.ui import POLL_MS, Light, Paw

# Collect before the heap would have to grow: on the ESP32 it grows by taking memory that Wi-Fi and
# TLS need, and a sound frame leaves about 1 KB of garbage in asyncio.
GC_THRESHOLD_BYTES = 16384
RESTART_DELAY_MS = 2000  # long enough to read the console, and to stop it there with Ctrl-C


def run():
    """Run the toy; returns never. After an unforeseen error it starts again from the beginning."""
    gc.threshold(GC_THRESHOLD_BYTES)
    try:
        asyncio.run(_main())
    except Exception as error:  # Ctrl-C and SystemExit are a developer's, and end the program
        log("app", "stopped by an error")
        sys.print_exception(error)
    time.sleep_ms(RESTART_DELAY_MS)
    machine.reset()


async def _main():
    start = next_start.take()
    settings = _load_settings()
    board = find_board(settings and settings.board)
    hold_power(board)
    ready = settings is not None and may_listen(settings.age)
    if start == Start.SET_UP or not ready:
        await _set_up(board, settings, ready)
        return
    # Imported only now: a toy without an age does not even load what could open a microphone.
    from device.toy import Toy

    await Toy(settings, board).run()


def _load_settings():
    try:
        settings = settings_file.load()
    except settings_file.SettingsError as error:
        for problem in error.problems:
            log("app", "a grown-up is needed: " + problem)
        return None
    if not may_listen(settings.age):
        log("app", "a grown-up is needed: no age from 3 to 13 has been set")
    return settings


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
