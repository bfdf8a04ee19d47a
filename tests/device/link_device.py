# path: tools/virtual_toy/board
"""The link: close codes, bad messages, silence, commands; the toy comes back whatever happens."""

import asyncio

import _host
import _wire
import machine

from device import link
from device.backoff import Backoff
from device.light import Look
from device.protocol import Close
from device.states import Event, State
from tests.device.board import Bench
from tests.device.check import equal


async def make_ready(**fields):
    bench = Bench()
    connection = await bench.start(**fields)
    await connection.welcome()
    await bench.until_state(State.IDLE)
    return bench, connection


async def command(connection, name, **args):
    await connection.send({"type": "command", "id": "42", "name": name, "args": args})
    answer = await connection.receive_message("result")
    equal(answer["id"], "42")
    return answer


async def come_back(bench):
    connection = await bench.relay.next_connection()
    await connection.welcome()
    await bench.until_state(State.IDLE)
    return connection


def test_waiting_times():
    longest = Backoff(random_below=lambda limit: limit - 1)
    equal(link.wait_ms(Close.NOT_AUTHORISED, longest), 60000)
    equal(link.wait_ms(Close.AGE_GATE, longest), 60000)
    for code in (Close.REPLACED, Close.TOO_MANY, Close.FULL):
        equal(link.wait_ms(code, longest), 30000)
    waits = [link.wait_ms(code, longest) for code in (Close.INTERNAL, link.LOST, link.UNREACHABLE)]
    equal(waits, [500, 1000, 2000])


async def test_every_ordinary_close_is_followed_by_a_new_connection():
    bench, connection = await make_ready()
    for code in (1000, 1001, 1009, 1011, 4400, 4408, 4409, 4429, 4503):
        await connection.close(code)
        await bench.until(lambda: bench.toy.state != State.IDLE, f"{code} is noticed")
        equal(bench.toy.state, State.OFFLINE, f"after {code}")
        connection = await come_back(bench)


async def test_a_refused_token_asks_for_a_grown_up():
    bench, connection = await make_ready()
    await connection.close(Close.NOT_AUTHORISED)
    await bench.until_state(State.SETUP)
    assert _wire.MICROPHONE_CLOSED not in bench.kinds
    await come_back(bench)


async def test_the_relay_s_age_gate_closes_the_microphone():
    bench, connection = await make_ready()
    equal(bench.kinds.count(_wire.MICROPHONE_OPENED), 1)
    await connection.close(Close.AGE_GATE)
    await bench.until_state(State.SETUP)
    equal(bench.kinds.count(_wire.MICROPHONE_CLOSED), 1)
    connection = await come_back(bench)
    equal(bench.kinds.count(_wire.MICROPHONE_OPENED), 2)
    _, frames = await bench.ask(connection)
    assert frames


async def test_a_close_instead_of_a_welcome():
    bench = Bench()
    connection = await bench.start()
    await connection.close(Close.NOT_AUTHORISED)
    await bench.until_state(State.SETUP)
    await come_back(bench)


async def test_a_vanished_relay_is_noticed():
    bench, connection = await make_ready()
    await connection.drop()
    await bench.until_state(State.OFFLINE)
    await come_back(bench)


async def test_a_silent_relay_is_given_up():
    bench = Bench()
    connection = await bench.start()
    await connection.welcome(heartbeat_s=0.3, timeout_s=1)
    await connection.receive_message("heartbeat")
    await connection.receive_message("heartbeat")
    await bench.until_state(State.OFFLINE)
    await come_back(bench)


async def test_heartbeats_that_are_answered_keep_the_link():
    bench = Bench()
    connection = await bench.start()
    await connection.welcome(heartbeat_s=0.2, timeout_s=0.9)
    for _ in range(8):
        beat = await connection.receive_message("heartbeat")
        await connection.send({"type": "heartbeat_ack", "time_s": 1})
    equal((bench.toy.state, beat["rssi"]), (State.IDLE, -55))
    for name in ("heap_free", "heap_largest", "uptime_s", "overruns", "underruns", "reconnects"):
        assert type(beat[name]) is int, (name, beat)


async def test_bad_messages_close_with_4400_and_the_toy_comes_back():
    bench, connection = await make_ready()
    for bad in (
        "{",
        "[]",
        "null",
        "{}",
        '{"type": "unheard of"}',
        '{"type": 5}',
        '{"type": ["endpoint"]}',
        '{"type": "endpoint", "turn": "1", "reason": "silence"}',
        '{"type": "endpoint", "turn": true, "reason": "silence"}',
        '{"type": "speech_stop", "turn": 1}',
        '{"type": "command", "id": "1", "name": "status", "args": []}',
        '{"type": "welcome"}',
        b"\x01",
        b"\x02\x01\x00\x00" + bytes(163),
        b"\x07\x01\x00\x00" + bytes(164),
        b"\x01\x01\x00\x00" + bytes(640),
    ):
        await connection.send(bad)
        message = await connection.receive()
        while message is not None and not isinstance(message, tuple):
            message = await connection.receive()
        equal(message, ("close", Close.BAD_MESSAGE), str(bad)[:40])
        await connection.drop()
        connection = await come_back(bench)
    equal((await command(connection, "status"))["value"]["bad_messages"], 16)


