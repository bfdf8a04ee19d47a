"""Set-up from a phone: the page that the firmware serves, in a real browser without scripts."""

import json
import os
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.relay.conftest import house, open_house  # noqa: F401 - fixtures
from tools.virtual_toy import Look, VirtualToy

NOWHERE = "ws://127.0.0.1:9/toy"
TOKEN = "bear"  # of a toy that the relay of the tests knows
# Where to put pictures for people to look at; nowhere unless asked for.
PICTURES = os.environ.get("TEST_PICTURES")
GOOD = {"ssid": "home", "password": "correct horse", "token": TOKEN, "age": "6", "ceiling": "70"}


@pytest.fixture
async def browser():
    async with Chromium() as browser:
        yield browser


def new_toy(house=None, **options):  # noqa: F811
    url = f"ws://127.0.0.1:{house.server.port}/toy" if house else NOWHERE
    return VirtualToy(relay_url=url, token="unused", **{"settings": "", **options})


async def open_page(toy, browser):
    await toy.wait_for_look(Look.SET_UP)
    toy.join_setup()
    await browser.open(toy.setup.url)
    await browser.wait_for("form[action='/try']")
    await browser.wait_until_loaded()


async def fill_in(browser, **fields):
    if {"token", "night_from", "sleep"} & fields.keys():
        await browser.evaluate("document.querySelector('details').open = true")
    for name, value in fields.items():
        if name in ("ssid", "age", "ceiling", "night_ceiling", "sleep"):
            await browser.choose(f"#{name}", value)
        else:
            await browser.type(f"#{name}", value)


async def send(browser):
    await browser.click("form[action='/try'] button")


async def look_at(browser, name):
    if PICTURES:
        await browser.picture(Path(PICTURES) / f"{name}.png")


async def test_from_nothing_to_a_toy_that_is_ready(house, browser):  # noqa: F811
    async with new_toy(house) as toy:
        await open_page(toy, browser)
        assert await browser.evaluate("document.documentElement.scrollWidth") <= 390
        assert await browser.evaluate("document.scripts.length") == 0
        assert await browser.evaluate("performance.getEntriesByType('resource').length") == 0
        options = await browser.evaluate("[...document.querySelectorAll('#ssid option')].length")
        assert options == 4  # home, neighbours once, cafe, and "Choose"; the hidden one has no name
        await look_at(browser, "set-up-page")
        await fill_in(browser, **GOOD, relay=f"ws://127.0.0.1:{house.server.port}")
        await look_at(browser, "set-up-filled-in")
        await send(browser)
        await browser.wait_for("#trying")
        await look_at(browser, "set-up-trying")
        await browser.wait_for("#done", 60)
        await look_at(browser, "set-up-done")
        assert not toy.microphone_open
        await toy.wait_until_ready(60)
        saved = json.loads(toy.saved_settings)
    assert saved["networks"] == [{"ssid": "home", "password": "correct horse"}]
    assert (saved["age"], saved["volume_ceiling"]) == (6, 70)
    assert saved["token"] == TOKEN


async def test_a_wrong_password_is_put_right_without_typing_the_rest_again(house, browser):  # noqa: F811
    async with new_toy(house) as toy:
        await open_page(toy, browser)
        relay = f"ws://127.0.0.1:{house.server.port}"
        await fill_in(browser, **{**GOOD, "password": "wrong horse"}, relay=relay)
        await send(browser)
        await browser.wait_for("#failure", 60)
        assert "did not take the password" in await browser.text()
        # Not "leave empty to keep it": this one is to be typed again.
        assert not await browser.evaluate("document.querySelector('#password').placeholder")
        await look_at(browser, "set-up-wrong-password")
        assert toy.saved_settings is None
        await fill_in(browser, password="correct horse")
        await send(browser)
        await browser.wait_for("#done", 60)
        await toy.wait_until_ready(60)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"other": "no such network"}, "cannot find this Wi-Fi"),
        ({"relay": "ws://127.0.0.1:9"}, "relay cannot be reached"),
        ({"token": "of.another.relay"}, "does not know the toy any more"),
    ],
    ids=["network", "relay", "token"],
)
async def test_what_fails_is_said_in_plain_words(house, browser, changed, said):  # noqa: F811
    async with new_toy(house) as toy:
        await open_page(toy, browser)
        fields = {**GOOD, "relay": f"ws://127.0.0.1:{house.server.port}", **changed}
        await fill_in(browser, **fields)
        await send(browser)
        await browser.wait_for("#failure", 60)
        assert said in await browser.text()
        kept = await browser.evaluate("document.querySelector('#password').placeholder")
        assert "to keep it" in kept
        if "relay" in changed:
            await look_at(browser, "set-up-no-relay")
        assert toy.saved_settings is None
        assert toy.look == Look.SET_UP
        source = await browser.evaluate("document.documentElement.outerHTML")
        assert GOOD["password"] not in source
        assert fields["token"] not in source


