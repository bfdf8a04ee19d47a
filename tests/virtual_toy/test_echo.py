"""What goes into the microphone comes out of the speaker: a virtual toy with an echo in it."""

import asyncio

import numpy as np
import pytest

from tests.virtual_toy.small_firmware import ECHO, write_firmware
from tools.virtual_toy import Look, ToyTimeoutError, VirtualToy

RATE = 16000
QUIET = {"microphone": {"shift": 11, "noise": 0, "offset": 0, "junk_ms": 300}}
NOWHERE = "ws://127.0.0.1:9/toy"


def chirp(seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (9000 * np.sin(2 * np.pi * (200 + 400 * time) * time)).astype(np.int16)


def holds(sound: np.ndarray, part: np.ndarray) -> bool:
    """Tell whether `part` is in `sound`, sample by sample."""
    start = int(np.correlate(sound.astype(float), part.astype(float), "valid").argmax())
    return np.array_equal(sound[start : start + len(part)], part)


@pytest.fixture
async def echo(tmp_path):
    firmware = write_firmware(tmp_path / "firmware", ECHO)
    toy = VirtualToy(relay_url=NOWHERE, token="t", firmware=firmware, heap="8M", world=QUIET)
    async with toy:
        await toy.wait_until_ready(30)
        yield toy


async def test_a_question_comes_back_unharmed(echo):
    question = chirp()
    reply = await echo.ask(question)
    assert reply.answered
    assert reply.looks == (Look.LISTENING, Look.THINKING, Look.SPEAKING, Look.IDLE)
    assert holds(reply.pcm, question)
    assert not reply.gaps_ms
    assert abs(reply.duration_ms - 1000) < 60


async def test_the_times_of_a_turn_are_in_order(echo):
    reply = await echo.ask(chirp(0.5), hold_extra_ms=150)
    assert reply.pressed_at < reply.last_voiced_at < reply.released_at
    assert reply.released_at - reply.last_voiced_at >= 0.149
    assert reply.released_at < reply.first_earcon_at == reply.first_sample_at
    # 120 ms of earcon, then a pause that only the simulated firmware makes, then speech
    assert reply.first_speech_at - reply.first_earcon_at >= 0.3
    assert reply.first_speech_at < reply.ended_at
    assert reply.voice_to_voice_ms > reply.first_sound_ms > 0


async def test_live_sound_is_heard_too(echo):
    question = chirp(0.6)
    echo.press()
    await echo.wait_for_look(Look.LISTENING, timeout_s=10)
    for start in range(0, len(question), 320):
        echo.feed(question[start : start + 320])
    heard_at = echo.events[-1].at
    await asyncio.sleep(1)
    echo.release()
    await echo.wait_for_look(Look.SPEAKING, timeout_s=10)
    await echo.wait_until_ready(20)
    heard = echo.speaker.between(heard_at, echo.speaker.end)
    assert holds(heard, question)


async def test_a_toy_that_never_gets_there_times_out(echo):
    with pytest.raises(ToyTimeoutError, match="it shows idle"):
        await echo.wait_for_look(Look.ERROR, timeout_s=0.2)


async def test_the_sound_is_handed_on_while_it_plays(tmp_path):
    pieces = []
    firmware = write_firmware(tmp_path / "firmware", ECHO)
    toy = VirtualToy(
        relay_url=NOWHERE,
        token="t",
        firmware=firmware,
        heap="8M",
        on_sound=lambda at, samples: pieces.append((at, len(samples))),
    )
    async with toy:
        await toy.wait_until_ready(30)
        reply = await toy.ask(chirp(0.3))
    assert reply.answered
    assert sum(length for _, length in pieces) >= 1920 + 0.3 * RATE
    assert pieces == sorted(pieces)