async def test_a_welcome_that_makes_no_sense_is_refused():
    bench = Bench()
    connection = await bench.start()
    for changed in (
        {"codec": "opus"},
        {"codec": "pcm"},
        {"codec": ""},
        {"heartbeat_s": 0},
        {"timeout_s": 1e9},
        {"prebuffer_ms": -5},
        {"max_listen_s": "30"},
    ):
        await connection.welcome(**changed)
        message = await connection.receive()
        equal(message, ("close", Close.BAD_MESSAGE), str(changed))
        await connection.drop()
        connection = await bench.relay.next_connection()


async def test_a_text_frame_too_large_closes_with_1009():
    bench, connection = await make_ready()
    await connection.send('{"type": "error", "message": "' + "x" * 5000 + '"}')
    equal(await connection.receive(), ("close", Close.TOO_BIG))
    await connection.drop()
    await come_back(bench)


async def test_status():
    _, connection = await make_ready(volume=40)
    told = (await command(connection, "status"))["value"]
    equal((told["state"], told["board"], told["volume"]), ("idle", "esp32-devkit", 40))
    for name in ("firmware", "rssi", "heap_free", "uptime_s", "overruns", "underruns"):
        assert name in told, name
    assert "SECRET" not in str(told)


async def test_volume_stays_under_the_ceiling_and_outlives_a_restart():
    from device import settings
    from tests.device.board import FIELDS

    settings.save(dict(FIELDS, relay="ws://127.0.0.1:9/toy"))
    bench, connection = await make_ready(volume_ceiling=70)
    equal((await command(connection, "volume", percent=30))["value"], 30)
    equal((await command(connection, "volume", percent=100))["value"], 70)
    for wrong in (-1, 101, "50", 1.5, None, True):
        equal((await command(connection, "volume", percent=wrong))["ok"], False)
    equal((await command(connection, "status"))["value"]["volume"], 70)
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 1)
    await connection.receive_message("played")
    await bench.until_state(State.IDLE)
    equal((settings.load().volume, settings.load().volume_ceiling), (100, 70))


async def test_chirp():
    bench, connection = await make_ready()
    equal((await command(connection, "chirp"))["value"], True)
    await bench.until(lambda: bench.sound_bytes, "the chirp is heard")
    await bench.until(lambda: bench.toy.light._look == Look.HERE, "the light blinks")
    bench.toy.happen(Event.DOWN)  # a child talks: that goes before
    await bench.until(lambda: bench.toy.light._look == Look.LISTENING, "it listens")


async def test_wifi_commands():
    _, connection = await make_ready()
    told = (await command(connection, "wifi_status"))["value"]
    equal((told["ssid"], told["rssi"], told["security"]), ("home", -55, "secured"))
    found = (await command(connection, "wifi_scan"))["value"]
    equal([one["ssid"] for one in found], ["home"])


async def test_commands_that_disturb_are_refused_in_a_conversation():
    bench, connection = await make_ready()
    await bench.ask(connection)
    for name in ("wifi_scan", "chirp"):
        answer = await command(connection, name)
        equal((answer["ok"], answer["error"]), (False, "busy"))


async def test_an_unknown_command_has_a_clear_answer():
    _, connection = await make_ready()
    for name in ("", "reboot", "__init__", "x" * 500):
        answer = await command(connection, name)
        equal((answer["ok"], answer["error"]), (False, "unknown command"))


async def test_restart_says_goodbye():
    bench, connection = await make_ready()
    resets = []
    machine.reset = lambda: resets.append(1)
    equal((await command(connection, "restart"))["value"], True)
    await connection.receive_message("goodbye")
    equal(await connection.receive(), ("close", Close.GOING_AWAY))
    await connection.drop()
    await bench.until(lambda: resets, "it restarts")


async def test_a_relay_that_is_not_there_is_looked_for_again():
    bench, connection = await make_ready()
    _host.world["wifi"]["networks"].clear()
    await bench.until_state(State.OFFLINE)
    await asyncio.sleep_ms(500)
    _host.world["wifi"]["networks"].append(
        ["home", "50c7bf010203", 6, -80, 3, "correct horse", False]
    )
    connection = await bench.relay.next_connection()
    await connection.welcome()
