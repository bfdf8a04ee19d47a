# path: tools/virtual_toy/board
"""The age gate: without an allowed age no microphone is ever opened, and nothing else is done."""

import asyncio
import json

import _host
import _wire

from device import app
from device.age_gate import AgeGateClosed, may_listen, open_microphone
from device.light import LOOKS, Look
from tests.device.check import equal, raises

FIELDS = {
    "networks": [{"ssid": "home", "password": "correct horse"}],
    "relay": "ws://127.0.0.1:9/toy",
    "token": "abc.DEF",
}
SQUEEZE_MS = 300


def write_settings(text):
    with open("settings.json", "w") as file:  # noqa: PTH123
        file.write(text)


async def watch_app(settings, ms=900):
    """Run the application, squeeze the paw; return the kinds of what it did and its colours."""
    if settings is not None:
        write_settings(settings)
    kinds = set()
    colours = set()

    def listen(kind, number, payload):
        kinds.add(kind)
        if kind == _wire.LED:
            colours.add(tuple(payload))

    _host.listeners.append(listen)
    _host.world["wifi"]["connect_ms"] = _host.world["wifi"]["scan_ms"] = 50
    _host.set_level(32, 1)
    running = asyncio.create_task(app._main())
    await asyncio.sleep_ms(ms - SQUEEZE_MS)
    _host.set_level(32, 0)
    await asyncio.sleep_ms(SQUEEZE_MS)
    running.cancel()
    return kinds, colours


async def check_needs_grown_up(settings):
    kinds, colours = await watch_app(settings)
    # The radio is on for the set-up from a phone, and that is all.
    equal(kinds, {_wire.LED, _wire.WIFI}, "what the toy did: " + str(settings))
    assert LOOKS[Look.NEEDS_GROWN_UP][:3] in colours, colours
    for look in (Look.IDLE, Look.CONNECTING, Look.LISTENING, Look.OFFLINE):
        assert LOOKS[look][:3] not in colours, look


async def test_no_age():
    await check_needs_grown_up(json.dumps(FIELDS))
    await check_needs_grown_up(json.dumps(dict(FIELDS, age=None)))


async def test_an_age_outside():
    for age in (2, 14, -1, 0, 100):
        await check_needs_grown_up(json.dumps(dict(FIELDS, age=age)))


async def test_an_age_that_is_no_number():
    for age in ("7", True, 7.0, [7]):
        await check_needs_grown_up(json.dumps(dict(FIELDS, age=age)))


async def test_no_settings_at_all():
    await check_needs_grown_up(None)


async def test_torn_settings():
    await check_needs_grown_up('{"age": 7, "networks": [')


async def test_with_an_age_the_microphone_is_opened():
    """The other way round, so that the tests above cannot pass for the wrong reason."""
    kinds, _ = await watch_app(json.dumps(dict(FIELDS, age=7)))
    assert _wire.MICROPHONE_OPENED in kinds, kinds


def test_the_gate_decides_before_anything_is_made():
    def make():
        raise RuntimeError("a microphone was made")

    for age in (None, 2, 14, "7", True, 7.0):
        equal(may_listen(age), False)
        raises(AgeGateClosed, open_microphone, age, make)
    for age in range(3, 14):
        equal(open_microphone(age, lambda: "microphone"), "microphone")
