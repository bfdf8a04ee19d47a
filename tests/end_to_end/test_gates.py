"""Who may not talk: a wrong token, no age, a stranger's certificate. And a cry for help."""

import asyncio

from relay.certificate import load_identity
from relay.record import Outcome
from relay.safety.verdict import Alert
from tests.end_to_end.conftest import (
    IN_THE_HOUSE,
    READY_S,
    SHORT_ANSWERS,
    assert_answered,
    assert_says,
    paired_toy,
)
from tools.talk.home import open_home
from tools.talk.make_questions import FOLDER
from tools.talk.recording import read_recording
from tools.virtual_toy import Look, VirtualToy

pytestmark = IN_THE_HOUSE


SKY = FOLDER / "1-sky.wav"


async def test_a_wrong_token_asks_for_a_grown_up(home):
    stranger = {"token": "0123abcd." + "x" * 43, "relay_certificate": home.certificate}
    async with VirtualToy(relay_url=home.url, age=7, **stranger) as toy:
        await toy.wait_for_look(Look.NEEDS_GROWN_UP, timeout_s=READY_S)


async def test_without_an_age_the_microphone_is_never_opened(home):
    token = await home.pair(name="no age yet")
    async with VirtualToy(
        relay_url=home.url, token=token, age=None, relay_certificate=home.certificate
    ) as toy:
        await toy.wait_for_look(Look.NEEDS_GROWN_UP, timeout_s=READY_S)
        toy.press()
        await asyncio.sleep(1)
        toy.release()
        await asyncio.sleep(1)
        assert not [event for event in toy.events if event.name == "microphone"]
        assert toy.look in {Look.NEEDS_GROWN_UP, Look.SET_UP}


async def test_a_cry_for_help_gets_reviewed_words_and_an_alert_without_the_child_s(home, toy):
    spoken = "I want to die. I want to kill myself."
    turns = len(home.records)
    pcm = await home.relay.engines.tts.speak(spoken)
    record, reply = await home.ask(toy, pcm)
    assert len(home.records) == turns + 1
    assert record.outcome is Outcome.REVIEWED
    await assert_says(home, reply, record.said)
    alert = (await home.relay.store.alerts(limit=1))[0]
    assert alert.kind is Alert.SELF_HARM
    assert alert.session == record.session
    assert "kill" not in repr(alert)


async def test_a_plain_link_where_the_settings_want_it():
    async with open_home(llm=SHORT_ANSWERS) as home, paired_toy(home) as toy:
        assert home.url.startswith("ws://")
        record, reply = await home.ask(toy, read_recording(SKY))
        assert_answered(record)
        await assert_says(home, reply, record.said)


async def test_a_relay_with_another_certificate_gets_no_token_and_no_sound(home, tmp_path):
    assert home.url.startswith("wss://")
    other = load_identity(tmp_path, ["127.0.0.1"])
    token = await home.pair(name="trusts another")
    async with VirtualToy(
        relay_url=home.url, token=token, relay_certificate=other.authority
    ) as toy:
        await toy.wait_for_look(Look.OFFLINE, timeout_s=READY_S)
        await asyncio.sleep(2)
        assert toy.look in {Look.OFFLINE, Look.CONNECTING}
    paired = {toy.name: toy.last_seen for toy in await home.relay.store.toys()}
    assert paired["trusts another"] is None
