# path: tools/virtual_toy/board
"""Trying settings out: each way in which the Wi-Fi or the relay says no has its own verdict."""

import asyncio

import _host
import network
import usocket

from device.backoff import random_below
from device.boards import find_board
from device.portal import trial
from device.portal.verdict import Verdict
from device.protocol import Close
from device.settings import Settings
from device.wifi_outcome import Outcome
from tests.device.check import equal
from tests.device.scripted_relay import ScriptedRelay


def begin(port=9, host="127.0.0.1", **wifi):
    """Begin to try; returns the task."""
    _host.world["wifi"].update({"scan_ms": 20, "connect_ms": 50, "fail_ms": 50})
    settings = Settings(
        {
            "networks": [
                dict({"ssid": "home", "password": "correct horse"}, **wifi),
                {"ssid": "another", "password": "that is not tried"},
            ],
            "relay": f"ws://{host}:{port}/toy",
            "token": "a.token",
            "age": 7,
        }
    )
    return asyncio.create_task(trial.attempt(settings, find_board(), "bramble-test"))


async def test_a_relay_that_says_welcome():
    relay = ScriptedRelay()
    await relay.start()
    task = begin(relay.port)
    connection = await relay.next_connection()
    hello = await connection.welcome()
    equal((hello["protocol"], hello["age"], hello["codecs"]), (1, 7, ["adpcm"]))
    equal(connection.headers["authorization"], "Bearer a.token")
    equal(await task, Verdict.GOOD)
    equal(network.WLAN(network.STA_IF).isconnected(), False)


async def test_a_relay_that_says_no():
    relay = ScriptedRelay()
    await relay.start()
    for code, verdict in (
        (Close.NOT_AUTHORISED, Verdict.TOKEN),
        (Close.AGE_GATE, Verdict.AGE),
        (Close.FULL, Verdict.BUSY),
        (Close.INTERNAL, Verdict.NO_WELCOME),
    ):
        task = begin(relay.port)
        await (await relay.next_connection()).close(code)
        equal(await task, verdict, code)


async def test_a_relay_that_says_something_else_or_nothing():
    trial.WELCOME_TIMEOUT_S = 1
    relay = ScriptedRelay()
    await relay.start()
    for message in ({"type": "heartbeat_ack"}, {"type": "nonsense"}, None):
        task = begin(relay.port)
        connection = await relay.next_connection()
        if message:
            await connection.send(message)
        equal(await task, Verdict.NO_WELCOME, message)


def serve(answer):
    """Answer every connection with `answer`; return the port and the task."""
    listener = usocket.socket()
    port = 20000 + random_below(12000)
    listener.bind(usocket.getaddrinfo("127.0.0.1", port)[0][-1])
    listener.listen(1)
    listener.setblocking(False)

    async def accept():
        while True:
            try:
                connected = listener.accept()[0]
            except OSError:
                await asyncio.sleep_ms(5)
                continue
            connected.send(answer)
            await asyncio.sleep_ms(200)
            connected.close()

    return port, asyncio.create_task(accept())


async def test_something_else_at_the_address():
    port, _ = serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    equal(await begin(port), Verdict.NOT_A_RELAY)


async def test_nobody_at_the_address():
    equal(await begin(9), Verdict.UNREACHABLE)


async def test_no_such_name():
    equal(await begin(8765, host="no-such-name.invalid"), Verdict.UNKNOWN_NAME)


async def test_the_wifi_says_no():
    equal(await begin(password="wrong horse"), Outcome.WRONG_PASSWORD)
    equal(await begin(ssid="elsewhere"), Outcome.NOT_FOUND)
    equal(await begin(password=""), Outcome.INSECURE)
