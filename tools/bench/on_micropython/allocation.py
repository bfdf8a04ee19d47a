"""Counts the bytes of heap that one frame of sound costs the firmware; runs on MicroPython.

micropython allocation.py FRAMES

Prints "PATH BYTES ASYNCIO_BYTES" for each way a frame takes: what the firmware's code takes for a
frame, all in all, and what the event loop alone takes for the same waiting. The hardware and the
socket are stand-ins that take nothing.
"""

import asyncio
import gc
import io
import sys


class Wire(io.IOBase):
    """A stream that is always ready for one more frame: gives zeros, takes everything."""

    RX = TX = MONO = STEREO = 0

    def __init__(self, *arguments, **keywords):
        self.moves = 0
        self.source = None  # bytes to give, over and over; None: leave the buffer as it is
        self.position = 0

    def ioctl(self, request, flags):
        """Be ready."""
        return flags if request == 3 else 0

    def readinto(self, buffer):
        """Give the next bytes."""
        self.moves += 1
        if self.source is None:
            return len(buffer)
        count = min(len(buffer), len(self.source) - self.position)
        for index in range(count):
            buffer[index] = self.source[self.position + index]
        self.position = (self.position + count) % len(self.source)
        return count

    def write(self, buffer, start=0, length=None):
        """Take everything."""
        self.moves += 1
        return len(buffer) - start if length is None else length

    def close(self):
        """Do nothing."""


class Machine:
    """Stands for the module machine."""

    I2S = Wire

    @staticmethod
    def Pin(*arguments):
        """Return nothing: there is no pin."""


sys.modules["machine"] = Machine

from device.audio.microphone import Microphone  # noqa: E402
from device.audio.ring import FrameRing  # noqa: E402
from device.audio.speaker import Speaker, SpeakerPort  # noqa: E402
from device.boards import Esp32DevKit  # noqa: E402
from device.outbox import Outbox  # noqa: E402
from device.protocol import (  # noqa: E402
    ADPCM_FRAME_BYTES,
    AUDIO_HEADER_BYTES,
    SAMPLES_PER_FRAME,
    Mode,
)
from device.websocket.connection import WebSocket  # noqa: E402

FRAMES = int(sys.argv[1])
PAYLOAD = bytes(ADPCM_FRAME_BYTES)
WARM_UP = 50  # frames: rings fill, the event loop's queues grow to their size


async def weigh(work, frames_done):
    """Return the bytes for each frame that the coroutine `work` moves."""
    task = asyncio.create_task(work)
    while frames_done() < WARM_UP:
        await asyncio.sleep_ms(0)
    gc.collect()
    gc.disable()
    first, before = frames_done(), gc.mem_alloc()
    while frames_done() < first + FRAMES:
        await asyncio.sleep_ms(0)
    used = (gc.mem_alloc() - before) / (frames_done() - first)
    gc.enable()
    task.cancel()
    return used


class Sink:
    """Takes the microphone's frames and forgets them."""

    recording = True

    def __init__(self):
        self.frames = 0

    def take(self, _pcm):
        """Take a frame."""
        self.frames += 1
        return True


async def bare_reads(wire, buffer):
    """Read as asyncio does, and nothing else."""
    stream = asyncio.StreamReader(wire)
    while True:
        await stream.readinto(buffer)


async def bare_writes(wire, buffer):
    """Write as asyncio does, and nothing else."""
    stream = asyncio.StreamWriter(wire, {})
    while True:
        stream.out_buf = buffer
        await stream.drain()


async def microphone():
    """From the I2S to the ring."""
    sink = Sink()
    made = Microphone(Esp32DevKit, sink)
    whole = await weigh(made.run(), lambda: sink.frames)
    wire = Wire()
    bare = await weigh(bare_reads(wire, bytearray(4 * SAMPLES_PER_FRAME)), lambda: wire.moves)
    return whole, bare


async def speaker():
    """From the ring to the I2S."""
    made = Speaker(SpeakerPort(Esp32DevKit), None)
    made.start(0)

    def fill():
        slot = made.slot()
        if slot is not None:
            slot[:] = PAYLOAD
            made.commit()
        return made._frames_played

    whole = await weigh(made.run(), fill)
    wire = Wire()
    bare = await weigh(bare_writes(wire, bytearray(4 * SAMPLES_PER_FRAME)), lambda: wire.moves)
    return whole, bare


async def send():
    """From the ring to the socket, as the relay's next frame."""
    ring = FrameRing(25, ADPCM_FRAME_BYTES)
    outbox = Outbox(lambda: False, ring)
    outbox.begin(1)
    outbox.announce(Mode.HOLD)
    pcm = bytes(2 * SAMPLES_PER_FRAME)
    websocket = WebSocket(asyncio.StreamReader(Wire()), 4096, 1024)

    def fill():
        outbox.take(pcm)
        return outbox._sent_frames

    whole = await weigh(outbox.run(websocket), fill)
    woken, wake = [0], asyncio.Event()

    async def bare_waits():
        while True:
            wake.clear()
            await wake.wait()
            woken[0] += 1

    def rouse():
        wake.set()
        return woken[0]

    return whole, await weigh(bare_waits(), rouse)


async def receive():
    """From the socket to a message: the toy's reader, without what the toy does with it."""
    wire = Wire()
    length = AUDIO_HEADER_BYTES + ADPCM_FRAME_BYTES
    wire.source = bytes([0x82, 126, length >> 8, length & 255]) + bytes(length)
    websocket = WebSocket(asyncio.StreamReader(wire), 4096, 1024)
    frames = [0]

    async def read():
        while True:
            if websocket.receive_now() is None:
                await websocket.receive()
            frames[0] += 1

    whole = await weigh(read(), lambda: frames[0])
    bare_wire = Wire()
    # Of EAGER_READS reads one goes through the event loop.
    bare = await weigh(bare_reads(bare_wire, bytearray(length)), lambda: bare_wire.moves)
    return whole, bare


async def main():
    """Weigh every way."""
    for name, path in (
        ("microphone_to_ring", microphone),
        ("ring_to_socket", send),
        ("socket_to_message", receive),
        ("ring_to_speaker", speaker),
    ):
        whole, bare = await path()
        print(name, whole, bare)


asyncio.run(main())
