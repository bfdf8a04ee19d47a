"""Who takes part in the model's next step, whatever is under way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.llm.schedule import LAST_PIECE, MOST_TOGETHER, PATIENCE_STEPS, Candidate, next_step
from relay.urgency import Urgency

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        urgency=st.sampled_from(Urgency),
        arrived=st.integers(0, 1000),
        unread=st.one_of(st.just(1), st.integers(1, 300)),
        skipped=st.integers(0, 100),
    ),
    max_size=20,
)


@given(CANDIDATES, st.integers(1, 64))
def test_a_step_is_never_empty_nor_too_large(candidates, chunk):
    step = next_step(candidates, chunk)
    assert bool(step) == bool(candidates)
    assert len(step) <= MOST_TOGETHER
    assert sum(step.values()) <= max(chunk * LAST_PIECE, MOST_TOGETHER)
    for index, count in step.items():
        assert 1 <= count <= candidates[index].unread
    # One prompt at a time is read.
    assert sum(candidates[index].unread > 1 for index in step) <= 1


@given(CANDIDATES, st.integers(1, 64))
def test_nobody_takes_part_while_somebody_more_urgent_must_wait_for_the_step(candidates, chunk):
    step = next_step(candidates, chunk)
    patient = [
        index
        for index, each in enumerate(candidates)
        if each.skipped < PATIENCE_STEPS[each.urgency]
    ]
    taking_part = [candidates[index].urgency for index in step if index in patient]
    best = min((candidates[index].urgency for index in patient), default=None)
    assert all(urgency is best for urgency in taking_part)


@given(CANDIDATES, st.integers(1, 64), st.data())
def test_nobody_starves(candidates, chunk, data):
    """However many first sentences keep coming, each candidate is served within a known time."""
    watched = data.draw(st.sampled_from(candidates)) if candidates else None
    if watched is None:
        return
    others = [replace(each, skipped=0) for each in candidates if each is not watched]
    crowd = [replace(watched, skipped=0), *others]
    arrivals = 2000
    # Each one that is served anew counts its steps; the crowd never gets smaller, and each step one
    # more first sentence is asked for in place of one that is done.
    for _step in range(PATIENCE_STEPS[watched.urgency] + len(crowd) * len(crowd) + 64):
        step = next_step(crowd, chunk)
        if 0 in step:
            return
        arrivals += 1
        crowd = [
            replace(each, urgency=Urgency.FIRST_SENTENCE, arrived=arrivals, skipped=0)
            if index in step
            else replace(each, skipped=each.skipped + 1)
            for index, each in enumerate(crowd)
        ]
    pytest.fail("it was never served")


def test_first_sentences_come_first_and_together():
    first = [Candidate(Urgency.FIRST_SENTENCE, arrived, 1) for arrived in (7, 3)]
    later = Candidate(Urgency.LATER, 1, 1)
    assert next_step([later, *first], 16) == {1: 1, 2: 1}
    assert next_step([later], 16) == {0: 1}


def test_those_who_asked_first_finish_first():
    crowd = [Candidate(Urgency.FIRST_SENTENCE, arrived, 1) for arrived in range(9, 0, -1)]
    assert set(next_step(crowd, 16)) == {8, 7, 6, 5}


def test_later_sentences_take_turns():
    crowd = [Candidate(Urgency.LATER, arrived, 1) for arrived in range(8)]
    seen = set()
    for _step in range(2):
        step = next_step(crowd, 16)
        seen |= set(step)
        crowd = [
            replace(each, skipped=0 if index in step else each.skipped + 1)
            for index, each in enumerate(crowd)
        ]
    assert seen == set(range(8))


def test_a_prompt_is_read_beside_replies_in_what_is_left_of_the_step():
    reply = Candidate(Urgency.FIRST_SENTENCE, 1, 1)
    prompts = [Candidate(Urgency.FIRST_SENTENCE, arrived, 40) for arrived in (2, 3)]
    assert next_step([reply, *prompts], 16) == {0: 1, 1: 15}
    assert next_step([replace(prompts[0], unread=5)], 16) == {0: 5}


def test_who_waited_long_enough_takes_part():
    urgent = Candidate(Urgency.FIRST_SENTENCE, 1, 1)
    patience = PATIENCE_STEPS[Urgency.LATER]
    later = Candidate(Urgency.LATER, 2, 1, skipped=patience)
    assert set(next_step([urgent, later], 16)) == {0, 1}
    assert set(next_step([urgent, replace(later, skipped=patience - 1)], 16)) == {0}


@pytest.mark.parametrize(("unread", "read"), [(8, 8), (12, 12), (13, 8), (100, 8)])
def test_the_last_few_tokens_of_a_prompt_are_read_along(unread, read):
    alone = Candidate(Urgency.FIRST_SENTENCE, arrived=0, unread=unread)
    assert next_step([alone], 8) == {0: read}
