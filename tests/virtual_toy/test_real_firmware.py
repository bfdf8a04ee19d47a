"""The real firmware on the simulated board: heard, seen and troubled from outside."""

import asyncio

import numpy as np
import pytest

from tests.virtual_toy.scripted_relay import ScriptedRelay
from tools.virtual_toy import Look, NetworkConditions, VirtualToy

RATE = 16000
NOWHERE = "ws://127.0.0.1:9/toy"
QUIET = {"microphone": {"shift": 11, "noise": 0, "offset": -220, "junk_ms": 300}}


def tone(seconds: float, pitch: float = 440.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (8000 * np.sin(2 * np.pi * pitch * time)).astype(np.int16)


@pytest.fixture
async def relay():
    async with ScriptedRelay(tone(1.5, 300)) as relay:
        yield relay


async def test_a_question_is_heard_and_its_answer_played_whole(relay):
    question = tone(1.0)
    async with VirtualToy(relay_url=relay.url, token="t", world=QUIET) as toy:
        await toy.wait_until_ready()
        reply = await toy.ask(question)
    assert reply.answered
    assert reply.looks[:3] == (Look.LISTENING, Look.THINKING, Look.SPEAKING)
    assert abs(reply.duration_ms - 1500) < 80 + sum(reply.gaps_ms)
    assert reply.first_earcon_at < reply.first_speech_at
    heard = np.frombuffer(relay.questions[0], "<i2").astype(float)
    likeness = np.correlate(heard, question.astype(float), "valid").max()
    assert likeness > 0.9 * (question.astype(float) ** 2).sum()


async def test_the_volume_and_its_ceiling_are_the_toys_own(relay):
    loudness = []
    for volume, ceiling in ((100, 100), (100, 40)):
        async with VirtualToy(
            relay_url=relay.url, token="t", volume=volume, volume_ceiling=ceiling
        ) as toy:
            await toy.wait_until_ready()
            loudness.append(int(np.abs((await toy.ask(tone(0.5))).speech).max()))
    assert loudness[1] < loudness[0] / 3


async def test_a_squeeze_silences_it(relay):
    relay.answer = tone(6.0)
    async with VirtualToy(relay_url=relay.url, token="t") as toy:
        await toy.wait_until_ready()
        reply = await toy.ask(tone(0.5), interrupt_after_ms=500)
        assert reply.interrupted_at is not None
        assert reply.silenced_ms < 1000  # far less on a quiet machine; the bench measures it
        assert toy.look == Look.LISTENING
        relay.answer = tone(0.5)
        assert (await toy.ask(tone(0.5))).answered


async def test_uneven_air_and_partial_writes_harm_nothing(relay):
    air = NetworkConditions(latency_ms=20, jitter_ms=60, partial_writes=True)
    async with VirtualToy(relay_url=relay.url, token="t", network=air) as toy:
        await toy.wait_until_ready()
        reply = await toy.ask(tone(0.8))
    assert reply.answered
    assert abs(reply.duration_ms - 1500) < 80 + sum(reply.gaps_ms)
    assert len(relay.questions[0]) >= 0.8 * RATE * 2


@pytest.mark.parametrize("trouble", ["reset", "wifi"])
async def test_it_comes_back_by_itself(relay, trouble):
    async with VirtualToy(relay_url=relay.url, token="t") as toy:
        await toy.wait_until_ready()
        if trouble == "reset":
            toy.cut_connections()
            await toy.wait_for_look(Look.OFFLINE, Look.CONNECTING)
        else:
            toy.lose_wifi()
            await toy.wait_for_look(Look.OFFLINE, Look.CONNECTING, timeout_s=60)
            toy.restore_wifi()
        await toy.wait_until_ready(60)
        assert (await toy.ask(tone(0.5))).answered
        assert toy.boots == 1


async def test_the_signal_can_be_moved_out_of_reach(relay):
    async with VirtualToy(relay_url=relay.url, token="t") as toy:

        def radio(*wanted):
            return [e for e in toy.events if e.name == "wifi" and e.detail in wanted]

        await toy.wait_until_ready()
        toy.set_rssi(-97)
        assert await toy.wait_for(lambda: radio("disconnected 200"))
        connected = len(radio("connected"))
        toy.set_rssi(-60)
        assert await toy.wait_for(lambda: len(radio("connected")) > connected, 60)
        await toy.wait_until_ready(60)


@pytest.mark.parametrize(
    "settings", ["", '{"networks": [', '{"networks": "home"}'], ids=["none", "torn", "wrong"]
)
async def test_without_settings_it_asks_for_a_grown_up(settings):
    async with VirtualToy(relay_url=NOWHERE, token="t", settings=settings) as toy:
        await toy.wait_for_look(Look.NEEDS_GROWN_UP)


async def test_without_an_age_no_microphone_is_ever_opened():
    async with VirtualToy(relay_url=NOWHERE, token="t", age=None) as toy:
        await toy.wait_for_look(Look.NEEDS_GROWN_UP)
        toy.press()
        await asyncio.sleep(1)
        assert not toy.microphone_open
        assert not any(event.name == "microphone" for event in toy.events)
