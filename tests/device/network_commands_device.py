# path: tools/virtual_toy/board
"""The relay's commands about Wi-Fi networks: answered or refused in plain words, no secrets."""

import json
import os
import sys

import _host

from device import settings as settings_file
from device.protocol import MAX_TEXT_BYTES
from device.states import State
from tests.device.board import FIELDS, Bench
from tests.device.check import equal

SECRET = "a good password"


async def make_ready(**fields):
    bench = Bench()
    connection = await bench.start(**fields)
    await connection.welcome()
    await bench.until_state(State.IDLE)
    return bench, connection


async def command(connection, name, **args):
    await connection.send({"type": "command", "id": "42", "name": name, "args": args})
    answer = await connection.receive_message("result")
    for secret in (SECRET, "correct horse"):
        assert secret not in json.dumps(answer), name
    return answer.get("value"), answer.get("error")


def saved():
    return [(one[0], one[1]) for one in settings_file.load().networks]


async def test_a_network_is_added_saved_and_used():
    bench, connection = await make_ready()
    equal(
        await command(connection, "wifi_add", ssid="aunt", password=SECRET),
        (["home", "aunt"], None),
    )
    equal(saved(), [("home", "correct horse"), ("aunt", SECRET)])
    equal((await command(connection, "wifi_status"))[0]["known"], ["home", "aunt"])
    _host.world["wifi"]["networks"] = [["aunt", "50c7bf010299", 1, -50, 3, SECRET, False]]
    connection = await bench.relay.next_connection()
    await connection.welcome()
    equal((await command(connection, "wifi_status"))[0]["ssid"], "aunt")


async def test_a_password_can_be_corrected_and_a_network_forgotten():
    _, connection = await make_ready()
    await command(connection, "wifi_add", ssid="aunt", password="mistyped it")
    equal(
        (await command(connection, "wifi_add", ssid="aunt", password=SECRET))[0], ["home", "aunt"]
    )
    equal(saved(), [("home", "correct horse"), ("aunt", SECRET)])
    equal(await command(connection, "wifi_forget", ssid="aunt"), (["home"], None))
    equal(saved(), [("home", "correct horse")])


async def test_what_would_cut_the_toy_off_is_refused():
    _, connection = await make_ready()
    for name in ("wifi_add", "wifi_forget"):
        value, error = await command(connection, name, ssid="home", password=SECRET)
        assert value is None and "now" in error, error
    assert "settings.json" not in os.listdir()  # noqa: PTH208


async def test_wrong_arguments_are_refused_in_plain_words():
    _, connection = await make_ready()
    for args, about in (
        ({}, "text"),
        ({"ssid": 5, "password": SECRET}, "text"),
        ({"ssid": "x", "password": 12345678}, "text"),
        ({"ssid": "", "password": SECRET}, "ssid"),
        ({"ssid": "x" * 33, "password": SECRET}, "ssid"),
        ({"ssid": "x", "password": "short"}, "8 to 64"),
        ({"ssid": "x", "password": "y" * 65}, "8 to 64"),
        ({"ssid": "x"}, "not allowed"),
        ({"ssid": "x", "password": ""}, "not allowed"),
    ):
        value, error = await command(connection, "wifi_add", **args)
        assert value is None and about in error, (args, error)
    for args in ({}, {"ssid": 5}, {"ssid": "nobody"}, {"ssid": ["home"]}):
        value, error = await command(connection, "wifi_forget", **args)
        assert value is None and "no network" in error, (args, error)


async def test_an_open_network_where_the_settings_allow_it():
    _, connection = await make_ready(allow_insecure_wifi=True)
    equal(await command(connection, "wifi_add", ssid="park"), (["home", "park"], None))


async def test_a_sixth_network_is_refused():
    networks = [{"ssid": f"n{n}", "password": SECRET} for n in range(4)]
    _, connection = await make_ready(networks=FIELDS["networks"] + networks)
    value, error = await command(connection, "wifi_add", ssid="sixth", password=SECRET)
    assert value is None and "forget one first" in error, error
    equal((await command(connection, "wifi_add", ssid="n3", password="corrected"))[1], None)


async def test_settings_that_cannot_be_written_change_nothing():
    bench, connection = await make_ready()
    os.mkdir(settings_file.UNFINISHED)  # noqa: PTH102 - in the way of the new file
    value, error = await command(connection, "wifi_add", ssid="aunt", password=SECRET)
    assert value is None and "could not be written" in error, error
    equal((await command(connection, "wifi_status"))[0]["known"], ["home"])
    equal(len(bench.toy.settings.networks), 1)


async def test_a_scan_fits_the_frame_and_does_not_tell_where_the_home_is():
    _, connection = await make_ready()
    for number in range(80):
        name = '"\\\x01é' * 6 + str(number)
        _host.world["wifi"]["networks"].append(
            [name, f"50c7bf0102{number:02x}", 6, -60 - number % 30, 3, "", False]
        )
    found, error = await command(connection, "wifi_scan")
    equal(error, None)
    assert len(found) > 5 and len(json.dumps(found)) <= MAX_TEXT_BYTES
    equal(found[0], {"ssid": "home", "rssi": -55, "security": "wpa2", "channel": 6})
    assert all(sorted(one) == ["channel", "rssi", "security", "ssid"] for one in found)


async def test_a_scan_that_fails_is_an_error():
    _, connection = await make_ready()

    def broken():
        raise RuntimeError("Wifi Unknown Error 0x3001")

    from network import STA_IF, WLAN

    WLAN(STA_IF).scan = broken
    value, error = await command(connection, "wifi_scan")
    assert value is None and "try again" in error, error


async def test_they_are_refused_in_a_conversation_and_take_no_memory_between():
    bench, connection = await make_ready()
    await command(connection, "wifi_add", ssid="aunt", password=SECRET)
    assert "device.network_commands" not in sys.modules
    await bench.ask(connection)
    for name in ("wifi_scan", "wifi_add", "wifi_forget"):
        equal(await command(connection, name, ssid="aunt", password=SECRET), (None, "busy"))


async def test_no_password_is_printed():
    printed = []
    from device import log

    log.print = lambda *words: printed.append(" ".join(str(word) for word in words))
    _, connection = await make_ready()
    await command(connection, "wifi_add", ssid="aunt", password=SECRET)
    await command(connection, "wifi_add", ssid="x", password="short")
    await connection.send({"type": "command", "id": 1, "name": "wifi_add", "args": {"x": SECRET}})
    await connection.receive()
    text = "\n".join(printed)
    assert "bad message" in text, text
    assert SECRET not in text and "short" not in text and "correct horse" not in text, text
