# path: tools/virtual_toy/board
"""Which application boot.py starts, whatever slot.json says."""
# ruff: noqa: PTH102, PTH123 (MicroPython has no pathlib)

import asyncio
import json
import os
import sys

import machine

import boot
from device import slots
from device.states import State
from tests.device.check import equal, raises_async


def flash(marker=None, folders=("device", "a/device", "b/device")):
    for folder in folders:
        top, slash, _ = folder.rpartition("/")
        if slash:
            os.mkdir(top)
        os.mkdir(folder)
    if marker is not None:
        with open("slot.json", "w") as file:
            file.write(marker if isinstance(marker, str) else json.dumps(marker))


def test_flashed_by_hand():
    flash(folders=("device",))
    equal(boot.choose(), ("", False))
    equal(os.listdir(), ["device"])  # noqa: PTH208


def test_nonsense_means_the_root():
    for index, marker in enumerate(
        (
            "",
            "{",
            "[]",
            "7",
            "null",
            '{"slot": "c"}',
            '{"slot": "../x"}',
            '{"slot": 1}',
            "{}",
            "\xff",
        )
    ):
        flash(marker, () if index else ("device", "a/device"))
        equal(boot.choose(), ("", False), marker)


def test_a_good_slot():
    flash({"slot": "b", "state": "good"})
    equal(boot.choose(), ("b", False))
    equal(boot.choose(), ("b", False))


def test_a_slot_without_an_application():
    flash({"slot": "b", "state": "good"}, ("device", "a/device"))
    equal(boot.choose(), ("", False))


def test_a_new_one_is_started_once():
    flash({"slot": "b", "state": "new", "before": "a", "version": "2.0.0"})
    equal(boot.choose(), ("b", True))
    equal(boot.choose(), ("a", False))
    equal(boot.read_marker(), {"slot": "a", "state": "good", "failed": "2.0.0"})
    equal(boot.choose(), ("a", False))


def test_a_new_one_that_is_kept_stays():
    flash({"slot": "b", "state": "new", "before": "a", "version": "2.0.0"})
    equal(boot.choose(), ("b", True))
    sys.path.insert(0, "b")
    slots.keep()
    equal(boot.choose(), ("b", False))
    equal(boot.choose(), ("b", False))


def test_a_flash_that_cannot_be_written_starts_nothing_new():
    flash({"slot": "b", "state": "new", "before": "a", "version": "2.0.0"})
    os.mkdir("slot.new")  # in the way
    equal(boot.choose(), ("a", False))


def test_a_new_one_that_cannot_be_loaded_is_given_up_at_once():
    flash(folders=("broken/device",))
    sys.path.insert(0, "broken")
    resets, dogs = [], []
    machine.reset = lambda: resets.append(1)
    machine.WDT = lambda timeout: dogs.append(timeout)  # noqa: PLW0108 - it has a keyword
    for count, broken in enumerate(("import nothing_like_this", "def x(", "1 / 0"), 1):
        for name in ("device", "device.app"):
            sys.modules.pop(name, None)
        with open("broken/device/app.py", "w") as file:
            file.write(broken)
        boot.start_trial()
        equal((len(resets), dogs), (count, [boot.TRIAL_MS] * count), broken)


class ScriptedToy:
    state = State.OFFLINE


async def test_the_welcome_keeps_it():
    flash({"slot": "b", "state": "tried", "before": "", "version": "2.0.0"})
    sys.path.insert(0, "b")
    toy = ScriptedToy()
    task = slots.watch(toy)
    await asyncio.sleep_ms(50)
    equal(slots.on_trial(), True)
    toy.state = State.IDLE
    await task
    equal(slots.read(), {"slot": "b", "state": "good", "version": "2.0.0"})
    equal(slots.watch(toy), None)


async def test_no_welcome_sends_it_back():
    flash({"slot": "b", "state": "tried", "before": "", "version": "2.0.0"})
    sys.path.insert(0, "b")
    toy = ScriptedToy()

    class Reset(Exception):
        pass

    def reset():
        raise Reset

    machine.reset = reset
    await raises_async(Reset, slots.try_out(toy, 100))
    equal(boot.choose(), ("", False))


def test_where_the_next_one_goes():
    equal((slots.running(), slots.free()), ("", "a"))
    sys.path.insert(0, "a")
    equal((slots.running(), slots.free()), ("a", "b"))
    sys.path[0] = "b"
    equal((slots.running(), slots.free()), ("b", "a"))
