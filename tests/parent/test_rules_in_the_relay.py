"""A child's rules in a running relay: each holds from the next squeeze on, and over a restart."""

import time

import pytest

from relay.app import Relay
from relay.config import Settings
from relay.parent.services import Tables
from relay.record import Outcome
from relay.store.rules import ChildRules
from relay.tokens import issue_token
from tests.relay.house import until
from tests.relay.relay_process import ROOT
from tests.relay.scripted_toy import open_toy

LOOPBACK = {"host": "127.0.0.1", "port": 0, "tls": False}


class Home:
    """A relay with one child and its toy, connected, and what came of its turns."""

    def __init__(self, folder):
        self.settings = Settings(
            data_dir=folder,
            models_dir=ROOT / "models",
            listen=LOOPBACK,
            parent={**LOOPBACK, "enabled": False},
            # This toy sends no heartbeats.
            limits={"timeout_s": 300},
        )
        self.records = []

    async def start(self):
        self.relay = Relay(self.settings, observers=[self.records.append])
        await self.relay.start()
        self.tables = Tables(self.relay.store.database)

    async def connect(self, token):
        self.bear = await open_toy(self.relay.port, token)
        await self.bear.say_hello(age=6)
        self.turn = 0

    async def squeeze(self):
        """Return the record of a turn in which a child hums a note."""
        self.turn += 1
        await self.bear.converse(self.turn)
        await until(lambda: bool(self.records))
        return self.records.pop()

    async def decide(self, **rules):
        """Change the child's rules as another process does; the relay sees it by itself."""
        child = self.rules.child
        self.rules = await self.tables.rules.save(
            self.household, ChildRules(child, revision=self.rules.revision, **rules)
        )
        await until(lambda: self.relay.house.rules_of(self.toy) == self.rules)


@pytest.fixture
async def home(tmp_path):
    home = Home(tmp_path)
    await home.start()
    toy, home.token = await issue_token(home.relay.store, "Bear", 6)
    home.toy, home.household = toy.id, toy.household
    child = await home.tables.children.add(toy.household, "Mia", 6)
    home.rules = ChildRules(child.id)
    await home.tables.toys.give_to(toy.household, toy.id, child.id)
    await home.relay._caretaker.note_change()
    await home.connect(home.token)
    yield home
    await home.relay.stop()


def minute_of_day():
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min


async def test_rules_take_effect_on_a_running_toy_and_survive_a_restart(home):
    free = {"quiet_from": None, "quiet_until": None, "daily_minutes": None}
    await home.decide(**free)
    record = await home.squeeze()
    assert record.outcome is Outcome.RESTED and "say yes" in record.said[0]
    assert record.heard == ""

    await home.tables.children.consent(home.household, home.rules.child, None)
    await until(lambda: home.relay.house.standings[home.toy].consented)
    assert (await home.squeeze()).outcome is not Outcome.RESTED

    now = minute_of_day()
    await home.decide(**free | {"quiet_from": now, "quiet_until": (now + 60) % 1440})
    record = await home.squeeze()
    assert record.outcome is Outcome.RESTED and "quiet time" in record.said[0]

    await home.decide(**free)
    assert (await home.squeeze()).outcome is not Outcome.RESTED

    await home.tables.toys.pause(home.household, home.toy, True)
    await until(lambda: home.relay.house.standings[home.toy].toy.paused is not None)
    record = await home.squeeze()
    assert record.outcome is Outcome.RESTED and "wake me up" in record.said[0]
    await home.tables.toys.pause(home.household, home.toy, False)

    day = time.strftime("%Y-%m-%d")
    await home.tables.usage.add(home.rules.child, day, 600)
    await home.relay.stop()
    await home.start()
    await home.decide(**free | {"daily_minutes": 5})
    await home.connect(home.token)
    record = await home.squeeze()
    assert record.outcome is Outcome.RESTED and "tomorrow" in record.said[0]


async def test_the_loudest_volume_is_told_to_the_toy(home):
    await home.decide(volume_ceiling=40, quiet_from=None, quiet_until=None)
    command = await home.bear.expect("command")
    assert (command["name"], command["args"]) == ("volume", {"percent": 40})
    await home.bear.send(type="result", id=command["id"], ok=True, value=40)
    now = minute_of_day()
    await home.decide(
        volume_ceiling=40, night_volume=20, quiet_from=now, quiet_until=(now + 60) % 1440
    )
    command = await home.bear.expect("command")
    assert command["args"] == {"percent": 20}
