# path: tools/virtual_toy/board
"""Which networks the toy trusts, which of them it prefers, and when it moves on."""

import _host
import network

from device.network_commands import status
from device.signal import ROAM_EVERY_MS, ROAM_QUIET_MS, Roaming, Signal, clearly_better
from device.wifi import Wifi
from device.wifi_outcome import Outcome
from device.wifi_scan import joinable, tidy
from tests.device.check import equal

PASSWORD = "correct horse"


def in_sight(ssid, rssi, authmode=network.AUTH_WPA2_PSK, password=PASSWORD, node=1):
    return [ssid, f"50c7bf0102{node:02x}", 6, rssi, authmode, password, False]


def set_world(*networks):
    _host.world["wifi"] = {
        "networks": list(networks),
        "scan_ms": 20,
        "connect_ms": 100,
        "fail_ms": 100,
    }


def make(*known, allow_insecure=False):
    asked = []
    _host.listeners.append(lambda kind, number, payload: asked.append(bytes(payload).decode()))
    station = Wifi(network.WLAN(network.STA_IF), known, "bramble-test", allow_insecure)
    station.start()
    return station, asked


async def test_an_open_network_is_joined_only_when_allowed():
    set_world(in_sight("park", -40, network.AUTH_OPEN, ""))
    station, asked = make(("park", ""))
    equal(await station.connect(), Outcome.INSECURE)
    assert "connect" not in asked, asked
    station, _ = make(("park", ""), allow_insecure=True)
    equal(await station.connect(), Outcome.CONNECTED)
    equal(status(station)["security"], "open")


async def test_an_open_network_that_poses_as_home_is_not_joined():
    set_world(in_sight("home", -30, network.AUTH_OPEN, ""), in_sight("far", -80))
    for allow in (False, True):
        station, _ = make(("home", PASSWORD), ("far", PASSWORD), allow_insecure=allow)
        equal(await station.connect(), Outcome.CONNECTED)
        equal(station.ssid, "far")
        await station.disconnect()
    # Alone, it is not even looked at first: the driver refuses it.
    station, _ = make(("home", PASSWORD))
    equal(await station.connect(), Outcome.INSECURE)


async def test_wep_is_not_joined():
    set_world(in_sight("old", -30, network.AUTH_WEP), in_sight("far", -80))
    station, _ = make(("old", PASSWORD), ("far", PASSWORD))
    equal(await station.connect(), Outcome.CONNECTED)
    equal(station.ssid, "far")


async def test_a_weak_signal_is_not_called_a_wrong_password():
    set_world(in_sight("home", -88, password="another one"))
    station, _ = make(("home", PASSWORD))
    equal(await station.connect(), Outcome.TOO_WEAK)
    set_world(in_sight("home", -50, password="another one"))
    station, _ = make(("home", PASSWORD))
    equal(await station.connect(), Outcome.WRONG_PASSWORD)


async def test_of_a_mesh_the_strongest_node_is_joined():
    set_world(in_sight("mesh", -80, node=1), in_sight("mesh", -45, node=2), in_sight("x", -60))
    station, _ = make(("mesh", PASSWORD), ("x", PASSWORD))
    equal(await station.connect(), Outcome.CONNECTED)
    equal((station.ssid, station.rssi()), ("mesh", -45))


async def test_five_networks_are_known_and_the_strongest_in_sight_is_joined():
    set_world(in_sight("four", -70), in_sight("two", -60), in_sight("stranger", -20))
    station, _ = make(*[(name, PASSWORD) for name in ("one", "two", "three", "four", "five")])
    equal(await station.connect(), Outcome.CONNECTED)
    equal(station.ssid, "two")
    equal(sorted(status(station)["known"]), ["five", "four", "one", "three", "two"])


async def test_home_comes_first_after_an_outage_and_scans_are_rare():
    set_world(in_sight("home", -60), in_sight("other", -40))
    station, asked = make(("home", PASSWORD), ("cellar", PASSWORD), ("garden", PASSWORD))
    equal(await station.connect(), Outcome.CONNECTED)
    _host.world["wifi"]["networks"] = []
    asked.clear()
    for _ in range(4):
        equal(await station.connect(), Outcome.NOT_FOUND)
    # Home each time; once a scan, and then one of the others, which may hide.
    equal((asked.count("scan"), asked.count("connect")), (1, 5))


