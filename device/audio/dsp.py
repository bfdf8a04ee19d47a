# ruff: noqa: F821  viper's types (ptr8, ptr16) are names only the MicroPython compiler knows
"""Work on samples and bytes in viper, MicroPython's native code: in place, without allocation.

Each function has a plain twin in tools/bench/on_micropython/dsp_reference.py, with what it does in
full; tests hold both equal. Samples are signed 16 bit, little-endian, 16 kHz mono unless said
otherwise. Buffers of samples must start at an even address (Xtensa cannot load across one).

Two rules keep the code right on 32-bit chips and on the 64-bit unix port: no `ptr32`, whose loads
are zero-extended where an int has 64 bits, and no literal of 2^31 or more (ViperTypeError on 32
bit). A 16-bit load is made signed by `(x ^ 0x8000) - 0x8000`.
"""

import micropython

from device.audio.adpcm_steps import STEP_SIZES


@micropython.viper
def mask(buffer: ptr8, start: int, length: int, key: ptr8, phase: int):
    """XOR `length` bytes from `start` with the 4-byte `key`, beginning at byte `phase` of it."""
    for index in range(length):
        buffer[start + index] = buffer[start + index] ^ key[(phase + index) & 3]


@micropython.viper
def microphone_to_pcm(source: ptr16, target: ptr16, samples: int, shift: int, state: ptr16):
    """Turn 32-bit microphone words into samples: shift right by 8 to 16, remove DC, clip.

    `state` is a bytearray(4) of zeros, kept from call to call.
    """
    level = (((int(state[1]) ^ 0x8000) - 0x8000) << 16) + int(state[0])
    for index in range(samples):
        low = int(source[2 * index])
        high = (int(source[2 * index + 1]) ^ 0x8000) - 0x8000
        value = (high << (16 - shift)) + (low >> shift)
        value -= level >> 7
        level += value
        if value > 32767:
            value = 32767
        elif value < -32768:
            value = -32768
        target[index] = value
    state[0] = level
    state[1] = level >> 16


@micropython.viper
def to_stereo_with_volume(source: ptr16, target: ptr16, samples: int, volume: int):
    """Write each sample twice, left and right, times `volume` / 32768; `volume` is 0 to 32768."""
    for index in range(samples):
        value = (((int(source[index]) ^ 0x8000) - 0x8000) * volume) >> 15
        target[2 * index] = value
        target[2 * index + 1] = value


@micropython.viper
def adpcm_encode(source: ptr16, target: ptr8, samples: int, state: ptr8):
    """Encode an even number of samples to IMA ADPCM: 4 bytes of state, then `samples` / 2 bytes.

    `state` is a bytearray(4) of zeros at the start of a stream, kept from call to call.
    """
    steps = ptr16(STEP_SIZES)
    predicted = ((int(state[0]) | (int(state[1]) << 8)) ^ 0x8000) - 0x8000
    step_index = int(state[2])
    for index in range(4):
        target[index] = state[index]
    for index in range(samples):
        step = int(steps[step_index])
        difference = ((int(source[index]) ^ 0x8000) - 0x8000) - predicted
        code = 0
        if difference < 0:
            code = 8
            difference = -difference
        change = step >> 3
        if difference >= step:
            code |= 4
            difference -= step
            change += step
        if difference >= step >> 1:
            code |= 2
            difference -= step >> 1
            change += step >> 1
        if difference >= step >> 2:
            code |= 1
            change += step >> 2
        if code & 8:
            predicted -= change
            if predicted < -32768:
                predicted = -32768
        else:
            predicted += change
            if predicted > 32767:
                predicted = 32767
        if code & 4:
            step_index += ((code & 3) << 1) + 2
            if step_index > 88:
                step_index = 88
        elif step_index > 0:
            step_index -= 1
        if index & 1:
            target[4 + (index >> 1)] = int(target[4 + (index >> 1)]) | code
        else:
            target[4 + (index >> 1)] = code << 4
    state[0] = predicted
    state[1] = predicted >> 8
    state[2] = step_index
    state[3] = 0


@micropython.viper
def adpcm_decode(source: ptr8, target: ptr16, samples: int):
    """Decode what `adpcm_encode` wrote: 4 bytes of state and `samples` / 2 bytes, into samples."""
    steps = ptr16(STEP_SIZES)
    predicted = ((int(source[0]) | (int(source[1]) << 8)) ^ 0x8000) - 0x8000
    step_index = int(source[2])
    if step_index > 88:
        step_index = 88
    for index in range(samples):
        code = int(source[4 + (index >> 1)])
        if index & 1:
            code &= 15
        else:
            code >>= 4
        step = int(steps[step_index])
        change = step >> 3
        if code & 4:
            change += step
        if code & 2:
            change += step >> 1
        if code & 1:
            change += step >> 2
        if code & 8:
            predicted -= change
            if predicted < -32768:
                predicted = -32768
        else:
            predicted += change
            if predicted > 32767:
                predicted = 32767
        if code & 4:
            step_index += ((code & 3) << 1) + 2
            if step_index > 88:
                step_index = 88
        elif step_index > 0:
            step_index -= 1
        target[index] = predicted
