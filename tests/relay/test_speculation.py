"""Answers begun in a pause: never heard too early, kept when right, thrown away without a trace."""

import asyncio
import wave
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import EngineBusy, EngineError
from relay.lines import Situation
from relay.llm import ChatMessage
from relay.record import Outcome, Stage, TurnRecord
from relay.safety.verdict import Verdict
from relay.speculation import (
    BEGIN_AFTER_MS,
    EVERY_MS,
    MOST,
    READ_EVERY_MS,
    VOICE_MS,
    Pauses,
    Speculation,
    Step,
)
from relay.stt import Transcript
from relay.urgency import Urgency
from relay.voice_activity import WINDOW_MS
from tests.relay.conftest import OpenHouse
from tests.relay.house import LINE_MS, House, until
from tests.relay.scripted_engines import (
    ScriptedEars,
    ScriptedEngines,
    ScriptedMind,
    ScriptedRecognition,
    ScriptedSafety,
)
from tests.relay.scripted_toy import Toy

QUESTION = Path(__file__).parents[2] / "tools" / "talk" / "questions" / "1-sky.wav"
PAUSE = bytes(250 * 32)
LONG = {"limits": {"audio_ahead_s": 30, "lead_ms": 5000}}


def spoken() -> bytes:
    with wave.open(str(QUESTION)) as recording:
        return recording.readframes(recording.getnframes())


async def speak(toy: Toy, turn: int = 1, mode: str = "hold") -> None:
    """Ask, and pause with the paw still held."""
    await toy.send(type="listen", turn=turn, mode=mode)
    await toy.send_pcm(turn, spoken() + PAUSE)


async def go_on(toy: Toy, turn: int = 1) -> None:
    await toy.send_pcm(turn, spoken())


async def release(toy: Toy, turn: int = 1) -> None:
    await toy.send(type="listen_end", turn=turn, frames=100)


async def assert_silent(toy: Toy) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(toy.socket.recv(), 0.15)


def questions(house: House) -> list[str]:
    return [prompt[-1].text for prompt in house.engines.llm.prompts]


async def test_answer_is_ready_before_the_paw_is_released_and_not_heard_before(
    open_house: OpenHouse,
) -> None:
    house = await open_house(**LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.tts.texts) == 2)
    await assert_silent(toy)
    assert house.engines.tts.urgencies == [Urgency.SPECULATIVE, Urgency.LATER]
    assert [reply.urgency for reply in house.engines.llm.replies] == [Urgency.SPECULATIVE]
    await release(toy)
    heard = await toy.hear(1)
    assert heard.kinds() == ["speech_start", "speech_stop"]
    assert [reply.urgency for reply in house.engines.llm.replies] == [Urgency.FIRST_SENTENCE]
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert record.said == ["The sky is blue.", "It is very big."]
    assert questions(house) == ["why is the sky blue"]
    assert (record.speculations, record.speculation_kept) == (1, True)
    assert len(record.verdicts) == 3
    assert record.at[Stage.FIRST_SPEECH] < record.at[Stage.END_OF_SPEECH]
    assert record.at[Stage.END_OF_SPEECH] <= record.at[Stage.CONFIRMED]
    assert record.at[Stage.CONFIRMED] <= record.at[Stage.FIRST_FRAME]


async def test_hands_free_the_answer_waits_for_the_end(open_house: OpenHouse) -> None:
    house = await open_house(**LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy, mode="tap")
    await until(lambda: len(house.engines.tts.texts) == 2)
    await assert_silent(toy)
    await toy.send_pcm(1, bytes(1000 * 32))
    heard = await toy.hear(1)
    assert heard.kinds() == ["endpoint", "speech_start", "speech_stop"]
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.speculation_kept
    assert 540 <= record.silence_ms < 700


async def test_child_that_goes_on_is_heard_to_the_end(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_if=lambda question: question == "why is the sky")
    ears = ScriptedEars(text_so_far="why is the sky")
    house = await open_house(ScriptedEngines(stt=ears, llm=mind), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: mind.under_way == 1)
    ears.text_so_far = ""
    await go_on(toy)
    await until(lambda: mind.under_way == 0)
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.heard == "why is the sky blue"
    assert record.said == ["The sky is blue.", "It is very big."]
    assert len(record.verdicts) == 3


