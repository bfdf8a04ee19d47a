"""From the first visit to a toy that obeys: the page in Chromium, the real firmware and relay."""

import json

import pytest
from playwright.async_api import async_playwright

from relay.parent.links import first_link
from relay.record import Outcome
from tests.browser.chromium import find_chromium
from tests.parent.page import PASSWORD
from tools.talk.home import open_home
from tools.virtual_toy import VirtualToy

READY_S = 60
PATIENCE_MS = 90_000
HUM = (b"\x00\x10" * 160 + b"\x00\xf0" * 160) * 50  # a second of it


@pytest.fixture
async def home():
    page = {"enabled": True, "host": "127.0.0.1", "port": 0, "tls": True}
    async with open_home(listen={"tls": True}, parent=page) as home:
        yield home


@pytest.fixture
async def page():
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = await browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        yield await context.new_page()
        await browser.close()


async def visit_first(page, home):
    relay = home.relay
    await page.goto(await first_link(relay.store, relay.settings.parent, relay.page_port))
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("The same again").fill(PASSWORD)
    await page.get_by_role("button", name="Make the account").click()


async def add_child(page):
    await page.get_by_role("link", name="Add a child").click()
    await page.get_by_label("Name or nickname").fill("Mia")
    await page.get_by_label("Age", exact=True).select_option("6")
    await page.get_by_role("button", name="Next").click()
    await page.get_by_label("I am Mia's parent").check()
    await page.get_by_role("button", name="Agree").click()
    await page.get_by_label("Quiet hours", exact=True).uncheck()
    await page.get_by_role("button", name="Save the rules").click()
    await page.get_by_text("The rules are saved").wait_for()


@pytest.mark.timeout(400)
async def test_a_parent_pairs_a_toy_and_puts_it_to_rest_and_removes_it(page, home):
    await visit_first(page, home)
    await add_child(page)
    origin = page.url.split("/children")[0]
    await page.goto(origin + "/add-toy")
    await page.get_by_label("Name of the toy").fill("Fox")
    await page.get_by_label("Whose toy is it?").select_option(label="Mia")
    await page.get_by_role("button", name="Show the code").click()
    code = await page.locator(".code").inner_text()

    settings = json.dumps(
        {
            "networks": [{"ssid": "home", "password": "correct horse"}],
            "pairing_code": code,
            "relay": home.url,
        }
    )
    async with VirtualToy(relay_url=home.url, token="unused", settings=settings) as toy:
        await toy.wait_until_ready(READY_S)
        await page.get_by_text("The toy is paired").wait_for()
        saved = json.loads(toy.saved_settings)
        assert saved["age"] == 6 and saved["relay_certificate"] == home.certificate_for_toy

        await page.get_by_role("link", name="To the toys").click()
        await page.get_by_role("link", name="Fox").click()
        record, _ = await home.ask(toy, HUM)
        assert record.outcome is not Outcome.RESTED
        await page.get_by_role("button", name="Let it rest").click()
        await page.get_by_text("It rests now").wait_for()
        record, reply = await home.ask(toy, HUM)
        assert record.outcome is Outcome.RESTED
        assert "wake me up" in record.said[0]
        assert len(reply.speech) > 16_000, "the toy said nothing"

        (session,) = home.relay.sessions.values()
        await page.get_by_role("link", name="Remove this toy").click()
        await page.get_by_role("button", name="Remove this toy").click()
        await page.get_by_text("The toy is removed and cut off").wait_for()
        for _ in range(300):
            if not home.relay.sessions:
                break
            await page.wait_for_timeout(100)
        assert session.toy.id not in home.relay.sessions
