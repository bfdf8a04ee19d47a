"""Toys, children, consent and rules, as a parent works with them."""

import re
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.parent.forms import MOST_BYTES, Form
from relay.parent.rules_form import Choices, fields_of, fields_sent, read_rules
from relay.parent.texts import t
from relay.safety.parent import Topic
from relay.safety.verdict import Alert
from relay.session import State
from relay.store.audit import Deed
from relay.store.rules import ChildRules
from tests.parent.connected import Connected
from tests.parent.page import open_house

CHOICES = Choices(voices=("en-us", "en-gb"), languages=("en",))
NASTY = "<script>alert('1')</script>&\"{{3*'zq'}}"
MULTIPLIED = "zqzqzq"  # what a template would make of it


@pytest.fixture
async def ada(house):
    return await house.parent("Ada")


async def home(house):
    return (await house.tables.households.home()).id


async def add_child(house, name="Mia", age=7):
    return await house.tables.children.add(await home(house), name, age)


def sent(rules, **changed):
    """Return what a browser sends for a form with these values."""
    fields = {name: value for name, value in fields_of(rules).items() if value}
    return {name: value for name, value in {**fields, **changed}.items() if value is not None}


async def test_from_a_child_to_its_rules(house, ada):
    await ada.get("/children/new")
    page = await ada.send("/children/new", {"name": "Mia", "age": "6"})
    child = page.url.path.split("/")[2]
    page = await ada.send(f"/children/{child}/consent", {"version": "1"})
    assert str(t("errors.agree")) in page.text
    page = await ada.send(f"/children/{child}/consent", {"version": "1", "agreed": "on"})
    assert page.url.path == f"/children/{child}/rules"
    (consent,) = await house.tables.children.consents(await home(house), child)
    assert consent.is_valid and consent.given > 1_700_000_000
    changed = sent(ChildRules(child), daily_minutes="45", topic_war="block", keep_alerts=None)
    page = await ada.send(
        f"/children/{child}/rules", {**changed, "own_blocked": "uncle bob\r\n\r\n "}
    )
    assert str(t("done.rules_saved")) in page.text
    rules = await house.tables.rules.of(await home(house), child)
    assert rules.daily_minutes == 45 and rules.revision == 1
    assert rules.blocked_topics == {Topic.WAR} and rules.own_blocked == ("uncle bob",)
    assert not rules.keep_alerts and not rules.keep_transcripts
    page = await ada.get(f"/children/{child}/withdraw")
    await ada.send(f"/children/{child}/withdraw")
    (consent,) = await house.tables.children.consents(await home(house), child)
    assert not consent.is_valid and consent.withdrawn
    deeds = [entry.deed for entry in await house.tables.audit.latest(await home(house))]
    assert deeds[:4] == [
        Deed.CONSENT_WITHDRAWN,
        Deed.RULES_CHANGED,
        Deed.CONSENT_GIVEN,
        Deed.CHILD_ADDED,
    ]


async def test_consent_to_other_words_than_those_shown_is_none(house, ada):
    child = await add_child(house)
    await ada.get(f"/children/{child.id}/consent")
    page = await ada.post(f"/children/{child.id}/consent", {"agreed": "on", "version": "2"})
    assert page.status_code == 422
    assert await house.tables.children.consents(child.household, child.id) == []


@pytest.mark.parametrize("age", ["2", "14", "", "x", "6.5", "-3", "６", "6\n"])
async def test_only_ages_from_3_to_13(house, ada, age):
    await ada.get("/children/new")
    page = await ada.post("/children/new", {"name": "Mia", "age": age})
    good = age.strip() == "6"
    assert page.status_code == (303 if good else 422)
    if not good:
        assert str(t("errors.age")) in page.text and 'value="Mia"' in page.text


async def test_a_toy_is_renamed_handed_over_put_to_rest_and_removed(house, ada):
    child, toy = await add_child(house), await house.toy("Bear", 9)
    await house.toy("Fox")
    await ada.get(f"/toys/{toy.id}")
    page = await ada.post(f"/toys/{toy.id}", {"name": "Fox", "child": ""})
    assert page.status_code == 422 and str(t("errors.toy_name_taken")) in page.text
    page = await ada.post(f"/toys/{toy.id}", {"name": "Bear", "child": "0" * 16})
    assert page.status_code == 422 and str(t("errors.choose")) in page.text
    await ada.send(f"/toys/{toy.id}", {"name": "Brum", "child": child.id})
    found = await house.tables.toys.get(child.household, toy.id)
    assert (found.name, found.child, found.age) == ("Brum", child.id, child.age)
    await ada.send(f"/toys/{toy.id}/pause")
    assert (await house.tables.toys.get(child.household, toy.id)).paused
    await ada.send(f"/toys/{toy.id}/wake")
    assert not (await house.tables.toys.get(child.household, toy.id)).paused
    page = await ada.get(f"/toys/{toy.id}/revoke")
    assert "Brum" in page.text
    assert len(house.changes) == 3
    await ada.send(f"/toys/{toy.id}/revoke")
    assert len(house.changes) == 4  # the relay is told at once
    assert [one.name for one in await house.store.toys()] == ["Fox"]
    assert (await ada.get(f"/toys/{toy.id}")).status_code == 404


