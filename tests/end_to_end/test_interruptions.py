"""Squeezed while it speaks, cut off in the middle of a turn: it stops, and the next one works."""

import asyncio

from relay.audio import samples_of
from relay.record import Outcome
from tests.end_to_end.conftest import IN_THE_HOUSE, READY_S, assert_answered, assert_says
from tools.talk.make_questions import FOLDER
from tools.talk.recording import read_recording
from tools.virtual_toy import Look

pytestmark = IN_THE_HOUSE


STORY = FOLDER / "2-story.wav"
SKY = FOLDER / "1-sky.wav"


async def test_a_squeeze_stops_the_sound_and_the_next_question_is_answered(home, toy):
    turns = len(home.records)
    story = samples_of(read_recording(STORY))
    interrupted = await toy.ask(story, interrupt_after_ms=600, timeout_s=60)
    assert interrupted.answered
    assert interrupted.interrupted_at is not None, "the story was over before it was interrupted"
    # Only that it does stop; how soon is measured by the benches, on a quiet machine.
    assert interrupted.silenced_ms < 1000
    first = await home.record_after(turns)
    assert first.outcome is Outcome.CANCELLED
    record, reply = await home.ask(toy, read_recording(SKY))
    assert_answered(record)
    await assert_says(home, reply, record.said)


async def test_wifi_lost_in_the_middle_of_a_turn_and_back(home, toy):
    asking = asyncio.create_task(toy.ask(samples_of(read_recording(STORY)), timeout_s=60))
    await toy.wait_for_look(Look.THINKING, Look.SPEAKING, timeout_s=20)
    toy.lose_wifi()
    await toy.wait_for_look(Look.OFFLINE, Look.CONNECTING, timeout_s=60)
    await asking
    boots = toy.boots
    toy.restore_wifi()
    await toy.wait_until_ready(READY_S + 30)
    assert toy.boots == boots, "it must come back without a restart"
    record, reply = await home.ask(toy, read_recording(SKY))
    assert_answered(record)
    await assert_says(home, reply, record.said)


async def test_a_reset_connection_is_made_again(home, toy):
    toy.cut_connections()
    await toy.wait_for_look(Look.OFFLINE, Look.CONNECTING, timeout_s=20)
    await toy.wait_until_ready(READY_S)
    record, _ = await home.ask(toy, read_recording(SKY))
    assert_answered(record)
