"""The ring of frames and the earcons: bytes in, the same bytes out, and no clicks."""

import gc
from array import array

from device.audio.earcon import Earcon, EarconPlayer
from device.audio.ring import FrameRing
from device.backoff import random_below
from device.protocol import RATE_HZ, SAMPLES_PER_FRAME
from tests.device.check import equal, raises


def duration_ms(earcon):
    """Return how long an earcon sounds."""
    return sum(note[1] for note in earcon)


def test_ring_is_first_in_first_out_over_any_order():
    ring = FrameRing(5, 4)
    expected = []
    written = 0
    for _ in range(3000):
        if random_below(2):
            slot = ring.free_slot()
            equal(slot is None, len(expected) == ring.slots)
            if slot is not None:
                for index in range(4):
                    slot[index] = (written + index) & 0xFF
                ring.commit()
                expected.append(bytes(slot))
                written += 1
        elif expected:
            equal(bytes(ring.front()), expected.pop(0))
            ring.pop()
        else:
            equal(ring.front(), None)
        equal(len(ring), len(expected))


def test_ring_refuses_too_much_and_too_little():
    ring = FrameRing(2, 4)
    raises(IndexError, ring.pop)
    ring.commit()
    ring.commit()
    raises(IndexError, ring.commit)
    ring.clear()
    equal((len(ring), ring.front()), (0, None))


def test_ring_allocates_nothing():
    ring = FrameRing(5, 640)

    def pass_frames():
        for _ in range(20):
            ring.free_slot()
            ring.commit()
            ring.front()
            ring.pop()

    pass_frames()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    pass_frames()
    used = gc.mem_alloc() - before
    gc.enable()
    equal(used, 0, "bytes allocated by 20 frames")


def samples_of(earcon):
    player = EarconPlayer()
    player.start(earcon)
    frame = array("h", bytes(SAMPLES_PER_FRAME * 2))
    samples = []
    while player.sounding:
        player.fill(frame, SAMPLES_PER_FRAME)
        samples.extend(frame)
        assert len(samples) < RATE_HZ * 3, "it never ends"
    return samples


def test_earcons_are_as_long_as_they_say_and_loud_enough():
    for earcon in (Earcon.LISTENING, Earcon.HEARD, Earcon.SORRY, Earcon.AWAY, Earcon.CHIRP):
        samples = samples_of(earcon)
        last = max(index for index in range(len(samples)) if samples[index])
        assert abs(last * 1000 // RATE_HZ - duration_ms(earcon)) <= 20, earcon
        assert 4000 < max(samples) < 16000, max(samples)


def test_the_heard_earcon_is_short_and_begins_at_once():
    assert duration_ms(Earcon.HEARD) <= 150
    first = samples_of(Earcon.HEARD)[: RATE_HZ * 20 // 1000]
    assert max(first) > 2000, "the first 20 ms are to be heard"


def test_earcons_do_not_click():
    # The slope of the highest note, 1568 Hz, and one step of the table of 64: 5541 + 883.
    steepest = 6500
    for earcon in (Earcon.LISTENING, Earcon.HEARD, Earcon.SORRY, Earcon.AWAY, Earcon.CHIRP):
        samples = samples_of(earcon)
        samples.append(0)
        before = 0
        for after in samples:
            assert abs(after - before) <= steepest, (earcon, before, after)
            before = after


def test_a_stopped_earcon_is_silent():
    player = EarconPlayer()
    player.start(Earcon.SORRY)
    frame = array("h", bytes(SAMPLES_PER_FRAME * 2))
    player.fill(frame, SAMPLES_PER_FRAME)
    player.stop()
    equal(player.sounding, False)
    player.fill(frame, SAMPLES_PER_FRAME)
    equal(max(frame), 0)