async def test_how_a_toy_is_doing_is_said_in_words(house, ada):
    toy = await house.toy("Bear")

    page = await ada.get("/toys-now")
    assert str(t("state.never")) in page.text
    house.sessions[toy.id] = Connected(State.SPEAKING, rssi=-80, battery_percent=9)
    for path in ("/", "/toys", "/toys-now", f"/toys/{toy.id}"):
        text = (await ada.get(path)).text
        assert str(t("state.speaking")) in text and str(t("signal.weak")) in text, path
    assert str(t("toys.battery_low")) in (await ada.get("/toys")).text


async def test_markup_in_names_stays_text(house, ada):
    child = await add_child(house, NASTY)
    await house.toy(NASTY, child=child.id)
    toy = (await house.store.toys())[0]
    await house.store.add_alert(
        Alert.ABUSE, toy=toy.id, session="a" * 12, category="x", band=AgeBand.AGES_6_TO_8
    )
    for path in (
        "/",
        "/toys",
        f"/toys/{toy.id}",
        f"/toys/{toy.id}/revoke",
        "/children",
        f"/children/{child.id}",
        f"/children/{child.id}/consent",
        f"/children/{child.id}/withdraw",
        f"/children/{child.id}/rules",
        "/account/log",
        "/add-toy",
    ):
        page = await ada.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text and MULTIPLIED not in page.text


async def test_alerts_wait_until_a_parent_has_seen_them(house, ada):
    child = await add_child(house)
    toy = await house.toy("Bear", child=child.id)
    for _ in range(7):
        await house.store.add_alert(
            Alert.SELF_HARM, toy=toy.id, session="a" * 12, category="x", band=AgeBand.AGES_6_TO_8
        )
    page = await ada.get("/")
    assert page.text.count(str(t("alert.self_harm"))) == 5
    assert str(t("alert.more", count=2)) in page.text
    await ada.send("/alerts/1/seen")
    assert (await house.tables.alerts.unseen(child.household))[1] == 6
    for wrong in ("99", "x", "9" * 30, "-1"):
        assert (await ada.post(f"/alerts/{wrong}/seen")).status_code == 404


async def test_of_two_parents_who_edit_at_once_neither_loses_anything(house, ada):
    child = await add_child(house)
    bob = await house.parent("Bob", child.household)
    path = f"/children/{child.id}/rules"
    await ada.get(path)
    await bob.get(path)
    stale = sent(ChildRules(child.id), own_blocked="dragon")
    await bob.send(path, sent(ChildRules(child.id), daily_minutes="30", own_blocked="castle"))
    page = await ada.post(path, {**stale, "daily_minutes": "90"})
    assert page.status_code == 409
    assert str(t("rules.meanwhile")) in page.text
    assert 'value="90"' in page.text and str(t("rules.stored", value="30")) in page.text
    assert ">dragon</textarea>" in page.text and str(t("rules.stored", value="castle")) in page.text
    assert (await house.tables.rules.of(child.household, child.id)).daily_minutes == 30
    again = {**stale, "daily_minutes": "90", "revision": "1"}
    assert str(t("done.rules_saved")) in (await ada.send(path, again)).text
    assert (await house.tables.rules.of(child.household, child.id)).daily_minutes == 90


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"daily_minutes": "4"}, "errors.daily_minutes"),
        ({"daily_minutes": "601"}, "errors.daily_minutes"),
        ({"daily_minutes": "sixty"}, "errors.daily_minutes"),
        ({"session_minutes": "-5"}, "errors.session_minutes"),
        ({"volume_ceiling": "5"}, "errors.volume_ceiling"),
        ({"volume_ceiling": "40", "night_volume": "41"}, "errors.night_volume_high"),
        ({"quiet_from": "24:00"}, "errors.time"),
        ({"quiet_from": "7 pm"}, "errors.time"),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "errors.quiet_same"),
        ({"words_per_minute": "500"}, "errors.words_per_minute"),
        ({"transcript_days": ""}, "errors.transcript_days"),
        ({"transcript_days": "91"}, "errors.transcript_days"),
        ({"voice": "zz"}, "errors.choose"),
        ({"language": "xx"}, "errors.choose"),
        ({"own_blocked": "x" * 61}, "errors.words_long"),
        ({"own_blocked": "\n".join(map(str, range(101)))}, "errors.words_many"),
        ({"own_blocked": "a\x1bb"}, "errors.words_long"),
        ({"own_blocked": "!!"}, "errors.words_letters"),
        ({"topic_war": "maybe"}, "errors.choose"),
        ({"revision": "-1"}, None),
    ],
)
async def test_every_mistake_is_said_and_nothing_that_was_typed_is_lost(house, ada, changed, error):
    child = await add_child(house)
    await ada.get(f"/children/{child.id}/rules")
    fields = sent(ChildRules(child.id), topic_death="allow", **changed)
    page = await ada.post(f"/children/{child.id}/rules", fields | changed)
    assert page.status_code == 422
    if error:
        assert str(t(error)) in page.text
    assert re.search(r'<option value="allow" selected>', page.text)
    assert (await house.tables.rules.of(child.household, child.id)).revision == 0


