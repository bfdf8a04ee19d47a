"""Messages from toys: every text is a message or a BadMessage that quotes nothing."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.protocol import MAX_TEXT_BYTES
from relay import messages
from relay.messages import BadMessage, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
NAMES = list(get_args(messages.FromToy))
TYPES = [get_args(message.model_fields["type"].annotation)[0] for message in NAMES]
FIELDS = sorted({field for message in NAMES for field in message.model_fields})
REASONS = {"is missing", "is unknown", "has a wrong type or range"}
SHAPED = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}),
    st.sampled_from([*TYPES, "welcome"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.integers(0, 70_000)),
)


@given(st.text() | JSON.map(json.dumps) | SHAPED)
def test_any_text_is_a_message_or_a_bad_message(text: str) -> None:
    try:
        parse(text)
    except BadMessage as error:
        where, _, what = str(error).partition(" ")
        assert str(error) in {"not valid JSON", "not a JSON object"} or what in REASONS
        assert what not in REASONS or set(where.split(".")) <= {*TYPES, *FIELDS, *"01234567"}


def test_unknown_fields_are_ignored() -> None:
    text = '{"type":"listen","turn":65535,"mode":"tap","later":{"x":1}}'
    assert parse(text) == messages.Listen(type="listen", turn=65535, mode="tap")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type":"listen","mode":"tap"}', "listen.turn is missing"),
        ('{"type":"listen","turn":65536,"mode":"tap"}', "listen.turn has a wrong type or range"),
        ('{"type":"listen","turn":"1","mode":"tap"}', "listen.turn has a wrong type or range"),
        ('{"type":"listen","turn":1.5,"mode":"tap"}', "listen.turn has a wrong type or range"),
        ('{"type":"listen","turn":true,"mode":"tap"}', "listen.turn has a wrong type or range"),
        ('{"type":7}', "type is unknown"),
        ('{"type":"welcome"}', "type is unknown"),
        ("null", "not a JSON object"),
        ("", "not valid JSON"),
        ('{"type":"cancel","turn":1} x', "not valid JSON"),
        ('{"type":"result","id":"1","ok":1}', "result.ok has a wrong type or range"),
    ],
)
def test_reasons(text: str, reason: str) -> None:
    with pytest.raises(BadMessage) as bad:
        parse(text)
    assert str(bad.value) == reason


def test_what_the_relay_says() -> None:
    assert json.loads(messages.endpoint(3, "silence")) == {
        "type": "endpoint",
        "turn": 3,
        "reason": "silence",
    }
    assert json.loads(messages.error("busy", "later", "abc")) == {
        "type": "error",
        "code": "busy",
        "message": "later",
        "correlation": "abc",
    }
    with pytest.raises(ValueError, match=str(MAX_TEXT_BYTES)):
        messages.command("1", "volume", {"percent": "x" * MAX_TEXT_BYTES})
