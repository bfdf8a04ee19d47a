"""A running relay keeps what its toys' children say, as far as their parents want it."""

import time

import pytest

from relay.app import Relay
from relay.config import Settings
from relay.parent.services import Tables
from relay.store.health import Crash
from relay.store.rules import ChildRules
from relay.tokens import issue_token
from tests.relay.relay_process import ROOT
from tests.relay.scripted_engines import ScriptedEngines
from tests.relay.scripted_toy import open_toy

PATIENCE_S = 60
LOOPBACK = {"host": "127.0.0.1", "port": 0, "tls": False}


class Loaded(ScriptedEngines):
    """Engines that the relay closes when it stops."""

    async def close(self):
        pass


@pytest.fixture
async def engines():
    return Loaded()


@pytest.fixture
async def relay(tmp_path, engines):
    async def load(_settings):
        return engines

    settings = Settings(
        data_dir=tmp_path,
        models_dir=ROOT / "models",
        listen=LOOPBACK,
        parent={**LOOPBACK, "enabled": False},
    )
    relay = Relay(settings, load=load)
    await relay.start()
    yield relay
    await relay.stop()


async def test_what_a_child_says_is_kept_only_while_it_is_switched_on(relay, engines):
    tables = Tables(relay.store.database)
    home = (await tables.households.home()).id
    ada = await tables.parents.add(home, "Ada", "-")
    mia = await tables.children.add(home, "Mia", 7)
    await tables.children.consent(home, mia.id, ada.id)
    # No quiet hours, whatever the time is now.
    rules = ChildRules(mia.id, keep_transcripts=True, quiet_from=None, quiet_until=None)
    rules = await tables.rules.save(home, rules)
    toy, token = await issue_token(relay.store, "Bear", 7, child=mia.id)
    bear = await open_toy(relay.port, token)
    await bear.say_hello(age=7, crash="OSError in link.py", reset="soft")
    await bear.send(type="heartbeat", rssi=-60, heap_free=90_000, uptime_s=5)

    async def ask(turn, words):
        engines.stt.text = words
        await bear.converse(turn)

    async def kept():
        turns = await tables.transcripts.of(home, mia.id, now=int(time.time()))
        return [turn.heard for turn in reversed(turns)]

    async def questions():
        return (await tables.usage.day(mia.id, time.strftime("%Y-%m-%d"))).questions

    async def until(condition):
        deadline = time.monotonic() + PATIENCE_S
        while not await condition():
            assert time.monotonic() < deadline, "it never came about"

    await ask(1, "why is the sky blue")

    async def one_question():
        return await questions() == 1

    await until(one_question)
    assert await kept() == ["why is the sky blue"]
    await ask(2, "my uncle hits me with a belt")

    async def an_alert():
        return (await tables.alerts.unseen(home))[1] == 1

    await until(an_alert)
    await ask(3, "do not tell anybody")

    async def three_questions():
        return await questions() == 3

    await until(three_questions)
    assert await kept() == ["why is the sky blue"]

    async def health_is_kept():
        return bool(await tables.health.since(toy.id, 0)) and bool(
            await tables.health.crashes(toy.id)
        )

    await until(health_is_kept)
    (crash,) = await tables.health.crashes(toy.id)
    assert crash == Crash(toy.id, crash.at, "test", "soft", "OSError in link.py")
    (sample,) = await tables.health.since(toy.id, 0)
    assert (sample.rssi, sample.heap_free) == (-60, 90_000)
    await bear.socket.close()
