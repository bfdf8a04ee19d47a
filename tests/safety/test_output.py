"""Loops, gibberish, markup."""

import pytest

from relay.age import AgeBand
from relay.safety.output import is_gibberish, is_looping
from relay.safety.verdict import Action

BAND = AgeBand.AGES_6_TO_8


@pytest.mark.parametrize(
    "text", ["a cat and a dog " * 5, "the the the the the the the the the", "go on " * 9]
)
def test_loops_are_found(text):
    assert is_looping(text.split())


@pytest.mark.parametrize(
    "text", ["row row row your boat", "ha ha ha ha ha", "he said that he knew that he was late"]
)
def test_songs_and_laughter_are_no_loops(text):
    assert not is_looping(text.split())


@pytest.mark.parametrize("text", ["qwpx zzkt vlorp mnxq", "a b c x y z", "xkcdqwrtp"])
def test_gibberish_is_found(text):
    assert is_gibberish(text.split())


@pytest.mark.parametrize("text", ["zoe and kiki love mochi", "hm", "brr it is cold", ""])
def test_names_and_noises_are_no_gibberish(text):
    assert not is_gibberish(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "<|im_end|>",
        "User: hello",
        "```python",
        "See https://example.com",
        "print() => 3",
        "🎉🎉🎉",
        "word " * 61,
    ],
)
def test_what_is_not_for_speaking_is_stopped(shipped, text):
    assert shipped.said(text, BAND).action is Action.BLOCK
