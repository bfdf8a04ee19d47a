# path: tools/virtual_toy/board
# timeout: 90
"""An update over the link, on the whole toy: what it answers, shows, and gives back afterwards."""

import binascii
import json
import os
import sys

import machine

from device.light import Look
from device.states import State
from tests.device.board import Bench
from tests.device.check import equal
from tests.device.update_parcel import Parcel

TOKEN = "0a1b2c3d.a-secret-that-is-long-enough"
VERSION = "90.0.0"


class Relay:
    """Sends commands over a connection and reads the results."""

    def __init__(self, connection):
        self._connection = connection
        self._count = 0

    async def command(self, name, **args):
        """Return the value, or the words of the error."""
        self._count += 1
        await self._connection.send(
            {"type": "command", "id": str(self._count), "name": name, "args": args}
        )
        result = await self._connection.receive_message("result")
        equal(result["id"], str(self._count))
        return result["value"] if result["ok"] else result["error"]

    async def begin(self, parcel):
        mac = binascii.hexlify(parcel.mac).decode()
        return await self.command("update_begin", mac=mac, size=len(parcel.manifest))

    async def send(self, parcel, most=1000):
        """Hand over what the toy wants, until it has it or refuses; return its last answer."""
        wanted = await self.begin(parcel)
        while isinstance(wanted, dict) and wanted["file"] is not None and most:
            data = parcel.read(wanted["file"], wanted["offset"], 600)
            data = binascii.b2a_base64(data).decode().strip()
            wanted = await self.command("update_data", data=data, **wanted)
            most -= 1
        return wanted


def make_parcel(version=VERSION, mpy=sys.implementation._mpy, **changes):
    return Parcel(version=version, mpy=mpy, **changes)


async def start():
    bench = Bench()
    connection = await bench.start(token=TOKEN)
    hello = await connection.welcome()
    equal(hello["mpy"], sys.implementation._mpy)
    await bench.until_state(State.IDLE)
    return bench, Relay(connection), connection


def loaded():
    only_for_updates = ("device.update.commands", "device.update.receiver", "device.slots")
    return [name for name in only_for_updates if name in sys.modules]


async def test_it_is_taken_shown_and_tried_at_the_next_start():
    resets = []
    machine.reset = lambda: resets.append(1)
    bench, relay, connection = await start()
    equal(loaded(), [])
    parcel = make_parcel()
    equal(await relay.send(parcel), {"file": None, "offset": 0})
    equal(bench.toy._look(), Look.UPDATING)
    equal(await relay.command("update_apply"), VERSION)
    goodbye = await connection.receive_message("goodbye")
    equal(goodbye["reason"], "restart")
    await bench.until(lambda: resets, "it starts again")
    with open("slot.json") as file:  # noqa: PTH123, ASYNC230
        marker = json.load(file)
    equal(marker, {"slot": "a", "state": "new", "before": "", "version": VERSION})
    assert parcel.is_in("a")


async def test_a_toy_that_talks_takes_nothing():
    bench, relay, _ = await start()
    await relay.send(make_parcel(), 3)
    bench.toy.state = State.LISTENING
    for name in ("update_begin", "update_data", "update_apply"):
        equal(await relay.command(name), "busy")
    assert bench.toy._look() != Look.UPDATING


async def test_what_cannot_be():
    bench, relay, _ = await start()
    for name in ("update_data", "update_apply"):
        assert "no update has been begun" in await relay.command(name)
    for args in (
        {},
        {"mac": "00" * 32},
        {"mac": "00" * 32, "size": "7"},
        {"mac": "00" * 32, "size": True},
        {"mac": "00" * 32, "size": 0},
        {"mac": "00" * 31, "size": 100},
        {"mac": "zz" * 32, "size": 100},
        {"mac": 7, "size": 100},
        {"mac": None, "size": 10**9},
    ):
        assert isinstance(await relay.command("update_begin", **args), str), args
    wanted = await relay.begin(make_parcel())
    for args in (
        {},
        {"file": wanted["file"], "offset": 0},
        {"file": wanted["file"], "offset": 0, "data": 7},
        {"file": wanted["file"], "offset": "0", "data": "AAAA"},
        {"file": wanted["file"], "offset": 0, "data": "!"},
        {"file": wanted["file"], "offset": 0, "data": "A" * 1804},
    ):
        assert isinstance(await relay.command("update_data", **args), str), args
    wanted = await relay.begin(make_parcel())
    for name in (7, None, ["x"], {"a": 1}, "../settings.json"):
        equal(await relay.command("update_data", file=name, offset=0, data="AAAA"), wanted)
    assert "not signed" in await relay.command("update_apply")
    assert "no update has been begun" in await relay.command("update_apply")
    assert "slot.json" not in os.listdir()  # noqa: PTH208
    equal(bench.toy.state, State.IDLE)


async def test_refusals_are_in_plain_words():
    _, relay, _ = await start()
    assert "older" in await relay.send(make_parcel(version="0.0.1"))
    assert "another kind" in await relay.send(make_parcel(mpy=1))
    assert "not signed" in await relay.send(make_parcel(key=b"k" * 32))


async def test_the_memory_comes_back_when_the_relay_gives_up():
    bench, relay, connection = await start()
    await relay.send(make_parcel(), 4)
    assert loaded()
    await connection.drop()
    await bench.until(lambda: not loaded(), "the update's modules are gone")
    equal(bench.toy.updating, False)
    connection = await bench.relay.next_connection()
    await connection.welcome()
    relay = Relay(connection)
    equal(await relay.send(make_parcel()), {"file": None, "offset": 0})


async def test_one_after_the_other_only():
    bench, relay, _ = await start()
    with open("slot.json", "w") as file:  # noqa: PTH123, ASYNC230
        json.dump({"slot": "b", "state": "tried"}, file)
    equal(await relay.begin(make_parcel()), "busy")
    equal(bench.toy.updating, False)
