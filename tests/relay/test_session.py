"""A session through the front door: manners, time-outs, commands, and leaving no trace."""

import asyncio
import contextlib
import gc
import json
import logging
import weakref
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from device.protocol import MAX_AUDIO_BYTES, MAX_TEXT_BYTES, Close, Codec
from relay.age import AgeBand
from relay.frames import FramePacker
from relay.record import Outcome
from relay.session import State
from relay.toy_commands import CommandResult
from tests.relay.conftest import OpenHouse
from tests.relay.house import House, PairedToy, until
from tests.relay.scripted_engines import ScriptedEngines, ScriptedMind, ScriptedVoice

HELLO = {
    "type": "hello",
    "protocol": 1,
    "age": 6,
    "firmware": "1",
    "board": "b",
    "codecs": ["pcm"],
    "buffer_ms": 500,
}
FRAME = FramePacker(Codec.PCM, 1).pack(bytes(640))


async def test_welcome(open_house: OpenHouse) -> None:
    house = await open_house(limits={"prebuffer_ms": 2000, "lead_ms": 5000, "heartbeat_s": 3})
    toy = await house.toy(buffer_ms=300)
    session = toy.welcome.pop("session")
    assert len(session) == 12
    assert int(session, 16) >= 0
    del toy.welcome["time_s"], toy.welcome["utc_offset_s"]
    assert toy.welcome == {
        "type": "welcome",
        "codec": "pcm",
        "heartbeat_s": 3,
        "timeout_s": 6,
        "prebuffer_ms": 300,
        "max_listen_s": 30,
    }


@pytest.mark.parametrize("age", [2, 14, 0, -5, None, 10**30])
async def test_age_gate_of_the_toy(house: House, age: int | None) -> None:
    toy = await house.open()
    await toy.send(**{**HELLO, "age": age})
    assert (await toy.closed())[0] == Close.AGE_GATE


async def test_age_gate_without_an_age(house: House) -> None:
    toy = await house.open()
    await toy.send(**{name: value for name, value in HELLO.items() if name != "age"})
    assert (await toy.closed())[0] == Close.AGE_GATE


async def test_age_gate_of_the_relay(house: House) -> None:
    house.toys["old"] = PairedToy("toy-old", "Old", 14)
    toy = await house.open("old")
    await toy.send(**HELLO)
    assert (await toy.closed())[0] == Close.AGE_GATE


@pytest.mark.parametrize(
    ("token", "age", "band"),
    [
        ("bear", 13, AgeBand.AGES_6_TO_8),
        ("fox", 3, AgeBand.AGES_3_TO_5),
        ("fox", 13, AgeBand.AGES_9_TO_11),
    ],
)
async def test_the_younger_age_decides(house: House, token: str, age: int, band: AgeBand) -> None:
    house.engines.stt.text = "it hurts"
    toy = await house.toy(token, age=age)
    await toy.converse(1)
    await until(lambda: len(house.alerts) == 1)
    assert house.alerts[0][3] is band


async def test_no_hello_in_time(open_house: OpenHouse) -> None:
    house = await open_house(limits={"hello_timeout_s": 0.2})
    toy = await house.open()
    assert await toy.closed() == (Close.TIME_OUT, "no hello in time")


BAD_FIRST_FRAMES = {
    "not JSON": ("{", Close.BAD_MESSAGE, "not valid JSON"),
    "not an object": ("[]", Close.BAD_MESSAGE, "not a JSON object"),
    "no type": ("{}", Close.BAD_MESSAGE, "type is missing"),
    "unknown type": ('{"type":"secret"}', Close.BAD_MESSAGE, "type is unknown"),
    "deep JSON": ("[" * 2000, Close.BAD_MESSAGE, ""),
    "missing field": (
        json.dumps({**HELLO, "board": None}),
        Close.BAD_MESSAGE,
        "hello.board has a wrong type or range",
    ),
    "age of the wrong type": (json.dumps({**HELLO, "age": "six"}), Close.BAD_MESSAGE, "hello.age"),
    "other version": (json.dumps({**HELLO, "protocol": 2}), Close.BAD_MESSAGE, "hello.protocol"),
    "codec unknown": (json.dumps({**HELLO, "codecs": ["mp3"]}), Close.BAD_MESSAGE, "hello.codecs"),
    "not hello": (
        '{"type":"listen","turn":1,"mode":"hold"}',
        Close.BAD_MESSAGE,
        "hello must come first",
    ),
    "audio before hello": (FRAME, Close.BAD_MESSAGE, "audio before hello"),
    "text too large": ('"' + "x" * MAX_TEXT_BYTES + '"', Close.TOO_BIG, ""),
    "binary too large": (bytes(MAX_AUDIO_BYTES + 1), Close.TOO_BIG, "at most 644 bytes"),
    "binary far too large": (bytes(100_000), Close.TOO_BIG, ""),
}


