import asyncio
import sqlite3

import pytest

from relay.parent import sessions
from relay.parent.passwords import Passwords, weakness
from relay.parent.texts import t
from relay.store.audit import Deed
from relay.store.invitations import InvitationKind
from tests.parent.page import PASSWORD, open_house

ANEW = "seven quiet owls"


async def log_in(browser, name="Ada", password=PASSWORD):
    await browser.get("/login")
    return await browser.send("/login", {"name": name, "password": password})


async def test_before_the_first_account_the_page_tells_where_the_link_is(house):
    page = await house.browser().get("/")
    assert page.headers["location"] == "/login"
    page = await house.browser().get("/login")
    assert "python -m relay parent link" in page.text
    assert "<form" not in page.text


async def test_the_first_link_makes_an_account_once(house):
    link = await house.invite()
    ada, eve = house.browser(), house.browser()
    await ada.get(link)
    await eve.get(link)  # looking uses nothing up
    page = await ada.send(link, {"name": "Ada", "password": PASSWORD, "again": PASSWORD})
    assert str(t("done.welcome")) in page.text
    answer = await eve.post(link, {"name": "Eve", "password": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 410
    assert [parent.name for parent in await house.tables.parents.all()] == ["Ada"]


async def test_only_the_latest_link_works_and_only_for_a_day(house, monkeypatch):
    old, new = await house.invite(), await house.invite()
    assert (await house.browser().get(old)).status_code == 410
    assert (await house.browser().get(new)).status_code == 200
    monkeypatch.setattr("relay.store.invitations.now", lambda: 4_000_000_000)
    assert (await house.browser().get(new)).status_code == 410


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"password": "short", "again": "short"}, "errors.password_short"),
        ({"password": "x" * 201, "again": "x" * 201}, "errors.password_long"),
        ({"password": "qwertyuiop", "again": "qwertyuiop"}, "errors.password_common"),
        ({"password": "ababababab", "again": "ababababab"}, "errors.password_plain"),
        ({"again": PASSWORD + "x"}, "errors.password_again"),
        ({"name": " "}, "errors.name"),
        ({"name": "a\x00b"}, "errors.name"),
    ],
)
async def test_what_is_wrong_is_said_beside_it_and_the_name_is_kept(house, changed, error):
    link = await house.invite()
    browser = house.browser()
    await browser.get(link)
    fields = {"name": "Ada <3", "password": PASSWORD, "again": PASSWORD, **changed}
    page = await browser.post(link, fields)
    assert page.status_code == 422
    assert str(t(error)) in page.text
    assert fields["password"] not in page.text
    if "name" not in changed:
        assert 'value="Ada &lt;3"' in page.text
    assert not await house.tables.parents.exist()


async def test_logging_in_and_out(house):
    await house.parent("Ada")
    browser = house.browser()
    page = await log_in(browser, " ADA ")
    assert page.status_code == 200 and "Log out" in (await browser.get("/account")).text
    page = await browser.send("/logout")
    assert str(t("done.logged_out")) in page.text
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize(("name", "password"), [("Ada", "wrong password"), ("Nobody", PASSWORD)])
async def test_nothing_tells_whether_it_was_the_name_or_the_password(house, name, password):
    await house.parent("Ada")
    page = await log_in(house.browser(), name, password)
    assert page.status_code == 403
    assert str(t("errors.login")) in page.text and password not in page.text


async def test_unknown_names_cost_the_same_work():
    verified = []
    passwords = Passwords()
    real = passwords._hasher

    class Counting:
        hash = staticmethod(real.hash)

        @staticmethod
        def verify(kept, password):
            verified.append(kept)
            return real.verify(kept, password)

    passwords._hasher = Counting()
    assert not await passwords.fits("nobody's password", None)
    kept = real.hash(PASSWORD)
    assert await passwords.fits(PASSWORD, kept)
    assert len(verified) == 2
    # The same parameters, so the same work.
    assert verified[0].split("$")[:4] == kept.split("$")[:4]
    assert kept.startswith("$argon2id$")


async def test_too_many_attempts_have_to_wait_even_with_the_right_password(house):
    await house.parent("Ada")
    browser = house.browser()
    await browser.get("/login")
    for _ in range(10):
        await browser.post("/login", {"name": "Ada", "password": "wrong"})
    page = await browser.post("/login", {"name": "ada", "password": PASSWORD})
    assert page.status_code == 429
    assert str(t("errors.too_many")) in page.text


async def test_attempts_at_once_are_counted_before_they_are_checked(house):
    await house.parent("Ada")
    browser = house.browser()
    await browser.get("/login")
    wrong = {"name": "Ada", "password": "wrong"}
    answers = await asyncio.gather(*(browser.post("/login", wrong) for _ in range(15)))
    assert sum(answer.status_code == 429 for answer in answers) >= 5


async def test_logging_in_gives_a_new_cookie_and_the_old_one_is_worth_nothing(house):
    await house.parent("Ada")
    browser = house.browser()
    await browser.get("/login")
    before = browser.client.cookies["bramble"]
    await browser.send("/login", {"name": "Ada", "password": PASSWORD})
    after = browser.client.cookies["bramble"]
    assert before != after
    thief = house.browser()
    thief.client.cookies.set("bramble", before)
    assert (await thief.get("/")).status_code == 303