async def test_words_that_turn_out_otherwise_are_answered_afresh(open_house: OpenHouse) -> None:
    ears = ScriptedEars(text="how are you", text_so_far="who are you")
    house = await open_house(ScriptedEngines(stt=ears), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.tts.texts) == 2)
    await release(toy)
    await toy.hear(1)
    await toy.send(type="listen", turn=2, mode="hold")
    record = await house.record()
    assert record.heard == "how are you"
    assert (record.speculations, record.speculation_kept) == (1, False)
    assert len(record.verdicts) == 3
    assert questions(house) == ["who are you", "how are you"]
    ears.text_so_far = ""
    await toy.converse(2)
    told = house.engines.llm.prompts[-1]
    assert "who are you" not in [message.text for message in told]
    assert ChatMessage(told[-3].role, "how are you") in told


async def test_same_words_written_otherwise_are_the_same(open_house: OpenHouse) -> None:
    ears = ScriptedEars(text="Why is the sky blue?", text_so_far="why is the sky, blue")
    house = await open_house(ScriptedEngines(stt=ears), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.tts.texts) == 2)
    await release(toy)
    await toy.hear(1)
    assert len(questions(house)) == 1


async def test_alert_is_raised_once_and_only_when_the_child_has_finished(
    open_house: OpenHouse,
) -> None:
    ears = ScriptedEars(text="somebody hurts me")
    house = await open_house(ScriptedEngines(stt=ears), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: house.engines.tts.texts == ["I'm glad you told me."])
    assert house.alerts == []
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.REVIEWED
    assert record.speculation_kept
    await until(lambda: len(house.alerts) == 1)
    assert questions(house) == []


async def test_alarming_beginning_of_harmless_words_alarms_nobody(open_house: OpenHouse) -> None:
    ears = ScriptedEars(text="it hurts when I fall", text_so_far="it hurts")
    safety = ScriptedSafety(alarming=frozenset())
    house = await open_house(ScriptedEngines(stt=ears), safety, **LONG)
    safety.alarming = frozenset({"hurts"})
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: house.engines.tts.texts == ["I'm glad you told me."])
    safety.alarming = frozenset()
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert {verdict.alert for verdict in record.verdicts} == {None}
    assert house.alerts == []


FAULTS: dict[str, dict[str, Any]] = {
    "recogniser": {"so_far_raises": EngineError("stt.scripted", "broken")},
    "recogniser busy": {"so_far_raises": EngineBusy("stt.scripted", "full")},
    "recogniser bug": {"so_far_raises": ZeroDivisionError()},
    "recogniser hangs": {"hangs_so_far": True},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_recogniser_that_fails_early_is_asked_again(
    open_house: OpenHouse, fault: str
) -> None:
    house = await open_house(ScriptedEngines(stt=ScriptedEars(**FAULTS[fault])), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: [each.looks for each in house.engines.stt.utterances] == [1])
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert not record.speculation_kept


@pytest.mark.parametrize("broken", ["llm", "tts"])
async def test_engine_that_fails_early_is_asked_again(open_house: OpenHouse, broken: str) -> None:
    house = await open_house(**LONG)
    getattr(house.engines, broken).raises_after = 0
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.llm.replies) == 1)
    await asyncio.sleep(0.05)
    getattr(house.engines, broken).raises_after = None
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.outcome is Outcome.ANSWERED
    assert not record.speculation_kept


async def test_failed_check_of_a_speculation_alarms_nobody(open_house: OpenHouse) -> None:
    safety = ScriptedSafety(raises=True)
    house = await open_house(safety=safety, **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.tts.texts) == 2)
    safety.raises = False
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    assert (await house.record()).outcome is Outcome.ANSWERED
    assert house.alerts == []


