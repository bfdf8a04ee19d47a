"""One key as the toy's paw. A terminal tells when a key goes down, never when it comes up again.

Held down, a key repeats itself: after a pause of 0.2 to 0.7 s the first time, every 30 to 50 ms
from then on. So the paw counts as released when the repeats stop; a key that was only tapped keeps
the paw down until it is tapped again.
"""

import enum

REPEAT_S = 0.2  # repeats come closer together than this, on every terminal seen


class Paw(enum.Enum):
    """What the paw does at a key or a tick."""

    PRESS = "press"
    RELEASE = "release"


class TalkKey:
    """Turns key-downs and the passing of time into presses and releases of the paw."""

    def __init__(self) -> None:
        self._down = False
        self._held = False
        self._last_key_s = 0.0
        self._second_key_s: float | None = None

    def key(self, now_s: float) -> Paw | None:
        """Take one key-down at `now_s`; return what the paw does, if anything."""
        gap_s, self._last_key_s = now_s - self._last_key_s, now_s
        if not self._down:
            self._down, self._held, self._second_key_s = True, False, None
            return Paw.PRESS
        if gap_s < REPEAT_S:
            self._held, self._second_key_s = True, None
        elif not self._held:
            # Either the first repeat of a held key or the second tap: the next moment tells.
            self._second_key_s = now_s
        return None

    def tick(self, now_s: float) -> Paw | None:
        """Take the time; call it about every 20 ms. Return a release when it is due."""
        stopped = self._held and now_s - self._last_key_s > REPEAT_S
        tapped_again = self._second_key_s is not None and now_s - self._second_key_s > REPEAT_S
        if self._down and (stopped or tapped_again):
            self._down, self._held, self._second_key_s = False, False, None
            return Paw.RELEASE
        return None
