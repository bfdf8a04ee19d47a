"""One relay with real engines for all tests here, and a way to hear what came out of a speaker."""

import contextlib

import pytest
import pytest_asyncio

from relay.audio import pcm_of
from tools.bench.speech import word_error_rate
from tools.talk.home import open_home
from tools.virtual_toy import VirtualToy

READY_S = 40  # a busy machine starts MicroPython and joins the Wi-Fi slowly


def pytest_collection_modifyitems(items):
    for item in items:
        if "end_to_end" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"))
            item.add_marker(pytest.mark.timeout(300))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home():
    async with open_home(limits={"turns_per_minute": 600}) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def toy(home):
    """A toy of its own, connected and ready."""
    async with paired_toy(home) as ready:
        yield ready


@contextlib.asynccontextmanager
async def paired_toy(home, *, age=7, **options):
    token = await home.pair(name=f"toy {len(await home.relay.store.toys())}", age=age)
    async with VirtualToy(relay_url=home.url, token=token, age=age, **options) as toy:
        await toy.wait_until_ready(READY_S)
        yield toy


async def transcribe(home, samples):
    """What a person hears in a reply: Whisper's transcript of it, in pieces that end in silence."""
    recognition = home.relay.engines.stt.start()
    recognition.accept(pcm_of(samples))
    return (await recognition.finish()).text


async def assert_says(home, reply, sentences, at_most=0.4):
    """Assert that the speaker said these sentences; `at_most` is a word error rate."""
    said = " ".join(sentences)
    heard = await transcribe(home, reply.speech)
    error_rate = word_error_rate(said, heard)
    assert error_rate <= at_most, f"{error_rate:.2f}: said {said!r}, heard {heard!r}"
