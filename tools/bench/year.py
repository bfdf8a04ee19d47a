"""A family's year in the store: three children who talk every day, kept as far as it can be."""

import random
import time
from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, Table, insert

from relay.age import AgeBand
from relay.parent.passwords import Passwords
from relay.parent.services import Tables
from relay.safety.verdict import Alert
from relay.schema import alerts, audit, health_samples, transcripts, usage
from relay.store import Store
from relay.store.audit import Deed
from relay.tokens import issue_token

NAME, WATCHER = "Bench", "Watcher"
PASSWORD = "seven quiet hedgehogs"  # noqa: S105 - of a store that is thrown away
CHILDREN = (("Mia", 5), ("Ben", 8), ("Zoe", 12))
DAYS = 365
TURNS_A_DAY = 60
HEALTH_DAYS = 30
HEALTH_EVERY_S = 600
_DAY_S = 24 * 3600
_AT_ONCE = 5000
_QUESTIONS = ("why is the sky blue", "tell me a story about a fox", "what do penguins eat")
_ANSWER = "The sky is blue because the air scatters blue light more than red light. "

Row = dict[str, object]


async def write_year(store: Store) -> None:
    """Add the family, its parent, and a parent of the household that the toys are in.

    Raises StoreError.
    """
    tables = Tables(store.database)
    kept = await Passwords().hash(PASSWORD)
    await tables.parents.add((await tables.households.home()).id, WATCHER, kept)
    family = (await tables.households.add("Family")).id
    parent = await tables.parents.add(family, NAME, kept)
    chance = random.Random(7)  # noqa: S311 - the same year for everybody
    for name, age in CHILDREN:
        child = await tables.children.add(family, name, age)
        await tables.children.consent(family, child.id, parent.id)
        toy, _ = await issue_token(store, f"{name}'s bear", age, household=family, child=child.id)
        year = (
            (usage, _usage(child.id, chance)),
            (transcripts, _talk(family, child.id, toy.id, chance)),
            (alerts, _alerts(child.id, toy.id, age)),
            (health_samples, _health(toy.id, chance)),
        )
        for table, rows in year:
            await store.database.call(_fill, table, rows)
    await store.database.call(_fill, audit, _deeds(family))


def _fill(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    while part := list(islice(rows, _AT_ONCE)):
        connection.execute(insert(table), part)


def _days() -> Iterator[int]:
    now = int(time.time())
    yield from range(now - (DAYS - 1) * _DAY_S, now + 1, _DAY_S)


def _usage(child: str, chance: random.Random) -> Iterator[Row]:
    for at in _days():
        day = time.strftime("%Y-%m-%d", time.localtime(at))
        seconds, stopped = chance.randint(600, 3600), chance.randint(0, 4)
        yield {
            "child": child,
            "day": day,
            "seconds": seconds,
            "questions": TURNS_A_DAY,
            "stopped": stopped,
        }


def _talk(household: str, child: str, toy: str, chance: random.Random) -> Iterator[Row]:
    keep_until = int(time.time()) + 30 * _DAY_S
    for at in _days():
        for turn in range(TURNS_A_DAY):
            stopped = turn % 20 == 0
            yield {
                "household": household,
                "child": child,
                "toy": toy,
                "session": f"{at:x}"[-12:],
                "turn": turn,
                "at": at - turn * 20,
                "heard": chance.choice(_QUESTIONS),
                "said": _ANSWER * 2,
                "outcome": "reviewed" if stopped else "answered",
                "reason": "heard:weapons" if stopped else "",
                "expires": keep_until,
            }


def _alerts(child: str, toy: str, age: int) -> Iterator[Row]:
    for number, at in enumerate(_days()):
        if number % 7 == 0:
            yield {
                "toy": toy,
                "child": child,
                "session": "0123456789ab",
                "kind": list(Alert)[number % len(Alert)].value,
                "category": "self_harm",
                "age_band": AgeBand.of(age).value,
                "created": at,
                "seen": at + 60 if number < DAYS - 14 else None,
            }


def _health(toy: str, chance: random.Random) -> Iterator[Row]:
    now = int(time.time())
    for at in range(now - HEALTH_DAYS * _DAY_S, now, HEALTH_EVERY_S):
        yield {
            "toy": toy,
            "at": at,
            "rssi": chance.randint(-80, -45),
            "battery_percent": chance.randint(10, 100),
            "heap_free": chance.randint(40_000, 70_000),
            "reconnects": chance.randint(0, 2),
            "turnaround_ms": chance.randint(700, 2500),
        }


def _deeds(household: str) -> Iterator[Row]:
    for at in _days():
        for _ in range(3):
            yield {
                "household": household,
                "at": at,
                "parent": NAME,
                "action": Deed.LOGGED_IN.value,
                "subject": "",
                "detail": "",
            }
