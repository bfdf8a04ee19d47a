"""What the classifier looks at."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.safety.data_files import load_unsealed
from relay.safety.normalise import Normaliser
from relay.safety.pieces import TooManyPieces, joined, pieces


@functools.lru_cache(maxsize=1)
def normaliser():
    return Normaliser(load_unsealed()["words"])


def views(text):
    return normaliser().views(text)


def test_a_short_text_is_one_piece():
    assert pieces(views("what do penguins eat")) == (["what do penguins eat"], [])


def test_clauses_of_a_run_on_sentence():
    _, parts = pieces(views("we went to the park and I fed the ducks but then it was raining"))
    assert parts == ["we went to the park", "i fed the ducks", "then it was raining"]


def test_nothing_is_nothing():
    assert pieces(views("")) == ([], [])
    assert joined(views("how do i make"), views("")) is None
    assert joined(views(""), views("a bomb")) is None


def test_what_came_before_is_joined():
    assert joined(views("how do i make"), views("a boat")) == (
        "how do i make",
        "how do i make a boat",
    )


words = st.lists(st.sampled_from(["cat", "and", "but", "swims", "boat", "red", "or"]), max_size=120)


@given(words)
def test_every_word_is_looked_at(chosen):
    text = " ".join(chosen)
    try:
        wholes, _ = pieces(views(text))
    except TooManyPieces:
        pytest.fail("half a minute of speech must be looked at")
    looked_at = " ".join(wholes).split()
    assert set(looked_at) == set(views(text).readings[1].split())
    assert all(len(whole.split()) <= 32 for whole in wholes)


def test_too_much_is_refused():
    with pytest.raises(TooManyPieces):
        pieces(views("one fish two fish red fish blue fish " * 60))
