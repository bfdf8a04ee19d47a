"""Is it the child at the toy that speaks, or somebody further away, the television? Pure.

Silero's detector hears a voice in other people's talk, too, and would not hear the end of speech
before they are silent. The child is near, and louder than what is behind it: that shows where the
background is loud, and in a quiet room nothing is told apart.
"""

import math
from collections import deque

from relay.voice_activity import WINDOW_MS, Window

BACKGROUND_MS = 3000
"""The quietest moment of that long is the background."""

_SMOOTHED = 3  # windows in a level: single ones of talk differ by 10 dB and more

BACKGROUND_VARIES_DB = 14.0
"""Six people's talk was at most that much louder than at its quietest, 19 of 20 times."""

SPEECH_VARIES_DB = 7.0
"""What is hardly softer than the child's loudest is the child, whatever the background."""

FORGOTTEN_DB_PER_S = 1.0
"""The loudest counts that much less as time passes: children's voices sink."""

CERTAIN = 0.995
"""From this voice probability on the voice is near: Silero was never surer of talk further away
than for a moment, and of a child that spoke in a fan's noise most of the time."""

DOUBT_MS = 300
"""The end of a word is as soft as the others' talk: the child may go on for that long."""

_AGAIN = 2  # near windows in a row after which the child speaks again: one is a bang


class Nearness:
    """Follows one stream's levels, window by window of 32 ms."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=_SMOOTHED)
        self._levels: deque[float] = deque(maxlen=BACKGROUND_MS // WINDOW_MS)
        self._loudest_db = -math.inf
        self._near = 0  # windows up to now
        self._away_ms = 0

    @property
    def silence_ms(self) -> int:
        """How long the near voice has been silent for certain."""
        return max(0, self._away_ms - DOUBT_MS)

    def hear(self, window: Window, *, voiced: bool) -> None:
        """Take the next window; `voiced` is whether somebody speaks in it, near or far."""
        self._near = self._near + 1 if self._is_near(window, voiced=voiced) else 0
        self._away_ms = 0 if self._near >= _AGAIN else self._away_ms + WINDOW_MS

    def _is_near(self, window: Window, *, voiced: bool) -> bool:
        self._powers.append(10 ** (window.level_db / 10))
        level_db = 10 * math.log10(sum(self._powers) / len(self._powers))
        self._levels.append(level_db)
        if not voiced:
            return False
        faded = self._loudest_db - FORGOTTEN_DB_PER_S * WINDOW_MS / 1000
        self._loudest_db = max(faded, level_db)
        far_db = min(min(self._levels) + BACKGROUND_VARIES_DB, self._loudest_db - SPEECH_VARIES_DB)
        return level_db >= far_db or window.probability >= CERTAIN
