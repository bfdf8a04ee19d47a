"""What happens between switching on and being a toy: settings, set-up, pairing, safe mode.

Loaded only for that, as 2 KB that a conversation has better use for.
"""

import asyncio

from device import settings as settings_file
from device.age_gate import may_listen
from device.light import Look
from device.log import log
from device.next_start import Start
from device.ui import POLL_MS, Light
from device.unload import unload

# In safe mode, before the toy tries again: twice as long each time.
FIRST_REST_MS = 15000
LONGEST_REST_MS = 600000


async def make_ready():
    """Return what a Toy is made of, or None when the toy is to start again instead."""
    from device import next_start

    start = next_start.take()
    unload("device.next_start")
    settings = load_settings()
    from device.boards import find_board, hold_power

    board = find_board(settings and settings.board)
    hold_power(board)
    unload("device.boards")  # the other boards'
    unpaired = settings is not None and settings.pairing_code is not None
    if unpaired and start == Start.NORMAL:
        from device import set_up

        if await set_up.pair(board, settings):
            return None
    ready = settings is not None and not unpaired and may_listen(settings.age)
    if start == Start.SET_UP or not ready:
        from device import set_up

        await set_up.by_phone(board, settings, ready)
        return None
    from device import crash

    over = crash.begin() - crash.MOST_FAILURES
    safe = over >= 0
    unload("device.crash")
    if safe:
        await rest(board, over)
    return settings, board, safe


async def rest(board, doublings):
    """Wait before another start in safe mode, so that a toy that dies at once does not wear out."""
    left_ms = min(FIRST_REST_MS << min(doublings, 10), LONGEST_REST_MS)
    log("app", "safe mode", rest_s=left_ms // 1000)
    light = Light(board)
    light.show(Look.SAFE)
    while left_ms > 0:
        light.animate()
        await asyncio.sleep_ms(POLL_MS)
        left_ms -= POLL_MS


def load_settings():
    """Return the settings, None if a grown-up has to make some; says so on the console."""
    try:
        settings = settings_file.load()
    except settings_file.SettingsError as error:
        for problem in error.problems:
            log("app", "a grown-up is needed: " + problem)
        return None
    if not may_listen(settings.age) and not settings.pairing_code:
        log("app", "a grown-up is needed: no age from 3 to 13 has been set")
    return settings
