import asyncio
import contextlib
import sqlite3
import stat
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from relay.age import AgeBand
from relay.database import StoreError
from relay.safety.verdict import Alert
from relay.schema import metadata
from relay.store import Store

DIGEST = bytes(range(32))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data" / "relay.db"


@contextlib.asynccontextmanager
async def opened(file, **options):
    store = Store(f"sqlite:///{file}", **options)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def refused(file, **options):
    with pytest.raises(StoreError) as caught:
        async with opened(file, **options):
            pass
    return str(caught.value)


async def test_migrations_make_the_tables_that_the_code_uses(file):
    async with opened(file):
        pass
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_only_the_owner_may_read_the_data(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        for path in file.parent.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_toys_survive_a_restart(file):
    async with opened(file) as store:
        added = await store.add_toy("c0ffee00", "  Bear ", 6, DIGEST)
        assert added.name == "Bear"
        await store.note_seen("c0ffee00")
    async with opened(file) as store:
        (toy,) = await store.toys()
        assert (toy.id, toy.name, toy.age) == ("c0ffee00", "Bear", 6)
        assert toy.last_seen is not None and toy.last_seen >= toy.created > 1_700_000_000
        assert await store.toy_with_digest("c0ffee00") == (toy, DIGEST)
        await store.check()


async def test_a_removed_toy_is_gone_and_its_name_is_free(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        await store.remove_toy("Bear")
        assert await store.toys() == []
        assert await store.toy_with_digest("c0ffee00") is None
        await store.add_toy("c0ffee01", "Bear", 7, DIGEST)
        assert [toy.id for toy in await store.toys()] == ["c0ffee01"]
        assert len(await store.toys(with_removed=True)) == 2


async def test_the_age_can_be_changed(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        assert (await store.set_age("Bear", 7)).age == 7
        assert (await store.toys())[0].age == 7


@pytest.mark.parametrize("age", [2, 14, 0, -3, True, 6.0, None, "6"])
async def test_only_ages_from_3_to_13_are_taken(file, age):
    async with opened(file) as store:
        with pytest.raises(StoreError, match="from 3 to 13"):
            await store.add_toy("c0ffee00", "Bear", age, DIGEST)


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb", "\x1b[31m", "nul\0"])
async def test_only_printable_names_are_taken(file, name):
    async with opened(file) as store:
        with pytest.raises(StoreError, match="printable"):
            await store.add_toy("c0ffee00", name, 6, DIGEST)


async def test_two_toys_cannot_share_a_name(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        with pytest.raises(StoreError, match="take another name"):
            await store.add_toy("c0ffee01", "Bear", 7, DIGEST)
        for change in (store.remove_toy("Mouse"), store.set_age("Mouse", 5)):
            with pytest.raises(StoreError, match='no toy named "Mouse"'):
                await change


async def test_names_are_data_and_never_sql(file):
    name = "Bear'); DROP TABLE toys; --"
    async with opened(file) as store:
        await store.add_toy("c0ffee00", name, 6, DIGEST)
        await store.set_age(name, 7)
        assert [toy.name for toy in await store.toys()] == [name]


async def test_alerts_come_newest_first(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        for session, alert in (("a" * 12, Alert.ABUSE), ("b" * 12, Alert.SELF_HARM)):
            await store.add_alert(
                alert, toy="c0ffee00", session=session, category="x", band=AgeBand.AGES_6_TO_8
            )
        found = await store.alerts()
        assert [alert.kind for alert in found] == [Alert.SELF_HARM, Alert.ABUSE]
        assert found[0].band is AgeBand.AGES_6_TO_8
        assert len(await store.alerts(limit=1)) == 1


async def test_many_at_once_lose_nothing(file):
    async with opened(file) as one, opened(file) as two:
        await asyncio.gather(
            *(
                (one if n % 2 else two).add_toy(f"{n:08x}", f"Toy {n}", 3 + n % 11, DIGEST)
                for n in range(40)
            )
        )
        assert len(await one.toys()) == 40


async def test_processes_that_start_together_make_the_tables_once(file):
    program = (
        "import asyncio, sys; from relay.store import Store\n"
        "async def main():\n"
        "    store = Store('sqlite:///' + sys.argv[1], timeout_s=30)\n"
        "    await store.open(); await store.close()\n"
        "asyncio.run(main())"
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(file))
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_a_locked_database_says_so_instead_of_hanging(file):
    async with opened(file, timeout_s=0.1) as store:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program holds the database"):
            await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        assert await store.toys() == []  # reading goes on beside a writer
        blocker.close()
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)


async def test_a_file_that_is_no_database_is_refused(file):
    file.parent.mkdir()
    file.write_bytes(b"these are not the bytes of a database" * 100)
    assert "put a back-up in its place" in await refused(file)
    assert file.read_bytes().startswith(b"these")


async def test_a_damaged_database_is_found(file):
    async with opened(file) as store:
        for n in range(200):
            await store.add_toy(f"{n:08x}", f"Toy {n}", 6, DIGEST)
    content = bytearray(file.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 200] = b"\xff" * 200
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        async with opened(file) as store:
            await store.check()


async def test_a_database_of_a_newer_relay_is_left_alone(file):
    async with opened(file):
        pass
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    assert "update the relay" in await refused(file)


async def test_a_read_only_database_says_what_to_do(file):
    async with opened(file):
        pass
    read_only = Store(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="cannot be written"):
        await read_only.add_toy("c0ffee00", "Bear", 6, DIGEST)
    await read_only.close()


async def test_a_place_where_no_file_can_be_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    assert "check the folder" in await refused(tmp_path / "file" / "relay.db")
    (tmp_path / "folder").mkdir()
    assert "cannot be opened" in await refused(tmp_path / "folder")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("not an address", "not a database address"),
        ("nosuchbase://host/db", "no driver"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(url, expected):
    with pytest.raises(StoreError, match=expected):
        Store(url)


async def test_passwords_of_an_address_are_not_shown(tmp_path):
    with pytest.raises(StoreError) as caught:
        Store("nosuchbase://me:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


async def test_what_was_erased_is_overwritten(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, b"D" * 32)
        await store.remove_toy("Bear")
    assert b"D" * 32 not in file.read_bytes()
