"""Quiet hours, minutes and breaks: for every minute of the day, over restarts and clock jumps."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.database import StoreError
from relay.house import Standing
from relay.rules.leave import Leave, Rest, Talked, leave
from relay.rules.stopwatch import BREAK_S, PAUSE_S, Stopwatch
from relay.rules.timekeeper import HomeTime, Timekeeper
from relay.rules.wording import resting, soon
from relay.store.rules import ChildRules
from relay.store.toy import Toy

DAY_S = 24 * 3600
NO_LIMIT = dict(daily_minutes=None, session_minutes=None, quiet_from=None, quiet_until=None)
minutes_of_day = st.integers(0, 1439)
seconds_of_day = st.integers(0, DAY_S - 1)


def standing(*, paused=None, consented=True, **rules):
    toy = Toy("bear", "Bear", 6, child="mia", paused=paused)
    return Standing(toy, ChildRules("mia", **{**NO_LIMIT, **rules}), consented)


@given(minutes_of_day, minutes_of_day, seconds_of_day)
def test_quiet_hours_last_from_their_start_to_their_end(start, end, second):
    quiet = standing(quiet_from=start, quiet_until=end)
    # Minute by minute around the clock, as anybody would look at it.
    minutes = []
    minute = start
    while minute != end:
        minutes.append(minute)
        minute = (minute + 1) % 1440
    now = leave(quiet, second, Talked())
    assert (now.rest is Rest.QUIET_HOURS) == (second // 60 in minutes)
    if start == end:
        assert now == Leave(None)
    else:
        # When the time told has passed, it is the other way round, and not a second earlier.
        later = leave(quiet, int(second + now.left_s) % DAY_S, Talked())
        just_before = leave(quiet, int(second + now.left_s - 1) % DAY_S, Talked())
        assert later.rest is not now.rest
        assert just_before.rest is now.rest


@given(st.integers(1, 600), st.integers(0, 50_000))
def test_the_minutes_of_a_day_are_used_up_when_they_are(minutes, talked):
    now = leave(standing(daily_minutes=minutes), 0, Talked(today=talked))
    assert (now.rest is Rest.MINUTES_USED) == (talked >= minutes * 60)
    if now.rest is None:
        assert now.left_s == minutes * 60 - talked and now.ending is Rest.MINUTES_USED


@given(st.integers(1, 120), st.integers(0, 10_000), st.floats(0, BREAK_S))
def test_a_long_talk_ends_in_a_break(minutes, talked, left):
    now = leave(standing(session_minutes=minutes), 0, Talked(stretch=talked, break_left=left))
    assert (now.rest is Rest.BREAK) == (talked >= minutes * 60)
    if now.rest is Rest.BREAK:
        assert now.left_s == left


def test_the_first_limit_is_the_one_that_is_told():
    rules = standing(daily_minutes=10, session_minutes=5, quiet_from=60, quiet_until=120)
    assert leave(rules, 0, Talked()).ending is Rest.BREAK
    assert leave(rules, 0, Talked(today=500)).ending is Rest.MINUTES_USED
    assert leave(rules, 58 * 60, Talked()).ending is Rest.QUIET_HOURS


def test_nothing_is_said_to_a_child_whose_parents_did_not_agree():
    assert leave(standing(consented=False), 0, Talked()).rest is Rest.NO_CONSENT
    assert leave(standing(consented=False, paused=5), 0, Talked()).rest is Rest.PAUSED
    assert leave(standing(paused=5), 0, Talked()).rest is Rest.PAUSED


@pytest.mark.parametrize(("age", "minutes"), [(3, 15), (6, 20), (9, 25), (13, 30)])
def test_without_rules_a_break_comes_by_age(age, minutes):
    alone = Standing(Toy("bear", "Bear", age))
    assert leave(alone, 0, Talked(stretch=minutes * 60 - 1)).rest is None
    assert leave(alone, 0, Talked(stretch=minutes * 60)).rest is Rest.BREAK


turns = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400)), max_size=20)


@given(turns)
def test_a_stopwatch_counts_turns_and_short_silences_and_nothing_else(turns):
    stopwatch, now, counted, expected, stretch = Stopwatch(), 1000.0, 0.0, 0.0, 0.0
    for number, (silence, length) in enumerate(turns):
        now += silence
        if number and silence < PAUSE_S:
            expected += silence
        stretch = length if number == 0 or silence >= BREAK_S else stretch + silence + length
        counted += stopwatch.begin(now)
        now += length
        assert stopwatch.running(now) == pytest.approx(length, abs=1e-6)
        counted += stopwatch.end(now)
        expected += length
        assert stopwatch.stretch(now) == pytest.approx(stretch, abs=1e-6)
    assert counted == pytest.approx(expected, abs=1e-6)
    assert stopwatch.end(now) == 0.0
    assert stopwatch.stretch(now + BREAK_S) == 0.0


@pytest.mark.parametrize("band", AgeBand)
@pytest.mark.parametrize("rest", Rest)
def test_every_rest_has_words(rest, band):
    text = resting(Leave(rest, until=450, left_s=61), band)
    assert "{" not in text and text.endswith(".")
    assert ("half past 7" in text) == (rest is Rest.QUIET_HOURS)
    assert ("2 minutes" in text) == (rest is Rest.BREAK)


@pytest.mark.parametrize(
    ("minute", "words"), [(0, "12 o'clock"), (450, "half past 7"), (1205, "8 oh 5"), (800, "1 20")]
)
def test_times_are_said_as_people_say_them(minute, words):
    text = resting(Leave(Rest.QUIET_HOURS, until=minute), AgeBand.AGES_6_TO_8)
    assert text.endswith(f"at {words}.")


class Clock:
    """The home's clock and the steady one, set by the test."""

    def __init__(self):
        self.wall = 1_790_000_000.0
        self.steady = 100.0

    def passes(self, seconds):
        self.wall += seconds
        self.steady += seconds

    @property
    def home(self):
        return HomeTime(lambda: time.gmtime(self.wall), lambda: self.steady)


