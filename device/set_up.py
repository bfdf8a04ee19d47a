"""What a toy does instead of being one: pair with the relay by a code, or be set up by a phone.

Loaded only then. The toy starts again afterwards, which gives all the memory back.
"""

import asyncio

from device import settings as settings_file
from device.button import Press
from device.light import Look
from device.log import log
from device.ui import POLL_MS, Light, Paw


async def pair(board, settings):
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


async def by_phone(board, settings, ready):
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