async def test_a_log_in_ends_when_idle_and_after_a_week_in_any_case(house):
    ada = await house.parent("Ada")
    start = house.services.now()
    house.services.now = lambda: start + sessions.IDLE_S + 1
    assert (await ada.get("/")).status_code == 303
    house.services.now = lambda: start
    ada = await house.parent("Bob")
    for hours in range(0, 8 * 24, 6):
        house.services.now = lambda hours=hours: start + hours * 3600
        status = (await ada.get("/")).status_code
        assert status == (200 if hours * 3600 < sessions.LASTS_S else 303), hours


async def test_a_page_that_keeps_itself_fresh_is_no_use_of_the_log_in(house):
    ada = await house.parent("Ada")
    start = house.services.now()
    by_itself = {"HX-Request": "true"}
    for hours in (3, 6, 9):
        house.services.now = lambda hours=hours: start + hours * 3600
        assert (await ada.get("/toys-now", headers=by_itself)).status_code == 200
    house.services.now = lambda: start + 13 * 3600
    answer = await ada.get("/toys-now", headers=by_itself)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/login")


async def test_logging_out_everywhere_ends_every_browser(house):
    one, two = await house.parent("Ada"), house.browser()
    await log_in(two)
    await one.get("/account")
    await one.send("/account/log-out-everywhere")
    for browser in (one, two):
        assert (await browser.get("/")).status_code == 303


async def test_changing_the_password(house):
    one, two = await house.parent("Ada"), house.browser()
    await log_in(two)
    await one.get("/account")
    fields = {"current": "wrong", "password": ANEW, "again": ANEW}
    page = await one.post("/account/password", fields)
    assert page.status_code == 422 and str(t("errors.password_current")) in page.text
    page = await one.send("/account/password", {**fields, "current": PASSWORD})
    assert str(t("done.password_changed")) in page.text
    assert (await two.get("/")).status_code == 303
    assert (await log_in(house.browser())).status_code == 403
    assert (await log_in(house.browser(), password=ANEW)).status_code == 200


async def test_inviting_and_removing_another_parent(house):
    ada = await house.parent("Ada")
    await ada.get("/account")
    page = await ada.post("/account/invite")
    link = "/link/" + page.text.split("/link/")[1].split('"')[0]
    bob = house.browser()
    await bob.get(link)
    page = await bob.send(link, {"name": "ADA", "password": PASSWORD, "again": PASSWORD})
    assert str(t("errors.name_taken")) in page.text
    await bob.send(link, {"name": "Bob", "password": PASSWORD, "again": PASSWORD})
    assert (await bob.get("/")).status_code == 200
    ids = {parent.name: parent.id for parent in await house.tables.parents.all()}
    assert (await ada.get(f"/account/parents/{ids['Ada']}/remove")).status_code == 404
    await ada.get(f"/account/parents/{ids['Bob']}/remove")
    await ada.send(f"/account/parents/{ids['Bob']}/remove")
    assert (await bob.get("/")).status_code == 303
    deeds = [entry.deed for entry in await house.tables.audit.latest((await home(house)).id)]
    assert deeds[:3] == [Deed.PARENT_REMOVED, Deed.ACCOUNT_MADE, Deed.PARENT_INVITED]


async def home(house):
    return await house.tables.households.home()


async def test_a_forgotten_password_is_reset_from_the_relays_computer(house):
    ada = await house.parent("Ada")
    (parent,) = await house.tables.parents.all()
    secret = await house.tables.invitations.make(parent.household, InvitationKind.RESET, parent.id)
    browser = house.browser()
    await browser.get(f"/link/{secret}")
    page = await browser.send(f"/link/{secret}", {"password": ANEW, "again": ANEW})
    assert str(t("done.password_set")) in page.text
    assert (await ada.get("/")).status_code == 303
    assert (await log_in(browser, password=ANEW)).status_code == 200


async def test_no_password_cookie_or_link_is_in_the_database(tmp_path):
    async with open_house(tmp_path) as house:
        link = await house.invite()
        ada = house.browser()
        await ada.get(link)
        await ada.send(link, {"name": "Ada", "password": PASSWORD, "again": PASSWORD})
        unused = await house.invite()
        cookie = ada.client.cookies["bramble"]
    with sqlite3.connect(tmp_path / "relay.db") as database:
        content = "\n".join(database.iterdump())
    for secret in (PASSWORD, cookie, ada.token, link.split("/")[-1], unused.split("/")[-1]):
        assert secret not in content
    assert "$argon2id$" in content


@pytest.mark.parametrize(
    ("password", "name", "error"),
    [
        ("correct horse battery", "Ada", None),
        ("Ada Lovelace", "Ada Lovelace", "errors.password_common"),
        ("ada lovelace 1815!", "Ada Lovelace", "errors.password_common"),
        ("23456789:;", "Ada", "errors.password_plain"),
        ("PASSWORD1234", "Ada", "errors.password_common"),
        ("пароль из слов", "Ada", None),
    ],
)
def test_which_passwords_are_taken(password, name, error):
    assert weakness(password, name) == error
