"""Turns through the front door: a real client, the real server, scripted engines."""

import asyncio
import time

import pytest

from relay.age import AgeBand
from relay.llm import ChatMessage, Role
from relay.persona import opening
from relay.record import Outcome, Stage
from relay.safety.verdict import Alert
from tests.relay.conftest import OpenHouse
from tests.relay.house import House, until
from tests.relay.scripted_engines import (
    ScriptedEars,
    ScriptedEngines,
    ScriptedMind,
    ScriptedSafety,
    ScriptedVoice,
    tone,
)

AT_ONCE = {"lead_ms": 5000, "prebuffer_ms": 40}


async def test_question_is_answered_in_order(house: House) -> None:
    toy = await house.toy()
    heard = await toy.converse(1)
    assert heard.kinds() == ["speech_start", "speech_stop"]
    assert heard.stop["reason"] == "done"
    assert heard.stop["frames"] == len(heard.frames)
    assert heard.pcm.startswith(tone(60))
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert record.heard == "why is the sky blue"
    assert record.said == ["The sky is blue.", "It is very big."]
    assert record.audio_in_ms == 400
    assert record.audio_out_ms == len(heard.frames) * 20
    reached = [stage for stage in Stage if stage not in (Stage.LAST_VOICE,)]
    times = [record.at[stage] for stage in reached]
    assert times == sorted(times)


async def test_first_sentence_is_spoken_while_the_model_writes_the_second(
    open_house: OpenHouse,
) -> None:
    mind = ScriptedMind(pieces=("One is here. ", "Two"), hangs_after=2)
    mind.pieces = ("One is here. ", "Two ", "never ends")
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    await toy.ask(1)
    await toy.expect("speech_start")
    assert mind.under_way == 1
    assert isinstance(await toy.receive(), bytes)


async def test_each_sentence_is_checked_with_those_before_it(house: House) -> None:
    toy = await house.toy()
    await toy.converse(1)
    assert house.safety.said_before == [
        ("The sky is blue.", ""),
        ("It is very big.", "The sky is blue."),
    ]


async def test_long_story_is_not_cut_off(open_house: OpenHouse) -> None:
    story = tuple(f"Then came number {n}. " for n in range(25))
    engines = ScriptedEngines(stt=ScriptedEars("tell me a story"), llm=ScriptedMind(pieces=story))
    house = await open_house(engines, limits=AT_ONCE)
    toy = await house.toy(buffer_ms=5000)
    heard = await toy.converse(1)
    record = await house.record()
    assert record.said == [piece.strip() for piece in story]
    assert heard.stop["frames"] == len(heard.frames)
    assert heard.pcm.count(tone(60)) == len(story)


async def test_answer_that_rambles_on_is_ended_with_the_sentence_that_is_enough(
    house: House,
) -> None:
    mind = house.engines.llm
    mind.pieces = tuple(f"This is fact {n}. " for n in range(50))
    mind.hangs_after = 20
    toy = await house.toy(age=3)
    await toy.converse(1)
    assert (await house.record()).said == [f"This is fact {n}." for n in range(5)]
    assert mind.under_way == 0


async def test_unfinished_end_of_a_reply_that_ran_into_its_limit_is_left_out(
    open_house: OpenHouse,
) -> None:
    pieces = ("Once ", "upon ", "a ", "time. ", "Then ", "it ", "was ", "so ", "that")
    house = await open_house(ScriptedEngines(llm=ScriptedMind(pieces)), llm={"max_tokens": 9})
    toy = await house.toy()
    await toy.converse(1)
    assert (await house.record()).said == ["Once upon a time."]


async def test_sound_does_not_outrun_the_toy(open_house: OpenHouse) -> None:
    voice = ScriptedVoice(ms_per_sentence=1000)
    mind = ScriptedMind(pieces=("Only one sentence.",))
    house = await open_house(ScriptedEngines(llm=mind, tts=voice), limits={"lead_ms": 200})
    toy = await house.toy()
    await toy.ask(1)
    began = time.monotonic()
    await toy.hear(1)
    assert time.monotonic() - began > 0.75


