# path: tools/virtual_toy/board
"""A whole toy staying alive: night, crash, sleep, battery, parts that are stuck, safe mode."""

import asyncio

import _host
import _wire
import machine

from device import caretaker, crash, link
from device.audio.earcon import Line
from device.light import LOOKS, Look
from device.settings import SettingsError
from device.states import State
from device.watchdog import Stuck
from tests.device.board import PAW, Bench
from tests.device.check import equal, raises_async

caretaker.CARE_MS = 50  # an hour of a toy's life in seconds
LOUD = bytes([0, 32]) * 320
NOON_S = 1795262400  # 2026-11-21 12:00:00 UTC
MIDNIGHT_S = NOON_S + 12 * 3600
NIGHT = {"night_from": "20:00", "night_until": "7:00", "night_volume_ceiling": 20}


class Asleep(Exception):
    """The chip sleeps: on a board nothing runs after this."""


class Bedside:
    """What was seen as the chip fell asleep."""

    bench = None
    colour = None


def fall_asleep():
    if Bedside.bench is not None:
        Bedside.colour = Bedside.bench.colours[-1]
    raise Asleep


machine.deepsleep = fall_asleep


async def make_ready(bench=None, **fields):
    bench = bench or Bench()
    connection = await bench.start(**fields)
    hello = await connection.welcome(time_s=NOON_S, utc_offset_s=0)
    await bench.until_state(State.IDLE)
    return bench, connection, hello


def let_pass(bench, minutes):
    bench.toy.health._uptime_ms += minutes * 60000


async def talk(bench, connection):
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 2, LOUD)
    await connection.receive_message("played")
    await bench.until_state(State.IDLE)


async def test_it_is_quiet_at_night_and_until_it_knows_the_time():
    bench = Bench()
    connection = await bench.start(**NIGHT)
    equal(bench.toy.volume.percent, 20)
    await connection.welcome(time_s=NOON_S, utc_offset_s=0)
    await bench.until(lambda: bench.toy.volume.percent == 100, "it is day")
    let_pass(bench, 8 * 60 + 1)
    await bench.until(lambda: bench.toy.volume.percent == 20, "night falls")
    await connection.send({"type": "command", "id": "1", "name": "volume", "args": {"percent": 99}})
    equal((await connection.receive_message("result"))["value"], 20)
    await connection.send({"type": "heartbeat_ack", "time_s": NOON_S, "utc_offset_s": 0})
    await bench.until(lambda: bench.toy.volume.percent == 99, "it is day again")
    await connection.send({"type": "heartbeat_ack", "time_s": NOON_S, "utc_offset_s": 9 * 3600})
    await bench.until(lambda: bench.toy.volume.percent == 20, "it is night elsewhere")


async def test_what_a_grown_up_sets_wrongly_is_named():
    for fields in (
        {"night_from": "25:00"},
        {"night_until": 7},
        {"night_volume_ceiling": 101},
        {"sleep_minutes": -1},
        {"sleep_minutes": 1.5},
    ):
        error = await raises_async(SettingsError, Bench().start(**fields))
        equal(len(error.problems), 1)
        assert error.problems[0].startswith(next(iter(fields))), error.problems


async def test_a_crash_is_told_in_the_next_hello_and_once():
    crash.keep(ValueError("secret"))
    bench, connection, hello = await make_ready()
    equal(hello["crash"].strip(), "ValueError")
    equal(hello["safe_mode"], False)
    await connection.close(1001)
    connection = await bench.relay.next_connection()
    equal((await connection.welcome())["crash"], None)


async def test_a_crash_is_told_again_when_the_relay_did_not_answer():
    crash.keep(ValueError("secret"))
    bench = Bench()
    connection = await bench.start()
    assert (await connection.receive_message("hello"))["crash"]
    await connection.close(4503)
    connection = await bench.relay.next_connection()
    assert (await connection.welcome())["crash"]


async def test_the_heartbeat_tells_how_the_toy_is():
    bench = Bench()
    connection = await bench.start()
    await connection.welcome(heartbeat_s=0.2)
    await asyncio.sleep_ms(1300)
    beat = await connection.receive_message("heartbeat")
    for name in ("rssi", "heap_free", "heap_largest", "uptime_s", "reconnects", "overruns"):
        assert type(beat[name]) is int, (name, beat)
    equal((beat["battery_percent"], beat["temperature_c"], beat["weak_signal"]), (None, 53, False))


async def test_it_sleeps_after_a_long_rest_and_wakes_by_the_paw():
    bench, connection, _ = await make_ready(sleep_minutes=30)
    Bedside.bench = bench
    let_pass(bench, 29)
    await asyncio.sleep_ms(200)
    equal(bench.toy.state, State.IDLE)
    let_pass(bench, 1)
    equal((await connection.receive_message("goodbye"))["reason"], "sleep")
    equal(await connection.receive(), ("close", 1001))
    await raises_async(Asleep, asyncio.wait_for(bench.running, 8))
    equal([pin._id for pin in _host.wake_pins], [PAW])
    equal(Bedside.colour, (0, 0, 0))  # the tasks that a test leaves running draw on
    assert _wire.MICROPHONE_CLOSED in bench.kinds and _wire.SPEAKER_CLOSED in bench.kinds


async def test_a_talk_keeps_it_awake():
    bench, connection, _ = await make_ready(sleep_minutes=10)
    for _ in range(3):
        let_pass(bench, 9)
        await asyncio.sleep_ms(200)
        await talk(bench, connection)
    let_pass(bench, 9)
    await asyncio.sleep_ms(200)
    equal(bench.toy.state, State.IDLE)


