"""Who takes part in the model's next step: the choice alone, without a model.

Reading several tokens at once costs the model little more than reading one, so replies take their
steps together. But together each of them is slower than alone: the first sentences of those who
wait in silence come first, and all others pause in place until it is their turn or they have
waited long enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.urgency import Urgency

MOST_TOGETHER = 4
"""Replies that take steps together. With 8 the last first sentence comes no sooner than in two
groups of 4, and all others later."""

LAST_PIECE = 1.5
"""How much longer than others the last piece of a prompt may be."""

PATIENCE_STEPS = {
    Urgency.FIRST_SENTENCE: 64,
    Urgency.LATER: 8,
    Urgency.SPECULATIVE: 32,
    Urgency.BACKGROUND: 64,
}
"""Steps that work may be left out of before it takes part like the most urgent.

LATER still comes about as fast as it is spoken (3 tokens a second) when others never stop asking.
"""


@dataclass(frozen=True)
class Candidate:
    """One piece of work under way, as far as the choice depends on it."""

    urgency: Urgency
    arrived: int
    """Its place in the order of arrival."""
    unread: int
    """Tokens that the model has yet to read of it, at least 1; 1 while a reply is being made."""
    skipped: int = 0
    """Steps in a row that it was left out of."""


def next_step(candidates: Sequence[Candidate], chunk: int) -> dict[int, int]:
    """Return how many tokens of which candidate, by its index, the model reads next.

    Candidates with one unread token are cheap and go together; of those with more, a prompt still
    being read, only the first reads, up to `chunk` tokens for the whole step, or LAST_PIECE times
    as many if they are its last: a step of their own would cost more.
    """
    if not candidates:
        return {}
    order = sorted(range(len(candidates)), key=lambda index: _rank(candidates[index]))
    best = _rank(candidates[order[0]])[0]
    together = [index for index in order if _rank(candidates[index])[0] == best][:MOST_TOGETHER]
    step = {index: 1 for index in together if candidates[index].unread == 1}
    reading = next((index for index in together if candidates[index].unread > 1), None)
    if reading is not None:
        unread, room = candidates[reading].unread, max(1, chunk - len(step))
        step[reading] = unread if unread <= room * LAST_PIECE else room
    return step


def _rank(candidate: Candidate) -> tuple[int, int, int]:
    """Return what sorts a candidate: class, then who waited longest, then who came first.

    First sentences are finished one after the other, in the order in which they were asked for, and
    so is what is read ahead: the second then shares what the first has read. Others take turns.
    """
    if candidate.skipped >= PATIENCE_STEPS[candidate.urgency]:
        return Urgency.FIRST_SENTENCE, -candidate.skipped, candidate.arrived
    if candidate.urgency in (Urgency.FIRST_SENTENCE, Urgency.BACKGROUND):
        return candidate.urgency, 0, candidate.arrived
    return candidate.urgency, -candidate.skipped, candidate.arrived
