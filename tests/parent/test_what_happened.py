"""What a parent sees of what happened: conversations, alerts, the day."""

import time

import pytest

from relay.age import AgeBand
from relay.parent.helplines import countries
from relay.parent.texts import t
from relay.safety.verdict import Alert
from relay.store.diary import Diary
from relay.store.rules import ChildRules
from relay.store.transcripts import Transcript
from tests.history.entries import Turn

DAY_S = 24 * 3600
NASTY = "<script>alert(1)</script> 100% _x_"


@pytest.fixture
async def ada(house):
    return await house.parent()


@pytest.fixture
async def mia(house, ada):
    home = (await house.tables.households.home()).id
    child = await house.tables.children.add(home, "Mia", 7)
    await house.tables.rules.save(home, ChildRules(child.id, keep_transcripts=True))
    house.bear = await house.toy("Bear", child=child.id)
    return child


def turn(house, child, heard, *, said="Because.", at=None, reason="", outcome="answered", days=7):
    at = int(time.time()) if at is None else at
    return Transcript(
        child.household, child.id, house.bear.id, "a" * 12, 1, at, heard, said, outcome, reason,
        at + days * DAY_S,
    )  # fmt: skip


async def keep(house, *turns):
    for one in turns:
        await house.tables.transcripts.add(one)


async def test_conversations_are_shown_with_the_reason_of_every_stop(house, ada, mia):
    await keep(
        house,
        turn(house, mia, "why is the sky blue"),
        turn(house, mia, NASTY, reason="heard:war said:violence said:of_a_later_version"),
        turn(house, mia, "and then", outcome="cancelled"),
    )
    text = (await ada.get(f"/children/{mia.id}/history")).text
    assert "why is the sky blue" in text and "Because." in text and "Bear" in text
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    for side, about in (("heard", "war"), ("said", "violence"), ("said", "other")):
        assert f"{t('stop.' + side)} {t('category.' + about)}" in text
    assert str(t("outcome.cancelled")) in text
    assert text.count("Erased on") == 3


async def test_what_has_expired_is_not_shown_even_before_it_is_erased(house, ada, mia):
    old = int(time.time()) - 8 * DAY_S
    await keep(house, turn(house, mia, "long ago", at=old))
    text = (await ada.get(f"/children/{mia.id}/history")).text
    assert "long ago" not in text and str(t("history.nothing")) in text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("SKY", ["why is the sky blue"]),
        ("100%", ["100% sure"]),
        ("%", ["100% sure"]),
        ("_", ["snake_case"]),
        ("because of dust", ["snake_case"]),
        ("\\", []),
        ("'; --", []),
        ("sky\x00", ["why is the sky blue"]),
    ],
)
async def test_words_are_looked_for_as_they_stand(house, ada, mia, words, found):
    await keep(
        house,
        turn(house, mia, "why is the sky blue"),
        turn(house, mia, "100% sure"),
        turn(house, mia, "snake_case", said="Because of dust."),
    )
    page = await ada.get(f"/children/{mia.id}/history", params={"words": words})
    every = ["why is the sky blue", "100% sure", "snake_case"]
    assert [one for one in every if f"</span> {one}</p>" in page.text] == found
    assert (str(t("page.newest")) in page.text) and page.status_code == 200