async def test_a_relay_that_comes_later_does_not_stop_anybody(browser):
    async with new_toy() as toy:
        await open_page(toy, browser)
        await fill_in(browser, **GOOD, relay="ws://127.0.0.1:9")
        await send(browser)
        await browser.wait_for("#failure", 60)
        await browser.click("form[action='/keep'] button")
        await browser.wait_for("#done")
        await toy.wait_for_look(Look.OFFLINE, timeout_s=60)
        assert json.loads(toy.saved_settings)["relay"] == NOWHERE


async def test_what_is_missing_is_said_before_anything_is_tried(browser):
    async with new_toy() as toy:
        await open_page(toy, browser)
        await fill_in(browser, password="short", relay="nonsense:::", token="t", age="9")
        await send(browser)
        await browser.wait_for("#problems")
        said = await browser.text()
        assert "Choose your Wi-Fi network" in said
        assert "The relay's address has a port that is not from 1 to 65535" in said
        await look_at(browser, "set-up-problems")
        assert await browser.evaluate("document.querySelector('#age').value") == "9"
        assert not [event for event in toy.events if event.detail == "connect"]


async def test_a_network_that_is_named_like_a_page_stays_text(browser):
    name = "<script>x</script>\"'&amp;"
    world = {
        "wifi": {
            "networks": [[name, "50c7bf010203", 6, -50, 3, "correct horse", False]],
            "scan_ms": 100,
            "connect_ms": 100,
            "fail_ms": 100,
        }
    }
    async with new_toy(world=world) as toy:
        await toy.wait_for_look(Look.SET_UP)
        await browser.open(toy.setup.url)
        await browser.wait_for("form[action='/try']")
        await browser.wait_until_loaded()
        assert await browser.evaluate("document.querySelectorAll('script').length") == 0
        assert name in await browser.text()
        await fill_in(browser, **{**GOOD, "ssid": name}, relay="ws://127.0.0.1:9")
        await send(browser)
        await browser.wait_for("#failure", 60)
        assert "relay cannot be reached" in await browser.text()  # it was joined by that name
        assert await browser.evaluate("document.querySelector('#ssid').value") == name


async def test_a_phone_that_looks_for_a_captive_portal_is_sent_to_the_page():
    async with new_toy() as toy:
        await toy.wait_for_look(Look.SET_UP)
        async with Chromium(f"MAP * 127.0.0.1:{toy.setup.page}") as browser:
            await browser.open("http://connectivitycheck.gstatic.com/generate_204")
            await browser.wait_for("form[action='/try']")
            await browser.wait_until_loaded()
            assert await browser.evaluate("location.href") == "http://192.168.4.1/"


async def test_a_toy_that_is_set_up_shows_no_secret_and_keeps_what_is_not_changed(house, browser):  # noqa: F811
    settings = {
        "networks": [{"ssid": "home", "password": "correct horse"}],
        "relay": f"ws://127.0.0.1:{house.server.port}/toy",
        "token": TOKEN,
        "age": 6,
        "volume": 40,
        "volume_ceiling": 65,
    }
    async with new_toy(settings=json.dumps({**settings, "age": None})) as toy:
        await open_page(toy, browser)
        source = await browser.evaluate("document.documentElement.outerHTML")
        assert "correct horse" not in source
        assert f">{TOKEN}" not in source and f'"{TOKEN}"' not in source
        await browser.choose("#age", "6")
        await send(browser)
        await browser.wait_for("#done", 60)
        saved = json.loads(toy.saved_settings)
    assert {name: saved[name] for name in settings} == settings


async def test_night_and_sleep_are_set_under_more(house, browser):  # noqa: F811
    async with new_toy(house) as toy:
        await open_page(toy, browser)
        await fill_in(browser, **GOOD, relay=f"ws://127.0.0.1:{house.server.port}")
        await fill_in(browser, night_ceiling="20", sleep="60")
        await set_time(browser, "night_from", "19:30")
        await send(browser)
        await browser.wait_for("#problems")
        assert "when the night begins and when it ends" in await browser.text()
        assert await browser.evaluate("document.querySelector('#night_from').value") == "19:30"
        await browser.evaluate("document.querySelector('details').open = true")
        await set_time(browser, "night_until", "07:00")
        await look_at(browser, "set-up-more")
        assert await browser.evaluate("document.documentElement.scrollWidth") <= 390
        await fill_in(browser, password=GOOD["password"], token=TOKEN)
        await send(browser)
        await browser.wait_for("#done", 60)
        saved = json.loads(toy.saved_settings)
    night = (saved["night_from"], saved["night_until"], saved["night_volume_ceiling"])
    assert night == ("19:30", "07:00", 20)
    assert saved["sleep_minutes"] == 60


async def set_time(browser, name, value):
    await browser.evaluate(f"document.querySelector('#{name}').value = '{value}'")
