"""What the key-value cache holds, against a memory that counts every cell."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from relay.llm.kv_cache import FRESH_S, SHORT_TAIL, KvCache, shared_length

SEQUENCES = 6
CELLS = 120
CONTEXT = 60  # half of the cells, so that one conversation always finds room


class Cells:
    """Sequences as llama.cpp keeps them: each a list of cells, and cells are shared by copying."""

    def __init__(self, *, whole_only=False):
        self.held = {number: [] for number in range(SEQUENCES)}
        self.whole_only = whole_only

    def copy(self, source, target, length):
        assert not self.held[target]
        assert not self.whole_only or length == len(self.held[source])
        self.held[target] = self.held[source][:length]

    def remove(self, sequence, start):
        if self.whole_only and 0 < start < len(self.held[sequence]):
            return False
        del self.held[sequence][start:]
        return True

    def read(self, sequence, tokens):
        self.held[sequence] += [[token] for token in tokens]
        assert self.used() <= CELLS, "more was read than there are cells"

    def used(self):
        return len({id(cell) for cells in self.held.values() for cell in cells})

    def tokens(self, sequence):
        return [cell[0] for cell in self.held[sequence]]


# Few different tokens, so that prompts often begin alike.
PROMPTS = st.lists(st.integers(0, 1), min_size=1, max_size=40)


class CacheLife(RuleBasedStateMachine):
    @initialize(whole_only=st.booleans(), idle=st.integers(0, CELLS))
    def begin(self, whole_only, idle):
        self.cells = Cells(whole_only=whole_only)
        self.now = 0.0
        self.cache = KvCache(
            self.cells,
            sequences=SEQUENCES,
            cells=CELLS,
            idle=idle,
            whole_only=whole_only,
            clock=lambda: self.now,
        )
        self.busy = []  # [sequence, tokens still to read, room]

    @rule(tokens=PROMPTS, room=st.integers(0, CONTEXT - 40))
    def open(self, tokens, room):
        opened = self.cache.open(tokens, room)
        if opened is None:
            assert self.busy, "with nobody at work there is always room"
            return
        assert opened.tokens == tokens[: len(opened.tokens)]
        assert opened not in [each[0] for each in self.busy]
        self.busy.append([opened, tokens[len(opened.tokens) :], room])

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), count=st.integers(1, 40))
    def read(self, data, count):
        job = data.draw(st.sampled_from(self.busy))
        tokens, job[1] = job[1][:count], job[1][count:]
        if not tokens and job[2]:
            tokens, job[2] = [data.draw(st.integers(0, 1))], job[2] - 1
        self.cells.read(job[0].number, tokens)
        self.cache.extend(job[0], tokens)

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), failed=st.booleans())
    def end(self, data, failed):
        job = data.draw(st.sampled_from(self.busy))
        self.busy.remove(job)
        self.cache.release(job[0])
        if failed and job[0] in self.cache.held:
            self.cache.drop(job[0])

    @rule(seconds=st.floats(0, 2 * FRESH_S))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def forget_idle(self):
        self.cache.forget_idle()
        assert len(self.cache.held) == len(self.busy)

    @rule(tokens=PROMPTS)
    def covers(self, tokens):
        known = any(each.tokens[: len(tokens)] == tokens for each in self.cache.held)
        if not self.cells.whole_only:
            assert self.cache.covers(tokens) == known

    @invariant()
    def the_books_agree_with_the_cells(self):
        for each in self.cache.held:
            assert self.cells.tokens(each.number) == each.tokens
        held = [each.number for each in self.cache.held]
        assert len(set(held)) == len(held)
        for number, cells in self.cells.held.items():
            assert not cells or number in held


CacheLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestCacheLife = CacheLife.TestCase


@pytest.fixture
def cells():
    return Cells()


def cache_of(cells, *, idle=CELLS, step_s=2 * FRESH_S):
    return KvCache(
        cells,
        sequences=SEQUENCES,
        cells=CELLS,
        idle=idle,
        whole_only=cells.whole_only,
        clock=itertools.count(0, step_s).__next__,
    )


def read_all(cache, cells, tokens, room=0):
    """Read a prompt as a job does; return how many tokens had to be read."""
    sequence = cache.open(tokens, room)
    rest = tokens[len(sequence.tokens) :]
    cells.read(sequence.number, rest)
    cache.extend(sequence, rest)
    cache.release(sequence)
    return len(rest)


def test_what_two_conversations_begin_with_is_read_once(cells):
    cache = cache_of(cells)
    opening = list(range(30))
    assert read_all(cache, cells, opening) == 30
    assert read_all(cache, cells, [*opening, 101, 102]) == 2
    assert read_all(cache, cells, [*opening, *range(200, 220)]) == 20
    assert cells.used() == 52


def test_an_opening_that_is_in_use_outlives_the_conversations(cells):
    cache = cache_of(cells, idle=40)
    opening = list(range(20))
    read_all(cache, cells, opening)
    for talk in range(10):
        read_all(cache, cells, [*opening, *range(1000 * talk + 100, 1000 * talk + 118)])
    assert cache.covers(opening)
    assert cells.used() <= 40


def test_what_children_say_who_speak_at_once_is_kept_for_each(cells):
    cache = cache_of(cells, idle=40, step_s=0.1)
    talks = [[*range(10), *range(1000 * talk, 1000 * talk + 20)] for talk in range(1, 4)]
    for talk in talks:
        read_all(cache, cells, talk)
    assert [read_all(cache, cells, [*talk, 7]) for talk in talks] == [1] * len(talks)


def test_a_guess_that_changes_is_replaced(cells):
    cache = cache_of(cells)
    opening = list(range(30))
    read_all(cache, cells, opening)
    for word in range(100, 120):
        read_all(cache, cells, [*opening, 50, 51, word])
    assert cells.used() == 33


def test_a_long_conversation_is_not_replaced_by_another(cells):
    cache = cache_of(cells)
    one = [7, *range(100, 100 + SHORT_TAIL + 1)]
    read_all(cache, cells, one)
    read_all(cache, cells, [7, 8])
    assert cache.covers(one)


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_the_shared_beginning_is_the_longest(one, other):
    length = shared_length(one, other)
    assert one[:length] == other[:length]
    assert one[: length + 1] != other[: length + 1] or length == min(len(one), len(other))
