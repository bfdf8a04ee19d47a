# path: tools/virtual_toy/board
"""Wi-Fi against the virtual board's driver, which is as difficult as the real one."""

import asyncio

import _host
import network

from device import wifi
from device.network_commands import status as status_of
from device.wifi import Wifi
from device.wifi_outcome import Outcome, outcome_of
from device.wifi_scan import security_of, tidy
from tests.device.check import equal

BSSID = "50c7bf010203"


def network_in_sight(ssid, rssi=-55, password="correct horse", hidden=False):
    return [ssid, BSSID, 6, rssi, network.AUTH_WPA2_PSK, password, hidden]


def set_world(*networks, connect_ms=150, fail_ms=150):
    _host.world["wifi"] = {
        "networks": list(networks),
        "scan_ms": 20,
        "connect_ms": connect_ms,
        "fail_ms": fail_ms,
    }


def make(*known):
    """Return a started Wifi, and the list that what the driver is asked for is written to."""
    asked = []
    _host.listeners.append(lambda kind, number, payload: asked.append(bytes(payload).decode()))
    station = Wifi(network.WLAN(network.STA_IF), known, "bramble-test")
    station.start()
    return station, asked


async def test_the_only_network_is_joined_without_a_scan():
    set_world(network_in_sight("home"))
    station, asked = make(("home", "correct horse"))
    equal((station.is_connected(), station.rssi()), (False, None))
    equal(await station.connect(), Outcome.CONNECTED)
    assert "scan" not in asked, asked
    told = status_of(station)
    equal((told["ssid"], told["rssi"], told["channel"]), ("home", -55, 6))
    equal(network.hostname(), "bramble-test")


async def test_of_several_the_strongest_is_joined():
    set_world(network_in_sight("far", -80), network_in_sight("near", -40), network_in_sight("mid"))
    station, _ = make(("far", "correct horse"), ("near", "correct horse"), ("mid", "correct horse"))
    equal(await station.connect(), Outcome.CONNECTED)
    equal(status_of(station)["ssid"], "near")


async def test_a_wrong_password_is_not_the_end():
    set_world(network_in_sight("near", -40), network_in_sight("far", -80))
    station, _ = make(("near", "wrong password"), ("far", "correct horse"))
    equal(await station.connect(), Outcome.CONNECTED)
    equal(status_of(station)["ssid"], "far")


async def test_a_wrong_password_has_its_name():
    set_world(network_in_sight("home"))
    station, _ = make(("home", "wrong password"))
    equal(await station.connect(), Outcome.WRONG_PASSWORD)
    equal(station.is_connected(), False)


async def test_an_absent_network_has_its_name():
    set_world(network_in_sight("neighbour"))
    station, _ = make(("home", "correct horse"))
    equal(await station.connect(), Outcome.NOT_FOUND)


async def test_a_hidden_network_is_tried_by_name():
    set_world(network_in_sight("cellar", hidden=True), network_in_sight("neighbour"))
    station, _ = make(("other", "correct horse"), ("cellar", "correct horse"))
    equal([one["ssid"] for one in await station.scan()], ["neighbour"])
    equal(await station.connect(), Outcome.CONNECTED)


async def test_the_network_of_last_time_comes_first():
    set_world(network_in_sight("one", -40), network_in_sight("two", -50))
    station, asked = make(("one", "correct horse"), ("two", "correct horse"))
    await station.connect()
    equal(asked.count("scan"), 1)
    await station.disconnect()
    equal(await station.connect(), Outcome.CONNECTED)
    equal(asked.count("scan"), 1)


async def test_what_comes_back_during_the_scan_is_joined_at_once():
    """And not only after the round through the others, which may hide."""
    set_world(network_in_sight("home"))
    station, asked = make(("home", "correct horse"), ("cellar", "correct horse"))
    await station.connect()
    await station.disconnect()
    _host.world["wifi"]["networks"].clear()

    def come_back(kind, number, payload):
        if bytes(payload) == b"scan":
            _host.world["wifi"]["networks"].append(network_in_sight("home"))

    _host.listeners.append(come_back)
    asked.clear()
    equal(await station.connect(), Outcome.CONNECTED)
    equal(status_of(station)["ssid"], "home")
    equal(asked.count("connect"), 2)


async def test_an_attempt_under_way_is_ended_first():
    """A second connect() while connecting raises (#17661)."""
    set_world(network_in_sight("home"), connect_ms=5000)
    station, _ = make(("home", "correct horse"))
    network.WLAN(network.STA_IF).connect("home", "correct horse")
    _host.world["wifi"]["connect_ms"] = 100
    equal(await station.connect(), Outcome.CONNECTED)


