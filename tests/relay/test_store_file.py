"""The store's file: who may read it, and what is said when it is locked, damaged or read-only."""

import asyncio
import contextlib
import sqlite3
import stat

import pytest

from relay.database import StoreError
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


async def test_only_the_owner_may_read_the_data(file):
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        for path in file.parent.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_a_locked_database_says_so_instead_of_hanging(file):
    async with opened(file, timeout_s=0.1) as store:
        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program holds the database"):
            await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        assert await store.toys() == []  # reading goes on beside a writer
        blocker.close()
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)


async def test_a_new_file_that_another_relay_is_writing_to_is_waited_for(file):
    # SQLite refuses such a file its log at once, whatever the time-out.
    file.parent.mkdir(mode=0o700)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.3, other.execute, "COMMIT")
    async with opened(file) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
    other.close()
    other = sqlite3.connect(file.with_name("new.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said = await refused(file.with_name("new.db"), timeout_s=0.1)
    assert "another program holds the database" in said
    other.close()


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
