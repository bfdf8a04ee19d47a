"""How long a child pauses in the middle of what it says: learnt while it talks. Pure."""

from collections import deque

REMEMBERED = 8
"""Pauses that count, the latest: a child that is tired is slower than it was."""

LEAST_MS = 200
"""Shorter silences lie between words or inside them, and are no pauses."""

SPARE = 1.3
SPARE_MS = 100
"""The next pause may be that much longer than the longest so far."""

_HALF_KNOWN = 4  # pauses after which own pace and age count alike


class Pace:
    """One child's pauses, over the turns of one session."""

    def __init__(self) -> None:
        self._pauses: deque[int] = deque(maxlen=REMEMBERED)

    def paused(self, pause_ms: int) -> None:
        """Note a silence after which the same utterance went on."""
        if pause_ms >= LEAST_MS:
            self._pauses.append(pause_ms)

    @property
    def longest_ms(self) -> int:
        """The longest pause that counts, 0 if there was none."""
        return max(self._pauses, default=0)

    def silence_ms(self, usual_ms: int) -> int:
        """Return the silence that ends this child's speech, where `usual_ms` does at its age.

        A child that pauses long is given the time at once; one that pauses shortly is answered the
        sooner the more pauses were heard.
        """
        own = round(self.longest_ms * SPARE) + SPARE_MS
        if own >= usual_ms or not self._pauses:
            return max(own, usual_ms) if self._pauses else usual_ms
        known = len(self._pauses) / (len(self._pauses) + _HALF_KNOWN)
        return round(usual_ms - (usual_ms - own) * known)
