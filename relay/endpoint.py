"""When has a child finished speaking? Rules over what relay.voice_activity hears.

How long the silence must be depends on the child's age, on how long it has paused so far, and on
whether its words make a finished question. Pure, so that it is tested with made-up voices.
"""

import enum
from dataclasses import dataclass

from relay.age import AgeBand
from relay.completeness import Completeness
from relay.config import EndpointSettings
from relay.nearness import Nearness
from relay.pace import Pace
from relay.voice_activity import WINDOW_MS, Window

# A voice that has begun goes on until the probability falls this far below the threshold
# (Silero's own utilities take 0.15), or soft word endings would cut it to pieces. With 0.2 it ends
# where relay.stt.voice says that it does, so that a transcript made then is the last one.
_HYSTERESIS = 0.2

_UNFINISHED = 1.5  # times the usual silence after "and", "because", "the"
_MORE_THAN_PAUSES_MS = 64  # a finished question ends with a silence that is longer than any pause


@dataclass(frozen=True)
class EndpointRules:
    """Milliseconds and probabilities that decide the end of speech."""

    voice_probability: float
    min_speech_ms: int
    silence_ms: int
    nothing_heard_ms: int
    finished_silence_ms: int
    longest_silence_ms: int

    @classmethod
    def for_band(cls, settings: EndpointSettings, band: AgeBand) -> "EndpointRules":
        """Return the rules for an age: small children pause long in the middle of a sentence."""
        bands = list(AgeBand)
        share = bands.index(band) / (len(bands) - 1)
        spread = settings.youngest_silence_ms - settings.silence_ms
        return cls(
            voice_probability=settings.voice_probability,
            min_speech_ms=settings.min_speech_ms,
            silence_ms=round(settings.youngest_silence_ms - share * spread),
            nothing_heard_ms=settings.nothing_heard_ms,
            finished_silence_ms=settings.finished_silence_ms,
            longest_silence_ms=settings.longest_silence_ms,
        )

    def needed_ms(self, words: Completeness, pace: Pace) -> int:
        """Return how long a silence ends the speech of a child with this pace, after `words`.

        Never more than `longest_silence_ms`, and never less than `finished_silence_ms` or the
        usual silence, whichever is shorter.
        """
        usual = pace.silence_ms(self.silence_ms)
        match words:
            case Completeness.FINISHED:
                needed = min(usual, pace.longest_ms + _MORE_THAN_PAUSES_MS)
            case Completeness.UNFINISHED:
                needed = round(usual * _UNFINISHED)
            case Completeness.UNKNOWN:
                needed = usual
        least = min(self.finished_silence_ms, self.silence_ms)
        return min(max(needed, least), self.longest_silence_ms)


class EndpointDecision(enum.Enum):
    """Why a child has finished."""

    SILENCE = "silence"
    NOTHING_HEARD = "nothing_heard"


class Endpoint:
    """Decides, one window of 32 ms after the other, whether a child has finished speaking."""

    def __init__(self, rules: EndpointRules, pace: Pace | None = None) -> None:
        self._rules = rules
        self._pace = pace or Pace()
        self._nearness = Nearness()
        self._voiced = False  # somebody speaks, near or far
        self._voice_ms = 0
        self._heard_ms = 0
        self._no_voice_ms = 0
        self._pause_ms = 0
        self.silence_ms = 0  # since the child's last voice
        self.speech = False  # enough voice has been heard to count as speech

    @property
    def voiced(self) -> bool:
        """Whether the child was heard last, and no silence is under way."""
        return self.silence_ms == 0

    def hear(
        self, window: Window, words: Completeness = Completeness.UNKNOWN
    ) -> EndpointDecision | None:
        """Take the next window; return a decision once there is one.

        `words` is what the words before the silence now under way tell, if they are known yet.
        """
        rules = self._rules
        self._follow(window)
        self._heard_ms += WINDOW_MS
        if self._voiced:
            self._voice_ms += WINDOW_MS
            self.speech = self.speech or self._voice_ms >= rules.min_speech_ms
        elif not self.speech and self._no_voice_ms >= rules.silence_ms:
            self._voice_ms = 0  # a cough, a click: not the beginning of speech
        if not self.speech:
            nothing = not self._voiced and self._heard_ms >= rules.nothing_heard_ms
            return EndpointDecision.NOTHING_HEARD if nothing else None
        if self.voiced:
            self._pace.paused(self._pause_ms)
            self._pause_ms = 0
            return None
        self._pause_ms = max(self._pause_ms, self.silence_ms)
        needed = rules.needed_ms(words, self._pace)
        return EndpointDecision.SILENCE if self.silence_ms >= needed else None

    def _follow(self, window: Window) -> None:
        """Reckon how long there has been silence."""
        threshold = self._rules.voice_probability - (_HYSTERESIS if self._voiced else 0)
        self._voiced = window.probability >= threshold
        self._no_voice_ms = 0 if self._voiced else self._no_voice_ms + WINDOW_MS
        self._nearness.hear(window, voiced=self._voiced)
        self.silence_ms = max(self._no_voice_ms, self._nearness.silence_ms)