async def test_a_driver_that_never_answers_times_out():
    set_world(network_in_sight("home"), connect_ms=60000)
    station, _ = make(("home", "correct horse"))
    wifi.CONNECT_TIMEOUT_MS = 300
    equal(await station.connect(), Outcome.TIMED_OUT)
    set_world(network_in_sight("home"))
    equal(await station.connect(), Outcome.CONNECTED)


async def test_a_scan_waits_until_the_driver_is_no_longer_trying():
    """While connecting it would find nothing, without an error."""
    set_world(network_in_sight("home"), network_in_sight("other", -70), connect_ms=60000)
    station, _ = make(("home", "correct horse"), ("other", "correct horse"))
    wifi.CONNECT_TIMEOUT_MS = 200
    station.ssid = "home"
    equal(await station.connect(), Outcome.TIMED_OUT)
    equal(station.sighted, {"home": -55, "other": -70})


class StubbornRadio:
    """A WLAN that raises, or associates and never gets an address."""

    def __init__(self, error=None):
        self._error = error

    def active(self, on):
        pass

    def config(self, **settings):
        pass

    def disconnect(self):
        raise RuntimeError("Wifi Unknown Error 0x0101")

    def connect(self, ssid, key, bssid=None):
        if self._error:
            raise self._error

    def isconnected(self):
        return False

    def status(self, name=None):
        return -60 if name == "rssi" else network.STAT_CONNECTING

    def scan(self):
        raise RuntimeError("Wifi Internal Error")


async def test_errors_of_the_driver_are_an_outcome():
    for error in (OSError("Wifi Internal Error"), RuntimeError("Wifi Unknown Error 0x3001")):
        station = Wifi(StubbornRadio(error), [("home", "correct horse")], "bramble-test")
        station.start()
        equal(await station.connect(), Outcome.RADIO_FAULT)
        equal(await station.scan(), [])


async def test_associated_without_an_address():
    wifi.CONNECT_TIMEOUT_MS = 200
    station = Wifi(StubbornRadio(), [("home", "correct horse")], "bramble-test")
    equal(await station.connect(), Outcome.NO_ADDRESS)


async def test_power_mode_follows_the_conversation():
    set_world(network_in_sight("home"))
    station, asked = make(("home", "correct horse"))
    station.set_awake(True)  # not connected: nothing to set
    await station.connect()
    for awake in (True, True, False):
        station.set_awake(awake)
    equal([one for one in asked if one.startswith("pm")], ["pm 0", "pm 1"])


async def test_a_network_that_goes_away_and_comes_back():
    set_world(network_in_sight("home"))
    station, _ = make(("home", "correct horse"))
    await station.connect()
    _host.world["wifi"]["networks"].clear()
    await asyncio.sleep_ms(20)
    equal((station.is_connected(), station.rssi()), (False, None))
    equal(await station.connect(), Outcome.NOT_FOUND)
    set_world(network_in_sight("home"))
    equal(await station.connect(), Outcome.CONNECTED)


def test_scans_are_tidied():
    found = [
        (b"mesh", b"123456", 1, -70, 3, False),
        (b"mesh", b"123457", 11, -50, 3, False),
        (b"", b"123458", 6, -30, 4, False),
        (b"\0\0\0", b"123459", 6, -30, 4, False),
        (b"caf\xe9", b"12345a", 6, -30, 4, False),
        (b"open", b"12345b", 6, -60, 0, False),
        (b"future", b"12345c", 6, -90, 16, False),
    ]
    equal(
        [(one["ssid"], one["rssi"], one["security"], one["channel"]) for one in tidy(found)],
        [("mesh", -50, "wpa2", 11), ("open", -60, "open", 6), ("future", -90, "secured", 6)],
    )
    equal((security_of(-1), security_of(99)), ("secured", "secured"))
    equal(tidy([]), [])


def test_every_reason_has_an_outcome_or_is_open():
    equal(outcome_of(network.STAT_GOT_IP), Outcome.CONNECTED)
    for status in (2, 15, 202, 204):
        equal(outcome_of(status), Outcome.WRONG_PASSWORD)
    equal(outcome_of(201), Outcome.NOT_FOUND)
    equal(outcome_of(212), Outcome.TOO_WEAK)
    for status in (210, 211):
        equal(outcome_of(status), Outcome.INSECURE)
    equal(outcome_of(203), Outcome.REFUSED)
    for status in (network.STAT_IDLE, network.STAT_CONNECTING, 200, 8, 0, 12345):
        equal(outcome_of(status), None)
