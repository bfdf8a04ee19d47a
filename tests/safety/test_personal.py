"""Spoken personal data."""

import pytest

from relay.age import AgeBand
from relay.safety.verdict import Action

BAND = AgeBand.AGES_6_TO_8


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("it is oh seven seven double nine one two three four", "personal.phone"),
        ("call me on 0171 555 0192", "personal.phone"),
        ("we live at forty two maple street", "personal.address"),
        ("I live on green lane", "personal.address"),
        ("my house is number nine", "personal.address"),
        ("write to tim at gmail dot com", "personal.mail"),
        ("write to tim@example.org", "personal.mail"),
        ("my name is anna kowalski", "personal.full_name"),
        ("my name is john smith", "personal.full_name"),
        ("I go to oakwood primary school", "personal.school"),
        ("my password is banana", "pii.told"),
        ("my house number is forty two", "pii.told"),
    ],
)
def test_is_recognised(shipped, text, rule):
    verdict = shipped.heard(text, BAND)
    assert (verdict.action, verdict.category) == (Action.BLOCK, "pii")
    assert verdict.rule in {rule, "pii.told"}


@pytest.mark.parametrize(
    "text",
    [
        "my name is tom",
        "my name is tom and i like cars",
        "my name is princess sparkle",
        "my dog is called rex",
        "one two three four five six seven eight nine ten",
        "ten nine eight seven six five four three two one zero",
        "two two two two two two two two",
        "I live in paris",
        "we live in a house",
        "I go to school",
        "I go to swimming school",
        "how do you get to sesame street",
        "I am forty two weeks old",
        "the number nine bus",
    ],
)
def test_is_fine(shipped, text):
    assert shipped.heard(text, BAND).action is Action.ALLOW


def test_a_number_said_over_two_turns(shipped):
    earlier = ("five five five one two",)
    assert shipped.heard("three nine eight", BAND, earlier=earlier).rule == "personal.phone"


def test_the_model_tells_no_numbers_either(shipped):
    assert shipped.said("Call five five five one two three nine.", BAND).action is Action.BLOCK
