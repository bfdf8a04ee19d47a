"""Goodbyes are known for what they are, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.farewell import farewell


@pytest.mark.parametrize(
    "heard",
    [
        "Bye!",
        "Bye bye, Bramble.",
        "Goodbye bear",
        "okay, I have to go now",
        "I gotta go to school. Bye!",
        "See you tomorrow!",
        "I'll see you later",
        "I'm going home now, bye bye",
    ],
)
def test_goodbyes_by_day(heard):
    assert farewell(heard) == "Bye bye! It was nice talking with you."


@pytest.mark.parametrize(
    "heard", ["Good night!", "Night night, Bear.", "I'm going to bed now.", "I have to go to sleep"]
)
def test_goodbyes_at_night(heard):
    assert farewell(heard) == "Good night! Sleep well."


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "Why is it dark at night?",
        "Do I have to go to bed?",
        "I have to go to the dentist and I am scared",
        "What does goodbye mean?",
        "I'm going to tell you a story",
        "Say good night to my sister",
        "I don't want to go to bed",
        "My dad said bye and never came back",
        "now",
    ],
)
def test_everything_else_is_for_the_model(heard):
    assert farewell(heard) is None


@given(st.text(max_size=300))
def test_any_text_is_answered_or_not(heard):
    assert farewell(heard) is None or heard.strip()


def test_long_nonsense_takes_no_time():
    assert farewell("bye now " * 5000 + "x") is None
