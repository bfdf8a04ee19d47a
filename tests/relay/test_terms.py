"""What a parent has decided, as it takes effect in turns: a real client, scripted engines."""

import asyncio
import time

import pytest

from relay.lines import Situation
from relay.llm import ChatMessage, Role
from relay.record import Outcome
from relay.safety.parent import ParentRules, Topic
from relay.safety.verdict import Alert
from relay.terms import Terms
from relay.tts import Style
from tests.relay.conftest import OpenHouse
from tests.relay.house import House, until
from tests.relay.scripted_engines import ScriptedEars, ScriptedEngines, ScriptedVoice

QUIET = "It is quiet time now."


async def test_a_paused_toy_says_so_and_hears_nothing(house: House) -> None:
    house.guardian.now = Terms(silent="I am having a rest now.")
    toy = await house.toy()
    heard = await toy.converse(1)
    assert heard.stop["reason"] == "done"
    record = await house.record()
    assert record.outcome is Outcome.RESTED
    assert record.said == ["I am having a rest now."]
    assert record.heard == "" and house.engines.stt.utterances == []
    assert house.engines.llm.prompts == []
    assert "begin" not in house.guardian.talked


async def test_in_quiet_hours_the_toy_rests(house: House) -> None:
    house.guardian.now = Terms(resting=QUIET)
    toy = await house.toy()
    await toy.converse(1)
    record = await house.record()
    assert record.outcome is Outcome.RESTED and record.said == [QUIET]
    assert house.engines.llm.prompts == [], "the model was asked"
    assert "begin" not in house.guardian.talked, "rest counts as talk"
    assert house.guardian.conversations["toy-bear"].messages(0.0) == []


async def test_in_quiet_hours_a_cry_for_help_is_heard(open_house: OpenHouse) -> None:
    house = await open_house(ScriptedEngines(stt=ScriptedEars("somebody hurts me")))
    house.guardian.now = Terms(resting=QUIET)
    toy = await house.toy()
    await toy.converse(1)
    record = await house.record()
    assert record.outcome is Outcome.REVIEWED
    assert record.said == ["I'm glad you told me."]
    await until(lambda: bool(house.alerts))
    assert house.alerts[0][0] is Alert.SELF_HARM


@pytest.mark.parametrize("text", ["", "a ghost", "something dangerous"])
async def test_in_quiet_hours_nothing_else_is_talked_about(
    open_house: OpenHouse, text: str
) -> None:
    house = await open_house(ScriptedEngines(stt=ScriptedEars(text)))
    house.guardian.now = Terms(resting=QUIET)
    toy = await house.toy()
    await toy.converse(1)
    assert (await house.record()).said == [QUIET]


async def test_a_voice_that_fails_leaves_the_canned_line(open_house: OpenHouse) -> None:
    house = await open_house(ScriptedEngines(tts=ScriptedVoice(raises_after=0)))
    house.guardian.now = Terms(silent="I am having a rest now.")
    toy = await house.toy()
    await toy.converse(1)
    assert (await house.record()).said == [Situation.RESTING.value]


async def test_the_end_of_a_talk_is_said_after_the_answer_and_not_remembered(house: House) -> None:
    house.guardian.closing = "That was all for today."
    toy = await house.toy()
    await toy.converse(1)
    record = await house.record()
    assert record.said == ["The sky is blue.", "It is very big.", "That was all for today."]
    assert record.outcome is Outcome.ANSWERED
    (_, said) = house.guardian.conversations["toy-bear"].messages(time.monotonic())
    assert said == ChatMessage(Role.TOY, "The sky is blue. It is very big.")
    await until(lambda: house.guardian.talked == ["begin", "end"])


async def test_rules_reach_the_filter_and_the_voice(house: House) -> None:
    rules = ParentRules(block=frozenset({Topic.WAR}), own_blocked=("unicorn",))
    style = Style(voice="en-gb", words_per_minute=100)
    house.guardian.now = Terms(topics=rules, style=style)
    toy = await house.toy()
    await toy.converse(1)
    assert house.safety.rules is rules
    assert set(house.engines.tts.styles) == {style}


async def test_a_rule_that_changes_holds_from_the_next_squeeze_on(house: House) -> None:
    toy = await house.toy()
    await toy.converse(1)
    house.guardian.now = Terms(resting=QUIET)
    await toy.converse(2)
    house.guardian.now = Terms()
    await toy.converse(3)
    outcomes = [(await house.record(number)).outcome for number in (1, 2, 3)]
    assert outcomes == [Outcome.ANSWERED, Outcome.RESTED, Outcome.ANSWERED]


async def test_the_clock_of_a_talk_stops_however_it_ends(open_house: OpenHouse) -> None:
    house = await open_house()
    toy = await house.toy()
    await toy.ask(1)
    await toy.expect("speech_start")
    await toy.send(type="listen", turn=2, mode="hold")  # barge-in
    await toy.speak(2)
    await toy.send(type="cancel", turn=2)
    await until(lambda: len(house.records) == 2)
    assert house.guardian.talked == ["begin", "end", "begin", "end"]
    await toy.send(type="listen", turn=3, mode="hold")
    await until(lambda: house.guardian.talked[-1] == "begin")
    toy.socket.transport.abort()
    await until(lambda: house.guardian.talked[-1] == "end")


async def test_a_talk_goes_on_over_a_lost_connection(house: House) -> None:
    toy = await house.toy()
    await toy.converse(1)
    await house.record()
    toy.socket.transport.abort()
    await asyncio.sleep(0)
    again = await house.toy()
    await again.converse(1)
    prompt = house.engines.llm.prompts[-1]
    assert ChatMessage(Role.TOY, "The sky is blue. It is very big.") in prompt