async def test_without_a_battery_it_never_sleeps_by_itself():
    for fields in ({}, {"sleep_minutes": 0}):
        bench, _, _ = await make_ready(**fields)
        let_pass(bench, 100000)
        await asyncio.sleep_ms(300)
        equal(bench.toy.state, State.IDLE)


async def test_a_toy_that_cannot_reach_home_sleeps_too():
    bench, _, _ = await make_ready(sleep_minutes=30)
    _host.world["wifi"]["networks"].clear()
    await bench.until_state(State.OFFLINE)
    let_pass(bench, 31)
    await raises_async(Asleep, asyncio.wait_for(bench.running, 8))


async def test_woken_by_the_paw_it_answers_at_once():
    _host.world["wake_reason"] = machine.PIN_WAKE
    bench = Bench()
    await bench.start()
    await bench.until(lambda: bench.sound_bytes, "the chirp is heard, before home has answered")
    equal(bench.toy.state, State.OFFLINE)


async def test_a_low_battery_is_said_after_an_answer_and_not_too_often():
    board = Bench.board()
    board.battery_pin, board.battery_divider = 34, 2
    _host.world["adc_uv"] = {"34": 3620 * 500}
    said = []
    bench, connection, _ = await make_ready(Bench(board))
    bench.toy.speaker.say = lambda line: said.append(line) or True
    await asyncio.sleep_ms(300)
    equal(said, [], "never into silence")
    for minutes, expected in ((0, 1), (5, 1), (11, 2)):
        let_pass(bench, minutes)
        await talk(bench, connection)
        await asyncio.sleep_ms(300)
        equal(said, [Line.BATTERY_LOW] * expected)


async def test_on_a_battery_it_sleeps_by_itself_and_at_once_when_that_is_empty():
    board = Bench.board()
    board.battery_pin, board.battery_divider = 34, 2
    _host.world["adc_uv"] = {"34": 3800 * 500}
    for millivolts, minutes in ((3800, 31), (3300, 1)):
        _host.world["adc_uv"] = {"34": 3800 * 500}
        bench, _, _ = await make_ready(Bench(board))
        _host.world["adc_uv"] = {"34": millivolts * 500}
        let_pass(bench, minutes)
        await raises_async(Asleep, asyncio.wait_for(bench.running, 8))


async def test_a_microphone_that_gives_nothing_is_noticed():
    caretaker.SOUND_MS = 2000
    bench, _, _ = await make_ready()
    await asyncio.sleep_ms(2500)
    equal(bench.toy.state, State.IDLE)
    bench.toy.ears._task.cancel()
    error = await raises_async(Stuck, asyncio.wait_for(bench.running, 8))
    equal(str(error), "microphone")


async def test_a_speaker_whose_write_never_returns_is_noticed():
    caretaker.SOUND_MS = 2000
    bench, connection, _ = await make_ready()

    async def send(_stereo):
        await asyncio.sleep(3600)

    bench.toy.speaker._port.send = send
    await connection.send({"type": "command", "id": "1", "name": "chirp", "args": {}})
    error = await raises_async(Stuck, asyncio.wait_for(bench.running, 8))
    equal(str(error), "speaker")


async def gets_on(bench, when):
    for _ in range(3):
        before = bench.toy.link.progress
        await bench.until(lambda: bench.toy.link.progress != before, "the link gets on " + when)  # noqa: B023


async def test_the_link_gets_on_whatever_happens():
    """A link that waits is not stuck."""
    bench, connection, _ = await make_ready()
    await gets_on(bench, "while connected")
    link.WAIT_S[4503] = 3
    await connection.close(4503)
    await bench.until_state(State.OFFLINE)
    await gets_on(bench, "while it waits")
    connection = await bench.relay.next_connection()
    await connection.welcome()
    networks = list(_host.world["wifi"]["networks"])
    _host.world["wifi"]["networks"].clear()
    await bench.until_state(State.OFFLINE)
    await gets_on(bench, "without a Wi-Fi")
    _host.world["wifi"]["networks"].extend(networks)
    await (await bench.relay.next_connection()).welcome()
    await bench.until_state(State.IDLE)
    await gets_on(bench, "when all is well again")


async def test_a_start_counts_as_good_after_a_minute():
    machine.reset_cause = lambda: machine.HARD_RESET
    crash.begin()
    await make_ready()
    await asyncio.sleep_ms(200)
    equal(crash.begin(), 1)
    bench, _, _ = await make_ready()
    let_pass(bench, 1)
    await asyncio.sleep_ms(200)
    equal(crash.begin(), 0)


async def test_safe_mode_is_connected_and_deaf():
    resets = []
    machine.reset = lambda: resets.append(1)
    bench = Bench(safe=True)
    connection = await bench.start()
    hello = await connection.welcome(time_s=NOON_S, utc_offset_s=0)
    equal(hello["safe_mode"], True)
    await bench.until_state(State.SETUP)
    await connection.send({"type": "command", "id": "7", "name": "status", "args": {}})
    status = (await connection.receive_message("result"))["value"]
    equal((status["safe_mode"], status["state"]), (True, State.SETUP))
    await bench.squeeze(500)
    await bench.until(lambda: bench.sound_bytes, "it asks for a grown-up")
    assert _wire.MICROPHONE_OPENED not in bench.kinds
    red, green, blue = bench.colours[-1]
    assert red and green > red and not blue, (red, green, blue, LOOKS[Look.SAFE])
    bench.toy.speaker.stop()
    let_pass(bench, 10)
    equal((await connection.receive_message("goodbye"))["reason"], "restart")
    await bench.until(lambda: resets, "it tries to be whole again")
    equal(crash.begin(), 0)
