"""When has a child finished speaking? Rules over the voice probabilities of relay.voice_activity.

Pure, so that it is tested with made-up voices.
"""

import enum
from dataclasses import dataclass

from relay.age import AgeBand
from relay.config import EndpointSettings
from relay.voice_activity import WINDOW_MS

# A voice that has begun goes on until the probability falls this far below the threshold
# (hysteresis as in Silero's own utilities), or soft word endings would cut it to pieces.
_HYSTERESIS = 0.15


@dataclass(frozen=True)
class EndpointRules:
    """Milliseconds and probabilities that decide the end of speech."""

    voice_probability: float
    min_speech_ms: int
    silence_ms: int
    nothing_heard_ms: int

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
        )


class EndpointDecision(enum.Enum):
    """Why a child has finished."""

    SILENCE = "silence"
    NOTHING_HEARD = "nothing_heard"


class Endpoint:
    """Decides, one window of 32 ms after the other, whether a child has finished speaking."""

    def __init__(self, rules: EndpointRules) -> None:
        self._rules = rules
        self._voiced = False
        self._voice_ms = 0
        self._silence_ms = 0
        self._heard_ms = 0
        self.speech = False  # enough voice has been heard to count as speech

    @property
    def voiced(self) -> bool:
        """Whether the last window held a voice."""
        return self._voiced

    def hear(self, probability: float) -> EndpointDecision | None:
        """Take the next window's voice probability; return a decision once there is one."""
        rules = self._rules
        threshold = rules.voice_probability - (_HYSTERESIS if self._voiced else 0)
        self._voiced = probability >= threshold
        self._heard_ms += WINDOW_MS
        if self._voiced:
            self._voice_ms += WINDOW_MS
            self._silence_ms = 0
            self.speech = self.speech or self._voice_ms >= rules.min_speech_ms
            return None
        self._silence_ms += WINDOW_MS
        if self.speech:
            return EndpointDecision.SILENCE if self._silence_ms >= rules.silence_ms else None
        if self._silence_ms >= rules.silence_ms:
            self._voice_ms = 0  # a cough, a click: not the beginning of speech
        return EndpointDecision.NOTHING_HEARD if self._heard_ms >= rules.nothing_heard_ms else None
