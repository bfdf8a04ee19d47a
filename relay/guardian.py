"""The parents' decisions, as sessions ask for them."""

from relay.age import AgeBand
from relay.conversation import Conversation
from relay.house import House
from relay.rules.leave import Rest
from relay.rules.timekeeper import Timekeeper
from relay.rules.wording import resting
from relay.safety.parent import NO_RULES, ParentRules
from relay.store.rules import ChildRules
from relay.terms import Terms
from relay.tts import USUAL, Style

# A toy that a parent has put to rest, or for which nobody has agreed, has no business listening.
_SILENT = (Rest.PAUSED, Rest.NO_CONSENT)


class HouseGuardian:
    """The `Guardian` of a relay; keep `house` and `timekeeper` fresh."""

    def __init__(self, house: House, timekeeper: Timekeeper) -> None:
        self._house = house
        self._timekeeper = timekeeper
        self._conversations: dict[str, Conversation] = {}  # by child, or by toy without one

    def terms(self, toy: str, band: AgeBand) -> Terms:
        """Return what holds for a turn that begins now; see `Guardian`."""
        leave = self._timekeeper.leave(toy)
        rules = self._house.rules_of(toy)
        words = None if leave.rest is None else resting(leave, band)
        return Terms(
            silent=words if leave.rest in _SILENT else None,
            resting=None if leave.rest in _SILENT else words,
            topics=topics_of(rules),
            style=style_of(rules),
            remembers=rules is not None and rules.keep_memory,
        )

    def conversation(self, toy: str) -> Conversation:
        """Return what a toy and its child said lately; see `Guardian`."""
        standing = self._house.standings.get(toy)
        whose = (standing.toy.child if standing else None) or toy
        return self._conversations.setdefault(whose, Conversation())

    def forget_the_gone(self) -> None:
        """Forget what children and toys said that are not there any more."""
        here = {each.toy.child or each.toy.id for each in self._house.standings.values()}
        for gone in self._conversations.keys() - here:
            del self._conversations[gone]

    def begin(self, toy: str) -> None:
        """A conversation goes on; see `Guardian`."""
        self._timekeeper.begin(toy)

    def end(self, toy: str) -> None:
        """It pauses; see `Guardian`."""
        self._timekeeper.end(toy)

    def closing_words(self, toy: str, band: AgeBand) -> str | None:
        """Return what is to be said after an answer; see `Guardian`."""
        return self._timekeeper.closing_words(toy, band)


def topics_of(rules: ChildRules | None) -> ParentRules:
    """Return what a child's rules say about topics; None are no rules."""
    if rules is None:
        return NO_RULES
    return ParentRules(
        allow=rules.open_topics, block=rules.blocked_topics, own_blocked=rules.own_blocked
    )


def style_of(rules: ChildRules | None) -> Style:
    """Return how a child's rules say that the toy speaks; None are no rules."""
    return USUAL if rules is None else Style(rules.voice, rules.words_per_minute)
