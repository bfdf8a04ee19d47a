"""What detectors look at and what they find."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from relay.age import AgeBand
from relay.safety.normalise import Views
from relay.safety.verdict import Action, Alert


class Side(enum.Enum):
    """Whose words are checked; the value is how rule files name the side."""

    HEARD = "heard"  # the child's
    SAID = "said"  # the model's


class Category(enum.Enum):
    """What a finding is about, most serious first: the first decides when several are found.

    docs/safety.md explains each.
    """

    SELF_HARM = "self_harm"
    ABUSE_DISCLOSURE = "abuse_disclosure"
    DANGER_NOW = "danger_now"
    SEXUAL = "sexual"
    ONLINE_CONTACT = "online_contact"
    MEETUP = "meetup"
    MEDICAL = "medical"
    DANGEROUS_ACT = "dangerous_act"
    EATING = "eating"
    WEAPONS = "weapons"
    VIOLENCE = "violence"
    DRUGS = "drugs"
    PII = "pii"
    ASK_PII = "ask_pii"
    SECRECY = "secrecy"
    SECRETS = "secrets"
    UNDERMINE_PARENT = "undermine_parent"
    HATE = "hate"
    JAILBREAK = "jailbreak"
    LEAK = "leak"
    PARENT_RULE = "parent_rule"
    MONEY = "money"
    HUMAN_CLAIM = "human_claim"
    DEPENDENCY = "dependency"
    ROMANCE = "romance"
    HORROR = "horror"
    PROFANITY = "profanity"
    POLITICS = "politics"
    BULLYING = "bullying"
    DEATH = "death"
    FAMILY = "family"
    FEAR = "fear"
    SADNESS = "sadness"
    BODY = "body"
    WAR = "war"
    RELIGION = "religion"
    ABOUT_TOY = "about_toy"
    NONSENSE = "nonsense"
    UNREADABLE = "unreadable"
    CHECK_FAILED = "check_failed"


ALERTS = {
    Category.SELF_HARM: Alert.SELF_HARM,
    Category.ABUSE_DISCLOSURE: Alert.ABUSE,
    Category.DANGER_NOW: Alert.DANGER,
    Category.CHECK_FAILED: Alert.CHECK_FAILED,
}
"""The categories that a parent is told about when a child's words are in them."""

CONTEXT_FREE = frozenset(
    {
        Category.SELF_HARM,
        Category.ABUSE_DISCLOSURE,
        Category.DANGER_NOW,
        Category.SEXUAL,
        Category.ONLINE_CONTACT,
        Category.PII,
        Category.JAILBREAK,
    }
)
"""Categories that no game, story or sport excuses, whatever a rule file says."""

COMFORTED = frozenset(
    {
        Category.FAMILY,
        Category.RELIGION,
        Category.POLITICS,
    }
)
"""Topics whose rules are open to no doubt: quiet sentences ("dad sleeps on the sofa now") look
harmless, and a reviewed line too much does less harm there than one too few."""


@dataclass(frozen=True)
class Finding:
    """One thing that a detector found. `rule` names the check and holds no words of a child.

    One that `is_open_to_doubt` does not count where the classifier finds the whole text, and every
    part of it, far from all that must be stopped; one that `is_weak` as well, not even where it
    finds them nearer to that, as long as none is close.
    """

    category: Category
    rule: str
    action: Action
    topic: str  # of the reply, a table of data/replies.toml
    is_open_to_doubt: bool = False
    is_weak: bool = False


@dataclass(frozen=True)
class Passage:
    """What is checked: an utterance or a sentence, and what the same speaker said before it."""

    side: Side
    band: AgeBand
    views: Views
    before: Views
    always: frozenset[Category] = frozenset()  # watched at every age, as the parent wishes
    lately: frozenset[Category] = frozenset()  # of a cry for help not long ago


Detector = Callable[[Passage], Iterable[Finding]]
"""A check: what is wrong with a passage, if anything."""
