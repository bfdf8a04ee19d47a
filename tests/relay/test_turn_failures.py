"""Everything that can go wrong in a turn: a kind line, a proper end, and the next turn works."""

import wave
from pathlib import Path
from typing import Any

import pytest

from relay.errors import EngineBusy, EngineError, ModelMissing
from relay.lines import Situation
from relay.record import Outcome, Stage
from tests.relay.conftest import OpenHouse
from tests.relay.house import LINE_MS, House, until
from tests.relay.scripted_engines import ScriptedEars, ScriptedEngines, ScriptedMind, ScriptedVoice
from tests.relay.scripted_toy import Heard

QUICK: dict[str, Any] = {
    "stt": {"timeout_s": 0.5},
    "llm": {"first_token_timeout_s": 0.5, "timeout_s": 1.0},
    "tts": {"timeout_s": 0.5},
    "limits": {"lead_ms": 5000, "stall_s": 0.5},
}


def spoken_ms(heard: Heard) -> int:
    """Return how long the sound is without the silence that fills the last frames."""
    return round(len(heard.pcm.rstrip(b"\0")) / 32)


def line(situation: Situation) -> int:
    return LINE_MS[situation]


FAULTS = {
    "recogniser will not begin: busy": (
        {"stt": ScriptedEars(start_raises=EngineBusy("stt.scripted", "full"))},
        Situation.BUSY,
    ),
    "recogniser will not begin: no model": (
        {"stt": ScriptedEars(start_raises=ModelMissing("stt.scripted", "gone"))},
        Situation.EARS_FAILED,
    ),
    "recogniser raises while it listens": (
        {"stt": ScriptedEars(accept_raises=EngineError("stt.scripted", "broken"))},
        Situation.EARS_FAILED,
    ),
    "recogniser has a bug while it listens": (
        {"stt": ScriptedEars(accept_raises=ZeroDivisionError())},
        Situation.WORDS_LOST,
    ),
    "recogniser raises": (
        {"stt": ScriptedEars(raises=EngineError("stt.scripted", "broken"))},
        Situation.EARS_FAILED,
    ),
    "recogniser hangs": ({"stt": ScriptedEars(hangs=True)}, Situation.EARS_FAILED),
    "model raises": ({"llm": ScriptedMind(raises_after=0)}, Situation.MIND_FAILED),
    "model has a bug": (
        {"llm": ScriptedMind(raises_after=0, error=KeyError("x"))},
        Situation.WORDS_LOST,
    ),
    "model is busy": (
        {"llm": ScriptedMind(raises_after=0, error=EngineBusy("llm.scripted", "full"))},
        Situation.BUSY,
    ),
    "model hangs": ({"llm": ScriptedMind(hangs_after=0)}, Situation.MIND_SLOW),
    "model says nothing": ({"llm": ScriptedMind(pieces=())}, Situation.MIND_FAILED),
    "model says only smileys": ({"llm": ScriptedMind(pieces=("🙂 ", "**"))}, Situation.MIND_FAILED),
    "voice raises": ({"tts": ScriptedVoice(raises_after=0)}, Situation.WORDS_LOST),
    "voice hangs": ({"tts": ScriptedVoice(hangs_after=0)}, Situation.WORDS_LOST),
    "voice makes no sound": ({"tts": ScriptedVoice(ms_per_sentence=0)}, Situation.WORDS_LOST),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_engine_failure_is_a_kind_line_and_the_next_turn_works(
    open_house: OpenHouse, fault: str
) -> None:
    broken, situation = FAULTS[fault]
    house = await open_house(ScriptedEngines(**broken), **QUICK)
    toy = await house.toy(buffer_ms=5000)
    heard = await toy.converse(1)
    assert heard.stop["reason"] == "done"
    assert spoken_ms(heard) == line(situation)
    assert (await house.record()).outcome is Outcome.FAILED
    house.engines.stt = ScriptedEars()
    house.engines.llm = ScriptedMind()
    house.engines.tts = ScriptedVoice()
    await toy.converse(2)
    assert (await house.record(2)).outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    "broken",
    [
        {"llm": ScriptedMind(raises_after=2)},
        {"llm": ScriptedMind(hangs_after=3)},
        {"tts": ScriptedVoice(raises_after=1)},
    ],
)
async def test_failure_in_the_middle_of_a_reply_is_said(
    open_house: OpenHouse, broken: dict[str, Any]
) -> None:
    mind = ScriptedMind(pieces=("First. ", "Second. ", "Third. ", "Fourth."))
    engines = ScriptedEngines(**{"llm": mind, **broken})
    engines.llm.pieces = mind.pieces
    house = await open_house(engines, **QUICK)
    toy = await house.toy(buffer_ms=5000)
    heard = await toy.converse(1)
    record = await house.record()
    assert record.outcome is Outcome.FAILED
    assert record.said[0] == "First."
    assert record.said[-1] == Situation.WORDS_LOST.value
    assert heard.stop["reason"] == "done"
    assert engines.llm.under_way == 0


