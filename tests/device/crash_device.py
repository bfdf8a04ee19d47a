# path: tools/virtual_toy/board
"""What outlives a restart: the count of failed starts and the report of what the toy died of."""

import asyncio
import struct

import _host
import _wire
import machine

from device import app, crash
from device import start as start_of_day
from device.boards import find_board
from tests.device.check import equal, raises


def start(cause):
    """Start as after a reset of this cause; return how many starts had failed before."""
    machine.reset_cause = lambda: cause
    return crash.begin()


def die():
    raise MemoryError("no room for correct horse")


def outer():
    die()


def report_of(function):
    crash.keep(raises(Exception, function))
    return crash.report()


def test_failed_starts_are_counted_until_one_goes_well():
    equal(start(machine.PWRON_RESET), 0)
    equal([start(machine.HARD_RESET) for _ in range(3)], [1, 2, 3])
    equal(start(machine.WDT_RESET), 4)
    crash.well()
    equal(start(machine.HARD_RESET), 0)
    equal(start(machine.HARD_RESET), 1)


def test_pulling_the_plug_is_a_fresh_start():
    for cause in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET, machine.SOFT_RESET):
        for _ in range(3):
            start(machine.HARD_RESET)
        equal(start(cause), 0)


def test_a_restart_on_purpose_is_no_failure():
    resets = []
    machine.reset = lambda: resets.append(1)
    for _ in range(5):
        equal(start(machine.HARD_RESET), 0)
        crash.restart()
    equal(len(resets), 5)
    equal(start(machine.HARD_RESET), 0)
    equal(start(machine.HARD_RESET), 1)


def test_the_count_has_an_end():
    start(machine.PWRON_RESET)
    for _ in range(300):
        failures = start(machine.HARD_RESET)
    equal(failures, 255)


def test_a_report_names_type_and_place_and_no_words():
    equal(crash.report(), None)
    text = report_of(outer)
    words = text.split(" ")
    equal(words[0], "MemoryError")
    assert words[1].startswith("crash_device.py:") and 3 <= len(words) <= 4, text
    assert "horse" not in text
    equal(int(words[2].split(":")[1]) > int(words[1].split(":")[1]), True)


def test_a_report_outlives_restarts_until_it_is_delivered():
    text = report_of(die)
    equal(start(machine.HARD_RESET), 0)
    crash.well()
    equal(start(machine.WDT_RESET), 0)
    equal(crash.report(), text)
    crash.forget()
    equal(crash.report(), None)
    crash.forget()
    equal(start(machine.HARD_RESET), 1)


def test_a_report_is_short():
    kind = type("X" * 200, (Exception,), {})

    def fail():
        raise kind

    equal(report_of(fail), "X" * crash.MOST_BYTES)


def test_what_someone_else_left_in_the_memory_is_no_report():
    for rubbish in (b"", b"B", b"Br1", b"other" * 100, b"Br1\0\0\xff\xfe", bytes(2048)):
        machine.RTC().memory(rubbish)
        equal(crash.report(), None, rubbish)
        start(machine.HARD_RESET)
        start(machine.HARD_RESET)
        assert report_of(die).startswith("MemoryError")
        crash.forget()


def run_app(main):
    """Run the application with another `_main`; return (resets, time-outs of watchdogs)."""
    resets, timeouts = [], []

    def listen(kind, number, payload):
        if kind == _wire.WATCHDOG_STARTED:
            timeouts.append(struct.unpack(_wire.COUNT, payload)[0])

    _host.listeners.append(listen)
    machine.reset = lambda: resets.append(1)
    app.RESTART_DELAY_MS = 1
    app._main = main
    try:  # noqa: SIM105
        app.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    return len(resets), timeouts


def test_the_application_keeps_what_it_dies_of_and_counts_it():
    async def fail():
        crash.begin()
        die()

    machine.reset_cause = lambda: machine.HARD_RESET
    for failures in range(3):
        equal(run_app(fail), (1, []))
        assert crash.report().startswith("MemoryError"), crash.report()
        equal(crash.begin(), 2 * failures + 1)


def test_an_end_without_an_error_is_no_failure():
    async def end():
        crash.begin()

    machine.reset_cause = lambda: machine.HARD_RESET
    for _ in range(4):
        equal(run_app(end), (1, []))
    equal((crash.begin(), crash.report()), (0, None))


def test_a_developer_at_the_prompt_is_not_bitten():
    for kind in (KeyboardInterrupt, SystemExit):

        async def stop():
            raise kind  # noqa: B023

        equal(run_app(stop), (0, [24 * 3600 * 1000]))


def test_safe_mode_rests_longer_each_time():
    rests = []

    async def sleep_ms(ms):
        rests[-1] += ms

    app.asyncio.sleep_ms = sleep_ms
    for doublings in (0, 1, 2, 5, 6, 252):
        rests.append(0)
        asyncio.run(start_of_day.rest(find_board(), doublings))
    equal(rests, [15000, 30000, 60000, 480000, 600000, 600000])
