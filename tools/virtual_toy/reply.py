"""What the toy did with one question, told from outside: from its light and its speaker alone.

How speech is told from the short sounds of the toy itself: a turn goes through the looks listening,
thinking, speaking, and out of these again. On entering *thinking* the toy plays its "I heard you"
earcon, whose length the firmware's table gives; what is heard after it, until the look leaves
*speaking*, is speech. If *speaking* never came, there was none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from device.audio.earcon import Earcon
from device.light import Look
from device.protocol import RATE_HZ
from tools.virtual_toy.sound import Samples
from tools.virtual_toy.speaker import SpeakerRecording

LOOK_LAG_S = 0.06  # the light is drawn every few tens of ms
EARCON_SAMPLES = sum(note_ms for _, note_ms in Earcon.HEARD) * RATE_HZ // 1000
TURN_LOOKS = (Look.LISTENING, Look.THINKING, Look.SPEAKING)


@dataclass(frozen=True)
class Reply:
    """One question and what came back. Times are in seconds of time.monotonic(), None for never."""

    pressed_at: float
    released_at: float | None  # None in tap mode: the relay found the end
    last_voiced_at: float | None  # the last voiced sample of the question reached the microphone
    first_sample_at: float | None  # the first thing heard, earcon or speech
    first_earcon_at: float | None
    first_speech_at: float | None
    ended_at: float | None  # the last sample that could be heard
    interrupted_at: float | None = None  # the paw was squeezed again
    # 16 kHz mono as it left the speaker: everything, and from the first sample of speech on
    pcm: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    speech: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    gaps_ms: tuple[float, ...] = ()  # silences inside the speech because the DMA ran dry
    looks: tuple[str, ...] = ()  # in order

    @property
    def answered(self) -> bool:
        """Whether words came back."""
        return self.first_speech_at is not None

    @property
    def duration_ms(self) -> float:
        """How long it spoke."""
        if self.first_speech_at is None or self.ended_at is None:
            return 0.0
        return (self.ended_at - self.first_speech_at) * 1000

    @property
    def voice_to_voice_ms(self) -> float | None:
        """From the last voiced sample of the question to the first of the answer."""
        if self.first_speech_at is None or self.last_voiced_at is None:
            return None
        return (self.first_speech_at - self.last_voiced_at) * 1000

    @property
    def first_sound_ms(self) -> float | None:
        """From the release of the paw to the first thing heard."""
        if self.first_sample_at is None or self.released_at is None:
            return None
        return (self.first_sample_at - self.released_at) * 1000

    @property
    def silenced_ms(self) -> float | None:
        """From the interrupting squeeze to the last sample heard."""
        if self.interrupted_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.interrupted_at) * 1000)


def compose(
    recording: SpeakerRecording,
    looks: list[tuple[float, str]],
    *,
    pressed_at: float,
    released_at: float | None,
    last_voiced_at: float | None,
    interrupted_at: float | None,
    now: float,
) -> Reply:
    """Make the Reply of a turn that is over from the light's history since `pressed_at`."""
    thinking_at = _first(looks, Look.THINKING)
    speaking_at = _first(looks, Look.SPEAKING)
    starts = [at for at in (released_at, thinking_at, speaking_at) if at is not None]
    # An earcon may leave the speaker before the light has been drawn.
    start = min(starts) - (0.0 if released_at else LOOK_LAG_S) if starts else pressed_at
    end = now
    if speaking_at is not None and interrupted_at is None:
        left = [at for at, look in looks if at > speaking_at and look not in TURN_LOOKS]
        end = min(now, left[0] + recording.dma_s + LOOK_LAG_S) if left else now
    first = recording.first_audible(start, end)
    earcon_at = first if thinking_at is not None or speaking_at is None else None
    speech_at = None
    if speaking_at is not None:
        after = speaking_at - LOOK_LAG_S
        if earcon_at is not None:
            # Counted in samples: an earcon with a hole in it lasts longer.
            after = max(after, recording.after(earcon_at, EARCON_SAMPLES))
        speech_at = recording.first_audible(max(after, start), end)
    ended_at = recording.last_audible(start, end)
    pcm = recording.between(first, end) if first is not None else np.zeros(0, np.int16)
    spoken = (speech_at, ended_at) if speech_at is not None and ended_at is not None else None
    # What an interrupted toy plays after that is its "your turn", and the gap before it is none.
    gaps = recording.gaps(spoken[0], interrupted_at or spoken[1]) if spoken else []
    return Reply(
        pressed_at=pressed_at,
        released_at=released_at,
        last_voiced_at=last_voiced_at,
        first_sample_at=first,
        first_earcon_at=earcon_at,
        first_speech_at=speech_at,
        ended_at=ended_at,
        interrupted_at=interrupted_at,
        pcm=pcm,
        speech=recording.between(*spoken) if spoken else np.zeros(0, np.int16),
        gaps_ms=tuple(gaps),
        looks=tuple(look for _, look in looks),
    )


def _first(looks: list[tuple[float, str]], wanted: str) -> float | None:
    return next((at for at, look in looks if look == wanted), None)