async def test_silence_is_not_understood(house: House) -> None:
    toy = await house.toy()
    heard = await toy.converse(1, silent=True)
    assert spoken_ms(heard) == line(Situation.NOT_UNDERSTOOD)
    assert (await house.record()).outcome is Outcome.NOT_UNDERSTOOD
    assert house.engines.llm.prompts == []


async def test_mumbling_is_asked_for_again_but_was_checked(house: House) -> None:
    house.engines.stt.confidence = 0.1
    toy = await house.toy()
    heard = await toy.converse(1)
    assert spoken_ms(heard) == line(Situation.NOT_UNDERSTOOD)
    assert len(house.safety.earlier) == 1
    assert house.engines.llm.prompts == []


async def test_mumbled_cry_for_help_is_answered(house: House) -> None:
    house.engines.stt.confidence = 0.1
    house.engines.stt.text = "it hurts"
    toy = await house.toy()
    await toy.converse(1)
    assert (await house.record()).said == ["I'm glad you told me."]
    await until(lambda: len(house.alerts) == 1)


async def test_squeeze_without_any_sound(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="hold")
    await toy.send(type="listen_end", turn=1, frames=0)
    assert spoken_ms(await toy.hear(1)) == line(Situation.NOTHING_HEARD)


@pytest.mark.parametrize("mode", ["hold", "tap"])
async def test_toy_that_stalls_in_the_middle_of_a_question(
    open_house: OpenHouse, mode: str
) -> None:
    house = await open_house(**QUICK)
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode=mode)
    await toy.speak(1, 100)
    heard = await toy.hear(1)
    assert heard.messages[0] == {"type": "endpoint", "turn": 1, "reason": "nothing_heard"}
    assert spoken_ms(heard) == line(Situation.NOTHING_HEARD)
    await toy.send(type="listen_end", turn=1, frames=5)
    await toy.converse(2)
    assert (await house.record(2)).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("mode", ["hold", "tap"])
async def test_monologue_is_cut_and_answered(open_house: OpenHouse, mode: str) -> None:
    endpoint = {"nothing_heard_ms": 60_000}
    house = await open_house(
        limits={"max_listen_s": 3, "audio_ahead_s": 30, "lead_ms": 5000}, endpoint=endpoint
    )
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode=mode)
    await toy.speak(1, 20_000)
    heard = await toy.hear(1)
    assert heard.messages[0] == {"type": "endpoint", "turn": 1, "reason": "too_long"}
    assert heard.stop["reason"] == "done"
    await toy.send(type="listen", turn=2, mode="hold")
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert record.audio_in_ms == 3000
    assert len(house.engines.stt.utterances[0].pcm) == 3000 * 32


async def test_too_many_questions_are_refused_kindly(open_house: OpenHouse) -> None:
    house = await open_house(limits={"turns_per_minute": 2})
    toy = await house.toy()
    await toy.converse(1)
    await toy.converse(2)
    heard = await toy.converse(3)
    assert heard.messages[0] == {"type": "endpoint", "turn": 3, "reason": "refused"}
    assert heard.stop["reason"] == "done"
    assert spoken_ms(heard) == line(Situation.REST)
    assert (await house.record(3)).outcome is Outcome.REFUSED
    assert len(house.engines.stt.utterances) == 2


async def test_hands_free_ends_at_the_end_of_speech(open_house: OpenHouse) -> None:
    house = await open_house(limits={"audio_ahead_s": 30})
    question = Path(__file__).parents[2] / "tools" / "talk" / "questions" / "1-sky.wav"
    with wave.open(str(question)) as recording:
        spoken = recording.readframes(recording.getnframes())
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="tap")
    await toy.send_pcm(1, spoken + bytes(3000 * 32))
    heard = await toy.hear(1)
    assert heard.messages[0] == {"type": "endpoint", "turn": 1, "reason": "silence"}
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert len(spoken) // 32 <= record.audio_in_ms <= len(spoken) // 32 + 1500
    assert record.at[Stage.LAST_VOICE] <= record.at[Stage.END_OF_SPEECH]


async def test_hands_free_silence_is_nothing_heard(open_house: OpenHouse) -> None:
    house = await open_house(endpoint={"nothing_heard_ms": 1000})
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="tap")
    await toy.speak(1, 2000, silent=True)
    heard = await toy.hear(1)
    assert heard.messages[0]["reason"] == "nothing_heard"
    assert spoken_ms(heard) == line(Situation.NOTHING_HEARD)
    assert house.engines.stt.utterances[0].cancelled


async def test_sound_of_another_turn_is_dropped(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="hold")
    await toy.speak(9, 200)
    await toy.speak(1, 100)
    await toy.send(type="listen_end", turn=1, frames=5)
    await toy.hear(1)
    assert len(house.engines.stt.utterances[0].pcm) == 100 * 32
