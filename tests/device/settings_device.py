"""Settings: every field is checked, a torn file falls back, a power cut loses nothing."""

# ruff: noqa: PTH123, PTH208 (MicroPython has no pathlib)

import json
import os

from device import settings
from tests.device.check import equal, raises

GOOD = {
    "networks": [{"ssid": "home", "password": "correct horse"}],
    "relay": "ws://192.168.1.10:8765/toy",
    "token": "abc.DEF",
}


def problems_of(**changed):
    fields = dict(GOOD)
    fields.update(changed)
    return raises(settings.SettingsError, settings.Settings, fields).problems


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def test_defaults():
    loaded = settings.Settings(dict(GOOD))
    equal(loaded.networks, [("home", "correct horse")])
    relay = loaded.relay
    equal((relay.secure, relay.host, relay.port, relay.path), (False, "192.168.1.10", 8765, "/toy"))
    equal((loaded.age, loaded.board, loaded.volume_ceiling), (None, None, 100))


def test_address_forms():
    address = settings.RelayAddress("wss://relay.local")
    equal(
        (address.secure, address.host, address.port, address.path), (True, "relay.local", 443, "/")
    )
    for wrong in (
        "http://host/toy",
        "ws://",
        "ws:///toy",
        "ws://host:0/toy",
        "ws://host:99999/toy",
        "ws://host:x/toy",
        "ws://user@host/toy",
        "ws://ho st/toy",
        "ws://[::1]/toy",
        "",
        7,
        "ws://" + "a" * 200,
    ):
        raises(ValueError, settings.RelayAddress, wrong)


def test_each_bad_field_is_named():
    for name, values in {
        "networks": (
            [],
            "home",
            [{}],
            [{"ssid": "x" * 33}],
            [{"ssid": "home", "password": "short"}],
        ),
        "relay": ("192.168.1.10", 5, ["ws://a/"]),
        "token": ("", "with space", "line\nbreak", 5, "x" * 201),
        "age": (2, 14, "7", 7.0, True, -1),
        "volume": (-1, 101, "60", 1.5, True),
        "volume_ceiling": (-1, 101, "60"),
        "relay_certificate": ("%%%", "AAAA", 5, "MAMCAQE="),
        "board": ("raspberry", 1),
    }.items():
        for value in values:
            found = problems_of(**{name: value})
            equal([problem.split(" ")[0] for problem in found], [name], f"{name}={value!r}")


def test_a_required_field_may_not_be_missing():
    for name in GOOD:
        equal(problems_of(**{name: None}), [f"{name} is missing"])


def test_all_problems_are_named_at_once():
    equal(len(problems_of(age=99, volume=-5, token="a b")), 3)


def test_wss_needs_a_certificate():
    equal(problems_of(relay="wss://host/toy")[0].split(" ")[0], "relay")


def test_with_a_pairing_code_the_relay_gives_the_rest():
    wifi = {"networks": GOOD["networks"]}
    loaded = settings.Settings(dict(wifi, pairing_code="k7qf-2m9d-x4tq"))
    equal((loaded.pairing_code, loaded.relay, loaded.token), ("K7QF2M9DX4TQ", None, None))
    loaded = settings.Settings(dict(wifi, pairing_code="K7QF2M9DX4TQ", relay="wss://host/toy"))
    equal(loaded.relay.host, "host")
    equal(problems_of(pairing_code="K7QF2M9DX4TQ")[0].split(" ")[0], "relay")  # it is a ws:// one
    for code in ("K7QF2M9DX4TZ", "K7QF", "", 5, "x" * 41, "K7QF2M9DX4T?"):
        equal(problems_of(pairing_code=code)[0].split(" ")[0], "pairing_code", repr(code))


def test_a_new_address_of_the_relay_is_kept():
    settings.save(dict(GOOD, age=5))
    loaded = settings.load()
    loaded.save_relay("192.168.1.77", 9000)
    equal(loaded.relay.host, "192.168.1.77")
    loaded.save()
    saved = settings.load()
    equal((saved.relay.host, saved.relay.port, saved.relay.path), ("192.168.1.77", 9000, "/toy"))
    equal((saved.token, saved.age), (GOOD["token"], 5))


def test_problems_hold_no_secret():
    found = problems_of(token="geheim geheim", networks=[{"ssid": "home", "password": "kurz"}])
    text = " ".join(found)
    assert "geheim" not in text and "kurz" not in text, text


def test_not_an_object():
    for fields in ([], "x", 5, None):
        raises(settings.SettingsError, settings.Settings, fields)


def test_missing_file_is_said():
    equal(raises(settings.SettingsError, settings.load).problems, ["there is no settings.json"])


def test_saved_settings_are_loaded():
    settings.save(GOOD)
    loaded = settings.load()
    loaded.volume = 35
    loaded.save()
    equal(settings.load().volume, 35)
    assert "settings.new" not in os.listdir(".")


def test_a_torn_file_falls_back_to_the_backup():
    settings.save(dict(GOOD, age=5))
    settings.save(dict(GOOD, age=6))
    whole = json.dumps(dict(GOOD, age=6))
    for length in range(0, len(whole), 7):
        write("settings.json", whole[:length])
        equal(settings.load().age, 5, f"cut at {length}")


def test_a_file_of_rubbish_falls_back():
    settings.save(dict(GOOD, age=5))
    settings.save(dict(GOOD, age=6))
    with open("settings.json", "wb") as file:
        file.write(bytes(range(256)) * 40)
    equal(settings.load().age, 5)


def test_a_mistake_is_shown_and_not_hidden_by_the_backup():
    settings.save(dict(GOOD, age=5))
    settings.save(dict(GOOD, age=50))
    raises(settings.SettingsError, settings.load)


def test_power_cut_at_every_step_of_saving():
    """Each file operation fails once; what load() finds must be the old or the new settings."""
    real_rename, real_open = os.rename, open

    class PowerCut(Exception):
        pass

    for step in range(3):
        settings.save(dict(GOOD, age=5))
        settings.save(dict(GOOD, age=5))
        calls = [0]

        def cut(calls=calls, step=step):
            calls[0] += 1
            if calls[0] > step:
                raise PowerCut

        def rename(source, target, cut=cut):
            cut()
            real_rename(source, target)

        def open_(name, mode="r", cut=cut):
            cut()
            return real_open(name, mode)

        settings.open = open_
        settings.os = type("os", (), {"rename": staticmethod(rename)})
        raises(PowerCut, settings.save, dict(GOOD, age=6))
        del settings.open
        settings.os = os
        assert settings.load().age in (5, 6), step
