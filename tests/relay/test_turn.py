"""Turns through the front door: a real client, the real server, scripted engines."""

from tests.relay.house import House


async def test_question_is_answered(house: House) -> None:
    toy = await house.toy()
    heard = await toy.converse(1)
    assert heard.kinds() == ["speech_start", "speech_stop"]
    record = await house.record()
    assert record.heard == "why is the sky blue"