async def test_pages_follow_each_other_without_gaps_or_repeats(house, ada, mia):
    now = int(time.time())
    # Several in the same second: two toys, or a clock that was set back.
    await keep(house, *(turn(house, mia, f"number {n:03}.", at=now - n // 4) for n in range(120)))
    seen, path = [], f"/children/{mia.id}/history?words=number"
    for _ in range(3):
        text = (await ada.get(path)).text
        seen += [n for n in range(120) if f"number {n:03}." in text]
        if str(t("page.earlier")) not in text:
            break
        path = text.split('href="')[-1].split('"')[0].replace("&amp;", "&")
        links = [part.split('"')[0] for part in text.split('href="')[1:]]
        path = next(link for link in links if "before=" in link).replace("&amp;", "&")
    assert sorted(seen) == list(range(120))


@pytest.mark.parametrize("before", ["x", "1", "-", "9" * 30 + "-1", "1-" + "9" * 30, "1-1' OR 1"])
async def test_nonsense_for_a_page_is_the_first_page(house, ada, mia, before):
    await keep(house, turn(house, mia, "why is the sky blue"))
    page = await ada.get(f"/children/{mia.id}/history", params={"before": before})
    assert page.status_code == 200 and "why is the sky blue" in page.text
    assert (await ada.get("/alerts", params={"before": before})).status_code == 200


async def test_switched_off_says_so_and_shows_what_is_left(house, ada, mia):
    await keep(house, turn(house, mia, "why is the sky blue"))
    rules = await house.tables.rules.of(mia.household, mia.id)
    await house.tables.rules.save(
        mia.household, ChildRules(mia.id, keep_transcripts=False, revision=rules.revision)
    )
    text = (await ada.get(f"/children/{mia.id}/history")).text
    assert str(t("history.off")) in text and "why is the sky blue" in text


async def test_a_shorter_time_holds_for_what_is_kept_already(house, ada, mia):
    old = int(time.time()) - 3 * DAY_S
    await keep(house, turn(house, mia, "three days ago", at=old), turn(house, mia, "just now"))
    await ada.get(f"/children/{mia.id}/rules")
    fields = {"transcript_days": "2", "keep_transcripts": "on", "revision": "1"}
    answer = await ada.post(f"/children/{mia.id}/rules", fields)
    assert answer.status_code == 303, answer.text
    text = (await ada.get(f"/children/{mia.id}/history")).text
    assert "just now" in text and "three days ago" not in text


async def alert(house, kind):
    await house.store.add_alert(
        kind, toy=house.bear.id, session="a" * 12, category="x", band=AgeBand.AGES_6_TO_8
    )


async def test_alerts_say_what_to_do_and_who_helps(house, ada, mia):
    page = await ada.get("/alerts")
    assert str(t("alerts.none")) in page.text and str(t("alerts.choose_country")) in page.text
    for kind in Alert:
        await alert(house, kind)
    page = await ada.get("/alerts")
    for kind in Alert:
        assert str(t(f"alert.{kind.value}")) in page.text
        assert str(t(f"say.{kind.value}")) in page.text
    assert page.text.count(str(t("alerts.unseen"))) == len(Alert)
    page = await ada.send("/alerts/country", {"country": "gb"})
    assert "0800 1111" in page.text and str(t("alerts.check")) in page.text
    page = await ada.send("/alerts/1/seen", {"here": "1"})
    assert page.url.path == "/alerts" and "seen on" in page.text
    assert page.text.count(str(t("alerts.unseen"))) == len(Alert) - 1
    assert (await ada.post("/alerts/country", {"country": "xx"})).status_code == 422
    page = await ada.send("/alerts/country", {"country": ""})
    assert "0800 1111" not in page.text


async def test_every_alert_can_be_reached(house, ada, mia):
    for _ in range(65):
        await alert(house, Alert.DANGER)
    seen, path = 0, "/alerts"
    for _ in range(3):
        text = (await ada.get(path)).text
        seen += text.count(str(t("alert.danger")))
        links = [part.split('"')[0] for part in text.split('href="')[1:]]
        path = next((link for link in links if "before=" in link), path)
    assert seen == 65


async def test_today_tells_what_there_was(house, ada, mia):
    today = time.strftime("%Y-%m-%d")
    await house.tables.usage.add(mia.id, today, 11 * 60)
    diary = Diary(house.store.database)
    await diary.write([Turn(mia.id, today), Turn(mia.id, today, True)])
    text = (await ada.get("/")).text
    assert str(t("today.minutes_of", minutes=11, most=60)) in text
    assert str(t("today.questions", count=2)) in text and str(t("today.stopped", count=1)) in text


def test_help_lines_are_complete_and_can_be_checked():
    for code, country in countries().items():
        assert f"country.{code}" and (country.emergency.isdecimal() or code == "zz")
        assert country.lines or code == "zz"
        for line in country.lines:
            assert line.name and "." in line.source and "/" not in line.source
            assert set(line.number) <= set("0123456789 -")