async def test_a_late_sentence_is_bridged_with_silence(open_house: OpenHouse) -> None:
    mind = ScriptedMind(pieces=("First one. ", "Second ", "one."), piece_s=0.4)
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    heard = await toy.converse(1)
    first, second = heard.pcm.find(tone(60)), heard.pcm.rfind(tone(60))
    between_ms = (second - first) / 32 - 60
    assert between_ms > 300
    assert not any(heard.pcm[first + 60 * 32 : second])


async def test_barge_in_stops_speech_and_frees_the_model(open_house: OpenHouse) -> None:
    mind = ScriptedMind(pieces=("First. ", "Second. ", "Third ", "never"), hangs_after=3)
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    await toy.ask(1)
    await toy.expect("speech_start")
    mind.hangs_after = None
    await toy.send(type="listen", turn=2, mode="hold")
    assert (await toy.expect("speech_stop")) | {"frames": 0} == {
        "type": "speech_stop",
        "turn": 1,
        "reason": "cancelled",
        "frames": 0,
    }
    await until(lambda: mind.under_way == 0)
    frames = await toy.speak(2)
    await toy.send(type="listen_end", turn=2, frames=frames)
    after = []
    while not after or after[-1] != "speech_stop":
        message = await toy.receive()
        if isinstance(message, bytes):
            assert message[1] == 2
        else:
            after.append(message["type"])
    assert (await house.record()).outcome is Outcome.CANCELLED


async def test_cancel_while_thinking_frees_the_model(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_after=0)
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    await toy.ask(1)
    await until(lambda: mind.under_way == 1)
    await toy.send(type="cancel", turn=1)
    await until(lambda: mind.under_way == 0)
    assert (await house.record()).outcome is Outcome.CANCELLED
    mind.hangs_after = None
    assert (await toy.converse(2)).stop["reason"] == "done"


async def test_cancel_while_listening_frees_the_recogniser(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="hold")
    await toy.speak(1)
    await toy.send(type="cancel", turn=1)
    await house.record()
    assert house.engines.stt.utterances[0].cancelled
    assert not house.engines.stt.utterances[0].finished


async def test_squeezes_given_up_at_once_leave_nothing_behind(open_house: OpenHouse) -> None:
    house = await open_house(limits={"messages_per_second": 1000, "turns_per_minute": 600})
    toy = await house.toy()
    for turn in range(1, 31):
        await toy.send(type="listen", turn=turn, mode="hold")
        await toy.send(type="cancel", turn=turn)
    await house.record(30)
    assert {record.outcome for record in house.records} == {Outcome.CANCELLED}
    assert all(utterance.cancelled for utterance in house.engines.stt.utterances)
    assert len(house.engines.stt.utterances) == 30


async def test_conversation_is_remembered_and_kept_from_the_gate(house: House) -> None:
    toy = await house.toy()
    await toy.converse(1)
    await house.record(1)
    house.engines.stt.text = "and the sea"
    await toy.converse(2)
    first, second = house.engines.llm.prompts
    assert second == [
        *first,
        ChatMessage(Role.TOY, "The sky is blue. It is very big."),
        ChatMessage(Role.CHILD, "and the sea"),
    ]
    assert first[-1] == ChatMessage(Role.CHILD, "why is the sky blue")
    assert house.safety.earlier == [(), ("why is the sky blue",)]
    opening_of_all = first[:-1]
    assert house.engines.llm.warmed == [opening_of_all, first[:-1], first, second[:-1], second]


