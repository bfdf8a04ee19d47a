"""What may be kept of a turn, and what never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.history.note import LONGEST_WORDS, note_of
from relay.house import Standing
from relay.record import Outcome, TurnRecord
from relay.safety.verdict import Action, Alert, Verdict
from relay.schema import LONGEST_REASON
from relay.store.rules import ChildRules
from relay.store.toy import Toy

ALLOW = Verdict(Action.ALLOW)
AT = 1_800_000_000


def standing(*, consented=True, child="c", **rules):
    toy = Toy("t", "Bear", 6, household="h", child=child)
    decided = ChildRules("c", **{"keep_transcripts": True, **rules}) if child else None
    return Standing(toy, decided, consented)


def record(*verdicts, outcome=Outcome.ANSWERED, heard="why is it blue", said=("Because.", "Yes.")):
    made = TurnRecord("a" * 12, "t", 3, heard=heard, said=list(said), outcome=outcome)
    made.verdicts.extend(verdicts or (ALLOW,))
    return made


def words_of(made, place=None, *, may_quote=True):
    note = note_of(made, place or standing(), AT, may_quote=may_quote)
    return note and note.words


def test_words_are_kept_as_they_were_said_and_until_they_expire():
    words = words_of(record(), standing(transcript_days=3))
    assert (words.heard, words.said, words.outcome) == (
        "why is it blue",
        "Because. Yes.",
        "answered",
    )
    assert (words.household, words.child, words.toy, words.turn) == ("h", "c", "t", 3)
    assert (words.at, words.expires - AT) == (AT, 3 * 24 * 3600)


@pytest.mark.parametrize("place", [standing(consented=False), standing(child=None), None])
def test_nothing_is_kept_of_whom_nobody_has_agreed_for(place):
    assert note_of(record(), place, AT, may_quote=True) is None


def test_only_a_count_is_kept_unless_a_parent_wants_the_words():
    note = note_of(record(), standing(keep_transcripts=False), AT, may_quote=True)
    assert note.words is None and note.child == "c" and not note.stopped
    assert words_of(record(), may_quote=False) is None


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(Action.BLOCK, "self_harm", alert=Alert.SELF_HARM),
        Verdict(Action.BLOCK, "abuse_disclosure", alert=Alert.ABUSE),
        Verdict(Action.CAUTION, "abuse_disclosure"),
        Verdict(Action.BLOCK, "unchecked", alert=Alert.CHECK_FAILED),
    ],
)
def test_what_a_child_confides_is_never_quoted(verdict):
    assert words_of(record(verdict, outcome=Outcome.REVIEWED)) is None
    assert words_of(record(ALLOW, verdict)) is None


def test_words_that_nobody_checked_are_not_kept():
    interrupted = record(outcome=Outcome.CANCELLED)
    interrupted.verdicts.clear()
    note = note_of(interrupted, standing(), AT, may_quote=True)
    assert note is not None and note.words is None


@pytest.mark.parametrize("outcome", [Outcome.RESTED, Outcome.REFUSED, Outcome.NOT_UNDERSTOOD])
def test_a_turn_without_a_question_is_none(outcome):
    assert note_of(record(outcome=outcome), standing(), AT, may_quote=True) is None
    assert note_of(record(heard="  "), standing(), AT, may_quote=True) is None


def test_the_reason_of_every_stopped_sentence_is_kept_once():
    war, violence = Verdict(Action.CAUTION, "war"), Verdict(Action.BLOCK, "violence")
    made = record(war, ALLOW, violence, violence, war)
    note = note_of(made, standing(), AT, may_quote=True)
    assert note.words.reason == "heard:war said:violence said:war"
    assert note.stopped
    assert words_of(record()).reason == ""


@given(
    heard=st.text(max_size=2 * LONGEST_WORDS),
    said=st.lists(st.text(max_size=500), max_size=20),
    verdicts=st.lists(
        st.builds(Verdict, st.sampled_from(Action), st.text("abc_", max_size=40), alert=st.none()),
        max_size=40,
    ),
    outcome=st.sampled_from([*Outcome, None]),
)
def test_whatever_a_turn_was_it_fits_the_table(heard, said, verdicts, outcome):
    made = TurnRecord("a" * 12, "t", 1, heard=heard, said=said, outcome=outcome)
    made.verdicts.extend(verdicts)
    words = words_of(made)
    if words is not None:
        assert len(words.heard) <= LONGEST_WORDS and len(words.said) <= LONGEST_WORDS
        assert len(words.reason) <= LONGEST_REASON and len(words.outcome) <= 16
