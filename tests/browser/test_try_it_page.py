"""The page of the browser toy: what people see and press, and what is said when it cannot work."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from relay.certificate import load_identity, server_context
from relay.parent.texts import t
from tests.browser.chromium import find_chromium
from tests.parent.browser_family import open_family
from tests.parent.page import PASSWORD

PATIENCE_MS = 60_000
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
PICTURES = os.environ.get("TEST_PICTURES")
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture
async def family(tmp_path):
    async with open_family(tmp_path) as family:
        yield family


@contextlib.asynccontextmanager
async def page_of(family, *options, host="127.0.0.1", permissions=(), **context_options):
    """The page in a browser in which Ada is logged in; `sent` are the messages to the relay."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", *options],
        )
        base = f"{family.scheme}://{host}:{family.server.port}"
        context = await chromium.new_context(
            base_url=base,
            permissions=list(permissions),
            **{"viewport": PHONE, "color_scheme": "light", **context_options},
        )
        if family.ada is not None:
            cookie = {"name": "bramble", "value": family.cookie(family.ada), "url": base}
            await context.add_cookies([cookie])
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        amiss, page.sent = [], []
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on("console", lambda said: amiss.append(said.text) if said.type == "error" else None)
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: keep(page, frame)))
        await page.goto("/try")
        yield page
        # What Chromium says of any page that is not encrypted, and of a refused ticket.
        usual = ("Cross-Origin-Opener-Policy header has been ignored", "status of 4")
        assert [said for said in amiss if not any(words in said for words in usual)] == []
        await chromium.close()


def keep(page, frame):
    if isinstance(frame, str):
        page.sent.append(json.loads(frame))


def modes(page):
    return [message["mode"] for message in page.sent if message["type"] == "listen"]


async def switch_on(page):
    await page.get_by_role("button", name="Switch the microphone on").click()
    await state(page, "ready")
    return page.get_by_role("button", name="Hold and speak")


async def state(page, name):
    await page.locator(f"#said-state[data-state={name}]").wait_for()


async def fails_with(page, key):
    await page.get_by_role("button", name="Switch the microphone on").click()
    await page.get_by_text(str(t(f"trial_says.{key}"))).wait_for()
    assert await page.get_by_role("button", name="Switch the microphone on").is_enabled()


async def test_it_is_used_with_mouse_keys_and_by_a_screen_reader(family):
    async with page_of(family, *MICROPHONE) as page:
        paw = await switch_on(page)
        assert await page.evaluate("document.activeElement.id") == "paw"
        for press, let_go in (
            (page.mouse.down, page.mouse.up),
            (lambda: page.keyboard.down("Enter"), lambda: page.keyboard.up("Enter")),
            (lambda: page.keyboard.down(" "), lambda: page.keyboard.up(" ")),
        ):
            await paw.hover()
            await press()
            await state(page, "listening")
            await page.wait_for_timeout(600)
            await let_go()
            await page.locator(".answer").nth(modes(page).count("hold") - 1).wait_for()
            await state(page, "ready")
        assert modes(page) == ["hold"] * 3
        assert await page.locator(".heard span").all_inner_texts() == ["why is the sky blue"] * 3
        ends = [message for message in page.sent if message["type"] == "listen_end"]
        assert all(message["frames"] > 20 for message in ends)
        played = [message for message in page.sent if message["type"] == "played"]
        assert [message["turn"] for message in played] == [1, 2, 3]
        assert all(message["played_ms"] > 100 for message in played)
        await paw.dispatch_event("click")  # a click that no pointer has made
        await state(page, "listening")
        assert modes(page)[3:] == ["tap"]


async def test_a_short_press_is_a_tap_and_pressing_again_interrupts(family):
    family.engines.tts.ms_per_sentence = 20_000
    async with page_of(family, *MICROPHONE) as page:
        paw = await switch_on(page)
        await paw.hover()
        await page.mouse.down()
        await page.wait_for_timeout(600)
        await page.mouse.up()
        await state(page, "speaking")
        await paw.click()
        await state(page, "listening")
        assert modes(page) == ["hold", "hold", "tap"]
        await page.locator("#stop").click()
        await page.get_by_text("The microphone is off").wait_for()
        assert not [message for message in page.sent if message["type"] == "played"]


async def test_what_a_turn_holds_is_text_and_nothing_else(family):
    family.engines.stt.text = "<img src=x onerror=alert(1)>"
    family.engines.llm.pieces = ("<b>No</b>.",)
    async with page_of(family, *MICROPHONE) as page:
        paw = await switch_on(page)
        await paw.focus()
        await page.keyboard.down(" ")
        await page.wait_for_timeout(600)
        await page.keyboard.up(" ")
        await page.get_by_text("<img src=x").wait_for()
        assert await page.locator("#turns img, #turns b").count() == 0


