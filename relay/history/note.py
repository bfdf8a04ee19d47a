"""What of a turn is kept: a count always, the words only where a parent wants them. Pure."""

import time
from dataclasses import dataclass

from relay.house import Standing
from relay.record import Outcome, TurnRecord
from relay.safety.finding import Category
from relay.safety.verdict import Action, Alert
from relay.schema import LONGEST_REASON
from relay.store.transcripts import Transcript

_DAY_S = 24 * 3600
# Whoever hurts a child may be the one who reads here: of these not a word is kept, whatever the
# switches say (docs/safety.md, "Alerts").
_NEVER_QUOTED = (Alert.SELF_HARM, Alert.ABUSE)
_NEVER_QUOTED_CATEGORIES = (Category.SELF_HARM.value, Category.ABUSE_DISCLOSURE.value)
# In these nobody asked anything, or nothing was understood.
_NO_QUESTION = (Outcome.RESTED, Outcome.REFUSED, Outcome.NOT_UNDERSTOOD)

LONGEST_WORDS = 4000
"""Characters kept of what was said on each side of a turn."""


@dataclass(frozen=True)
class Note:
    """A turn as it is kept. `day` is the home's (2026-11-22), `words` None where none are kept."""

    child: str
    day: str
    stopped: bool
    words: Transcript | None = None


def is_confided(record: TurnRecord) -> bool:
    """Tell whether the child said something that nobody at home may read."""
    return any(
        verdict.alert in _NEVER_QUOTED or verdict.category in _NEVER_QUOTED_CATEGORIES
        for verdict in record.verdicts
    )


def note_of(
    record: TurnRecord, standing: Standing | None, at: int, *, may_quote: bool
) -> Note | None:
    """Return what is kept of a turn that ended `at` (Unix seconds); None if it is nothing.

    `may_quote` is False where words must not be kept although the parent would have them kept.
    """
    if standing is None or standing.rules is None or standing.toy.child is None:
        return None
    if not standing.consented or not record.heard.strip() or record.outcome in _NO_QUESTION:
        return None
    # Words that were not checked to the end, as when the child interrupted, may be anything.
    checked = bool(record.verdicts) and not any(
        verdict.alert is Alert.CHECK_FAILED for verdict in record.verdicts
    )
    stopped = any(verdict.action is Action.BLOCK for verdict in record.verdicts)
    words = None
    if standing.rules.keep_transcripts and may_quote and checked and not is_confided(record):
        words = Transcript(
            household=standing.toy.household,
            child=standing.toy.child,
            toy=standing.toy.id,
            session=record.session,
            turn=record.turn,
            at=at,
            heard=record.heard[:LONGEST_WORDS],
            said=" ".join(record.said)[:LONGEST_WORDS],
            outcome=record.outcome.value if record.outcome else "",
            reason=_reasons(record),
            expires=at + standing.rules.transcript_days * _DAY_S,
        )
    day = time.strftime("%Y-%m-%d", time.localtime(at))
    return Note(standing.toy.child, day, stopped, words)


def _reasons(record: TurnRecord) -> str:
    """Return why sentences were stopped: `heard:war said:violence`, each once, in order.

    The first verdict of a turn is about what the child said, those after it about the answer.
    """
    reasons: dict[str, None] = {}
    for number, verdict in enumerate(record.verdicts):
        if verdict.action is not Action.ALLOW:
            reasons[f"{'said' if number else 'heard'}:{verdict.category}"] = None
    kept = ""
    for reason in reasons:
        if len(kept) + 1 + len(reason) > LONGEST_REASON:
            break
        kept = f"{kept} {reason}".strip()
    return kept
