"""The paw: turns the bouncing level of a switch into presses, holds, taps and releases. Pure.

A press is reported as soon as the level is steady, so that the toy can fall silent at once. Whether
it was a tap or a hold is known later: at the release, or when HOLD_MS have passed.
"""

import time

DEBOUNCE_MS = 20  # tactile switches bounce for 1 to 10 ms; a level must last this long
HOLD_MS = 300  # shorter is a tap


class Press:
    """What a finger did; the same numbers as in device.states.Event."""

    DOWN = 4
    TAP = 5  # let go before HOLD_MS
    HOLD = 6  # still down after HOLD_MS
    UP = 7  # let go after a hold


class Button:
    """Debounces one switch. Feed `update` with the level every 10 ms or so."""

    def __init__(self):
        self._down = False
        self._holding = False
        self._changed_ms = None  # when the level first differed from the settled one
        self._down_ms = 0

    def update(self, down, now_ms):
        """Take the level (`down` is true while the paw is squeezed) at `now_ms` of time.ticks_ms().

        Returns a value of Press when something has happened, else None.
        """
        if down == self._down:
            self._changed_ms = None
        elif self._changed_ms is None:
            self._changed_ms = now_ms
        elif time.ticks_diff(now_ms, self._changed_ms) >= DEBOUNCE_MS:
            return self._settle(down)
        # A level that is about to change does not become a hold on its last bounce.
        if self._down and not self._holding and self._changed_ms is None:
            if time.ticks_diff(now_ms, self._down_ms) >= HOLD_MS:
                self._holding = True
                return Press.HOLD
        return None

    def _settle(self, down):
        changed_ms, self._changed_ms = self._changed_ms, None
        self._down = down
        if down:
            self._down_ms = changed_ms
            self._holding = False
            return Press.DOWN
        return Press.UP if self._holding else Press.TAP