@pytest.mark.parametrize("name", BAD_FIRST_FRAMES)
async def test_bad_first_frame(house: House, name: str) -> None:
    frame, code, reason = BAD_FIRST_FRAMES[name]
    other = await house.toy("fox")
    toy = await house.open()
    await toy.socket.send(frame)
    closed, words = await toy.closed()
    assert closed == code
    assert reason in words
    assert (await other.converse(1)).stop["reason"] == "done"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "no header"),
        (b"\x01\x01", "no header"),
        (b"\x07" + FRAME[1:], "unknown codec"),
        (FRAME[:-1], "wrong length"),
        (b"\x02\x01\x00\x00" + b"\x00\x00\x60\x00" + bytes(160), "wrong step index"),
        (json.dumps(HELLO), "hello came twice"),
        ('{"type":"listen","turn":0,"mode":"hold"}', "listen.turn"),
        ('{"type":"listen","turn":1,"mode":"sing"}', "listen.mode"),
        ('{"type":"listen_end","turn":1}', "listen_end.frames is missing"),
        ('{"type":"heartbeat","rssi":-60,"heap_free":true,"uptime_s":1}', "heartbeat.heap_free"),
    ],
)
async def test_bad_frame_after_hello(house: House, frame: str | bytes, reason: str) -> None:
    toy = await house.toy()
    await toy.socket.send(frame)
    code, words = await toy.closed()
    assert code == Close.BAD_MESSAGE
    assert reason in words


async def test_messages_of_a_turn_that_is_over_are_ignored(house: House) -> None:
    toy = await house.toy()
    await toy.converse(1)
    for late in (
        {"type": "listen_end", "turn": 1, "frames": 5},
        {"type": "cancel", "turn": 1},
        {"type": "played", "turn": 1, "played_ms": 10, "underruns": 0},
        {"type": "result", "id": "77", "ok": True},
        {"type": "goodbye", "reason": "sleep"},
    ):
        await toy.send(**late)
    await toy.socket.send(FRAME)
    assert (await toy.converse(2)).stop["reason"] == "done"


async def test_audio_faster_than_real_time(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="listen", turn=1, mode="hold")
    sending = asyncio.ensure_future(toy.speak(1, 20_000))
    assert await toy.closed() == (Close.TOO_MANY, "audio faster than real time")
    await asyncio.wait([sending])
    sending.exception()
    assert (await house.record()).outcome is Outcome.CANCELLED


async def test_flood_of_messages(open_house: OpenHouse) -> None:
    house = await open_house(limits={"messages_per_second": 2})
    toy = await house.toy()
    with contextlib.suppress(ConnectionClosed):
        for turn in range(1, 200):
            await toy.send(type="cancel", turn=turn)
    assert await toy.closed() == (Close.TOO_MANY, "too many messages")


async def test_heartbeat(house: House) -> None:
    toy = await house.toy()
    await toy.send(type="heartbeat", rssi=-61, heap_free=50_000, uptime_s=9, battery_percent=80)
    acknowledged = await toy.expect("heartbeat_ack")
    assert acknowledged["time_s"] > 1_600_000_000
    health = house.server.sessions["toy-bear"].health
    assert (health.rssi, health.battery_percent) == (-61, 80)


async def test_a_weak_signal_is_logged_once_and_so_is_its_end(house: House, caplog) -> None:
    toy = await house.toy()
    for weak in (None, False, True, True, False, False):
        await toy.send(type="heartbeat", rssi=-80, heap_free=50_000, uptime_s=9, weak_signal=weak)
        await toy.expect("heartbeat_ack")
    told = [record.message for record in caplog.records if "Wi-Fi" in record.message]
    assert told == ["the toy's Wi-Fi is weak", "the toy's Wi-Fi is good again"]


async def test_silent_toy_is_taken_for_dead(open_house: OpenHouse) -> None:
    house = await open_house(limits={"heartbeat_s": 1, "timeout_s": 2})
    toy = await house.toy()
    code, reason = await toy.closed()
    assert code == Close.TIME_OUT
    assert "nothing heard" in reason


async def test_toy_that_stops_reading_is_cut(open_house: OpenHouse) -> None:
    # Sound for far longer than the buffers of both ends hold, sent as fast as they take it.
    voice = ScriptedVoice(ms_per_sentence=4000)
    mind = ScriptedMind(pieces=tuple(f"Sentence {n}. " for n in range(100)))
    limits = {"write_timeout_s": 0.5, "lead_ms": 5000, "heartbeat_s": 1}
    house = await open_house(ScriptedEngines(llm=mind, tts=voice), limits=limits)
    toy = await house.toy(buffer_ms=5000)
    session = house.server.sessions["toy-bear"]
    await toy.ask(1)
    await toy.expect("speech_start")
    toy.socket.transport.pause_reading()
    # The kernel alone buffers megabytes on the loopback: the server's end is made to stop instead.
    server_side = next(iter(house.server._listener.connections))
    server_side.pause_writing()
    await until(lambda: session.state is State.CLOSED)
    assert (await house.record()).outcome is Outcome.CANCELLED
    await until(lambda: house.server.sessions == {})


