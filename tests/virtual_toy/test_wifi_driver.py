"""The simulated `network` refuses, freezes and hides what the ESP32's driver does."""

from tests.virtual_toy.micropython_script import run_script

START = """
import time, network, _host
wifi = _host.world["wifi"]
wifi["scan_ms"], wifi["connect_ms"], wifi["fail_ms"] = 300, 60, 40
def attempt(call):
    try:
        return call()
    except OSError as error:
        return error.args[0]
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
"""


def run(body, tmp_path):
    return run_script(START + body, tmp_path)


def test_it_connects_and_has_a_signal_only_then(tmp_path):
    assert run(
        """
print(wlan.isconnected(), attempt(lambda: wlan.status("rssi")), wlan.ifconfig()[0])
wlan.connect("home", "correct horse")
print(wlan.status() == network.STAT_CONNECTING)
time.sleep_ms(100)
print(wlan.status() == network.STAT_GOT_IP, wlan.status("rssi"), wlan.config("channel"))
""",
        tmp_path,
    ) == ["False Wifi Not Connected 0.0.0.0", "True", "True -55 6"]


def test_a_scan_freezes_the_loop_and_finds_nothing_while_connecting(tmp_path):
    assert run(
        """
import asyncio
async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep_ms(10)
            ticks += 1
    asyncio.create_task(tick())
    await asyncio.sleep_ms(25)
    before = ticks
    started = time.ticks_ms()
    found = wlan.scan()
    print(time.ticks_diff(time.ticks_ms(), started) >= 300, ticks == before, len(found))
    wlan.connect("home", "correct horse")
    print(wlan.scan())
asyncio.run(main())
""",
        tmp_path,
    ) == ["True True 1", "[]"]


def test_hidden_and_repeated_networks_look_like_on_the_board(tmp_path):
    assert run(
        """
wifi["networks"] = [
    ["mesh", "0000000000a1", 1, -70, 3, "12345678", False],
    ["mesh", "0000000000a2", 6, -50, 3, "12345678", False],
    ["secret", "0000000000b1", 6, -60, 3, "12345678", True],
    ["far", "0000000000c1", 6, -95, 3, "12345678", False],
]
print([(n[0], n[3], n[5]) for n in wlan.scan()])
wlan.connect("secret", "12345678")
time.sleep_ms(100)
print(wlan.isconnected())
""",
        tmp_path,
    ) == ["[(b'mesh', -70, False), (b'mesh', -50, False), (b'', -60, False)]", "True"]


def test_a_second_connect_and_settings_while_connecting_raise(tmp_path):
    assert run(
        """
wlan.connect("home", "correct horse")
print(attempt(lambda: wlan.connect("home", "correct horse")))
print(attempt(lambda: wlan.config(pm=0)))
""",
        tmp_path,
    ) == ["Wifi Internal Error", "Wifi Internal State Error"]


def test_a_wrong_password_shows_only_when_the_attempts_are_bounded(tmp_path):
    assert run(
        """
wlan.connect("home", "wrong horse")
time.sleep_ms(300)
print(wlan.status())
wlan.disconnect()
wlan.config(reconnects=1)
wlan.connect("home", "wrong horse")
time.sleep_ms(20)
print(wlan.status())
time.sleep_ms(200)
print(wlan.status() in (2, 15, 202, 204))
""",
        tmp_path,
    ) == ["1001", "1001", "True"]


def test_a_network_that_goes_away_is_lost_and_found_again(tmp_path):
    assert run(
        """
wlan.config(reconnects=0)
wlan.connect("home", "correct horse")
time.sleep_ms(100)
print(wlan.isconnected())
networks, wifi["networks"] = wifi["networks"], []
print(wlan.isconnected(), wlan.status() == network.STAT_BEACON_TIMEOUT)
wlan.config(reconnects=-1)
wlan.connect("home", "correct horse")
time.sleep_ms(100)
print(wlan.status() == network.STAT_CONNECTING)
wifi["networks"] = networks
time.sleep_ms(200)
print(wlan.isconnected())
""",
        tmp_path,
    ) == ["True", "False True", "True", "True"]


