"""Times the viper functions of device/audio/dsp.py and their plain twins; runs on MicroPython.

micropython dsp_timing.py ROUNDS

Prints "NAME VIPER_US PLAIN_US" for each: microseconds a call, on one 20 ms frame.
"""

import sys
import time

from device.audio import dsp
from device.protocol import ADPCM_FRAME_BYTES, PCM_FRAME_BYTES, SAMPLES_PER_FRAME
from tools.bench.on_micropython import dsp_reference as reference

WORDS = bytearray(b"\x00\x12\xe4\x03\x00\x7a\x1b\xfc" * (SAMPLES_PER_FRAME // 2))
PCM = bytearray(b"\x39\x05\xc7\xfa\x40\x1f\xc0\xe0" * (SAMPLES_PER_FRAME // 4))
CODED = bytearray(b"\x00\x00\x20\x00" + b"\x37\xa1" * (SAMPLES_PER_FRAME // 4))
STEREO = bytearray(4 * SAMPLES_PER_FRAME)
STATE = bytearray(4)
KEY = b"\x12\x34\x56\x78"

CALLS = (
    ("mask", (bytearray(PCM_FRAME_BYTES), 0, PCM_FRAME_BYTES, KEY, 0)),
    ("microphone_to_pcm", (WORDS, bytearray(PCM_FRAME_BYTES), SAMPLES_PER_FRAME, 12, STATE)),
    ("to_stereo_with_volume", (PCM, STEREO, SAMPLES_PER_FRAME, 20000)),
    ("adpcm_encode", (PCM, bytearray(ADPCM_FRAME_BYTES), SAMPLES_PER_FRAME, bytearray(4))),
    ("adpcm_decode", (CODED, bytearray(PCM_FRAME_BYTES), SAMPLES_PER_FRAME)),
)


def time_us(function, arguments, rounds):
    """Return the microseconds of the fastest of `rounds` batches of ten calls, for one call."""
    best = 0
    for _ in range(rounds):
        started = time.ticks_us()
        for _ in range(10):
            function(*arguments)
        took = time.ticks_diff(time.ticks_us(), started) / 10
        best = min(best, took) if best else took
    return best


rounds = int(sys.argv[1])
for name, arguments in CALLS:
    viper_us = time_us(getattr(dsp, name), arguments, rounds)
    plain_us = time_us(getattr(reference, name), arguments, rounds)
    print(name, viper_us, plain_us)
