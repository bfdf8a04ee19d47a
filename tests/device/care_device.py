# path: tools/virtual_toy/board
"""Clock, night, battery and watchdog, each by itself."""

import time

import _host
import _wire

from device.battery import Battery, percent_of
from device.clock import DAY_MINUTES, Clock, is_between, minute_of
from device.volume import Volume
from device.watchdog import Stuck, Watchdog
from tests.device.check import equal, raises

NOON_S = 1795262400  # 2026-11-21 12:00:00 UTC


class Loudspeaker:
    def set_volume(self, percent):
        self.percent = percent


class Wishes:
    volume = 90
    volume_ceiling = 80
    night_from = minute_of("19:30")
    night_until = minute_of("7:00")
    night_volume_ceiling = 25
    saved = 0

    def save(self):
        self.saved += 1


class PowerBoard:
    battery_pin = 34
    battery_divider = 2


class PlainBoard:
    battery_pin = None
    battery_divider = 1


def test_times_are_read():
    equal([minute_of(text) for text in ("0:00", "07:05", "7:05", "23:59")], [0, 425, 425, 1439])
    for text in ("", "7", "24:00", "7:60", "7:5", "-1:00", "a:bc", "7:000", "07:00:00", ":30"):
        raises(ValueError, minute_of, text)


def test_a_night_may_last_over_midnight():
    night = [m for m in range(DAY_MINUTES) if is_between(m, minute_of("19:30"), minute_of("7:00"))]
    equal(len(night), 11 * 60 + 30)
    assert minute_of("19:29") not in night and minute_of("7:00") not in night
    equal([is_between(m, 60, 120) for m in (59, 60, 119, 120)], [False, True, True, False])
    equal(is_between(60, 60, 60), False)


def test_the_clock_goes_on_from_what_it_was_told():
    clock = Clock()
    equal(clock.minute(5), None)
    clock.take({"time_s": NOON_S, "utc_offset_s": 0}, 1000)
    equal([clock.minute(1000 + s) for s in (0, 59, 60, 12 * 3600, 86400)], [720, 720, 721, 0, 720])
    clock.take({"time_s": NOON_S, "utc_offset_s": -5 * 3600}, 2000)
    equal(clock.minute(2000), 7 * 60)
    clock.take({"time_s": NOON_S, "utc_offset_s": 14 * 3600}, 2000)
    equal(clock.minute(2000), 2 * 60)


def test_a_clock_that_is_told_nonsense_goes_on():
    clock = Clock()
    clock.take({"time_s": NOON_S, "utc_offset_s": 0}, 0)
    for message in (
        {},
        {"time_s": NOON_S + 3600},
        {"time_s": "12:00", "utc_offset_s": 0},
        {"time_s": True, "utc_offset_s": 0},
        {"time_s": 0.5, "utc_offset_s": 0},
        {"time_s": NOON_S, "utc_offset_s": 10**9},
    ):
        clock.take(message, 0)
        equal(clock.minute(0), 720, message)
    clock.take({"time_s": -(10**15), "utc_offset_s": 0}, 0)
    assert 0 <= clock.minute(0) < DAY_MINUTES


def test_the_night_is_quieter_and_the_day_comes_back():
    wishes, speaker = Wishes(), Loudspeaker()
    volume = Volume(wishes, speaker)
    heard = []
    for minute in (None, minute_of("19:29"), minute_of("19:30"), 0, minute_of("7:00")):
        volume.set_time(minute)
        equal(volume.percent, speaker.percent)
        heard.append(speaker.percent)
    equal(heard, [25, 80, 25, 25, 80])


def test_no_wish_exceeds_the_night_s_ceiling():
    wishes, speaker = Wishes(), Loudspeaker()
    volume = Volume(wishes, speaker)
    volume.set_time(0)
    equal([volume.set(percent) for percent in (100, 26, 10)], [25, 25, 10])
    volume.set(100)
    volume.set_time(minute_of("12:00"))
    equal(speaker.percent, 80)
    volume.save()
    volume.save()
    equal((wishes.saved, wishes.volume), (1, 100))