def test_with_a_password_nothing_below_wpa2_is_joined(tmp_path):
    assert run(
        """
wifi["networks"] = [["home", "0000000000a1", 1, -50, mode, "12345678", False] for mode in (0,)]
wlan.config(reconnects=1)
for mode in (0, 1, 2, 3):
    wifi["networks"][0][4] = mode
    wlan.connect("home", "12345678")
    time.sleep_ms(150)
    print(wlan.isconnected(), wlan.status())
    wlan.disconnect()
""",
        tmp_path,
    ) == ["False 211", "False 211", "False 211", "True 1010"]


def test_a_node_of_a_mesh_can_be_named_and_is_kept(tmp_path):
    assert run(
        """
wifi["networks"] = [
    ["mesh", "0000000000a1", 1, -70, 3, "12345678", False],
    ["mesh", "0000000000a2", 6, -50, 3, "12345678", False],
]
for node in (None, b"\\0\\0\\0\\0\\0\\xa2"):
    wlan.connect("mesh", "12345678", bssid=node)
    time.sleep_ms(100)
    print(wlan.status("rssi"))
    wlan.disconnect()
wlan.config(reconnects=1)
wlan.connect("mesh", "12345678", bssid=b"\\0\\0\\0\\0\\0\\xa2")
time.sleep_ms(100)
del wifi["networks"][1]
print(wlan.isconnected())
""",
        tmp_path,
    ) == ["-70", "-50", "False"]


def test_a_network_that_appears_late_in_an_attempt_is_met_by_the_next(tmp_path):
    assert run(
        """
wifi["connect_ms"], wifi["fail_ms"] = [100, 120], 400
networks, wifi["networks"] = wifi["networks"], []
def joined_after(appears_ms):
    wifi["networks"] = []
    wlan.disconnect()
    wlan.connect("home", "correct horse")
    started = time.ticks_ms()
    time.sleep_ms(appears_ms)
    wlan.status()
    wifi["networks"] = networks
    while not wlan.isconnected():
        time.sleep_ms(5)
    return time.ticks_diff(time.ticks_ms(), started)
early, late = joined_after(50), joined_after(300)
print(100 <= early, early < 300, late >= 500)
""",
        tmp_path,
    ) == ["True True True"]


def test_the_router_may_give_another_address(tmp_path):
    assert run(
        """
wlan.connect("home", "correct horse")
time.sleep_ms(100)
print(wlan.ifconfig()[0])
wifi["address"] = "192.168.1.99"
print(wlan.isconnected(), wlan.ifconfig()[0])
""",
        tmp_path,
    ) == ["192.168.1.57", "True 192.168.1.99"]


def test_what_the_board_refuses_is_refused(tmp_path):
    assert run(
        """
print(attempt(lambda: wlan.connect("home", "short")))
wlan.active(False)
print(attempt(wlan.scan), "/", attempt(lambda: wlan.connect("home", "correct horse")))
for wrong in (lambda: network.WLAN(7), lambda: wlan.config(colour=1), lambda: wlan.status("mood")):
    try:
        wrong()
    except ValueError as error:
        print(error)
""",
        tmp_path,
    ) == [
        "Wifi Invalid Password",
        "STA must be active / Wifi Not Started",
        "invalid WLAN interface identifier",
        "unknown config param",
        "unknown status param",
    ]


def test_names_resolve_only_with_wifi_and_lead_where_the_host_says(tmp_path):
    assert run(
        """
import socket
_host.world["routes"] = [["relay.local", 8765, "127.0.0.1", 4242]]
print(attempt(lambda: socket.getaddrinfo("relay.local", 8765)) == -2)
wlan.connect("home", "correct horse")
time.sleep_ms(100)
there = socket.getaddrinfo("relay.local", 8765)[0][-1]
print(there == socket.getaddrinfo("127.0.0.1", 4242)[0][-1])
""",
        tmp_path,
    ) == ["True", "True"]