async def test_moving_to_a_clearly_better_network():
    set_world(in_sight("home", -82), in_sight("hall", -72), in_sight("stranger", -30))
    station, _ = make(("home", PASSWORD), ("hall", PASSWORD))
    station.ssid = "home"
    equal(await station.connect(), Outcome.CONNECTED)
    equal(await station.roam(), False)
    equal((station.is_connected(), station.ssid), (True, "home"))
    _host.world["wifi"]["networks"][1][3] = -60
    equal(await station.roam(), True)
    equal(station.is_connected(), False)
    equal(await station.connect(), Outcome.CONNECTED)
    equal((station.ssid, station.rssi()), ("hall", -60))


async def test_moving_to_a_nearer_node_of_the_same_mesh():
    set_world(in_sight("mesh", -84, node=1), in_sight("mesh", -50, node=2))
    station, _ = make(("mesh", PASSWORD))
    equal(await station.connect(), Outcome.CONNECTED)
    equal(station.rssi(), -84)  # joined without a scan: the first that the driver met
    equal(await station.roam(), True)
    equal(await station.connect(), Outcome.CONNECTED)
    equal(station.rssi(), -50)


async def test_a_better_network_that_does_not_take_the_toy_costs_one_round():
    set_world(in_sight("home", -84), in_sight("hall", -50, password="changed since"))
    station, _ = make(("home", PASSWORD), ("hall", PASSWORD))
    station.ssid = "home"
    await station.connect()
    equal(await station.roam(), True)
    equal(await station.connect(), Outcome.CONNECTED)
    equal(station.ssid, "home")


def test_samples_are_smoothed():
    signal = Signal()
    equal(signal.dbm, None)
    for rssi in (-60, -60, -90, -60):
        signal.add(rssi)
    assert -68 < signal.dbm < -60, signal.dbm
    for rssi in (-50,) * 40:
        signal.add(rssi)
    equal(signal.dbm, -50)
    signal.add(None)
    equal(signal.dbm, None)


def test_the_warning_does_not_come_and_go_on_the_edge():
    signal = Signal()
    changes = [signal.add(rssi) for rssi in (-74, -74) + (-80,) * 20]
    equal(changes.count(True), 1)
    equal(signal.is_weak, True)
    equal([signal.add(rssi) for rssi in (-72, -76) * 20].count(True), 0)
    equal([signal.add(-60) for _ in range(20)].count(True), 1)
    equal(signal.is_weak, False)


def test_moving_on_is_thought_of_only_in_quiet_and_rarely():
    def dues(roaming, ms, idle, weak, step_ms=1000):
        return sum(roaming.is_due(step_ms, idle, weak) for _ in range(ms // step_ms))

    equal(dues(Roaming(), 10 * ROAM_EVERY_MS, True, False), 0)
    equal(dues(Roaming(), 10 * ROAM_EVERY_MS, False, True), 0)
    roaming = Roaming()
    equal(dues(roaming, ROAM_QUIET_MS - 1000, True, True), 0)
    equal(dues(roaming, 1000, False, True), 0)  # a conversation
    equal(dues(roaming, ROAM_QUIET_MS - 1000, True, True), 0)
    equal(dues(roaming, 1000, True, True), 1)
    equal(dues(roaming, ROAM_EVERY_MS - 1000, True, True), 0)
    equal(dues(roaming, 1000, True, True), 1)


def test_what_is_clearly_better():
    equal(clearly_better([], -80), None)
    equal(clearly_better([{"rssi": -69}], -80), None)
    equal(clearly_better([{"rssi": -68}, {"rssi": -70}], -80), {"rssi": -68})


def test_a_secured_network_does_not_hide_behind_an_open_one_of_its_name():
    seen = tidy(
        [
            (b"home", b"123456", 1, -30, 0, False),
            (b"home", b"123457", 1, -60, 3, False),
            (b"home", b"123458", 1, -70, 4, False),
        ]
    )
    equal([(one["rssi"], one["security"]) for one in seen], [(-30, "open"), (-60, "wpa2")])
    for allow in (False, True):
        chosen = joinable(seen, {"home": PASSWORD}, allow)
        equal([one["bssid"] for one in chosen], [b"123457"], str(allow))
    equal(len(joinable(seen, {"home": ""}, True)), 2)
    equal(joinable(seen, {"other": ""}, True), [])
