"""The parent's page in a real browser: with and without scripts, phone and desk, light and dark."""

import contextlib
import os
import time
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from relay.age import AgeBand
from relay.parent.server import PageServer
from relay.safety.verdict import Alert
from relay.session import State
from relay.store.health import Crash, HealthSample
from relay.store.pairings import Pairings
from relay.store.rules import ChildRules
from relay.store.transcripts import Transcript
from tests.browser.chromium import find_chromium
from tests.parent.connected import Connected, answer
from tests.parent.page import PASSWORD, open_house

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
# Where to put pictures for people to look at; nowhere unless asked for.
PICTURES = os.environ.get("TEST_PICTURES")
PATIENCE_MS = 60_000


@pytest.fixture
async def house(tmp_path):
    async with open_house(tmp_path, parent={"host": "127.0.0.1", "port": 0}) as house:
        server = PageServer(house.services, None)
        await server.start()
        house.address = f"http://127.0.0.1:{server.port}"
        yield house
        await server.stop()


@pytest.fixture
async def chromium():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def tab(chromium, house, **options):
    """A tab that has seen nothing amiss by the time it is closed: scripts, policy, other hosts."""
    context = await chromium.new_context(
        base_url=house.address, **{"viewport": PHONE, "color_scheme": "light", **options}
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    amiss, hosts = [], set()
    page.on("pageerror", lambda error: amiss.append(str(error)))
    page.on("console", lambda said: amiss.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    try:
        yield page
        assert [said for said in amiss if "status of 4" not in said] == []
        assert hosts <= {house.address.split("/")[2]}
    finally:
        await context.close()


async def first_visit(page, house, name="Ada"):
    await page.goto(await house.invite())
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()
    await page.get_by_text("Your account is made").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_from_the_first_visit_to_rules_that_are_saved(chromium, house, scripts):
    async with tab(chromium, house, java_script_enabled=scripts) as page:
        await first_visit(page, house)
        await page.get_by_role("link", name="Add a child").click()
        await page.get_by_label("Name or nickname").fill("Mia <3")
        await page.get_by_label("Age", exact=True).select_option("6")
        await page.get_by_role("button", name="Next").click()
        await page.get_by_label("I am Mia <3's parent").check()
        await page.get_by_role("button", name="Agree").click()
        await page.get_by_label("Minutes of talk a day").fill("4")
        await page.get_by_label("War and disasters").select_option("block")
        await page.get_by_role("button", name="Save the rules").click()
        await page.get_by_text("A whole number from 5 to 600").wait_for()
        assert await page.get_by_label("War and disasters").input_value() == "block"
        await page.get_by_label("Minutes of talk a day").fill("45")
        await page.get_by_role("button", name="Save the rules").click()
        await page.get_by_text("The rules are saved").wait_for()
        await page.get_by_role("link", name="Today").click()
        await page.get_by_text("0 of 45 minutes talked today").wait_for()
        await page.get_by_role("link", name="Account").click()
        await page.get_by_role("button", name="Log out", exact=True).click()
        await page.get_by_text("You are logged out").wait_for()
    (child,) = await house.tables.children.of((await house.tables.households.home()).id)
    assert (await house.tables.rules.of(child.household, child.id)).daily_minutes == 45


async def test_what_happens_meanwhile_is_seen_without_loading_the_page_again(chromium, house):
    toy = await house.toy("Bear")
    async with tab(chromium, house) as page:
        await first_visit(page, house)
        await page.get_by_text("Has not been here yet").wait_for()
        house.sessions[toy.id] = Connected(battery_percent=84)
        await page.get_by_text("Ready").wait_for()

        await page.goto("/add-toy")
        await page.get_by_label("Name of the toy").fill("Fox")
        await page.get_by_label("Age", exact=True).select_option("6")
        await page.get_by_role("button", name="Show the code").click()
        await page.get_by_text("9:5").wait_for()
        (offer,) = await Pairings(house.store.database).open()
        await Pairings(house.store.database).use(offer.code_digest)
        await house.toy("Fox", household=offer.household)
        await page.get_by_text("The toy is paired").wait_for()
        await page.get_by_role("link", name="To the toys").click()

        (parent,) = await house.tables.parents.all()
        await page.goto("/")
        await house.tables.logins.end_all(parent.id)
        await page.get_by_role("button", name="Log in").wait_for()


def said(home, child, toy, heard, *, at):
    words = "Because the air scatters blue light most."
    return Transcript(
        home, child.id, toy.id, "a" * 12, 1, at, heard, words, "answered", "said:war", at + 86400
    )


async def test_the_live_view_shows_what_happens(chromium, house):
    home = (await house.tables.households.home()).id
    mia = await house.tables.children.add(home, "Mia", 6)
    bear = await house.toy("Bear", child=mia.id)
    async with tab(chromium, house) as page:
        await first_visit(page, house)
        await page.get_by_role("link", name="Live").click()
        await page.get_by_text("keeps itself up to date").wait_for()
        house.sessions[bear.id] = connected = Connected()
        await page.get_by_text("Ready").wait_for()
        connected.state = State.SPEAKING
        await page.get_by_text("Speaking").wait_for()
        for number in range(31):
            turn = said(home, mia, bear, f"question {number} <b>", at=number)
            house.services.live.show(turn)
        await page.get_by_text("question 30 <b>").wait_for()
        assert await page.locator("#live-words li").count() == 30
        (parent,) = await house.tables.parents.all()
        await house.tables.logins.end_all(parent.id)
        await page.get_by_role("button", name="Log in").wait_for()


async def test_without_scripts_the_live_view_can_be_loaded_again(chromium, house):
    toy = await house.toy("Bear")
    async with tab(chromium, house, java_script_enabled=False) as page:
        await first_visit(page, house)
        await page.goto("/live")
        house.sessions[toy.id] = Connected()
        await page.get_by_role("link", name="Load again").click()
        await page.get_by_text("Ready").wait_for()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_toy_is_found_and_taught_a_network(chromium, house, scripts):
    toy = await house.toy("Bear")
    found = [{"ssid": "Grandma's", "rssi": -60, "security": "wpa2"}]
    answers = {"wifi_scan": answer(found), "wifi_add": answer(["Home"])}
    house.sessions[toy.id] = connected = Connected(answers=answers)
    async with tab(chromium, house, java_script_enabled=scripts) as page:
        await first_visit(page, house)
        await page.goto(f"/toys/{toy.id}")
        await page.get_by_role("button", name="let it chirp").click()
        await page.get_by_text("It has chirped").wait_for()
        await page.get_by_role("link", name="Its Wi-Fi").click()
        await page.get_by_role("button", name="Look round").click()
        await page.get_by_text("Grandma's").wait_for()
        await page.get_by_label("Name of the network").fill("Grandma's")
        await page.get_by_label("Its password").fill("biscuits 12")
        await page.get_by_role("button", name="Add it").click()
        await page.get_by_text("The toy knows the network now").wait_for()
    expected = {"ssid": "Grandma's", "password": "biscuits 12"}
    assert ("wifi_add", expected) in connected.asked


async def furnish(house):
    """A family with something of everything; return its addresses by name."""
    home = (await house.tables.households.home()).id
    (parent,) = await house.tables.parents.all()
    mia = await house.tables.children.add(home, "Mia", 6)
    tom = await house.tables.children.add(home, "Tom", 9)
    await house.tables.children.consent(home, mia.id, parent.id)
    bear = await house.toy("Bear", child=mia.id)
    await house.toy("Fox", 9)
    house.sessions[bear.id] = Connected(battery_percent=84)
    await house.tables.households.set_country(home, "gb")
    now = int(time.time())
    await house.tables.rules.save(home, ChildRules(mia.id, keep_transcripts=True))
    await house.tables.transcripts.add(said(home, mia, bear, "why is the sky blue", at=now))
    await house.tables.health.add(
        [
            HealthSample(bear.id, now - number * 300, -60 - number % 9, 84, 90_000, 0, 500)
            for number in range(99)
        ]
    )
    await house.tables.health.add_crash(Crash(bear.id, now, "0.0.9", "watchdog", "OSError"))
    await house.store.add_alert(
        Alert.ABUSE, toy=bear.id, session="a" * 12, category="x", band=AgeBand.AGES_6_TO_8
    )
    return {
        "today": "/",
        "toys": "/toys",
        "toy": f"/toys/{bear.id}",
        "toy-remove": f"/toys/{bear.id}/revoke",
        "toy-add": "/add-toy",
        "children": "/children",
        "child": f"/children/{mia.id}",
        "child-new": "/children/new",
        "consent": f"/children/{tom.id}/consent",
        "rules": f"/children/{mia.id}/rules",
        "history": f"/children/{mia.id}/history",
        "alerts": "/alerts",
        "live": "/live",
        "toy-health": f"/toys/{bear.id}/health",
        "toy-wifi": f"/toys/{bear.id}/wifi",
        "toy-software": f"/toys/{bear.id}/update",
        "account": "/account",
        "log": "/account/log",
        "data": "/account/data",
        "data-erase": f"/children/{mia.id}/erase",
        "erase-everything": "/account/data/erase",
        "nothing": "/nothing",
    }


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
async def test_pages_are_accessible_and_fit_the_screen(chromium, house, size, scheme):
    viewport = PHONE if size == "phone" else DESK
    async with tab(chromium, house, viewport=viewport, color_scheme=scheme) as page:
        await page.goto("/login")
        found = await problems(page)
        await first_visit(page, house)
        for name, path in (await furnish(house)).items():
            await page.goto(path)
            found += [f"{path}: {problem}" for problem in await problems(page)]
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= viewport["width"], path
            if PICTURES:
                picture = Path(PICTURES) / f"parent-{name}-{size}-{scheme}.png"
                await page.screenshot(path=picture, full_page=True)
        assert found == []


async def problems(page):
    """Return what axe finds that would keep somebody out."""
    results = await Axe().run(page)
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in results.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