@pytest.mark.parametrize("how", ["cancel", "squeeze", "gone"])
async def test_interrupted_speculation_frees_the_engines(open_house: OpenHouse, how: str) -> None:
    mind = ScriptedMind(hangs_after=1)
    house = await open_house(ScriptedEngines(llm=mind), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: mind.under_way == 1)
    if how == "cancel":
        await toy.send(type="cancel", turn=1)
    elif how == "squeeze":
        await toy.send(type="listen", turn=2, mode="hold")
    else:
        toy.socket.transport.abort()
    await until(lambda: mind.under_way == 0)
    assert (await house.record()).outcome is Outcome.CANCELLED
    assert house.engines.stt.utterances[0].cancelled


async def test_mumbled_words_are_asked_for_again(open_house: OpenHouse) -> None:
    house = await open_house(ScriptedEngines(stt=ScriptedEars(confidence=0.1)), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.safety.earlier) == 1)
    await release(toy)
    heard = await toy.hear(1)
    assert len(heard.pcm.rstrip(b"\0")) // 32 == LINE_MS[Situation.NOT_UNDERSTOOD]
    assert questions(house) == []


async def test_what_else_it_may_have_been_is_checked_before_it_is_answered(
    open_house: OpenHouse,
) -> None:
    class Ears(ScriptedEars):
        final = False

        def transcript(self, pcm: bytes) -> Transcript:
            others = ("something dangerous",) if self.final else ()
            return replace(super().transcript(pcm), alternatives=others)

    class Gate(ScriptedSafety):
        async def check_heard(self, text: str, band: Any, **context: Any) -> Verdict:
            everything = " ".join([text, *context["alternatives"]])
            return await super().check_heard(everything, band, earlier=context["earlier"])

    ears = Ears()
    house = await open_house(ScriptedEngines(stt=ears), Gate(), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: len(house.engines.tts.texts) == 2)
    ears.final = True
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.said == ["Let's talk about something else."]
    assert not record.speculation_kept


async def test_nothing_is_begun_while_another_child_waits(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_after=0)
    house = await open_house(ScriptedEngines(llm=mind), **LONG)
    bear, fox = await house.toy("bear"), await house.toy("fox")
    await bear.ask(1)
    await until(lambda: mind.under_way == 1)
    await speak(fox)
    await asyncio.sleep(0.1)
    assert house.engines.stt.utterances[1].looks == 0
    assert house.engines.stt.utterances[1].glances == 0
    await bear.send(type="cancel", turn=1)
    await until(lambda: mind.under_way == 0)
    mind.hangs_after = None
    await release(fox)
    assert (await fox.hear(1)).stop["reason"] == "done"


async def test_what_was_said_so_far_is_read_while_the_child_speaks_on(
    open_house: OpenHouse,
) -> None:
    house = await open_house(**LONG)
    house.engines.stt.text_so_far = "why is the"
    toy = await house.toy(buffer_ms=5000)
    await toy.send(type="listen", turn=1, mode="hold")
    await toy.send_pcm(1, spoken()[: 32 * 1200])
    await until(lambda: "why is the" in [words[-1].text for words in house.engines.llm.warmed])
    assert house.engines.llm.prompts == [], "it is read, and not answered"


async def test_a_look_begun_before_the_silence_gets_its_answer_begun(open_house: OpenHouse) -> None:
    looked = asyncio.Event()
    ears = ScriptedEars(hangs_so_far=True, partial_waits=looked)
    ears.text_so_far = ears.text
    house = await open_house(ScriptedEngines(stt=ears), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: [each.looks for each in ears.utterances] == [1])
    assert questions(house) == []
    looked.set()
    await until(lambda: len(house.engines.tts.texts) == 2)
    await assert_silent(toy)
    await release(toy)
    assert (await toy.hear(1)).stop["reason"] == "done"
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert (record.speculations, record.speculation_kept) == (1, True)
    assert questions(house) == ["why is the sky blue"]


