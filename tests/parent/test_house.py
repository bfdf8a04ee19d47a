"""What sessions may ask without waiting: the view of what parents have decided."""

from dataclasses import replace

import alembic.command
import pytest

from relay.database import StoreError
from relay.house import House
from relay.safety.parent import Topic
from relay.store import Store
from relay.store.audit import Deed
from relay.store.family_alerts import FamilyAlerts
from relay.store.health import Health, HealthSample
from relay.store.households import Households
from relay.store.rules import ChangedMeanwhile, ChildRules
from relay.store.transcripts import Transcript, Transcripts
from relay.store.values import NotFound
from tests.parent.page import open_house


@pytest.fixture
async def house(tmp_path, store_url):
    """The tables of families on each kind of database."""
    async with open_house(tmp_path, url=store_url) as house:
        yield house


@pytest.fixture
def view(house):
    return House(house.store.database)


async def test_rules_consent_and_rest_are_seen_at_the_next_look(house, view):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    parent = await house.tables.parents.add(home, "Ada", "-")
    bear, fox = await house.toy("Bear", 9, child=child.id), await house.toy("Fox", 9)
    await view.refresh()
    assert view.rules_of(fox.id) is None and view.rules_of("nobody") is None
    assert view.rules_of(bear.id) == ChildRules(child.id)
    assert not view.standings[bear.id].consented
    assert view.standings[bear.id].toy.age == 7 and view.standings[fox.id].toy.age == 9

    decided = ChildRules(
        child.id,
        daily_minutes=30,
        open_topics=frozenset({Topic.DEATH}),
        blocked_topics=frozenset({Topic.WAR}),
    )
    await house.tables.rules.save(home, decided)
    await house.tables.children.consent(home, child.id, parent.id)
    await house.tables.toys.pause(home, bear.id, True)
    await view.refresh()
    assert view.rules_of(bear.id) == replace(decided, revision=1)
    assert view.standings[bear.id].consented and view.standings[bear.id].toy.paused

    await house.tables.children.withdraw(home, child.id)
    await house.tables.toys.revoke(home, fox.id)
    await view.refresh()
    assert not view.standings[bear.id].consented and fox.id not in view.standings

    await house.tables.children.erase(home, child.id)
    await view.refresh()
    assert view.rules_of(bear.id) is None and view.standings[bear.id].toy.age == 9


async def test_consent_to_an_older_text_does_not_count(house, view, monkeypatch):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    parent = await house.tables.parents.add(home, "Ada", "-")
    toy = await house.toy("Bear", child=child.id)
    await house.tables.children.consent(home, child.id, parent.id)
    monkeypatch.setattr("relay.house.CONSENT_VERSION", 2)
    await view.refresh()
    assert not view.standings[toy.id].consented


async def test_of_two_changes_to_the_same_rules_one_is_refused(house):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    await house.tables.rules.save(home, ChildRules(child.id, daily_minutes=30))
    with pytest.raises(ChangedMeanwhile) as caught:
        await house.tables.rules.save(home, ChildRules(child.id, daily_minutes=90))
    assert caught.value.current.daily_minutes == 30


async def test_minutes_add_up_by_the_day(house):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    assert await house.tables.usage.add(child.id, "2026-11-22", 40) == 40
    assert await house.tables.usage.add(child.id, "2026-11-22", 30) == 70
    assert await house.tables.usage.of(child.id, "2026-11-22") == 70
    assert await house.tables.usage.of(child.id, "2026-11-23") == 0


async def test_another_households_things_cannot_be_named(house):
    theirs = await house.family("Next door")
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    toy = await house.toy("Bear")
    for attempt in (
        house.tables.rules.of(theirs, child.id),
        house.tables.rules.save(theirs, ChildRules(child.id)),
        house.tables.children.change(theirs, child.id, name="x", age=5),
        house.tables.children.withdraw(theirs, child.id),
        house.tables.children.erase(theirs, child.id),
        house.tables.toys.rename(theirs, toy.id, "x"),
        house.tables.toys.revoke(theirs, toy.id),
        house.toy("Fox", household=theirs, child=child.id),
    ):
        with pytest.raises(NotFound):
            await attempt
    ours = await house.toy("Bear", household=theirs)  # names are free in another household
    with pytest.raises(NotFound):
        await house.tables.toys.give_to(theirs, ours.id, child.id)


async def test_transcripts_health_and_deeds_come_back_as_they_were_kept(house):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    toy = await house.toy("Bear", child=child.id)
    transcripts, health = Transcripts(house.store.database), Health(house.store.database)
    for at in (100, 200):
        await transcripts.add(
            Transcript(
                home, child.id, toy.id, "a" * 12, 1, at, "hi", "hello", "answered", "", at + 50
            )
        )
    kept = await transcripts.of(home, child.id, now=0)
    assert [one.at for one in kept] == [200, 100]
    before = (kept[0].at, kept[0].id)
    assert [one.at for one in await transcripts.of(home, child.id, now=0, before=before)] == [100]
    assert [one.at for one in await transcripts.of(home, child.id, now=160)] == [200]
    assert await transcripts.of("0" * 16, child.id, now=0) == []
    assert await transcripts.erase_expired(160) == 1
    samples = [HealthSample(toy.id, at, rssi=-60, battery_percent=90) for at in (1, 2, 3)]
    await health.add(samples)
    await health.add([])
    assert await health.since(toy.id, 2) == samples[1:]
    assert await health.erase_before(3) == 2
    for number in range(3):
        await house.tables.audit.note(home, "Ada", Deed.LOGGED_IN, detail=str(number) * 400)
    (entry,) = await house.tables.audit.latest(home, limit=1)
    assert (entry.parent, entry.deed, entry.detail) == ("Ada", Deed.LOGGED_IN, "2" * 300)


async def test_toys_of_an_older_relay_join_a_household_with_all_they_have(store_url, monkeypatch):
    upgrade = alembic.command.upgrade
    monkeypatch.setattr("alembic.command.upgrade", lambda config, _: upgrade(config, "0002"))
    store = Store(store_url)
    await store.open()

    def fill(connection):
        connection.exec_driver_sql(
            "INSERT INTO toys (id, name, age, token_digest, created)"
            " VALUES ('c0ffee00', 'Bear', 6, 'd', 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO alerts (toy, session, kind, category, age_band, created)"
            " VALUES ('c0ffee00', 's', 'abuse', 'x', '6-8', 1)"
        )

    await store.database.call(fill)
    monkeypatch.undo()
    await store.open()
    (toy,) = await store.toys()
    home = await Households(store.database).home()
    assert (toy.name, toy.age, toy.household, toy.child) == ("Bear", 6, home.id, None)
    assert len(await store.alerts()) == 1
    assert (await FamilyAlerts(store.database).unseen(home.id))[1] == 1
    with pytest.raises(StoreError):  # its age is still checked
        await store.database.call(
            lambda connection: connection.exec_driver_sql("UPDATE toys SET age = 99")
        )
    await store.close()


async def test_the_first_household_stays_the_first(house):
    home = await house.tables.households.home()
    for number in range(8):  # in the same second, with ids at random
        await house.tables.households.add(f"Family {number}")
        assert await house.tables.households.home() == home