async def test_without_a_microphone_it_is_said(family):
    async with page_of(family, permissions=["microphone"]) as page:
        await fails_with(page, "no_microphone")


async def test_a_microphone_that_is_not_allowed_is_said(family):
    async with page_of(
        family, "--use-fake-device-for-media-stream", "--deny-permission-prompts"
    ) as page:
        await fails_with(page, "refused")


async def test_a_page_that_is_not_encrypted_says_why_there_is_no_microphone(family):
    resolver = "--host-resolver-rules=MAP relay.local 127.0.0.1"
    async with page_of(family, resolver, *MICROPHONE, host="relay.local") as page:
        await fails_with(page, "insecure")


async def test_who_was_logged_out_meanwhile_is_told(family):
    async with page_of(family, *MICROPHONE) as page:
        (parent,) = await family.house.tables.parents.all()
        await family.house.tables.logins.end_all(parent.id)
        await fails_with(page, "closed_4401")


async def test_a_relay_that_stops_is_told_and_the_page_can_begin_anew(family):
    async with page_of(family, *MICROPHONE) as page:
        await switch_on(page)
        (session,) = family.house.services.browser_toys._sessions.values()
        session.abort()
        await page.get_by_text(str(t("trial_says.closed"))).wait_for()
        await switch_on(page)


async def test_without_scripts_it_says_so(family):
    async with page_of(family, java_script_enabled=False) as page:
        await page.get_by_text("needs JavaScript").wait_for()
        assert not await page.locator("#start").is_visible()


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "light"), (DESK, "dark")])
async def test_it_is_accessible_and_fits_the_screen(family, viewport, scheme):
    options = {"viewport": viewport, "color_scheme": scheme}
    async with page_of(family, *MICROPHONE, **options) as page:
        await look(page, f"try-before-{scheme}", viewport)
        paw = await switch_on(page)
        await look(page, f"try-ready-{scheme}", viewport)
        await paw.hover()
        await page.mouse.down()
        await state(page, "listening")
        await page.wait_for_timeout(600)
        await look(page, f"try-listening-{scheme}", viewport)
        await page.mouse.up()
        await page.locator(".answer").wait_for()
        await state(page, "ready")
        await look(page, f"try-answered-{scheme}", viewport)


async def look(page, name, viewport):
    results = await Axe().run(page)
    serious = [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in results.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], name
    assert await page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


# How long a second of a tone is afterwards, how loud, and how far from what it should be.
TONE = """
([from, to, hz]) => {
  const resampler = new Resampler(from, to);
  const output = [];
  for (let done = 0; done < from; done += 128) {
    const chunk = Float32Array.from({ length: Math.min(128, from - done) },
      (_, n) => Math.sin((2 * Math.PI * hz * (done + n)) / from));
    output.push(...resampler.push(chunk));
  }
  output.push(...resampler.finish());
  const start = Math.floor(to / 4);
  const middle = output.slice(start, 3 * start);
  const error = middle.map((x, n) => x - Math.sin((2 * Math.PI * hz * (start + n)) / to));
  const rms = (values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  return [output.length, rms(middle), rms(error)];
}
"""


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000, 96000])
async def test_sound_keeps_its_pitch_and_time_at_every_rate(family, rate_hz):
    async with page_of(family) as page:
        for source, target in ((rate_hz, 16000), (16000, rate_hz)):
            for tone_hz in (100, 1000, 3000):
                length, loudness, error = await page.evaluate(TONE, [source, target, tone_hz])
                assert abs(length - target) <= 1
                assert loudness == pytest.approx(0.5**0.5, rel=0.01)
                assert error < 0.01
        if rate_hz > 20_000:
            for tone_hz in (8500, 10_000):  # above what 16 kHz can hold
                _, loudness, _ = await page.evaluate(TONE, [rate_hz, 16000, tone_hz])
                assert loudness < 0.001


async def test_it_talks_over_tls_as_parents_have_it(tmp_path):
    identity = load_identity(tmp_path, ["127.0.0.1"])
    async with (
        open_family(tmp_path, server_context(identity)) as family,
        page_of(family, *MICROPHONE, ignore_https_errors=True) as page,
    ):
        await page.goto(await family.house.invite())
        await page.get_by_label("Your name").fill("Bob")
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same again").fill(PASSWORD)
        await page.get_by_role("button", name="Make the account").click()
        await page.get_by_text("Your account is made").wait_for()
        await page.goto("/toys")
        await page.get_by_role("link", name="Try it without a toy").click()
        await switch_on(page)
        await page.keyboard.down(" ")
        await page.wait_for_timeout(600)
        await page.keyboard.up(" ")
        await page.get_by_text("The sky is blue. It is very big.").wait_for()
        await state(page, "ready")
