"""What holds while a parent tries Bramble without a toy."""

from relay.age import AgeBand
from relay.conversation import Conversation
from relay.guardian import style_of, topics_of
from relay.store.rules import ChildRules
from relay.terms import Terms


class TrialGuardian:
    """The `Guardian` of one browser toy, for one connection.

    Of `rules`, None for an age alone, the topics, the voice and its speed hold. A parent who tries
    in the evening is in no quiet hours, and uses up none of the child's minutes.
    """

    def __init__(self, rules: ChildRules | None) -> None:
        self.rules = rules
        self._conversation = Conversation()

    def terms(self, toy: str, band: AgeBand) -> Terms:
        """Return what holds for a turn that begins now; see `Guardian`."""
        return Terms(topics=topics_of(self.rules), style=style_of(self.rules))

    def conversation(self, toy: str) -> Conversation:
        """Return what was said since the page was opened; see `Guardian`."""
        return self._conversation

    def begin(self, toy: str) -> None:
        """A conversation goes on: nobody counts."""

    def end(self, toy: str) -> None:
        """It pauses: nobody counts."""

    def closing_words(self, toy: str, band: AgeBand) -> str | None:
        """Return None: no rest is near."""
