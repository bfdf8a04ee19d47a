"""The parent's rules: topics opened or closed, and words of their own that are not talked about.

They apply on top of the filter and only within these topics. That self-harm, abuse, danger, sexual
matters, personal data, weapons or jailbreaks are none of them is what keeps every parent, and
whoever sits at the parent's page, from unlocking those.
"""

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from relay.safety.finding import Category, Finding, Passage
from relay.safety.normalise import fold
from relay.safety.phrases import Phrase, PhraseIndex
from relay.safety.verdict import Action

MOST_OWN_WORDS = 100
LONGEST_OWN_WORDS = 60  # characters


class Topic(enum.Enum):
    """What a parent may open or close. The value is how it is stored, and the category's."""

    DEATH = Category.DEATH.value
    FAMILY = Category.FAMILY.value
    FEAR = Category.FEAR.value
    SADNESS = Category.SADNESS.value
    BULLYING = Category.BULLYING.value
    BODY = Category.BODY.value
    WAR = Category.WAR.value
    RELIGION = Category.RELIGION.value
    POLITICS = Category.POLITICS.value
    HORROR = Category.HORROR.value
    MONEY = Category.MONEY.value

    @property
    def category(self) -> Category:
        """The category of findings on this topic."""
        return Category(self.value)

    @property
    def title(self) -> str:
        """Its name in plain words, for the parent's page."""
        return _TITLES[self]


_TITLES = {
    Topic.DEATH: "Death and loss",
    Topic.FAMILY: "Divorce and changes in the family",
    Topic.FEAR: "Fears and bad dreams",
    Topic.SADNESS: "Sadness and loneliness",
    Topic.BULLYING: "Being bullied",
    Topic.BODY: "Bodies, babies and growing up",
    Topic.WAR: "War and disasters",
    Topic.RELIGION: "Religion",
    Topic.POLITICS: "Politics and elections",
    Topic.HORROR: "Scary stories",
    Topic.MONEY: "Money and buying",
}


def topics() -> tuple[Topic, ...]:
    """Return what a parent may open or close, in the order to show it in."""
    return tuple(Topic)


@dataclass(frozen=True)
class ParentRules:
    """What a parent decided for a child; ValueError, in plain words, if it cannot be.

    `allow`: the model may answer where the filter would give a reviewed line. What the filter
    blocks stays blocked: a gory story is no scary story.
    `block`: a reviewed line at every age, also where older children would hear the model.
    `own_blocked`: words or short phrases that are not talked about by either side.
    """

    allow: frozenset[Topic] = field(default_factory=frozenset)
    block: frozenset[Topic] = field(default_factory=frozenset)
    own_blocked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(isinstance(topic, Topic) for topic in (*self.allow, *self.block)):
            raise ValueError("only the topics listed can be opened or closed")
        if both := self.allow & self.block:
            names = ", ".join(sorted(topic.title for topic in both))
            raise ValueError(f"opened and closed at once: {names}")
        if len(self.own_blocked) > MOST_OWN_WORDS:
            raise ValueError(f"at most {MOST_OWN_WORDS} words of your own")
        for words in self.own_blocked:
            if len(words) > LONGEST_OWN_WORDS:
                raise ValueError(f"at most {LONGEST_OWN_WORDS} letters each")
            if not re.search(r"[a-z0-9]", fold(words)):
                raise ValueError("words need letters from a to z, or digits")

    @property
    def always(self) -> frozenset[Category]:
        """The categories to watch at every age."""
        return frozenset(topic.category for topic in self.block)

    def judged(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings that count under these rules."""
        opened = {topic.category for topic in self.allow}
        return [
            finding
            for finding in findings
            if finding.action is not Action.CAUTION or finding.category not in opened
        ]


NO_RULES = ParentRules()


class OwnWords:
    """A detector of the words that one parent does not want talked about."""

    def __init__(self, phrases: Sequence[Sequence[str]]) -> None:
        self._index = PhraseIndex([_phrase(words) for words in phrases if words])

    def __call__(self, passage: Passage) -> list[Finding]:
        """Return a finding if one of them is in a reading, or there in disguise."""
        is_there = any(
            phrase.is_in(reading)
            for reading in dict.fromkeys(passage.views.readings)
            for phrase in self._index.candidates(reading)
        )
        if not is_there and not self._index.disguised(passage.views.skeletons):
            return []
        return [Finding(Category.PARENT_RULE, "parent.words", Action.BLOCK, "something_else")]


def _phrase(words: Sequence[str]) -> Phrase:
    """Return the phrase of `words`, the last of them in the singular or the plural."""
    *first, last = words
    ways = dict.fromkeys((last, f"{last}s", f"{last}es", last.removesuffix("s") or last))
    return Phrase(" ".join([*first, f"({'|'.join(ways)})"]), {})
