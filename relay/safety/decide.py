"""From findings to a verdict."""

from collections.abc import Sequence

from relay.age import AgeBand
from relay.safety.finding import ALERTS, Category, Finding, Side
from relay.safety.replies import Replies
from relay.safety.verdict import Action, Verdict

_SEVERITY = {action: place for place, action in enumerate(Action)}
_SERIOUSNESS = {category: -place for place, category in enumerate(Category)}


def worst(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that decides: self-harm and abuse first, then by action, then category."""
    counted = [finding for finding in findings if finding.action is not Action.ALLOW]
    if not counted:
        return None
    return max(
        counted,
        key=lambda f: (f.category in ALERTS, _SEVERITY[f.action], _SERIOUSNESS[f.category]),
    )


def decide(
    findings: Sequence[Finding], side: Side, band: AgeBand, replies: Replies, text: str
) -> Verdict:
    """Return the verdict on `text`; a model's sentence never raises an alert about the child."""
    finding = worst(findings)
    if finding is None:
        return Verdict(Action.ALLOW)
    return Verdict(
        action=finding.action,
        category=finding.category.value,
        rule=finding.rule,
        reply=replies.pick(finding.topic, band, text),
        alert=ALERTS.get(finding.category) if side is Side.HEARD else None,
    )


def unsure(
    findings: Sequence[Finding], band: AgeBand, replies: Replies, text: str
) -> Verdict | None:
    """Return the verdict when only another hypothesis of the recogniser holds something bad.

    Recognisers guess; what may have been a cry for help is answered as one, and anything else that
    would be blocked is asked for again. Topics for caution are left alone.
    """
    blocked = [finding for finding in findings if finding.action is Action.BLOCK]
    finding = worst(blocked)
    if finding is None:
        return None
    if finding.category in ALERTS:
        return decide(blocked, Side.HEARD, band, replies, text)
    return Verdict(
        action=Action.CAUTION,
        category=finding.category.value,
        rule=f"alternative.{finding.rule}",
        reply=replies.pick("say_again", band, text),
    )
