"""The application: load the settings, or ask for a grown-up; then be a toy, for ever."""

import asyncio
import gc
import sys
import time

import machine

from device import settings as settings_file
from device.age_gate import may_listen
from device.boards import find_board, hold_power
from device.light import Look
from device.log import log
from device.ui import FRAME_MS, Light

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
    try:
        settings = settings_file.load()
    except settings_file.SettingsError as error:
        for problem in error.problems:
            log("app", "a grown-up is needed: " + problem)
        await _wait_for_grown_up(find_board())
        return
    board = find_board(settings.board)
    hold_power(board)
    if not may_listen(settings.age):
        log("app", "a grown-up is needed: no age from 3 to 13 has been set")
        await _wait_for_grown_up(board)
        return
    # Imported only now: a toy without an age does not even load what could open a microphone.
    from device.toy import Toy

    await Toy(settings, board).run()


async def _wait_for_grown_up(board):
    """Show it, and do nothing else: no microphone, no sound, no network."""
    light = Light(board)
    light.show(Look.NEEDS_GROWN_UP)
    while True:
        light.animate()
        await asyncio.sleep_ms(FRAME_MS)
