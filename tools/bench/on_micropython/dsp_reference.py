"""What the viper functions of `device.audio.dsp` compute, in plain Python: the specification.

Too slow for the toy (50 to 100 times), and no part of it. Tests hold `dsp` equal to it on random
and extreme input, and hold its ADPCM equal to other implementations. Runs on MicroPython and on
CPython. The signatures are those of `dsp`; samples are signed 16 bit, little-endian.
"""

import struct

from device.audio.adpcm_steps import LAST_STEP, STEP_SIZES

_LOWEST = -32768
_HIGHEST = 32767
# The DC filter is a one-pole high-pass: its corner is 16000 Hz / (2 pi 2^7) = 20 Hz, well under a
# voice, and it settles within a few of its time constants of 2^7 samples (8 ms).
_DC_SHIFT = 7


def _clip(value):
    return max(_LOWEST, min(_HIGHEST, value))


def mask(buffer, start, length, key, phase):
    """XOR `length` bytes from `start` with the 4-byte `key`, beginning at byte `phase` of it.

    RFC 6455 section 5.3; `phase` lets a payload be masked in pieces.
    """
    for index in range(length):
        buffer[start + index] ^= key[(phase + index) & 3]


def microphone_to_pcm(source, target, samples, shift, state):
    """Turn 32-bit microphone words into samples: shift right by 8 to 16, remove DC, clip.

    An INMP441 gives 24 bits left-justified in 32; at 94 dB SPL its peak is 1642 after a shift of
    16, so that a shift of 12 amplifies by 16 (24 dB). `state` is a bytearray(4) of zeros, kept from
    call to call: the filter's level times 2^7.
    """
    (level,) = struct.unpack_from("<i", state, 0)
    for index in range(samples):
        (word,) = struct.unpack_from("<i", source, 4 * index)
        value = (word >> shift) - (level >> _DC_SHIFT)
        level += value
        struct.pack_into("<h", target, 2 * index, _clip(value))
    struct.pack_into("<i", state, 0, level)


def to_stereo_with_volume(source, target, samples, volume):
    """Write each sample twice, left and right, times `volume` / 32768; `volume` is 0 to 32768.

    Twice because the classic ESP32 swaps neighbouring samples of 16-bit mono output; equal
    neighbours are right on every chip.
    """
    for index in range(samples):
        (sample,) = struct.unpack_from("<h", source, 2 * index)
        value = (sample * volume) >> 15
        struct.pack_into("<hh", target, 4 * index, value, value)


def _next_step(step_index, code):
    """Move along the step table: up by 2, 4, 6 or 8 after large changes, down by 1 after small."""
    if code & 4:
        return min(step_index + 2 * (code & 3) + 2, LAST_STEP)
    return max(step_index - 1, 0)


def _change(step, code):
    """Return how far `code` moves the prediction: (code + 1/2) * step / 4, made of shifts."""
    change = step >> 3
    if code & 4:
        change += step
    if code & 2:
        change += step >> 1
    if code & 1:
        change += step >> 2
    return -change if code & 8 else change


def adpcm_encode(source, target, samples, state):
    """Encode an even number of samples to IMA ADPCM: 4 bytes of state, then `samples` / 2 bytes.

    The state is the one before the first sample: predictor (signed 16 bit), step index, 0. The
    first of two samples is in the high four bits. `state` is a bytearray(4) of zeros at the start
    of a stream, kept from call to call.
    """
    predicted, step_index = struct.unpack_from("<hB", state, 0)
    target[0:4] = state
    for index in range(samples):
        step = STEP_SIZES[step_index]
        (sample,) = struct.unpack_from("<h", source, 2 * index)
        difference = abs(sample - predicted)
        code = 8 if sample < predicted else 0
        for bit, part in ((4, step), (2, step >> 1), (1, step >> 2)):
            if difference >= part:
                code |= bit
                difference -= part
        predicted = _clip(predicted + _change(step, code))
        step_index = _next_step(step_index, code)
        at = 4 + index // 2
        target[at] = target[at] | code if index & 1 else code << 4
    struct.pack_into("<hBB", state, 0, predicted, step_index, 0)


def adpcm_decode(source, target, samples):
    """Decode what `adpcm_encode` wrote: 4 bytes of state and `samples` / 2 bytes, into samples.

    A step index beyond the table, which only a broken or hostile sender can make, counts as 88.
    """
    predicted, step_index = struct.unpack_from("<hB", source, 0)
    step_index = min(step_index, LAST_STEP)
    for index in range(samples):
        pair = source[4 + index // 2]
        code = pair & 15 if index & 1 else pair >> 4
        predicted = _clip(predicted + _change(STEP_SIZES[step_index], code))
        step_index = _next_step(step_index, code)
        struct.pack_into("<h", target, 2 * index, predicted)
