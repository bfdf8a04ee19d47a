"""Text to speech: what the relay asks of an engine that speaks. One engine a file."""

from typing import Protocol

from relay.urgency import Urgency


class TextToSpeech(Protocol):
    """An engine that speaks; safe to use from many sessions at once."""

    @property
    def name(self) -> str:
        """Engine and voice, as in "pyttsx3 en"."""

    async def speak(self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE) -> bytes:
        """Return one sentence as sound: 16 kHz, mono, signed 16-bit, little-endian.

        Leading and trailing silence is trimmed to at most 50 ms, and the level is made even. A text
        without a word to say gives empty sound. Others' sentences that are more urgent are spoken
        before it. Raises EngineError; cancel it when nobody wants the sentence any more.
        """

    async def close(self) -> None:
        """Stop the engine's threads."""