@given(
    st.builds(
        ChildRules,
        child=st.just("c"),
        daily_minutes=st.none() | st.integers(5, 600),
        session_minutes=st.none() | st.integers(5, 120),
        quiet_from=st.just(0) | st.integers(0, 700),
        quiet_until=st.integers(701, 1439),
        volume_ceiling=st.none() | st.integers(50, 100),
        night_volume=st.none() | st.integers(10, 50),
        blocked_topics=st.frozensets(st.sampled_from(Topic)),
        own_blocked=st.lists(st.from_regex(r"[a-zäß]{1,20}", fullmatch=True), unique=True).map(
            tuple
        ),
        voice=st.none() | st.sampled_from(CHOICES.voices),
        words_per_minute=st.none() | st.integers(90, 220),
        language=st.none() | st.just("en"),
        keep_transcripts=st.booleans(),
        keep_memory=st.booleans(),
        keep_alerts=st.booleans(),
        transcript_days=st.integers(1, 90),
        revision=st.integers(0, 999),
    )
)
def test_rules_come_back_from_their_form_as_they_went_in(rules):
    if len(rules.own_blocked) <= 100:
        assert read_rules("c", fields_of(rules), CHOICES) == (rules, {})


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(sorted(fields_of(ChildRules("")))), st.text(max_size=60)))
def test_no_field_can_break_the_form(fields):
    form = Form({name: [value] for name, value in fields.items()})
    rules, errors = read_rules("c", fields_sent(form), CHOICES)
    assert (rules is None) == bool(errors)
    if rules:
        assert read_rules("c", fields_of(rules), CHOICES)[0] == rules


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.binary(max_size=300), st.sampled_from(["application/x-www-form-urlencoded", "text/x", ""])
)
async def test_what_is_no_form_is_refused(house, body, kind):
    browser = house.browser()
    await browser.get("/login")
    answer = await browser.client.post("/login", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 403, 413, 415)


async def test_forms_have_a_size(house, ada):
    await ada.get("/children/new")
    page = await ada.post("/children/new", {"name": "x" * MOST_BYTES, "age": "6"})
    assert page.status_code == 413 and str(t("errors.too_much")) in page.text

    async def endless():
        for _ in range(100):
            yield b"name=" + b"x" * 1000

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    page = await ada.client.post("/children/new", content=endless(), headers=kind)
    assert page.status_code == 413
    page = await ada.post("/children/new", {f"n{n}": "" for n in range(200)})
    assert page.status_code == 400


async def test_a_locked_database_gives_a_clear_page_and_loses_nothing(tmp_path):
    async with open_house(tmp_path, store={"timeout_s": 0.2}) as house:
        ada = await house.parent("Ada")
        await ada.get("/children/new")
        blocker = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        page = await ada.post("/children/new", {"name": "Mia", "age": "6"})
        blocker.close()
        assert page.status_code == 503
        assert str(t("errors.store")) in page.text
        assert re.search(r"log: [0-9a-f]{12}<", page.text)
        assert str(tmp_path) not in page.text
        page = await ada.post("/children/new", {"name": "Mia", "age": "6"})
        assert page.status_code == 303


async def test_a_database_that_can_only_be_read_gives_a_clear_page(tmp_path):
    async with open_house(tmp_path) as house:
        await house.parent("Ada")
    async with open_house(tmp_path) as house:
        browser = house.browser()
        await browser.get("/login")
        (tmp_path / "relay.db").rename(tmp_path / "gone.db")
        await house.store.database._run(house.store.database._engine.dispose)
        (tmp_path / "relay.db").mkdir()
        page = await browser.post("/login", {"name": "Ada", "password": "whatever it is"})
        assert page.status_code == 503 and str(t("errors.store")) in page.text
        assert (await browser.get("/login")).status_code == 503
