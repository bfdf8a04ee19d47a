# path: tools/virtual_toy/board
"""The link comes back: dead connections are noticed, hung tries given up, standstills forgiven."""

import asyncio
import time

import _host

from device import link
from device.backoff import Backoff
from device.network_commands import status
from device.protocol import Close
from device.signal import ROAM_QUIET_MS
from device.states import State
from tests.device.board import Bench
from tests.device.check import equal
from tests.device.scripted_relay import WELCOME


async def make_ready(welcome=None, **fields):
    bench = Bench()
    connection = await bench.start(**fields)
    await connection.welcome(**(welcome or {}))
    await bench.until_state(State.IDLE)
    return bench, connection


async def come_back(bench):
    connection = await bench.relay.next_connection()
    await connection.welcome()
    await bench.until_state(State.IDLE)
    return connection


async def test_another_address_of_the_toy_is_noticed_at_once():
    bench, _ = await make_ready({"heartbeat_s": 60, "timeout_s": 120})
    _host.world["wifi"]["address"] = "192.168.1.99"
    await come_back(bench)


async def test_a_standstill_is_no_silence():
    """A scan freezes the toy for seconds; what came meanwhile is read before the verdict."""
    bench, connection = await make_ready({"heartbeat_s": 0.3, "timeout_s": 1})
    await connection.send({"type": "heartbeat_ack", "time_s": 1})
    time.sleep_ms(1500)
    await connection.send({"type": "heartbeat_ack", "time_s": 1})
    await asyncio.sleep_ms(400)
    equal((bench.toy.state, bench.toy.link._code), (State.IDLE, None))
    await bench.until_state(State.OFFLINE)  # true silence is still noticed


async def test_a_relay_that_does_not_answer_is_given_up_soon_and_tried_again():
    link.PATIENCE_S = (2, 2, 2, 2)
    bench = Bench()
    connection = await bench.start()
    for _ in range(2):
        await connection.receive_message("hello")
        equal(await connection.receive(), None)  # never welcomed, it hangs up
        equal(bench.toy.state, State.OFFLINE)
        connection = await bench.relay.next_connection()
    await connection.welcome()
    await bench.until_state(State.IDLE)


async def test_now_and_then_a_slow_relay_gets_the_time_it_needs():
    link.PATIENCE_S = (2, 2, 8)
    bench = Bench()
    connection = await bench.start()
    for _ in range(2):
        await connection.receive_message("hello")
        equal(await connection.receive(), None)
        connection = await bench.relay.next_connection()
    await connection.receive_message("hello")
    await asyncio.sleep_ms(3000)  # too long for the other tries
    await connection.send(WELCOME)
    await bench.until_state(State.IDLE)


async def test_it_never_gives_up():
    bench, connection = await make_ready()
    networks = list(_host.world["wifi"]["networks"])
    for _ in range(3):
        _host.world["wifi"]["networks"].clear()
        await bench.until_state(State.OFFLINE)
        await asyncio.sleep_ms(1500)
        equal(bench.toy.state, State.OFFLINE)
        _host.world["wifi"]["networks"].extend(networks)
        connection = await come_back(bench)
    turn, _ = await bench.ask(connection)
    await connection.speak(turn, 2)
    await connection.receive_message("played")


async def test_a_weak_signal_is_reported():
    bench, connection = await make_ready({"heartbeat_s": 0.5, "timeout_s": 60})
    beat = await connection.receive_message("heartbeat")
    equal((beat["rssi"], beat["weak_signal"]), (-55, False))
    link.SAMPLE_MS = 100
    _host.world["wifi"]["networks"][0][3] = -85
    while not beat["weak_signal"]:
        beat = await connection.receive_message("heartbeat")
    assert -85 <= beat["rssi"] < -75, beat
    equal(status(bench.toy.wifi)["weak"], True)


async def test_it_moves_to_a_better_network_only_while_idle():
    link.SAMPLE_MS = 100
    networks = [{"ssid": name, "password": "correct horse"} for name in ("home", "hall")]
    bench, connection = await make_ready(networks=networks)
    _host.world["wifi"]["networks"][0][3] = -85
    _host.world["wifi"]["networks"].append(
        ["hall", "50c7bf010299", 1, -40, 3, "correct horse", False]
    )
    turn, _ = await bench.ask(connection)
    await bench.until(lambda: bench.toy.wifi.signal.is_weak, "the signal is weak")
    bench.toy.link._roaming._quiet_ms = ROAM_QUIET_MS
    await asyncio.sleep_ms(500)
    equal((bench.toy.state, bench.toy.wifi.ssid), (State.THINKING, "home"))
    await connection.speak(turn, 1)
    await connection.receive_message("played")
    await bench.until_state(State.IDLE)
    bench.toy.link._roaming._quiet_ms = ROAM_QUIET_MS
    await come_back(bench)
    equal(bench.toy.wifi.ssid, "hall")


def test_waits_after_a_hung_try_do_not_add_up():
    longest = Backoff(random_below=lambda limit: limit - 1)
    waits = [link.wait_ms(link.UNREACHABLE, longest) for _ in range(8)]
    equal(waits, [500, 1000, 2000, 3000, 3000, 3000, 3000, 3000])
    equal(link.wait_ms(Close.REPLACED, longest), 30000)
