"""Runs on the board, with main.py stopped: speaker and microphone, through the firmware's own code.

Prints one line of JSON: drain_ms_max (None: never), junk_ms, noise_db, offset, stuck, tone_db,
image_db. Levels are dB below full scale of 16 bits, by Goertzel's algorithm over 100 ms.
"""

import asyncio
import json
import math
import time
from array import array

from machine import I2S, Pin

from device.audio.microphone import SHIFT
from device.audio.speaker import SpeakerPort
from device.boards import find_board
from device.protocol import RATE_HZ

TONE_HZ = 1050  # whole periods in 20 ms, and its mirror image none of its harmonics
IMAGE_HZ = RATE_HZ // 2 - TONE_HZ  # where adjacent samples that are swapped mirror a tone to
BLOCK = RATE_HZ // 10
FRAME = RATE_HZ // 50
DRAIN_TIMEOUT_S = 3
STEADY = 2000  # counts: how little the mean of 20 ms may be off for the start to be over


def level_db(samples, hertz):
    """Return the level of one frequency in 16-bit samples."""
    mean = sum(samples) / len(samples)
    factor = 2 * math.cos(2 * math.pi * hertz / RATE_HZ)
    one = two = 0.0
    for sample in samples:
        one, two = (sample - mean) / 32768 + factor * one - two, one
    power = (one * one + two * two - factor * one * two) / (len(samples) / 2) ** 2
    return round(10 * math.log(max(power, 1e-12)) / math.log(10), 1)


def open_microphone(board):
    """Return the microphone as the firmware opens it, reads blocking."""
    return I2S(
        board.microphone_id,
        sck=Pin(board.microphone_sck),
        ws=Pin(board.microphone_ws),
        sd=Pin(board.microphone_sd),
        mode=I2S.RX,
        bits=32,
        format=I2S.MONO,
        rate=RATE_HZ,
        ibuf=16384,
    )


def record(microphone, count):
    """Return `count` samples, 16-bit, as loud as the firmware makes them but with the offset."""
    words = array("i", bytes(4 * FRAME))
    samples = array("h")
    while len(samples) < count:
        got = microphone.readinto(words) // 4
        for n in range(got):
            samples.append(max(-32768, min(32767, words[n] >> SHIFT)))
    return samples


async def play(port, tone, seconds):
    """Play the tone; return the slowest write in ms, or None if one never came back."""
    slowest = 0
    for _ in range(seconds * 50):
        began = time.ticks_ms()
        try:
            await asyncio.wait_for(port.send(tone), DRAIN_TIMEOUT_S)
        except asyncio.TimeoutError:
            return None
        slowest = max(slowest, time.ticks_diff(time.ticks_ms(), began))
    return slowest


async def main():
    """Measure all of it."""
    board = find_board(BOARD_NAME)  # noqa: F821 - put in front of this script
    found = {}
    microphone = open_microphone(board)
    start = record(microphone, RATE_HZ // 2)
    frames = [start[n : n + FRAME] for n in range(0, len(start) - FRAME, FRAME)]
    means = [sum(frame) / len(frame) for frame in frames]
    unsteady = [n for n, mean in enumerate(means) if abs(mean - means[-1]) > STEADY]
    found["junk_ms"] = 20 * (unsteady[-1] + 1) if unsteady else 0
    quiet = record(microphone, BLOCK)
    found["offset"] = round(sum(quiet) / len(quiet))
    found["stuck"] = min(quiet) == max(quiet)
    found["noise_db"] = level_db(quiet, TONE_HZ)
    port = SpeakerPort(board)
    tone = bytearray(4 * FRAME)  # 20 ms hold a whole number of periods: no click between frames
    for n in range(FRAME):
        value = int(9000 * math.sin(2 * math.pi * TONE_HZ * n / RATE_HZ))
        tone[4 * n : 4 * n + 4] = bytes([value & 255, value >> 8 & 255]) * 2
    playing = asyncio.create_task(play(port, tone, 2))
    await asyncio.sleep_ms(500)
    # The DMA holds 128 ms: what it has now was recorded while the tone sounded.
    heard = record(microphone, BLOCK * 2)[-BLOCK:]
    found["tone_db"] = level_db(heard, TONE_HZ)
    found["image_db"] = level_db(heard, IMAGE_HZ)
    found["drain_ms_max"] = await playing
    port.close()
    microphone.deinit()
    print(json.dumps(found))


asyncio.run(main())
