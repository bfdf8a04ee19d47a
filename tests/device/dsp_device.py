"""The viper functions equal their plain twins, over random and extreme input."""

import random
import struct

from device.audio import dsp
from tests.device.check import equal
from tools.bench.on_micropython import dsp_reference as reference

FRAME = 320
EDGES_16 = (-32768, -32767, -1, 0, 1, 255, 256, 32766, 32767)
EDGES_32 = (-(2**31), -(2**31) + 1, -65536, -32769, -256, -1, 0, 1, 255, 32768, 65535, 2**31 - 1)


def random_bytes(size):
    return bytearray(random.getrandbits(8) for _ in range(size))


def edge_samples(edges, letter, count):
    return bytearray(
        struct.pack(f"<{count}{letter}", *(random.choice(edges) for _ in range(count)))
    )


def inputs(edges, letter, width):
    """Random, extreme, silent and loudest input of one frame."""
    for _ in range(8):
        yield random_bytes(width * FRAME)
        yield edge_samples(edges, letter, FRAME)
    yield bytearray(width * FRAME)
    for edge in edges:
        yield edge_samples((edge,), letter, FRAME)


def test_mask():
    random.seed(1)
    for length in (0, 1, 2, 3, 4, 5, 125, 644):
        for start in (0, 6, 8, 14):
            for phase in (0, 1, 2, 3, 1016):
                one = random_bytes(start + length + 3)
                two = bytearray(one)
                key = bytes(random_bytes(4))
                dsp.mask(one, start, length, key, phase)
                reference.mask(two, start, length, key, phase)
                equal(one, two, f"length {length} start {start} phase {phase}")


def test_microphone_to_pcm():
    random.seed(2)
    for shift in range(8, 17):
        state_one, state_two = bytearray(4), bytearray(4)
        for source in inputs(EDGES_32, "i", 4):
            one, two = bytearray(2 * FRAME), bytearray(2 * FRAME)
            dsp.microphone_to_pcm(source, one, FRAME, shift, state_one)
            reference.microphone_to_pcm(source, two, FRAME, shift, state_two)
            equal(one, two, f"shift {shift}")
            equal(state_one, state_two, f"state at shift {shift}")


def test_microphone_clips_instead_of_wrapping():
    for word, expected in ((2**31 - 1, 32767), (-(2**31), -32768)):
        pcm = bytearray(2)
        dsp.microphone_to_pcm(struct.pack("<i", word), pcm, 1, 12, bytearray(4))
        equal(struct.unpack("<h", pcm)[0], expected)


def test_to_stereo_with_volume():
    random.seed(3)
    for volume in (0, 1, 77, 16384, 32767, 32768):
        for source in inputs(EDGES_16, "h", 2):
            one, two = bytearray(4 * FRAME), bytearray(4 * FRAME)
            dsp.to_stereo_with_volume(source, one, FRAME, volume)
            reference.to_stereo_with_volume(source, two, FRAME, volume)
            equal(one, two, f"volume {volume}")


def test_full_volume_changes_nothing():
    source = edge_samples(EDGES_16, "h", FRAME)
    stereo = bytearray(4 * FRAME)
    dsp.to_stereo_with_volume(source, stereo, FRAME, 32768)
    for index in range(FRAME):
        sample = bytes(source[2 * index : 2 * index + 2])
        equal(bytes(stereo[4 * index : 4 * index + 4]), sample + sample, f"sample {index}")


def test_adpcm_encode():
    random.seed(5)
    state_one, state_two = bytearray(4), bytearray(4)
    for source in inputs(EDGES_16, "h", 2):
        one, two = bytearray(4 + FRAME // 2), random_bytes(4 + FRAME // 2)
        dsp.adpcm_encode(source, one, FRAME, state_one)
        reference.adpcm_encode(source, two, FRAME, state_two)
        equal(one, two)
        equal(state_one, state_two, "state")


def test_adpcm_decode():
    random.seed(6)
    for _ in range(40):  # every byte random, so also step indices beyond the table
        source = random_bytes(4 + FRAME // 2)
        one, two = bytearray(2 * FRAME), bytearray(2 * FRAME)
        dsp.adpcm_decode(source, one, FRAME)
        reference.adpcm_decode(source, two, FRAME)
        equal(one, two, f"state {bytes(source[:4])}")


def test_slices_of_a_frame_work_in_place():
    """As the firmware calls it: the samples lie behind a header, seen through a memoryview."""
    frame = random_bytes(4 + 2 * FRAME)
    view = memoryview(frame)[4:]
    coded = bytearray(4 + 4 + FRAME // 2)
    dsp.adpcm_encode(view, memoryview(coded)[4:], FRAME, bytearray(4))
    equal(bytes(coded[:4]), bytes(4))
    pcm = bytearray(2 * FRAME)
    reference.adpcm_decode(memoryview(coded)[4:], pcm, FRAME)
    dsp.adpcm_decode(memoryview(coded)[4:], view, FRAME)
    equal(bytes(frame[4:]), bytes(pcm))


def test_frames_are_worked_on_without_allocation():
    import gc

    source, mono, stereo = bytearray(4 * FRAME), bytearray(2 * FRAME), bytearray(4 * FRAME)
    coded, state, dc = bytearray(4 + FRAME // 2), bytearray(4), bytearray(4)
    gc.collect()
    before = gc.mem_alloc()
    dsp.microphone_to_pcm(source, mono, FRAME, 12, dc)
    dsp.adpcm_encode(mono, coded, FRAME, state)
    dsp.adpcm_decode(coded, mono, FRAME)
    dsp.to_stereo_with_volume(mono, stereo, FRAME, 32768)
    dsp.mask(coded, 4, FRAME // 2, state, 0)
    after = gc.mem_alloc()
    equal(after - before < 64, True, f"allocated {after - before} bytes")
