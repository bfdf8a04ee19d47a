"""The catalogue: no text is missing, and none is left over."""

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from relay.pairing import OfferState
from relay.parent.helplines import countries
from relay.parent.render import _environment, render
from relay.parent.texts import catalogue, t
from relay.parent.toy_view import _WORDS
from relay.safety.finding import Category
from relay.safety.parent import Topic
from relay.safety.verdict import Alert
from relay.store.audit import Deed
from relay.store.invitations import InvitationKind
from relay.update.requests import UpdateState

PARENT = Path(__file__).parents[2] / "relay" / "parent"
CHARTS = {"rssi", "battery", "turnaround", "heap", "reconnects"}
# Turns about these are not kept: relay/history/note.py.
NEVER_SHOWN = (Category.SELF_HARM, Category.ABUSE_DISCLOSURE, Category.CHECK_FAILED)
# Keys that are put together where they are used, and all that they can come to.
PUT_TOGETHER = {
    "alert.": {alert.value for alert in Alert},
    "say.": {alert.value for alert in Alert},
    "say_title.": {alert.value for alert in Alert},
    "category.": {category.value for category in Category if category not in NEVER_SHOWN}
    | {"other"},
    "country.": set(countries()),
    "chart.": CHARTS,
    "chart_about.": CHARTS,
    "unit.": CHARTS,
    "outcome.": {"cancelled", "failed"},
    "update_state.": {state.value for state in UpdateState},
    "deed.": {deed.value for deed in Deed},
    "link.": {kind.value for kind in InvitationKind},
    "link_about.": {kind.value for kind in InvitationKind},
    "months.m": {str(month) for month in range(1, 13)},
    "ago.": {"minutes", "hours", "days"},
    "offer.": {state.value for state in OfferState} - {"waiting"},
    "signal.": {"good", "fair", "weak"},
    "state.": {*_WORDS.values(), "never", "resting"},
    "topic.": {topic.value for topic in Topic},
}


def sources():
    files = [*PARENT.rglob("*.py"), *PARENT.rglob("*.html")]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def used():
    keys = {prefix + rest for prefix, rests in PUT_TOGETHER.items() for rest in rests}
    for text in sources().values():
        for prefix in re.findall(r'\bt\(f?"([a-z_]+\.)(?:" ~|\{)', text):
            if prefix not in PUT_TOGETHER:
                keys |= {key for key in catalogue() if key.startswith(prefix)}
        keys |= {f"done.{done}" for done in re.findall(r'done="(\w+)"', text)}
        keys |= {f"done.{done}" for done in re.findall(r'done="(\w+)" if', text)}
        keys |= {f"done.{done}" for done in re.findall(r'if paused else "(\w+)"', text)}
        keys |= set(re.findall(r'"([a-z_]+\.[a-z_]+)"', text)) & (set(catalogue()) | in_t(text))
        keys |= in_t(text)
        keys |= {f"rules.{name}" for name in re.findall(r'number\("(\w+)"', text)}
        keys |= {f"errors.{name}" for name in re.findall(r'^    "(\w+)": [A-Z_]+,$', text, re.M)}
    return keys


def in_t(text):
    return set(re.findall(r'\bt\("([a-z_.]+)"[,)]', text)) | set(
        re.findall(r'"(errors\.\w+)"', text)
    )


def test_no_text_is_missing():
    assert used() - set(catalogue()) == set()


def test_no_text_is_left_over():
    assert set(catalogue()) - used() == set()


def test_every_template_can_be_read():
    for name in _environment.list_templates():
        _environment.get_template(name)


def test_what_is_put_in_is_escaped():
    assert t("toys.of_child", name="<b>") == Markup("&lt;b&gt;&#39;s") or "&lt;b&gt;" in t(
        "toys.of_child", name="<b>"
    )
    page = render("error.html", key="errors.failed", reference="<i>")
    assert "&lt;i&gt;" in page and "<i>" not in page


def test_an_unknown_text_is_an_error():
    with pytest.raises(KeyError):
        t("no.such_text")


def test_texts_hold_no_script_and_call_nobody():
    for key, text in catalogue().items():
        assert not re.search(r"<script|\son\w+=|https?:|style=", text), key
