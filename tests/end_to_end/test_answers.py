"""A spoken question in, recognisable speech out: real firmware, real relay, real models."""

import pytest

from relay.audio import duration_ms, samples_of
from relay.record import Outcome, Stage
from tests.end_to_end.conftest import (
    IN_THE_HOUSE,
    assert_answered,
    assert_says,
    paired_toy,
    transcribe,
)
from tools.bench.speech import word_error_rate
from tools.talk.home import open_home
from tools.talk.make_questions import FOLDER, QUESTIONS
from tools.talk.recording import read_recording
from tools.talk.timeline import timeline

pytestmark = IN_THE_HOUSE


@pytest.mark.parametrize("index", [0, 2])
async def test_a_spoken_question_is_answered_in_words_that_can_be_understood(home, toy, index):
    name, text, _ = QUESTIONS[index]
    record, reply = await home.ask(toy, read_recording(FOLDER / f"{name}.wav"))
    assert_answered(record)
    assert word_error_rate(text, record.heard) <= 0.2
    assert reply.answered
    await assert_says(home, reply, record.said)
    assert record.at[Stage.END_OF_SPEECH] <= record.at[Stage.FIRST_FRAME]
    assert timeline(record, reply)[0].what == "child stops speaking"


async def test_hands_free_the_relay_finds_the_end(home, toy):
    name, text, _ = QUESTIONS[0]
    record, reply = await home.ask(toy, read_recording(FOLDER / f"{name}.wav"), mode="tap")
    assert_answered(record)
    assert word_error_rate(text, record.heard) <= 0.2
    await assert_says(home, reply, record.said)


async def test_the_answer_is_begun_while_the_paw_is_still_held(home, toy):
    name, text, _ = QUESTIONS[0]
    turns = len(home.records)
    question = samples_of(read_recording(FOLDER / f"{name}.wav"))
    # Long enough for the busiest machine: how soon it is begun is measured by the benches.
    reply = await toy.ask(question, hold_extra_ms=4000)
    record = await home.record_after(turns)
    assert_answered(record)
    assert record.speculation_kept
    assert record.at[Stage.TEXT] < record.at[Stage.END_OF_SPEECH]
    assert record.at[Stage.END_OF_SPEECH] <= record.at[Stage.FIRST_FRAME]
    assert word_error_rate(text, record.heard) <= 0.2
    assert reply.released_at < reply.first_speech_at
    await assert_says(home, reply, record.said)


async def test_hands_free_half_a_second_inside_a_question_does_not_end_it(home, toy):
    voice = home.relay.engines.tts
    pause = bytes(500 * 32)
    halves = [await voice.speak(half) for half in ("Can you tell me a,", "story about a bear?")]
    record, _ = await home.ask(toy, pause.join(halves), mode="tap")
    assert "story" in record.heard.lower()
    assert record.silence_ms >= 500


async def test_a_long_story_is_spoken_to_its_end():
    name, _, _ = QUESTIONS[1]
    async with open_home() as home, paired_toy(home) as toy:
        record, reply = await home.ask(toy, read_recording(FOLDER / f"{name}.wav"))
        transcript = await transcribe(home, reply.speech)
    assert_answered(record)
    assert Stage.PLAYED in record.at
    # What left the speaker is what was sent, less the silence around it and the last frame's.
    assert abs(reply.duration_ms - record.audio_out_ms) < 400 + sum(reply.gaps_ms)
    assert len(record.said) > 2
    assert word_error_rate(" ".join(record.said), transcript) <= 0.4


async def test_after_silence_the_toy_kindly_says_so(home, toy):
    silence = bytes(2 * 16000 * 2)
    record, reply = await home.ask(toy, silence)
    assert record.outcome is Outcome.NOT_UNDERSTOOD
    assert record.audio_in_ms > 0
    assert reply.answered
    assert duration_ms(silence) == 2000
    await assert_says(home, reply, record.said)
