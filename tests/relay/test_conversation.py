"""The toy's short memory, and what it is told to be."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.conversation import (
    CARE_S,
    FORGET_AFTER_S,
    MOST_CHARACTERS,
    MOST_EXCHANGES,
    Conversation,
)
from relay.llm import Role
from relay.persona import opening
from relay.safety.verdict import Alert


@given(st.lists(st.tuples(st.text(max_size=3000), st.text(max_size=3000)), max_size=20))
def test_memory_is_bounded_and_holds_the_latest(exchanges: list[tuple[str, str]]) -> None:
    conversation = Conversation()
    for heard, said in exchanges:
        conversation.add(heard, said, 1.0)
        messages = conversation.messages(1.0)
        assert len(messages) <= 2 * MOST_EXCHANGES
        assert sum(len(message.text) for message in messages) <= 2 * MOST_CHARACTERS
        assert said[:MOST_CHARACTERS] in [message.text for message in messages]
        assert [message.role for message in messages[:2]] == [Role.CHILD, Role.TOY]


def test_the_beginning_stays_the_same_for_several_turns() -> None:
    conversation = Conversation()
    firsts = []
    for number in range(12):
        conversation.add(f"q{number}", "a", 0.0)
        firsts.append(conversation.messages(0.0)[0].text)
    changes = sum(a != b for a, b in itertools.pairwise(firsts))
    assert changes <= 4


def test_it_is_forgotten_after_a_pause() -> None:
    conversation = Conversation()
    conversation.add("a", "b", 0.0)
    assert conversation.child_said(FORGET_AFTER_S) == ("a",)
    assert conversation.messages(FORGET_AFTER_S + 1) == []
    assert conversation.child_said(FORGET_AFTER_S + 1) == ()


def test_a_prompt_for_each_band() -> None:
    prompts = {opening(band)[0].text for band in AgeBand}
    assert len(prompts) == len(AgeBand)
    assert all(len(prompt) < 400 and "{" not in prompt for prompt in prompts)
    roles = [message.role for message in opening(AgeBand.AGES_3_TO_5)]
    assert roles == [Role.SYSTEM, *[Role.CHILD, Role.TOY] * (len(roles) // 2)]


def test_an_answer_is_shown_to_the_model_once_however_often_it_was_given() -> None:
    conversation = Conversation()
    for number, (heard, said) in enumerate([("a", "same"), ("b", "same"), ("c", "other")]):
        conversation.add(heard, said, float(number))
    assert [message.text for message in conversation.messages(3.0)] == ["a", "same", "c", "other"]
    assert conversation.child_said(3.0) == ("a", "b", "c")  # safety reads all of it


def test_a_cry_for_help_is_remembered_for_a_while_and_longer_than_the_words() -> None:
    conversation = Conversation()
    conversation.alerted(Alert.SELF_HARM, 0.0)
    conversation.alerted(Alert.ABUSE, 100.0)
    conversation.alerted(Alert.CHECK_FAILED, 100.0)
    assert conversation.cries(CARE_S) == {Alert.SELF_HARM, Alert.ABUSE}
    assert conversation.cries(CARE_S + 1) == {Alert.ABUSE}
    conversation.alerted(Alert.SELF_HARM, CARE_S + 2)
    assert conversation.cries(CARE_S + 200) == {Alert.SELF_HARM}
    assert CARE_S > FORGET_AFTER_S
