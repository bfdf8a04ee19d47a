"""The browser as a toy: a real microphone's path and a real speaker's, real engines, real rules."""

import base64
import contextlib
import os
import wave
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soxr
from playwright.async_api import async_playwright

from relay.audio import duration_ms
from relay.parent.links import first_link
from relay.parent.services import Tables
from tests.browser.chromium import find_chromium
from tests.parent.page import PASSWORD
from tools.bench.speech import word_error_rate, words
from tools.talk.home import open_home
from tools.talk.make_questions import FOLDER, QUESTIONS
from tools.talk.recording import read_recording

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

PATIENCE_MS = 90_000
LEAD_S = 8  # of silence: from opening the microphone until the button is held
REST_S = 4
PICTURES = os.environ.get("TEST_PICTURES")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

# Keeps what reaches the loudspeaker.
LISTEN = """
window.loudspeaker = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    window.loudspeakerHz = this.context.sampleRate;
    const tap = this.context.createScriptProcessor(4096, 1, 1);
    tap.onaudioprocess = ({ inputBuffer }) => {
      const samples = Array.from(inputBuffer.getChannelData(0), (x) => Math.round(x * 32767));
      if (samples.some((x) => x)) window.loudspeaker.push(samples);
    };
    connect.call(this, tap);
    connect.call(tap, to);
  }
  return connect.call(this, to, ...rest);
};
"""

# As text: a list of so many numbers would keep browser and relay busy for seconds.
PLAYED = """
new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve([reader.result.split(",")[1], window.loudspeakerHz]);
  reader.readAsDataURL(new Blob(window.loudspeaker.map((samples) => Int16Array.from(samples))));
})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def home():
    parent = {"enabled": True, "host": "127.0.0.1", "port": 0, "tls": False}
    llm = {"max_tokens": 40, "temperature": 0}
    async with open_home(parent=parent, llm=llm) as home:
        relay = home.relay
        home.page = f"http://127.0.0.1:{relay.page_port}"
        home.tables = Tables(relay.store.database)
        home.household = (await home.tables.households.home()).id
        home.link = await first_link(relay.store, relay.settings.parent, relay.page_port)
        yield home


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cookies(home):
    """A parent who is logged in."""
    async with browser() as chromium, tab(chromium, home) as page:
        await page.goto(home.link)
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_label("The same again").fill(PASSWORD)
        await page.get_by_role("button", name="Make the account").click()
        await page.get_by_text("Your account is made").wait_for()
        return await page.context.cookies()


@contextlib.asynccontextmanager
async def browser(*options):
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-dev-shm-usage", *options],
        )
        yield chromium
        await chromium.close()


@contextlib.asynccontextmanager
async def microphone(folder, pcm, rate_hz=16000):
    """A browser into whose microphone `pcm` is spoken, LEAD_S after it was opened."""
    path = folder / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(bytes(LEAD_S * rate_hz * 2) + pcm + bytes(REST_S * rate_hz * 2))
    async with browser(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    ) as chromium:
        yield chromium


@contextlib.asynccontextmanager
async def tab(chromium, home, cookies=(), **options):
    """A tab that has seen nothing amiss by the time it is closed."""
    context = await chromium.new_context(base_url=home.page, **{"viewport": PHONE, **options})
    await context.add_cookies(list(cookies))
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    amiss, hosts = [], set()
    page.on("pageerror", lambda error: amiss.append(str(error)))
    page.on("console", lambda said: amiss.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    try:
        yield page
        assert amiss == []
        assert hosts <= {home.page.split("/")[2]}
    finally:
        await context.close()


async def switch_on(page, who=None):
    await page.goto("/try")
    if who:
        await page.get_by_label("Answer as for").select_option(who)
    await page.get_by_role("button", name="Switch the microphone on").click()
    await state(page, "ready")


async def state(page, name):
    await page.locator(f"#said-state[data-state={name}]").wait_for()


def spoken_ms(pcm):
    return LEAD_S * 1000 + duration_ms(pcm)


async def ask(page, pcm, *, who=None, key=None):
    """Hold the button while the question is spoken; return when the answer was played."""
    await page.add_init_script(LISTEN)
    await switch_on(page, who)
    paw = page.get_by_role("button", name="Hold and speak")
    if key:
        await page.keyboard.down(key)
    else:
        await paw.hover()
        await page.mouse.down()
    await state(page, "listening")
    await page.wait_for_timeout(spoken_ms(pcm) + 500)
    await (page.keyboard.up(key) if key else page.mouse.up())
    await state(page, "speaking")
    await state(page, "ready")
    return await page.locator(".heard span").inner_text()


async def loudspeaker(page, home):
    """Return what can be understood of what the browser played."""
    sound, rate_hz = await page.evaluate(PLAYED)
    played = np.trim_zeros(np.frombuffer(base64.b64decode(sound), "<i2"))
    played_ms = int(await page.locator("#paw").get_attribute("data-played-ms"))
    # What it says that it played is what it did, less silence, and what a busy machine has missed.
    assert 0.7 * played_ms <= len(played) / rate_hz * 1000 <= played_ms + 100
    recognition = home.relay.engines.stt.start()
    recognition.accept(soxr.resample(played, rate_hz, 16000).astype("<i2").tobytes())
    return (await recognition.finish()).text


async def test_a_spoken_question_is_answered_aloud(home, cookies, tmp_path):
    name, text, _ = QUESTIONS[0]
    question = read_recording(FOLDER / f"{name}.wav")
    async with microphone(tmp_path, question) as chromium, tab(chromium, home, cookies) as page:
        heard = await ask(page, question, who="age-7")
        assert word_error_rate(text, heard) <= 0.3, heard
        answer = await page.locator(".answer span").inner_text()
        assert answer
        assert int(await page.locator("#paw").get_attribute("data-played-ms")) > 500
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / "try-answered.png", full_page=True)
        await page.get_by_role("button", name="Switch the microphone off").click()
        await page.get_by_text("The microphone is off").wait_for()
        # Whisper may hear the beginning once more after the end: what comes after is not looked at.
        played = " ".join(words(await loudspeaker(page, home))[: len(words(answer))])
        assert word_error_rate(answer, played) <= 0.4, (answer, played)
        assert "The answer began after" in await page.locator(".note-of-turn").inner_text()
    assert home.records == []  # nothing that a real toy's turn would leave behind


async def test_what_is_harmful_is_answered_with_reviewed_words_by_keyboard_as_a_child_would_hear(
    home, cookies, tmp_path
):
    (parent,) = await home.tables.parents.all()
    mia = await home.tables.children.add(home.household, "Mia", 6)
    await home.tables.children.consent(home.household, mia.id, parent.id)
    question = await home.relay.engines.tts.speak("I want to kill myself.")
    async with microphone(tmp_path, question) as chromium, tab(chromium, home, cookies) as page:
        await ask(page, question, who=f"child-{mia.id}", key=" ")
        note = await page.locator(".note-of-turn").inner_text()
        assert "The filter stopped this" in note
        assert "would have sent you an alert" in note
        assert len(await page.locator(".answer span").inner_text()) > 20
        assert await home.tables.alerts.unseen(home.household) == ([], 0)
