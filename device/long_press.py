"""The two gestures for grown-ups: hold the paw 5 s for set-up, 15 s for a factory reset. Pure.

They count when the paw is let go, and only if the toy was not connected when it was squeezed:

- A connected toy is talked to by holding the paw, and a long story must not erase anything. To set
  up a toy that works, hold the paw right after switching it on, while the light is still blue.
- A toy that lies on its paw all night is not holding it to ask for something: a squeeze longer than
  LONGEST_MS means nothing. That is why the end of the squeeze counts, and not its length so far.

While the paw is held, the light shows what letting go now would do.
"""

import time

from device.button import Press
from device.light import Look
from device.next_start import Start

SET_UP_MS = 5000
FORGET_MS = 15000
LONGEST_MS = 30000

_LOOKS = {Start.SET_UP: Look.SET_UP, Start.FORGET: Look.FORGET}


class LongPress:
    """Follows the paw. `ignore_first` leaves out the squeeze that has woken the toy from sleep."""

    def __init__(self, ignore_first=False):
        self._ignored = ignore_first
        self._down_ms = None  # when a squeeze that counts began

    def take(self, press, connected, now_ms):
        """Take a value of device.button.Press; return the Start that is asked for, or NORMAL."""
        if press == Press.DOWN:
            self._down_ms = None if connected or self._ignored else now_ms
            self._ignored = False
        elif press in (Press.TAP, Press.UP):
            meant = self.meant(now_ms)
            self._down_ms = None
            return meant
        return Start.NORMAL

    def meant(self, now_ms):
        """Return the Start that letting go now would ask for."""
        if self._down_ms is None:
            return Start.NORMAL
        held_ms = time.ticks_diff(now_ms, self._down_ms)
        if held_ms > LONGEST_MS:
            self._down_ms = None  # also long before the tick counter wraps
        elif held_ms >= FORGET_MS:
            return Start.FORGET
        elif held_ms >= SET_UP_MS:
            return Start.SET_UP
        return Start.NORMAL

    def look(self, now_ms):
        """Return the Look that says what letting go now would do, None if nothing special."""
        return _LOOKS.get(self.meant(now_ms))
