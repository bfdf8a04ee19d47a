"""The toys' health over time, their failures, and what is erased when it has had its time."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from relay.history.retention import HEALTH_DAYS, THIN_AFTER_DAYS, THINNED_S, Retention
from relay.history.vitals import SAMPLE_EVERY_S, Vitals
from relay.messages import Heartbeat, Hello
from relay.record import Stage, TurnRecord
from relay.store import Store
from relay.store.children import Children
from relay.store.health import Crash, Health, HealthSample
from relay.store.households import Households
from relay.store.transcripts import Transcript, Transcripts
from relay.tokens import issue_token

NOW = 1_800_000_000
DAY_S = 24 * 3600


def hello(**fields):
    told = {"type": "hello", "protocol": 1, "age": 6, "firmware": "0.9.1", "board": "devkit"}
    return Hello.model_validate({**told, "codecs": ("pcm",), "buffer_ms": 300, **fields})


def heartbeat(**fields):
    return Heartbeat.model_validate(
        {"type": "heartbeat", "rssi": -60, "heap_free": 90_000, "uptime_s": 1, **fields}
    )


@dataclass
class Connected:
    id: str = "s1"
    hello: Hello | None = None
    health: Heartbeat | None = None


@pytest.fixture
async def store(store_url):
    store = Store(store_url)
    await store.open()
    yield store
    await store.close()


async def test_one_sample_a_toy_is_kept_every_few_minutes(store):
    bear, _ = await issue_token(store, "Bear", 6)
    health = Health(store.database)
    sessions = {
        bear.id: Connected(health=heartbeat(battery_percent=80, reconnects=2)),
        "a toy of nobody": Connected(health=heartbeat()),
        "silent": Connected(),
    }
    vitals = Vitals(health, sessions)
    turn = TurnRecord("s1", bear.id, 1, at={Stage.END_OF_SPEECH: 10.0, Stage.FIRST_FRAME: 10.42})
    vitals.observe(turn)
    for after_s in (0, 5, 10, SAMPLE_EVERY_S, SAMPLE_EVERY_S + 5):
        await vitals.look(NOW + after_s)
    # A relay that starts again in the same minutes adds none.
    await Vitals(health, sessions).look(NOW + 20)
    at = NOW // SAMPLE_EVERY_S * SAMPLE_EVERY_S
    first = HealthSample(bear.id, at, -60, 80, 90_000, 2, 420)
    second = HealthSample(bear.id, at + SAMPLE_EVERY_S, -60, 80, 90_000, 2, None)
    assert await health.since(bear.id, 0) == [first, second]


async def test_what_a_toy_tells_of_a_failure_is_kept_once_a_hello(store):
    bear, _ = await issue_token(store, "Bear", 6)
    health = Health(store.database)
    sessions = {bear.id: Connected()}
    vitals = Vitals(health, sessions)
    await vitals.look(NOW)
    sessions[bear.id] = Connected("s1", hello(crash="OSError in link.py", reset="soft"))
    await vitals.look(NOW + 5)
    await vitals.look(NOW + 10)
    sessions[bear.id] = Connected("s2", hello(reset="watchdog"))
    await vitals.look(NOW + 15)
    sessions[bear.id] = Connected("s3", hello(reset="power"))
    await vitals.look(NOW + 20)
    assert await health.crashes(bear.id) == [
        Crash(bear.id, NOW + 15, "0.9.1", "watchdog", ""),
        Crash(bear.id, NOW + 5, "0.9.1", "soft", "OSError in link.py"),
    ]


async def test_what_has_had_its_time_is_erased_and_thinned(store):
    bear, _ = await issue_token(store, "Bear", 6)
    health, retention = Health(store.database), Retention(store.database)
    now = NOW // DAY_S * DAY_S
    times = [
        now - HEALTH_DAYS * DAY_S - SAMPLE_EVERY_S,
        now - HEALTH_DAYS * DAY_S,
        now - THIN_AFTER_DAYS * DAY_S - THINNED_S,
        now - THIN_AFTER_DAYS * DAY_S - SAMPLE_EVERY_S,
        now - THIN_AFTER_DAYS * DAY_S + SAMPLE_EVERY_S,
        now,
    ]
    await health.add([HealthSample(bear.id, at) for at in times])
    await health.add_crash(Crash(bear.id, times[0], "1", "watchdog", ""))
    await retention.erase_due(now)
    kept = [sample.at for sample in await health.since(bear.id, 0)]
    assert kept == [times[1], times[2], times[4], times[5]]
    assert await health.crashes(bear.id) == []


async def test_words_that_have_expired_leave_not_a_byte_in_the_files(store):
    home = (await Households(store.database).home()).id
    child = await Children(store.database).add(home, "Mia", 6)
    bear, _ = await issue_token(store, "Bear", 6, child=child.id)
    transcripts = Transcripts(store.database)
    for number, expires in enumerate([NOW, NOW + 1]):
        words = f"rhododendron{number}"
        await transcripts.add(
            Transcript(home, child.id, bear.id, "s", 1, 0, words, "", "answered", "", expires)
        )
    await Retention(store.database).erase_due(NOW)
    (left,) = await transcripts.of(home, child.id, now=NOW)
    assert left.heard == "rhododendron1"
    await transcripts.shorten(child.id, 1)
    assert await transcripts.of(home, child.id, now=NOW) == []
    file = make_url(store.database._url).database
    if store.database._url.get_backend_name() == "sqlite":
        bytes_left = b"".join(each.read_bytes() for each in Path(file).parent.glob("relay.db*"))
        assert b"rhododendron1" in bytes_left and b"rhododendron0" not in bytes_left
