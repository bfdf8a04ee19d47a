# path: tools/virtual_toy/board
"""Night, volume, battery and watchdog, each by itself."""

import time

import _host
import _wire

from device.battery import Battery, percent_of
from device.night import DAY_MINUTES, Night, minute_of
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
    has_night = True
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


def told(first, last, time_s=NOON_S, offset_s=0, uptime_s=0):
    """Return a night of which the relay has told the time."""
    night = Night(minute_of(first), minute_of(last))
    night.take({"time_s": time_s, "utc_offset_s": offset_s}, uptime_s)
    return night


def minutes_of(night):
    """Return the minutes of the day in a night that was told at up-time 0 that it is noon."""
    return [m for m in range(DAY_MINUTES) if night.is_now((m - 720) % DAY_MINUTES * 60)]


def test_a_night_may_last_over_midnight():
    night = minutes_of(told("19:30", "7:00"))
    equal(len(night), 11 * 60 + 30)
    assert minute_of("19:29") not in night and minute_of("7:00") not in night
    equal(minutes_of(told("1:00", "2:00")), list(range(60, 120)))
    equal(minutes_of(told("1:00", "1:00")), [])


def test_it_may_be_night_until_the_time_is_known():
    night = Night(minute_of("19:30"), minute_of("7:00"))
    equal(night.is_now(5), True)
    night.take({"time_s": NOON_S}, 5)  # an old relay, which tells no time zone
    equal(night.is_now(5), True)
    night.take({"time_s": NOON_S, "utc_offset_s": 0}, 5)
    equal(night.is_now(5), False)


def test_the_time_goes_on_from_what_was_told():
    night = told("12:01", "12:02", uptime_s=1000)
    equal([night.is_now(1000 + s) for s in (0, 59, 60, 119, 120)], [0, 0, 1, 1, 0])
    equal(night.is_now(1000 + 86400 * 40 + 60), True)
    for offset_s, at in ((-5 * 3600, "7:00"), (14 * 3600, "2:00"), (19800, "17:30")):
        for last, expected in (("18:00", True), (at, False)):
            night = told(at if expected else "0:00", last, offset_s=offset_s, uptime_s=7)
            equal(night.is_now(7), expected, offset_s)


def test_nonsense_about_the_time_changes_nothing():
    night = told("11:00", "13:00")
    for message in (
        {},
        {"time_s": NOON_S + 7200},
        {"time_s": "12:00", "utc_offset_s": 0},
        {"time_s": True, "utc_offset_s": 0},
        {"time_s": 0.5, "utc_offset_s": 0},
        {"time_s": NOON_S, "utc_offset_s": 10**9},
    ):
        night.take(message, 0)
        equal(night.is_now(0), True, message)
    night.take({"time_s": -(10**15), "utc_offset_s": 0}, 0)
    assert night.is_now(0) in (True, False)


def test_the_night_is_quieter_and_the_day_comes_back():
    wishes, speaker = Wishes(), Loudspeaker()
    volume = Volume(wishes, speaker)
    heard = [speaker.percent]
    for night in (True, False, True, True, False):
        volume.set_night(night)
        equal(volume.percent, speaker.percent)
        heard.append(speaker.percent)
    equal(heard, [25, 25, 80, 25, 25, 80])


def test_no_wish_exceeds_the_night_s_ceiling():
    wishes, speaker = Wishes(), Loudspeaker()
    volume = Volume(wishes, speaker)
    equal([volume.set(percent) for percent in (100, 26, 10)], [25, 25, 10])
    volume.set(100)
    volume.set_night(False)
    equal(speaker.percent, 80)
    volume.save()
    volume.save()
    equal((wishes.saved, wishes.volume), (1, 100))


def test_a_night_ceiling_above_the_day_s_changes_nothing():
    wishes, speaker = Wishes(), Loudspeaker()
    wishes.night_volume_ceiling = 100
    Volume(wishes, speaker)
    equal(speaker.percent, 80)


def test_without_a_night_only_the_ceiling_counts():
    wishes, speaker = Wishes(), Loudspeaker()
    wishes.has_night = False
    Volume(wishes, speaker)
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
