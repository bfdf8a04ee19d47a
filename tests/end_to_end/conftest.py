"""One relay with real engines for all tests here, and a way to hear what came out of a speaker."""

import contextlib

import pytest
import pytest_asyncio

from relay.audio import pcm_of
from relay.record import Outcome
from relay.safety.verdict import Action
from tools.bench.speech import word_errors, words
from tools.talk.home import open_home
from tools.virtual_toy import VirtualToy

# For `pytestmark`: the relay lives in the session's event loop, so the tests have to run there too.
IN_THE_HOUSE = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
SHORT_ANSWERS = {"max_tokens": 40, "temperature": 0}  # keeps the tests quick, and alike
READY_S = 40  # a busy machine starts MicroPython and joins the Wi-Fi slowly


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def home():
    async with open_home(
        listen={"tls": True}, limits={"turns_per_minute": 600}, llm=SHORT_ANSWERS
    ) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def toy(home):
    """A toy of its own, connected and ready."""
    async with paired_toy(home) as ready:
        yield ready


@contextlib.asynccontextmanager
async def paired_toy(home, *, age=7, **options):
    token = await home.pair(name=f"toy {len(await home.relay.store.toys())}", age=age)
    options = {"relay_certificate": home.certificate, **options}
    async with VirtualToy(relay_url=home.url, token=token, age=age, **options) as toy:
        await toy.wait_until_ready(READY_S)
        yield toy


async def transcribe(home, samples):
    """What a person hears in a reply: Whisper's transcript of it, in pieces that end in silence."""
    recognition = home.relay.engines.stt.start()
    recognition.accept(pcm_of(samples))
    return (await recognition.finish()).text


async def assert_says(home, reply, sentences):
    """Assert that these sentences can be understood from what the speaker played.

    Whisper misses a word of espeak-ng's voice here and there: two of them, and three in ten of a
    long reply, are forgiven.
    """
    said = " ".join(sentences)
    heard = await transcribe(home, reply.speech)
    assert word_errors(said, heard) <= 2 + 0.3 * len(words(said)), f"{said!r}, heard {heard!r}"


def assert_answered(record):
    """Assert that the model was asked. What a small model says may be stopped; then, and only
    then, reviewed words are spoken in its place.
    """
    assert record.verdicts[0].action is Action.ALLOW, record.verdicts[0]
    stopped = any(verdict.action is not Action.ALLOW for verdict in record.verdicts)
    assert record.outcome is (Outcome.REVIEWED if stopped else Outcome.ANSWERED), record
