"""The record of a turn: what happened in it and when, handed to observers when it ends.

The words live in memory only. Telemetry takes the times and the verdicts, never the words.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.safety.verdict import Verdict


class Stage(enum.Enum):
    """A moment of a turn. The value names it in tables, metrics and JSON."""

    LISTEN = "listen"  # `listen` arrived
    LAST_VOICE = "last_voice"  # the last frame that held a voice arrived
    END_OF_SPEECH = "end_of_speech"  # `listen_end` arrived, or the endpoint was decided
    TEXT = "text"  # the transcript that was answered was there
    CONFIRMED = "confirmed"  # the words were final: what was begun early is kept or thrown away
    HEARD_CHECKED = "heard_checked"  # safety had answered about it
    FIRST_TOKEN = "first_token"  # noqa: S105 - the model's first piece of text
    FIRST_SENTENCE = "first_sentence"  # the first sentence was whole
    SAID_CHECKED = "said_checked"  # safety had answered about the first sentence
    FIRST_SPEECH = "first_speech"  # the first sentence was sound
    FIRST_FRAME = "first_frame"  # its first frame was written to the socket
    LAST_FRAME = "last_frame"  # the last frame was written
    PLAYED = "played"  # the toy said that it had played all of it


class Outcome(enum.Enum):
    """How a turn ended."""

    ANSWERED = "answered"  # the model's words were spoken
    REVIEWED = "reviewed"  # a reviewed reply was spoken (caution or block)
    NOT_UNDERSTOOD = "not_understood"
    REFUSED = "refused"  # rate limits
    RESTED = "rested"  # a parent's rules: the toy said that it rests
    FAILED = "failed"  # an engine failed; a kind line was spoken
    CANCELLED = "cancelled"  # barge-in, or the toy vanished


@dataclass
class TurnRecord:
    """One turn. `at` holds `time.monotonic()` seconds of each stage that was reached.

    Where an answer that was begun early is kept, the stages from TEXT on may lie before
    END_OF_SPEECH. `speculations` counts the answers that were begun so, kept or not, `silence_ms`
    is the silence with which listening ended.
    """

    session: str
    toy: str
    turn: int
    at: dict[Stage, float] = field(default_factory=dict)
    heard: str = ""
    said: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    outcome: Outcome | None = None
    audio_in_ms: int = 0
    audio_out_ms: int = 0
    speculations: int = 0
    speculation_kept: bool = False
    silence_ms: int = 0

    @property
    def waits(self) -> bool:
        """Whether a child has finished speaking and has heard nothing of the answer yet."""
        ended = Stage.END_OF_SPEECH in self.at and self.outcome is None
        return ended and Stage.FIRST_FRAME not in self.at

    def between_ms(self, start: Stage, end: Stage) -> float | None:
        """Return the milliseconds from `start` to `end`, or None if either was not reached."""
        if start not in self.at or end not in self.at:
            return None
        return (self.at[end] - self.at[start]) * 1000


TurnObserver = Callable[[TurnRecord], None]