async def test_words_that_stay_the_same_get_their_answer_begun_before_silence_is_heard() -> None:
    said = ["why is", "why is the sky blue", "why is the sky blue"]
    answered, read = [], []

    class Looked(ScriptedRecognition):
        async def partial(self) -> Transcript:
            return Transcript(said[self._next()])

        def _next(self) -> int:
            self.glances += 1
            return min(self.glances, len(said)) - 1

    class Drafted:
        def __init__(self, transcript: Transcript) -> None:
            self.transcript = transcript
            answered.append(transcript.text)

        def is_for(self, transcript: Transcript) -> bool:
            return transcript == self.transcript

        def close(self) -> None:
            answered.remove(self.transcript.text)

    async def note(words: str) -> None:
        read.append(words)

    recognition = Looked(ScriptedEars())
    record = TurnRecord(session="s", toy="t", turn=1)
    speculation = Speculation(
        recognition, Drafted, note, free=lambda: True, language="en", record=record
    )
    speaking = SimpleNamespace(voiced=True, silence_ms=0, speech=True)
    for glances in (1, 2, 3, 4):
        while recognition.glances < glances:
            speculation.follow(speaking)
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert answered == (["why is the sky blue"] if glances >= 3 else [])
    assert read == said[:2]
    assert record.speculations == 1
    speculation.close()
    assert answered == []


async def test_an_answer_to_words_that_were_not_all_is_never_heard(open_house: OpenHouse) -> None:
    looked = asyncio.Event()
    ears = ScriptedEars(hangs_so_far=True, partial_waits=looked)
    ears.text_so_far = "tell me where it hurts"
    house = await open_house(ScriptedEngines(stt=ears), **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await until(lambda: [each.looks for each in ears.utterances] == [1])
    looked.set()
    await until(lambda: len(house.engines.tts.texts) == 1)
    await release(toy)
    assert (await toy.hear(1)).stop["reason"] == "done"
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    record = await house.record()
    assert record.said == ["The sky is blue.", "It is very big."]
    assert record.outcome is Outcome.ANSWERED
    assert not record.speculation_kept
    assert house.alerts == []


async def test_it_can_be_switched_off(open_house: OpenHouse) -> None:
    house = await open_house(endpoint={"speculate": False}, **LONG)
    toy = await house.toy(buffer_ms=5000)
    await speak(toy)
    await release(toy)
    await toy.hear(1)
    await toy.send(type="played", turn=1, played_ms=1, underruns=0)
    assert (await house.record()).speculations == 0
    assert house.engines.stt.utterances[0].looks == 0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=400))
def test_when_it_is_begun_and_abandoned(windows: list[tuple[bool, bool]]) -> None:
    pauses = Pauses()
    silence_ms = voice_ms = 0
    begun: list[int] = []
    under_way = False
    read = 0
    for number, (voiced, free) in enumerate(windows):
        silence_ms = 0 if voiced else silence_ms + WINDOW_MS
        voice_ms += WINDOW_MS if voiced else 0
        step = pauses.hear(voiced=voiced, silence_ms=silence_ms, free=free)
        if step is Step.BEGIN:
            assert free
            assert not under_way
            assert silence_ms >= BEGIN_AFTER_MS
            assert voice_ms >= VOICE_MS, "nothing new was said"
            assert not begun or (number - begun[-1]) * WINDOW_MS >= EVERY_MS
            under_way, voice_ms = True, 0
            begun.append(number)
        elif step is Step.ABANDON:
            assert under_way
            assert voiced
            under_way = False
        elif step is Step.READ:
            assert free
            assert voiced
            assert not under_way
            assert number + 1 - read >= READ_EVERY_MS // WINDOW_MS
            read = number + 1
        assert not (under_way and voice_ms >= VOICE_MS), "the child has gone on"
    assert len(begun) <= MOST


def test_each_pause_is_a_chance() -> None:
    pauses = Pauses()
    steps = []
    for _ in range(3):
        for voiced, count in ((True, 15), (False, 10)):
            for number in range(1, count + 1):
                silence_ms = 0 if voiced else number * WINDOW_MS
                steps.append(pauses.hear(voiced=voiced, silence_ms=silence_ms, free=True))
    assert [step for step in steps if step in {Step.BEGIN, Step.ABANDON}] == [
        Step.BEGIN,
        Step.ABANDON,
        Step.BEGIN,
        Step.ABANDON,
        Step.BEGIN,
    ]