class Table:
    """The table of minutes, in memory; it can be locked."""

    def __init__(self):
        self.rows = {}
        self.locked = False

    async def add(self, child, day, seconds):
        if self.locked:
            raise StoreError("locked")
        assert seconds > 0
        self.rows[child, day] = self.rows.get((child, day), 0) + seconds
        return self.rows[child, day]

    async def of(self, child, day):
        return self.rows.get((child, day), 0)


class HouseOf:
    def __init__(self, *standings):
        self.standings = {each.toy.id: each for each in standings}


@pytest.fixture
def clock():
    return Clock()


async def opened(clock, table, **rules):
    keeper = Timekeeper(HouseOf(standing(**rules)), table, clock.home)
    await keeper.refresh()
    return keeper


async def talk(keeper, clock, seconds):
    keeper.begin("bear")
    clock.passes(seconds)
    keeper.end("bear")


async def test_a_restart_gives_no_minute_back(clock):
    table = Table()
    for minute in range(10):
        keeper = await opened(clock, table, daily_minutes=10)
        assert keeper.leave("bear").left_s == pytest.approx(600 - 60 * minute)
        await talk(keeper, clock, 60)
        await keeper.save()
    keeper = await opened(clock, table, daily_minutes=10)
    assert keeper.leave("bear").rest is Rest.MINUTES_USED


async def test_a_relay_that_is_cut_off_loses_half_a_minute_at_most(clock):
    table = Table()
    keeper = await opened(clock, table, daily_minutes=10)
    keeper.begin("bear")
    for _ in range(300):
        clock.passes(1)
        await keeper.refresh()
    again = await opened(clock, table, daily_minutes=10)
    assert 300 <= again.leave("bear").left_s <= 330


async def test_a_locked_store_loses_nothing(clock):
    table = Table()
    keeper = await opened(clock, table, daily_minutes=10)
    table.locked = True
    await talk(keeper, clock, 100)
    clock.passes(40)
    with pytest.raises(StoreError):
        await keeper.refresh()
    await keeper.save()
    assert keeper.leave("bear").left_s == pytest.approx(500)
    table.locked = False
    await keeper.save()
    assert sum(table.rows.values()) == 100


async def test_the_next_day_begins_anew_and_setting_the_clock_back_does_not(clock):
    table = Table()
    keeper = await opened(clock, table, daily_minutes=10)
    await talk(keeper, clock, 700)
    assert keeper.leave("bear").rest is Rest.MINUTES_USED
    clock.wall += DAY_S
    await keeper.refresh()
    assert keeper.leave("bear").rest is None
    clock.wall -= DAY_S
    await keeper.save()
    await keeper.refresh()
    assert keeper.leave("bear").rest is Rest.MINUTES_USED


async def test_moving_the_clock_while_a_child_talks_changes_no_minute(clock):
    keeper = await opened(clock, Table(), daily_minutes=10)
    keeper.begin("bear")
    clock.passes(60)
    clock.wall += 3600  # summer time, or somebody at the clock
    clock.passes(60)
    keeper.end("bear")
    assert keeper.leave("bear").left_s == pytest.approx(480)


async def test_rest_is_announced_once_and_then_begins(clock):
    keeper = await opened(clock, Table(), daily_minutes=5)
    band = AgeBand.AGES_6_TO_8
    await talk(keeper, clock, 100)
    assert keeper.closing_words("bear", band) is None
    await talk(keeper, clock, 100)
    assert keeper.closing_words("bear", band) == soon(keeper.leave("bear"))
    assert keeper.closing_words("bear", band) is None
    await talk(keeper, clock, 100)
    assert "tomorrow" in keeper.closing_words("bear", band)


async def test_after_a_break_the_talk_goes_on(clock):
    keeper = await opened(clock, Table(), session_minutes=5)
    await talk(keeper, clock, 301)
    assert keeper.leave("bear").rest is Rest.BREAK
    clock.passes(200)
    assert keeper.leave("bear") == Leave(Rest.BREAK, left_s=pytest.approx(100))
    clock.passes(101)
    assert keeper.leave("bear").rest is None


async def test_an_unknown_toy_is_let_be_and_an_erased_child_forgotten(clock):
    keeper = await opened(clock, Table(), daily_minutes=5)
    assert keeper.leave("fox") == Leave(None)
    keeper.begin("fox")
    keeper.end("fox")
    await talk(keeper, clock, 400)
    keeper._house.standings.clear()
    await keeper.refresh()
    assert keeper.leave("bear") == Leave(None)
