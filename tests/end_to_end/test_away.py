"""Nobody home: what the toy says by itself can be understood."""

import asyncio
import time

import pytest

from device.audio.lines import SUFFIX
from relay.audio import pcm_of, samples_of
from tests.end_to_end.conftest import IN_THE_HOUSE, READY_S, paired_toy, transcribe
from tests.tools.test_sounds import decode
from tools import sounds
from tools.bench.outages import outcome_of
from tools.bench.speech import word_errors, words
from tools.talk.make_questions import FOLDER, QUESTIONS
from tools.virtual_toy import Look, VirtualToy

pytestmark = IN_THE_HOUSE

NOWHERE = "ws://127.0.0.1:9/toy"
LONGEST_S = 6.0
QUESTION = QUESTIONS[0][0]


def assert_understood(said: str, heard: str) -> None:
    assert word_errors(said, heard) <= 1 + 0.2 * len(words(said)), f"{said!r}, heard {heard!r}"


@pytest.mark.parametrize("name", sorted(sounds.TEXTS))
async def test_each_line_is_understood(home, name):
    pcm = decode((sounds.FOLDER / (name + SUFFIX)).read_bytes())
    assert_understood(sounds.TEXTS[name], await transcribe(home, samples_of(pcm)))


async def test_a_squeeze_without_a_relay_is_answered_in_words(home):
    async with VirtualToy(relay_url=NOWHERE, token="t") as toy:
        await toy.wait_for_look(Look.OFFLINE, timeout_s=READY_S)
        pressed = toy.press()
        await asyncio.sleep(0.3)
        toy.release()
        await asyncio.sleep(LONGEST_S)
        heard = toy.speaker.between(pressed, time.monotonic())
    assert len(pcm_of(heard)) > 0
    assert_understood(sounds.TEXTS["away"], await transcribe(home, heard))


async def test_a_turn_that_an_outage_breaks_is_not_lost_without_a_word(home):
    async with paired_toy(home) as toy:
        for silently in (False, True):
            asking = asyncio.create_task(toy.ask(FOLDER / f"{QUESTION}.wav", timeout_s=90))
            await asyncio.sleep(1.5)
            toy.lose_wifi(silently=silently)
            (toy.air.drop if silently else toy.air.cut)()
            reply = await asking
            said = await toy.wait_for(lambda r=reply: outcome_of(toy, r)[0] == "announced", 10)
            assert said, (silently, reply.looks)
            toy.restore_wifi()
            await toy.wait_until_ready(60)
