"""What an INMP441 microphone puts into DMA memory: 24 bits at the top of a 32-bit word.

The sound comes from the host's file, 16-bit samples at 16 kHz, and is brought to the level at which
the firmware's shift gives it back. Noise, an offset and the rubbish of the first moments are added,
as the part has them. Viper, because this runs for every sample.
"""

from array import array

import _host

RATE_HZ = 16000
_settings = array("i", [0, 0, 0, 0, 0, 1])
SHIFT, NOISE, OFFSET, JUNK, STRIDE, RANDOM = range(6)


def hear(buffer, frames, i2s):
    """Fill `buffer` with `frames` frames of `i2s`, the first at its position."""
    # The file's 16-bit samples go to the end of the room and are spread from the front. With 16-bit
    # frames there is no room to spread in: they are made in a buffer of their own.
    space = buffer if i2s._bits == 32 else memoryview(bytearray(frames * 4 * i2s._channels))
    source = space[frames * (4 * i2s._channels - 2) : frames * 4 * i2s._channels]
    _listen(source, frames, i2s)
    microphone = _host.world["microphone"]
    junk = microphone["junk_ms"] * i2s._rate // 1000 - i2s._position
    _settings[SHIFT] = microphone["shift"]
    _settings[NOISE] = microphone["noise"]
    # biased, because 64-bit ports load 32-bit words without their sign
    _settings[OFFSET] = microphone["offset"] + 0x8000
    _settings[JUNK] = max(0, min(junk, frames))
    _settings[STRIDE] = i2s._channels
    _spread(space, source, frames, _settings)
    if i2s._bits == 16:
        for index in range(frames * i2s._channels):
            buffer[2 * index : 2 * index + 2] = space[4 * index + 2 : 4 * index + 4]


def _listen(target, frames, i2s):
    """Read the sound that reaches the microphone at these frames into `target`, else silence."""
    start_us, file = _host.sound
    filled = 0
    if file is not None:
        ahead_us = start_us - i2s._started_us
        first = i2s._position - (ahead_us * RATE_HZ + 500000) // 1000000
        skip = max(0, -first)
        if skip < frames:
            _clear(target, 0, skip * 2)
            file.seek(max(0, first) * 2)
            filled = skip * 2 + (file.readinto(target[skip * 2 :]) or 0)
    _clear(target, filled, frames * 2)


@micropython.viper  # noqa: F821
def _clear(target: ptr8, start: int, end: int):  # noqa: F821
    while start < end:
        target[start] = 0
        start += 1


@micropython.viper  # noqa: F821
def _spread(words: ptr32, samples: ptr16, frames: int, settings: ptr32):  # noqa: F821
    """Turn 16-bit samples at the end of `words` into microphone words, from the front on."""
    shift = settings[0]
    noise = settings[1]
    offset = settings[2] - 0x8000
    junk = settings[3]
    stride = settings[4]
    random = settings[5]
    index = 0
    while index < frames:
        sample = (int(samples[index]) ^ 0x8000) - 0x8000
        random = (random * 1103515245 + 12345) & 0x3FFFFFFF
        if index < junk:
            # clock start: the part's filters swing wildly
            sample = (random >> 14) - 0x8000
        elif noise > 0:
            sample += (random >> 12) % (2 * noise + 1) - noise
        words[index * stride] = (sample + offset) << shift
        if stride == 2:
            words[index * 2 + 1] = 0  # nobody drives the right slot
        index += 1
    settings[5] = random