def test_a_night_ceiling_above_the_day_s_changes_nothing():
    wishes, speaker = Wishes(), Loudspeaker()
    wishes.night_volume_ceiling = 100
    Volume(wishes, speaker).set_time(0)
    equal(speaker.percent, 80)


def test_without_a_night_only_the_ceiling_counts():
    wishes, speaker = Wishes(), Loudspeaker()
    wishes.night_until = None
    volume = Volume(wishes, speaker)
    for minute in (None, 0, 720):
        volume.set_time(minute)
        equal(speaker.percent, 80)


def test_the_charge_falls_with_the_voltage():
    charge = [percent_of(mv) for mv in range(2500, 4300)]
    equal((charge[0], charge[-1]), (0, 100))
    steps = [charge[index + 1] - charge[index] for index in range(len(charge) - 1)]
    equal((min(steps), max(steps)), (0, 1))
    equal([percent_of(mv) for mv in (0, 2499, 3500, 3800, 4150)], [None, None, 5, 55, 100])


def test_a_battery_is_measured_behind_its_divider():
    _host.world["adc_uv"] = {"34": 1900000}
    battery = Battery(PowerBoard)
    equal((battery.percent, battery.low, battery.empty), (55, False, False))
    for millivolts, low, empty in ((3600, True, False), (3350, True, True), (4200, False, False)):
        _host.world["adc_uv"] = {"34": millivolts * 500}
        battery.measure()
        equal((battery.low, battery.empty), (low, empty), millivolts)


def test_no_battery_is_not_an_empty_one():
    _host.world["adc_uv"] = {"34": 30000}  # a divider without a cell
    for board in (PowerBoard, PlainBoard):
        battery = Battery(board)
        equal((battery.percent, battery.low, battery.empty), (None, False, False))


def test_the_watchdog_is_fed_while_all_parts_get_on():
    kinds = []
    _host.listeners.append(lambda kind, number, payload: kinds.append(kind))
    steps = [0, 0]
    dog = Watchdog((("one", lambda: steps[0], 1000), ("two", lambda: steps[1], 5000)))
    now_ms = time.ticks_ms()
    for _ in range(20):
        now_ms = time.ticks_add(now_ms, 900)
        steps[0] += 1
        steps[1] = now_ms // 4000
        dog.check(now_ms)
    equal((kinds.count(_wire.WATCHDOG_STARTED), kinds.count(_wire.WATCHDOG_FED)), (1, 20))


def test_a_part_that_is_stuck_is_named_and_nobody_is_fed():
    kinds = []
    steps = [0]
    now_ms = time.ticks_ms()
    counter = iter(range(10))
    dog = Watchdog((("well", lambda: next(counter), 1000), ("stuck", lambda: steps[0], 3000)))
    dog.check(now_ms)
    dog.check(time.ticks_add(now_ms, 2900))
    steps[0] = 1
    dog.check(time.ticks_add(now_ms, 3100))
    dog.check(time.ticks_add(now_ms, 6000))
    _host.listeners.append(lambda kind, number, payload: kinds.append(kind))
    error = raises(Stuck, dog.check, time.ticks_add(now_ms, 6200))
    equal(str(error), "stuck")
    assert _wire.WATCHDOG_FED not in kinds


def test_a_part_with_nothing_to_do_is_not_stuck():
    state = [None]
    now_ms = time.ticks_ms()
    dog = Watchdog((("idle", lambda: state[0], 1000),))
    for seconds in range(0, 60, 5):
        dog.check(time.ticks_add(now_ms, seconds * 1000))
    state[0] = 7
    dog.check(time.ticks_add(now_ms, 70000))
    raises(Stuck, dog.check, time.ticks_add(now_ms, 72000))
