"""The grown-up's squeezes on the whole toy: 5 s for set-up, 15 s to forget everything."""

import asyncio
import json

import numpy as np
import pytest

from tests.virtual_toy.scripted_relay import ScriptedRelay
from tools.virtual_toy import Look, VirtualToy

NOWHERE = "ws://127.0.0.1:9/toy"
TOKEN = "a.secret.token"
ANSWER = np.zeros(3200, np.int16)


@pytest.fixture
async def relay():
    async with ScriptedRelay(ANSWER) as relay:
        yield relay


def secrets_in(console):
    said = "\n".join(console)
    return [word for word in (TOKEN, "correct horse") if word in said]


async def test_held_for_set_up_then_tapped_to_go_back_then_held_to_forget():
    async with VirtualToy(relay_url=NOWHERE, token=TOKEN) as toy:
        await toy.wait_for_look(Look.OFFLINE)
        toy.press()
        await toy.wait_for_look(Look.SET_UP)  # says: let go now
        assert toy.boots == 1
        toy.release()
        assert await toy.wait_for(lambda: toy.boots == 2 and toy.look == Look.SET_UP)
        assert not toy.microphone_open
        toy.press()
        await asyncio.sleep(0.15)
        toy.release()
        assert await toy.wait_for(lambda: toy.boots == 3 and toy.look == Look.OFFLINE)
        assert json.loads(toy.saved_settings)["token"] == TOKEN
        toy.press()
        await toy.wait_for_look(Look.FORGET)
        toy.release()
        assert await toy.wait_for(lambda: toy.boots == 4 and toy.look == Look.SET_UP)
        assert toy.saved_settings is None
        assert not secrets_in(toy.console)


async def test_a_long_story_starts_no_set_up(relay):
    async with VirtualToy(relay_url=relay.url, token=TOKEN) as toy:
        await toy.wait_until_ready()
        toy.press()
        await asyncio.sleep(5.5)
        assert toy.look == Look.LISTENING
        toy.release()
        assert await toy.wait_for(lambda: relay.questions != [])
        await asyncio.sleep(1)
        assert toy.boots == 1
        assert toy.saved_settings is not None