@pytest.mark.parametrize(
    ("text", "reply", "alerts"),
    [
        ("is there a ghost", ["Ghosts are only in stories."], []),
        ("tell me something dangerous", ["Let's talk about something else."], []),
        (
            "somebody hurts me",
            ["I'm glad you told me."],
            [(Alert.SELF_HARM, "toy-bear", "self_harm", AgeBand.AGES_6_TO_8)],
        ),
    ],
)
async def test_reviewed_reply_is_spoken_and_the_turn_forgotten(
    house: House, text: str, reply: list[str], alerts: list[tuple[Alert, str, str, AgeBand]]
) -> None:
    toy = await house.toy()
    house.engines.stt.text = text
    heard = await toy.converse(1)
    assert heard.pcm.rstrip(b"\0") == tone(60).rstrip(b"\0")
    record = await house.record()
    assert record.outcome is Outcome.REVIEWED
    assert record.said == reply
    assert house.engines.llm.prompts == []
    house.engines.stt.text = "hello"
    await toy.converse(2)
    assert house.engines.llm.prompts == [
        [*opening(AgeBand.AGES_6_TO_8), ChatMessage(Role.CHILD, "hello")]
    ]
    assert house.safety.earlier[1] == ()
    await until(lambda: house.alerts == alerts)
    assert house.safety.lately == [frozenset(), frozenset(alert for alert, *_ in alerts)]


async def test_model_is_stopped_at_a_blocked_sentence(open_house: OpenHouse) -> None:
    mind = ScriptedMind(pieces=("Good. ", "This is dangerous. ", "More. ", "Yet ", "more."))
    mind.hangs_after = 4
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    await toy.converse(1)
    record = await house.record()
    assert record.said == ["Good.", "Let's talk about something else."]
    assert record.outcome is Outcome.REVIEWED
    await until(lambda: mind.under_way == 0)
    mind.hangs_after = None
    mind.pieces = ("Fine.",)
    await toy.converse(2)
    assert mind.prompts[1] == mind.prompts[0]


@pytest.mark.parametrize("fault", [{"raises": True}, {"hangs": True}])
async def test_broken_gate_lets_nothing_through(
    open_house: OpenHouse, fault: dict[str, bool]
) -> None:
    house = await open_house(safety=ScriptedSafety(**fault), safety_settings={"timeout_ms": 50})
    toy = await house.toy()
    await toy.converse(1)
    record = await house.record()
    assert record.outcome is Outcome.REVIEWED
    assert record.said[0].startswith("Hmm, I can't talk about that")
    assert house.engines.llm.prompts == []
    await until(lambda: [alert[0] for alert in house.alerts] == [Alert.CHECK_FAILED])


async def test_adpcm_is_spoken_where_the_toy_prefers_it(house: House) -> None:
    toy = await house.toy(codecs=["adpcm", "pcm"])
    assert toy.welcome["codec"] == "adpcm"
    heard = await toy.converse(1)
    assert {len(frame) for frame in heard.frames} == {4 + 164}
    loudest = max(abs(int.from_bytes(heard.pcm[n : n + 2], "little", signed=True)) for n in (100,))
    assert loudest > 500


async def test_broken_observer_harms_nobody(open_house: OpenHouse) -> None:
    def broken(record: object) -> None:
        raise RuntimeError("observer")

    house = await open_house(observers=[broken])
    toy = await house.toy()
    await toy.converse(1)
    assert (await toy.converse(2)).stop["reason"] == "done"
    await house.record(2)


async def test_played_is_noted_and_the_turn_ends_without_it_too(house: House) -> None:
    toy = await house.toy()
    await toy.ask(1)
    await toy.hear(1)
    assert house.records == []
    await toy.converse(2)
    assert Stage.PLAYED not in (await house.record(1)).at
    assert house.records[0].outcome is Outcome.ANSWERED
    assert Stage.PLAYED in (await house.record(2)).at


async def test_two_toys_at_once_while_the_model_hangs_for_one(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_if=lambda question: "stuck" in question)
    ears = ScriptedEars(text="stuck")
    house = await open_house(ScriptedEngines(stt=ears, llm=mind))
    bear, fox = await house.toy("bear"), await house.toy("fox", age=10)
    await bear.ask(1)
    await until(lambda: mind.under_way == 1)
    ears.text = "fine"
    for turn in (1, 2, 3):
        assert (await fox.converse(turn)).stop["reason"] == "done"
    assert mind.under_way == 1
    await asyncio.sleep(0)
