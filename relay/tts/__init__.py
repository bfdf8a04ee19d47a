"""Text to speech: what the relay asks of an engine that speaks. One engine a file."""

from dataclasses import dataclass
from typing import Protocol

from relay.urgency import Urgency


@dataclass(frozen=True)
class Style:
    """How one child's toy speaks; None is as the settings say.

    An engine that does not know the voice speaks with its own.
    """

    voice: str | None = None
    words_per_minute: int | None = None


USUAL = Style()


class TextToSpeech(Protocol):
    """An engine that speaks; safe to use from many sessions at once."""

    @property
    def name(self) -> str:
        """Engine and voice, as in "pyttsx3 en"."""

    async def speak(
        self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE, style: Style = USUAL
    ) -> bytes:
        """Return one sentence as sound: 16 kHz, mono, signed 16-bit, little-endian.

        Leading and trailing silence is trimmed to at most 50 ms, and the level is made even. A text
        without a word to say gives empty sound. Others' sentences that are more urgent are spoken
        before it. Raises EngineError; cancel it when nobody wants the sentence any more.
        """

    async def close(self) -> None:
        """Stop the engine's threads."""
