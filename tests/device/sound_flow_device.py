# path: tools/virtual_toy/board
"""Sound and the event loop: neither may wait for the other.

The loop notices what is ready at ticks of 10 ms, and later when it is busy (#5994). Sound has to
flow all the same. The grain is made coarser than the board's here, so that DMA queues with too
little slack fail. A busy machine may be late by itself: one good run of a few is enough.
"""

import asyncio

import _host
import _i2s
import _wire
from utime import ticks_diff

from device.audio.microphone import Microphone
from device.audio.speaker import Speaker, SpeakerPort
from device.boards import find_board
from device.protocol import ADPCM_FRAME_BYTES, RATE_HZ
from tests.device.check import equal

RUNS = 10
REPLY_FRAMES = 20
LISTEN_MS = 600


class Ears:
    """What a Microphone hands its frames to."""

    recording = True

    def take(self, pcm):
        return True


async def holes_of_a_reply():
    """Play a reply; return how many times the DMA had run dry in the middle of it."""
    pieces = []
    send = _host.send

    def listen(kind, number=0, payload=b"", at_us=None):
        if kind == _wire.SPEAKER_DATA:
            pieces.append((at_us, len(payload) // 4))
        send(kind, number, payload, at_us)

    _host.send = listen
    played = asyncio.Event()
    speaker = Speaker(SpeakerPort(find_board()), lambda *_: played.set())
    playing = asyncio.create_task(speaker.run())
    speaker.start(prebuffer_ms=100)
    for _ in range(REPLY_FRAMES):
        speaker.slot()[:] = bytes(ADPCM_FRAME_BYTES)
        speaker.commit()
    speaker.finish()
    await played.wait()
    playing.cancel()
    speaker.close()
    _host.send = send
    equal(sum(frames for _, frames in pieces), REPLY_FRAMES * RATE_HZ // 50)
    holes = 0
    for index in range(1, len(pieces)):
        began_us, frames = pieces[index - 1]
        took_us = frames * 1000000 // RATE_HZ
        holes += ticks_diff(pieces[index][0], began_us) > took_us + 1000
    return holes


async def overruns_while_listening():
    """Listen for a while; return how many times the DMA queue overflowed."""
    microphone = Microphone(find_board(), Ears())
    reading = asyncio.create_task(microphone.run())
    lost = []
    listener = lambda kind, *_: kind == _wire.MICROPHONE_OVERRUN and lost.append(kind)  # noqa: E731
    _host.listeners.append(listener)
    await asyncio.sleep_ms(LISTEN_MS)
    assert microphone.frames_read >= 1
    reading.cancel()
    microphone.close()
    _host.listeners.remove(listener)
    return len(lost)


async def fewest(measure, grain_us):
    """Return the fewest of a few runs with the event loop noticing at every `grain_us` only."""
    _i2s.POLL_GRAIN_US = grain_us
    least = None
    for _ in range(RUNS):
        count = await measure()
        least = count if least is None else min(least, count)
        if not least:
            break
    return least


async def test_a_reply_has_no_holes():
    equal(await fewest(holes_of_a_reply, 20000), 0)


async def test_nothing_said_is_lost():
    equal(await fewest(overruns_while_listening, 60000), 0)


async def test_the_loop_goes_on_from_the_first_write():
    """It stands still while I2S is written to that has not been polled yet."""
    port = SpeakerPort(find_board())
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep_ms(5)

    ticking = asyncio.create_task(tick())
    await port.send(bytearray(4 * RATE_HZ // 2))  # half a second
    ticking.cancel()
    port.close()
    assert ticks >= 5, ticks