async def test_commands(house: House) -> None:
    toy = await house.toy()
    session = house.server.sessions["toy-bear"]
    asking = asyncio.ensure_future(session.command("volume", {"percent": 40}))
    command = await toy.expect("command")
    assert (command["name"], command["args"]) == ("volume", {"percent": 40})
    await toy.send(type="result", id=command["id"], ok=True, value=35)
    assert await asking == CommandResult(True, 35)
    asking = asyncio.ensure_future(session.command("dance"))
    command = await toy.expect("command")
    await toy.send(type="result", id=command["id"], ok=False, error="unknown command")
    assert await asking == CommandResult(False, None, "unknown command")


async def test_commands_that_get_no_answer(open_house: OpenHouse) -> None:
    house = await open_house(limits={"command_timeout_s": 0.2})
    fresh = await house.open("fox")
    await until(lambda: "toy-fox" in house.server.sessions)
    assert not (await house.server.sessions["toy-fox"].command("status")).ok
    toy = await house.toy()
    session = house.server.sessions["toy-bear"]
    assert (await session.command("status")).error == "no answer within 0.2 s"
    with pytest.raises(ValueError, match="larger"):
        await session.command("status", {"x": "y" * MAX_TEXT_BYTES})
    many = [asyncio.ensure_future(session.command("status")) for _ in range(20)]
    errors = [result.error for result in await asyncio.gather(*many)]
    assert errors.count("too many commands are waiting for this toy") == 4
    asking = asyncio.ensure_future(session.command("status"))
    await toy.expect("command")
    toy.socket.transport.abort()
    assert not (await asking).ok
    await until(lambda: session.state is State.CLOSED)
    assert not (await session.command("status")).ok
    del fresh


async def test_states(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_after=0)
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.open()
    await until(lambda: "toy-bear" in house.server.sessions)
    session = house.server.sessions["toy-bear"]
    assert session.state is State.OPENING
    await toy.say_hello()
    assert session.state is State.IDLE
    await toy.send(type="listen", turn=1, mode="hold")
    await until(lambda: session.state is State.LISTENING)
    frames = await toy.speak(1)
    await toy.send(type="listen_end", turn=1, frames=frames)
    await until(lambda: session.state is State.THINKING)
    mind.hangs_after = None
    await toy.ask(2)
    await toy.expect("speech_start")
    assert session.state is State.SPEAKING
    await toy.hear(2)
    assert session.state is State.SPEAKING
    await toy.send(type="played", turn=2, played_ms=1, underruns=0)
    await until(lambda: session.state is State.IDLE)
    await toy.socket.close()
    await until(lambda: session.state is State.CLOSED)


@pytest.mark.parametrize("moment", ["listening", "thinking", "speaking"])
async def test_toy_that_vanishes_frees_everything(open_house: OpenHouse, moment: str) -> None:
    pieces = ("One. ", "Two. ", "Three. ", "Four.")
    mind = ScriptedMind(pieces, hangs_after=0 if moment == "thinking" else 2)
    house = await open_house(ScriptedEngines(llm=mind))
    toy = await house.toy()
    session = weakref.ref(house.server.sessions["toy-bear"])
    if moment == "listening":
        await toy.send(type="listen", turn=1, mode="hold")
        await toy.speak(1)
        await until(lambda: len(house.engines.stt.utterances) == 1)
    else:
        await toy.ask(1)
        await until(lambda: mind.under_way == 1)
        if moment == "speaking":
            await toy.expect("speech_start")
    toy.socket.transport.abort()
    assert (await house.record()).outcome is Outcome.CANCELLED
    await until(lambda: house.server.sessions == {})
    assert mind.under_way == 0
    assert house.engines.stt.utterances[0].cancelled

    def forgotten() -> bool:
        gc.collect()
        return session() is None

    await until(forgotten)


async def test_bug_in_a_session_ends_it_alone(house: House, monkeypatch, caplog) -> None:
    other = await house.toy("fox")
    toy = await house.toy()

    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError("words of a child")

    monkeypatch.setattr(house.server.sessions["toy-bear"], "_begin_turn", broken)
    await toy.send(type="listen", turn=1, mode="hold")
    assert await toy.closed() == (Close.INTERNAL, "internal error")
    assert "session failed" in caplog.text
    assert (await other.converse(1)).stop["reason"] == "done"
    await house.toy()


async def test_log_holds_no_words(house: House, caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="relay")
    house.engines.stt.text = "zanzibar"
    house.engines.llm.pieces = ("Quixotic reply.",)
    toy = await house.toy()
    await toy.converse(1)
    await house.record()
    house.engines.stt.text = "zanzibar hurts"
    await toy.converse(2)
    await house.record(2)
    await until(lambda: len(house.alerts) == 1)
    everything = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in ("zanzibar", "Quixotic", "glad you told me"):
        assert secret not in everything
