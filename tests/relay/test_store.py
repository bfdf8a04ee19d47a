"""The store, on SQLite and on PostgreSQL."""

import asyncio
import contextlib
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


@contextlib.asynccontextmanager
async def opened(url):
    store = Store(url)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def test_migrations_make_the_tables_that_the_code_uses(store_url):
    async with opened(store_url):
        pass
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_toys_survive_a_restart(store_url):
    async with opened(store_url) as store:
        added = await store.add_toy("c0ffee00", "  Bear ", 6, DIGEST)
        assert added.name == "Bear"
        await store.note_seen("c0ffee00")
    async with opened(store_url) as store:
        (toy,) = await store.toys()
        assert (toy.id, toy.name, toy.age) == ("c0ffee00", "Bear", 6)
        assert toy.last_seen is not None and toy.last_seen >= toy.created > 1_700_000_000
        assert await store.toy_with_digest("c0ffee00") == (toy, DIGEST)
        await store.check()


async def test_a_removed_toy_is_gone_and_its_name_is_free(store_url):
    async with opened(store_url) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        await store.remove_toy("Bear")
        assert await store.toys() == []
        assert await store.toy_with_digest("c0ffee00") is None
        await store.add_toy("c0ffee01", "Bear", 7, DIGEST)
        assert [toy.id for toy in await store.toys()] == ["c0ffee01"]
        assert len(await store.toys(with_removed=True)) == 2


async def test_the_age_can_be_changed(store_url):
    async with opened(store_url) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        assert (await store.set_age("Bear", 7)).age == 7
        assert (await store.toys())[0].age == 7


@pytest.mark.parametrize("age", [2, 14, 0, -3, True, 6.0, None, "6"])
async def test_only_ages_from_3_to_13_are_taken(store_url, age):
    async with opened(store_url) as store:
        with pytest.raises(StoreError, match="from 3 to 13"):
            await store.add_toy("c0ffee00", "Bear", age, DIGEST)


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\nb", "\x1b[31m", "nul\0"])
async def test_only_printable_names_are_taken(store_url, name):
    async with opened(store_url) as store:
        with pytest.raises(StoreError, match="printable"):
            await store.add_toy("c0ffee00", name, 6, DIGEST)


async def test_two_toys_cannot_share_a_name(store_url):
    async with opened(store_url) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        with pytest.raises(StoreError, match="take another name"):
            await store.add_toy("c0ffee01", "Bear", 7, DIGEST)
        for change in (store.remove_toy("Mouse"), store.set_age("Mouse", 5)):
            with pytest.raises(StoreError, match='no toy named "Mouse"'):
                await change


async def test_names_are_data_and_never_sql(store_url):
    name = "Bear'); DROP TABLE toys; --"
    async with opened(store_url) as store:
        await store.add_toy("c0ffee00", name, 6, DIGEST)
        await store.set_age(name, 7)
        assert [toy.name for toy in await store.toys()] == [name]


async def test_alerts_come_newest_first(store_url):
    async with opened(store_url) as store:
        await store.add_toy("c0ffee00", "Bear", 6, DIGEST)
        for session, alert in (("a" * 12, Alert.ABUSE), ("b" * 12, Alert.SELF_HARM)):
            await store.add_alert(
                alert, toy="c0ffee00", session=session, category="x", band=AgeBand.AGES_6_TO_8
            )
        found = await store.alerts()
        assert [alert.kind for alert in found] == [Alert.SELF_HARM, Alert.ABUSE]
        assert found[0].band is AgeBand.AGES_6_TO_8
        assert len(await store.alerts(limit=1)) == 1


async def test_many_at_once_lose_nothing(store_url):
    async with opened(store_url) as one, opened(store_url) as two:
        await asyncio.gather(
            *(
                (one if n % 2 else two).add_toy(f"{n:08x}", f"Toy {n}", 3 + n % 11, DIGEST)
                for n in range(40)
            )
        )
        assert len(await one.toys()) == 40


async def test_processes_that_start_together_make_the_tables_once(store_url):
    program = (
        "import asyncio, sys; from relay.store import Store\n"
        "async def main():\n"
        "    store = Store(sys.argv[1], timeout_s=30)\n"
        "    await store.open(); await store.close()\n"
        "asyncio.run(main())"
    )
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, store_url)
        for _ in range(3)
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
