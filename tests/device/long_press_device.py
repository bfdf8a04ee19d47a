# path: tools/virtual_toy/board
"""The long squeezes: what counts, when, and that everything is forgotten, the token too."""

# ruff: noqa: PTH123, PTH208 (MicroPython has no pathlib)

import os
import time

import _host

from device import next_start
from device.button import Press
from device.light import Look
from device.long_press import FORGET_MS, LONGEST_MS, SET_UP_MS, LongPress
from device.next_start import Start
from tests.device.check import equal

BEFORE_WRAP_MS = time.ticks_add(0, -100)


def hold(long_press, for_ms, connected=False, start_ms=1000):
    """Squeeze for a while; return what was asked for at the end."""
    equal(long_press.take(Press.DOWN, connected, start_ms), Start.NORMAL)
    equal(long_press.take(Press.HOLD, connected, time.ticks_add(start_ms, 300)), Start.NORMAL)
    return long_press.take(Press.UP, connected, time.ticks_add(start_ms, for_ms))


def test_the_end_of_the_squeeze_decides():
    for start_ms in (1000, BEFORE_WRAP_MS):
        for for_ms, meant in (
            (300, Start.NORMAL),
            (SET_UP_MS - 1, Start.NORMAL),
            (SET_UP_MS, Start.SET_UP),
            (FORGET_MS - 1, Start.SET_UP),
            (FORGET_MS, Start.FORGET),
            (LONGEST_MS, Start.FORGET),
            (LONGEST_MS + 1, Start.NORMAL),
        ):
            equal(hold(LongPress(), for_ms, start_ms=start_ms), meant, for_ms)


def test_a_tap_means_nothing_and_does_not_linger():
    long_press = LongPress()
    long_press.take(Press.DOWN, False, 0)
    equal(long_press.take(Press.TAP, False, 200), Start.NORMAL)
    equal(long_press.take(Press.UP, False, FORGET_MS), Start.NORMAL)


def test_a_long_story_erases_nothing():
    equal(hold(LongPress(), FORGET_MS, connected=True), Start.NORMAL)


def test_a_squeeze_from_before_the_connection_counts_to_its_end():
    long_press = LongPress()
    long_press.take(Press.DOWN, False, 0)
    equal(long_press.take(Press.UP, True, SET_UP_MS), Start.SET_UP)


def test_a_squeeze_that_goes_on_when_home_is_lost_does_not_count():
    long_press = LongPress()
    long_press.take(Press.DOWN, True, 0)
    equal(long_press.take(Press.UP, False, FORGET_MS), Start.NORMAL)


def test_the_squeeze_that_woke_the_toy_does_not_count():
    long_press = LongPress(ignore_first=True)
    equal(hold(long_press, SET_UP_MS), Start.NORMAL)
    equal(hold(long_press, SET_UP_MS), Start.SET_UP)


def test_the_light_shows_what_letting_go_would_do():
    long_press = LongPress()
    equal(long_press.look(0), None)
    long_press.take(Press.DOWN, False, 0)
    for at_ms, look in (
        (SET_UP_MS - 1, None),
        (SET_UP_MS, Look.SET_UP),
        (FORGET_MS, Look.FORGET),
        (LONGEST_MS + 1, None),
    ):
        equal(long_press.look(at_ms), look, at_ms)
    # A toy that somebody lies on all night: the tick counter may wrap, and still nothing.
    equal(long_press.take(Press.UP, False, SET_UP_MS), Start.NORMAL)


def start_with(start):
    _host.world["state_folder"] = "."
    next_start.ask_for(start)


def write_settings():
    for name in ("settings.json", "settings.bak", "settings.new", "other.txt"):
        with open(name, "w") as file:
            file.write("{}")


def test_a_wish_is_granted_once():
    equal(next_start.take(), Start.NORMAL)
    start_with(Start.SET_UP)
    write_settings()
    equal(next_start.take(), Start.SET_UP)
    equal(next_start.take(), Start.NORMAL)
    assert "settings.json" in os.listdir()


def test_a_factory_reset_forgets_everything_that_was_set():
    start_with(Start.FORGET)
    write_settings()
    equal(next_start.take(), Start.FORGET)
    equal([name for name in os.listdir() if name.startswith("settings")], [])
    assert "other.txt" in os.listdir()
    equal(next_start.take(), Start.NORMAL)


def test_a_factory_reset_that_lost_power_is_done_again():
    start_with(Start.FORGET)
    write_settings()
    erase = next_start.erase_settings

    def lose_power():
        os.remove("settings.json")  # noqa: PTH107
        raise KeyboardInterrupt

    next_start.erase_settings = lose_power
    try:
        next_start.take()
        raise AssertionError("the power was not lost")
    except KeyboardInterrupt:
        next_start.erase_settings = erase
    equal(next_start.take(), Start.FORGET)
    equal([name for name in os.listdir() if name.startswith("settings")], [])
