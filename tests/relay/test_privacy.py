"""All of a family's data handed out, and all of it erased, to the last byte."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import insert, make_url

from relay.age import AgeBand
from relay.privacy.erase import erase_child, erase_household
from relay.privacy.export import export
from relay.safety.verdict import Alert
from relay.schema import (
    alerts,
    audit,
    children,
    consents,
    crashes,
    health_samples,
    households,
    invitations,
    logins,
    metadata,
    pairings,
    parents,
    rules,
    toys,
    transcripts,
    updates,
    usage,
)
from relay.store import Store
from relay.store.values import NotFound

SECRETS = (b"S" * 32, "$argon2id$secret")


def family(home, name):
    """Return rows of every table for a household with one child of that name."""
    toy, parent, child = f"toy-{home}", f"parent-{home}", f"child-{home}"
    at = 1_790_000_000
    return [
        (households, {"id": home, "name": "Home", "created": at}),
        (
            parents,
            {
                "id": parent,
                "household": home,
                "name": f"Parent of {name}",
                "folded_name": f"parent of {name.lower()}",
                "password_hash": SECRETS[1],
                "created": at,
            },
        ),
        (
            logins,
            {"id_digest": home.encode().ljust(32), "parent": parent, "created": at}
            | {"used": at, "expires": at},
        ),
        (
            invitations,
            {"digest": home.encode().ljust(32), "household": home, "kind": "parent"}
            | {"created": at, "expires": at},
        ),
        (children, {"id": child, "household": home, "name": name, "age": 6, "created": at}),
        (consents, {"child": child, "parent": parent, "version": 1, "given": at}),
        (
            rules,
            {
                "child": child,
                "topics": '{"war": "block"}',
                "own_blocked": json.dumps([f"{name} word"]),
                "keep_transcripts": True,
                "keep_memory": False,
                "keep_alerts": True,
                "transcript_days": 7,
                "revision": 1,
            },
        ),
        (
            toys,
            {
                "id": toy,
                "household": home,
                "child": child,
                "name": "Bear",
                "age": 6,
                "token_digest": SECRETS[0],
                "created": at,
            },
        ),
        (
            pairings,
            {"code_digest": home.encode().ljust(32), "household": home, "child": child}
            | {"name": "Bear", "age": 6, "created": at, "expires": at},
        ),
        (usage, {"child": child, "day": "2026-11-22", "seconds": 90}),
        *(
            (
                transcripts,
                {
                    "household": home,
                    "child": child,
                    "toy": toy,
                    "session": "abc",
                    "turn": turn,
                    "at": at + turn,
                    "heard": f"{name} asks <b>why</b> {turn}",
                    "said": f"{name} hears because",
                    "outcome": "answered",
                    "reason": "",
                    "expires": at,
                },
            )
            for turn in range(300)
        ),
        (health_samples, {"toy": toy, "at": at, "rssi": -50}),
        (
            crashes,
            {"toy": toy, "at": at, "firmware": "1.0.0", "reset": "watchdog", "report": "OSError"},
        ),
        (
            alerts,
            {"toy": toy, "child": child, "session": "abc", "kind": Alert.ABUSE.value}
            | {"category": "abuse", "age_band": AgeBand.AGES_6_TO_8.value, "created": at},
        ),
        (
            updates,
            {"toy": toy, "again": False, "state": "waiting", "version": "1", "sent": 0}
            | {"total": 0, "message": "", "changed": at},
        ),
        (
            audit,
            {"household": home, "at": at, "parent": f"Parent of {name}", "action": "logged_in"}
            | {"subject": "", "detail": ""},
        ),
        (
            audit,
            {"household": home, "at": at, "parent": f"Parent of {name}"}
            | {"action": "child_added", "subject": name, "detail": ""},
        ),
    ]


@pytest.fixture
async def store(store_url):
    """Return a store with two families."""
    store = Store(store_url)
    await store.open()

    def fill(connection):
        for home, name in (("uno", "Zebedee"), ("dos", "Quentin")):
            for table, row in family(home, name):
                connection.execute(insert(table).values(**row))

    await store.database.call(fill)
    yield store
    await store.close()


def test_the_example_fills_every_table():
    filled = {table for table, _ in family("x", "X")}
    assert filled == set(metadata.tables.values())


def readable(data):
    return f"<p>{len(data['children'])}"


async def unpacked(store, household, child):
    archive = zipfile.ZipFile(io.BytesIO(await export(store.database, household, child, readable)))
    return archive.read("data.json").decode(), archive.read("read-me.html").decode()


@pytest.mark.parametrize("child", [None, "child-uno"])
async def test_the_export_is_complete_and_holds_nobody_elses(store, child):
    text, page = await unpacked(store, "uno", child)
    data = json.loads(text)
    assert [each["name"] for each in data["children"]] == ["Zebedee"]
    assert len(data["transcripts"]) == 300
    assert data["transcripts"][0]["heard"] == "Zebedee asks <b>why</b> 0"
    assert data["transcripts"][0]["at"] == "2026-09-21T14:13:20+00:00"
    assert data["rules"][0]["own_blocked"] == ["Zebedee word"]
    assert len(data["alerts"]) == len(data["health_samples"]) == len(data["toys"]) == 1
    assert page == "<p>1"
    assert "Quentin" not in text and "dos" not in text
    assert ("parents" in data) == ("audit" in data) == (child is None)


@pytest.mark.parametrize("child", [None, "child-uno"])
async def test_no_secret_is_in_the_export(store, child):
    text, _ = await unpacked(store, "uno", child)
    assert "argon2" not in text and "SSSS" not in text
    assert "digest" not in text and "hash" not in text


async def test_another_households_child_is_not_there(store):
    with pytest.raises(NotFound):
        await export(store.database, "uno", "child-dos", readable)
    with pytest.raises(NotFound):
        await erase_child(store.database, "uno", "child-dos")
    assert "Quentin" in (await unpacked(store, "dos", "child-dos"))[0]


async def test_an_erased_child_is_gone_and_the_others_are_not(store):
    await erase_child(store.database, "uno", "child-uno")
    text, _ = await unpacked(store, "uno", None)
    data = json.loads(text)
    assert "Zebedee" not in text.replace("Parent of Zebedee", "")
    assert [(toy["name"], toy["child"]) for toy in data["toys"]] == [("Bear", None)]
    assert [deed["subject"] for deed in data["audit"]] == ["", "(erased)"]
    assert data["transcripts"] == data["alerts"] == data["usage"] == data["rules"] == []
    assert len(json.loads((await unpacked(store, "dos", None))[0])["transcripts"]) == 300


async def test_an_erased_household_is_gone_to_the_last_row(store):
    await erase_household(store.database, "uno")

    def left(connection):
        return {
            table.name: [
                row
                for row in connection.execute(table.select()).all()
                if "uno" in repr(row) or "Zebedee" in repr(row)
            ]
            for table in metadata.tables.values()
        }

    assert not any((await store.database.read(left)).values())
    assert len(json.loads((await unpacked(store, "dos", None))[0])["transcripts"]) == 300


@pytest.mark.parametrize("everything", [False, True])
async def test_no_byte_is_left_in_the_files_while_the_relay_runs_on(store, store_url, everything):
    if everything:
        await erase_household(store.database, "uno")
    else:
        await erase_child(store.database, "uno", "child-uno")
    url = make_url(store_url)
    if url.get_backend_name() != "sqlite":
        # Whose files are the server's; that the rows are gone is tested above.
        await store.check()
        return
    files = [path for path in Path(url.database).parent.iterdir() if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert b"Quentin asks" in content
    assert b"Zebedee asks" not in content and b"Zebedee hears" not in content
    assert b"Zebedee word" not in content
    if everything:
        assert b"Zebedee" not in content
    await store.check()
