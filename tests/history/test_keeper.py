"""Turns reach the store in their own time; a store that fails delays nobody and loses nothing."""

import asyncio
import contextlib
import sqlite3
import time

import pytest

from relay.database import StoreError
from relay.history import keeper as keeper_module
from relay.history.keeper import CONFIDING_S, MOST_WAITING, Keeper
from relay.house import House
from relay.parent.services import Tables
from relay.record import Outcome, TurnRecord
from relay.safety.verdict import Action, Alert, Verdict
from relay.store import Store
from relay.store.diary import Diary
from relay.store.rules import ChildRules
from relay.store.usage import Day
from relay.tokens import issue_token

PATIENCE_S = 60


class Home:
    """A child with a toy, and a keeper of what they say."""

    def __init__(self, store):
        self.store = store
        self.tables = Tables(store.database)
        self.house = House(store.database)
        self.shown, self.lost = [], []
        self.keeper = Keeper(
            Diary(store.database), self.house, show=self.shown.append, lose=self.lost.append
        )

    async def move_in(self):
        self.home = (await self.tables.households.home()).id
        self.parent = await self.tables.parents.add(self.home, "Ada", "-")
        self.child = await self.tables.children.add(self.home, "Mia", 6)
        await self.tables.children.consent(self.home, self.child.id, self.parent.id)
        self.toy, _ = await issue_token(self.store, "Bear", 6, child=self.child.id)
        await self.keep(True)

    async def keep(self, switch):
        rules = await self.tables.rules.of(self.home, self.child.id)
        changed = {**vars(rules), "keep_transcripts": switch}
        await self.tables.rules.save(self.home, ChildRules(**changed))
        await self.house.refresh()

    def talk(self, heard="why", verdict=None):
        record = TurnRecord("a" * 12, self.toy.id, 1, heard=heard, said=["Because."])
        record.verdicts.append(verdict or Verdict(Action.ALLOW))
        record.outcome = Outcome.ANSWERED
        self.keeper.observe(record)

    async def kept(self):
        turns = await self.tables.transcripts.of(self.home, self.child.id, now=0, limit=10_000)
        return [turn.heard for turn in reversed(turns)]

    async def today(self):
        day = time.strftime("%Y-%m-%d")
        return await self.tables.usage.day(self.child.id, day)


@contextlib.asynccontextmanager
async def open_home(url):
    store = Store(url, timeout_s=0.2)
    await store.open()
    home = Home(store)
    await home.move_in()
    try:
        yield home
    finally:
        await home.keeper.stop()
        await store.close()


@pytest.fixture
async def home(store_url):
    async with open_home(store_url) as home:
        yield home


class FullDisk:
    """A diary that cannot be written."""

    def __init__(self):
        self.tries = 0

    async def write(self, entries):
        self.tries += 1
        raise StoreError("the disk is full")


async def test_turns_are_kept_in_order_and_counted(home):
    home.keeper.start()
    for number in range(120):
        home.talk(f"question {number}")
    home.talk("how to fight", Verdict(Action.BLOCK, "violence"))
    await home.keeper.stop()
    assert await home.kept() == [f"question {n}" for n in range(120)] + ["how to fight"]
    assert await home.today() == Day(0, 121, 1)
    assert [turn.heard for turn in home.shown] == await home.kept()
    assert home.lost == []


async def test_seconds_and_questions_of_a_day_stand_together(home):
    home.keeper.start()
    await home.tables.usage.add(home.child.id, time.strftime("%Y-%m-%d"), 90)
    home.talk()
    await home.keeper.stop()
    await home.tables.usage.add(home.child.id, time.strftime("%Y-%m-%d"), 30)
    assert await home.today() == Day(120, 1, 0)


async def test_what_is_switched_off_before_it_is_written_is_not_written(home):
    home.talk("kept in the queue only")
    await home.keep(False)
    home.talk("not even there")
    home.keeper.start()
    await home.keeper.stop()
    assert await home.kept() == []
    assert (await home.today()).questions == 2
    assert [turn.heard for turn in home.shown] == ["kept in the queue only"]


async def test_a_child_that_was_erased_meanwhile_keeps_nobody_elses_turns_from_the_store(home):
    home.talk("of a child that goes")
    await home.tables.children.erase(home.home, home.child.id)
    home.keeper.start()
    await home.keeper.stop()
    assert await home.kept() == []
    assert home.lost == []


async def test_after_a_child_has_confided_nothing_is_quoted_for_a_while(home, monkeypatch):
    home.keeper.start()
    home.talk("before")
    home.talk("a secret", Verdict(Action.BLOCK, "abuse_disclosure", alert=Alert.ABUSE))
    home.talk("but do not tell")
    clock = time.monotonic() + CONFIDING_S
    monkeypatch.setattr(keeper_module.time, "monotonic", lambda: clock)
    home.talk("another day")
    monkeypatch.undo()
    await home.keeper.stop()
    assert await home.kept() == ["before", "another day"]
    assert [turn.heard for turn in home.shown] == ["before", "another day"]
    assert (await home.today()).questions == 4


async def test_a_locked_database_delays_nobody_and_loses_nothing(tmp_path):
    async with open_home(f"sqlite:///{tmp_path / 'relay.db'}") as home:
        home.keeper.start()
        other = sqlite3.connect(tmp_path / "relay.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            home.talk(str(number))
        await asyncio.sleep(0.5)
        assert await home.kept() == []
        other.execute("ROLLBACK")
        other.close()
        deadline = time.monotonic() + PATIENCE_S
        while await home.kept() != ["0", "1", "2"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        assert home.lost == []


async def test_what_cannot_be_kept_is_counted(home, monkeypatch):
    monkeypatch.setattr(keeper_module, "_LAST_WORDS_S", 0.1)
    disk = FullDisk()
    keeper = Keeper(disk, home.house, show=home.shown.append, lose=home.lost.append)
    home.keeper = keeper
    for number in range(MOST_WAITING + 3):
        home.talk(str(number))
    assert sum(home.lost) == 3
    keeper.start()
    await keeper.stop()
    assert disk.tries >= 1
    assert sum(home.lost) == MOST_WAITING + 3
