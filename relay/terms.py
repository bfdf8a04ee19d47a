"""What holds for one turn of a toy, as its parents have decided."""

from dataclasses import dataclass
from typing import Protocol

from relay.age import AgeBand
from relay.conversation import Conversation
from relay.safety.parent import NO_RULES, ParentRules
from relay.tts import USUAL, Style


@dataclass(frozen=True)
class Terms:
    """The terms of one turn.

    `silent`: the toy does not listen at all, and says this. `resting`: it listens for a cry for
    help alone, and says this instead of an answer. `remembers`: what was said may come up again in
    a later talk.
    """

    silent: str | None = None
    resting: str | None = None
    topics: ParentRules = NO_RULES
    style: Style = USUAL
    remembers: bool = False

    @property
    def rests(self) -> bool:
        """Whether there is no conversation now."""
        return self.silent is not None or self.resting is not None


class Guardian(Protocol):
    """Knows what parents have decided. It is asked before every turn and waits for nothing."""

    def terms(self, toy: str, band: AgeBand) -> Terms:
        """Return what holds for a turn that begins now; `toy` is the toy's id."""

    def conversation(self, toy: str) -> Conversation:
        """Return what a toy and its child said lately, also over the last connection."""

    def begin(self, toy: str) -> None:
        """A conversation goes on: its time counts from now on."""

    def end(self, toy: str) -> None:
        """It pauses; harmless when it did so already."""

    def closing_words(self, toy: str, band: AgeBand) -> str | None:
        """Return what is to be said after an answer: that rest begins, or that it is near."""
