"""What sessions may ask without waiting: the view of what parents have decided."""

from dataclasses import replace

import pytest

from relay.house import House
from relay.store.rules import ChangedMeanwhile, ChildRules, Topic
from relay.store.values import NotFound


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

    decided = ChildRules(child.id, daily_minutes=30, blocked_topics=frozenset({Topic.WAR}))
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
