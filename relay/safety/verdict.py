"""What the safety filter answers."""

import enum
from dataclasses import dataclass


class Action(enum.Enum):
    """The three answers, mildest first."""

    ALLOW = "allow"
    CAUTION = "caution"
    BLOCK = "block"


class Alert(enum.Enum):
    """What a parent is told about, without a child's words."""

    SELF_HARM = "self_harm"
    ABUSE = "abuse"
    DANGER = "danger"  # somebody may be in danger at this moment: fire, not waking up, a stranger
    CHECK_FAILED = "check_failed"


CRIES_FOR_HELP = frozenset({Alert.SELF_HARM, Alert.ABUSE})
"""After one of these, what a child says is heard in its light for a while."""


@dataclass(frozen=True)
class Verdict:
    """The filter's answer about one utterance of a child, or one sentence of the model.

    `reply` is the reviewed line to speak instead; it is there unless `action` is ALLOW. `category`
    is a name of the category list in docs/safety.md, or "" with ALLOW. `rule` names the rule or
    check that decided, for logs: it never holds words of a child.
    """

    action: Action
    category: str = ""
    rule: str = ""
    reply: str = ""
    alert: Alert | None = None
