"""Speech to text: what the relay asks of an engine that listens. One engine a file."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Transcript:
    """What was heard.

    `text` is empty when nothing was understood. `confidence` is from 0 to 1. `alternatives` holds
    further hypotheses, best first, without `text`, so that safety can look at what else it may
    have been.
    """

    text: str
    confidence: float = 1.0
    alternatives: tuple[str, ...] = ()


class Recognition(Protocol):
    """One utterance being recognised. Neither `accept` nor `cancel` ever blocks."""

    def accept(self, pcm: bytes) -> None:
        """Add sound: 16 kHz mono signed 16-bit little-endian, any whole number of samples."""

    async def so_far(self) -> Transcript:
        """Return the transcript of what was accepted up to now; raises EngineError.

        Empty also where that is so much that an engine leaves it for the end.
        The utterance goes on. When only silence follows, `finish` gives the same words at once.
        It may be called again and again; cancel it when it is no longer of use.
        """

    async def partial(self) -> Transcript:
        """Return the words so far while somebody speaks on, if the engine has nothing else to do.

        Empty otherwise. Its last word may be half of one; raises EngineError.
        """

    async def finish(self) -> Transcript:
        """Return the transcript of all that was accepted; raises EngineError."""

    def cancel(self) -> None:
        """Throw the utterance away and free what it holds; harmless after `finish`."""


class SpeechToText(Protocol):
    """An engine that recognises speech; safe to use from many sessions at once."""

    @property
    def name(self) -> str:
        """Engine and model, as in "whisper base"."""

    def start(self) -> Recognition:
        """Begin an utterance; raises EngineBusy when too many are under way."""

    async def close(self) -> None:
        """Free the model and stop the engine's threads."""
