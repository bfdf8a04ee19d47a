"""The watchdog: the toy may stand still for a while, but never for good.

Two dogs in one. A part that does not get on although the others do is noticed here, and ends the
toy with an error that says which one, so that the next hello can tell. When nothing runs at all,
nobody feeds the chip's own watchdog, and that resets the toy.
"""

import time

import machine

# Scans, DNS and mDNS, TLS handshakes and flash block everything for seconds each.
TIMEOUT_MS = 60000
# The chip's watchdog cannot be stopped. Asked for again it takes the new time-out, and this one is
# long enough for a developer at the prompt.
LOOSE_MS = 24 * 3600 * 1000


class Stuck(Exception):
    """A part of the toy does not get on; the message names it."""


def loosen():
    """Let the chip run unwatched for a day; for a developer who has stopped the program."""
    machine.WDT(timeout=LOOSE_MS)


class Watchdog:
    """Feeds the chip's watchdog from real progress.

    `parts` is a list of (name, progress, patience in ms): `progress()` returns a number that is
    different each time the part got on, or None while it has nothing to do.
    """

    def __init__(self, parts):
        now_ms = time.ticks_ms()
        # name, progress, patience_ms, last number, when it changed
        self._parts = [
            [name, progress, patience, None, now_ms] for name, progress, patience in parts
        ]
        self._dog = machine.WDT(timeout=TIMEOUT_MS)

    def check(self, now_ms):
        """Feed the chip's watchdog, or raise Stuck. To be called every second or so."""
        for part in self._parts:
            name, progress, patience_ms, last, changed_ms = part
            number = progress()
            if number is None or number != last:
                part[3] = number
                part[4] = now_ms
            elif time.ticks_diff(now_ms, changed_ms) > patience_ms:
                raise Stuck(name)
        self._dog.feed()
