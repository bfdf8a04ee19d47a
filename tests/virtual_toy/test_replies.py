"""Earcon, speech, gaps and silence are told apart from light and speaker alone."""

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from device.light import LOOKS, STEADY, Look, colour_at
from tools.virtual_toy.board import _wire
from tools.virtual_toy.lights import OFF, look_of
from tools.virtual_toy.reply import compose
from tools.virtual_toy.speaker import SpeakerRecording

RATE = 16000
EARCON_S = 0.12  # device.audio.earcon.Earcon.HEARD


def stereo(seconds, value=1000):
    return np.full((round(seconds * RATE), 2), value, "<i2").tobytes()


def recording(*pieces):
    speaker = SpeakerRecording()
    for start, seconds in pieces:
        speaker.add(start, stereo(seconds))
    return speaker


def reply_of(speaker, looks, **changes):
    facts = {"pressed_at": 9.0, "released_at": 10.0, "last_voiced_at": 9.8, "interrupted_at": None}
    return compose(speaker, looks, **{**facts, "now": 20.0, **changes})


def test_an_answered_turn():
    speaker = recording((10.05, EARCON_S), (11.0, 0.5), (11.5, 0.5))
    looks = [
        (9.0, Look.LISTENING),
        (10.04, Look.THINKING),
        (10.9, Look.SPEAKING),
        (12.1, Look.IDLE),
    ]
    reply = reply_of(speaker, looks)
    assert reply.answered
    assert abs(reply.first_sound_ms - 50) < 1
    assert abs(reply.voice_to_voice_ms - 1200) < 1
    assert abs(reply.duration_ms - 1000) < 1
    assert reply.gaps_ms == ()
    assert len(reply.speech) == RATE


def test_speech_that_follows_the_earcon_at_once():
    speaker = recording((10.05, EARCON_S), (10.05 + EARCON_S, 1.0))
    looks = [
        (9.0, Look.LISTENING),
        (10.04, Look.THINKING),
        (10.1, Look.SPEAKING),
        (11.3, Look.IDLE),
    ]
    reply = reply_of(speaker, looks)
    assert abs(reply.first_speech_at - 10.17) < 0.001
    assert abs(reply.duration_ms - 1000) < 1


def test_an_earcon_with_a_hole_in_it_is_not_taken_for_speech():
    speaker = recording((10.05, 0.06), (10.15, 0.06), (11.0, 0.5))
    looks = [(10.04, Look.THINKING), (10.06, Look.SPEAKING), (11.6, Look.IDLE)]
    reply = reply_of(speaker, looks)
    assert abs(reply.first_speech_at - 11.0) < 0.001


def test_a_turn_without_words_has_only_earcons():
    speaker = recording((10.05, EARCON_S), (13.0, 0.56))
    looks = [(9.0, Look.LISTENING), (10.04, Look.THINKING), (13.0, Look.IDLE)]
    reply = reply_of(speaker, looks)
    assert not reply.answered
    assert reply.first_earcon_at is not None
    assert reply.voice_to_voice_ms is None
    assert len(reply.speech) == 0


def test_gaps_in_the_middle_count_and_later_sounds_do_not():
    speaker = recording((10.05, EARCON_S), (11.0, 0.5), (11.6, 0.5), (15.0, 0.5))
    looks = [(10.04, Look.THINKING), (10.9, Look.SPEAKING), (12.1, Look.IDLE)]
    reply = reply_of(speaker, looks)
    assert [round(gap) for gap in reply.gaps_ms] == [100]
    assert abs(reply.ended_at - 12.1) < 0.001


def test_how_long_it_took_to_fall_silent():
    speaker = recording((10.05, EARCON_S), (11.0, 1.08))
    looks = [(10.04, Look.THINKING), (10.9, Look.SPEAKING), (12.03, Look.LISTENING)]
    reply = reply_of(speaker, looks, interrupted_at=12.0, now=12.25)
    assert abs(reply.silenced_ms - 80) < 1


def test_nothing_at_all():
    reply = reply_of(SpeakerRecording(), [])
    assert (reply.answered, reply.first_sound_ms, len(reply.pcm)) == (False, None, 0)


def test_what_the_dma_dropped_was_not_heard():
    speaker = recording((1.0, 0.064), (1.064, 0.064))
    speaker.close(1.08)
    assert len(np.flatnonzero(speaker.between(0.5, 2.0))) == round(0.08 * RATE)
    assert speaker.end == 1.08


def test_sixteen_bit_mono_comes_out_swapped_like_on_the_classic_esp32():
    speaker = SpeakerRecording()
    speaker.open(struct.pack(_wire.SPEAKER_FORMAT, RATE, 16, 1, 2048))
    speaker.add(0.0, np.array([1, 2, 3, 4], "<i2").tobytes())
    assert list(speaker.between(0.0, 4 / RATE)) == [2, 1, 4, 3]


@given(
    pieces=st.lists(st.tuples(st.floats(0, 5), st.floats(0.001, 1)), max_size=6),
    start=st.floats(0, 5),
    length=st.floats(0, 3),
)
def test_any_stretch_can_be_taken_out(pieces, start, length):
    speaker = recording(*sorted(pieces))
    heard = speaker.between(start, start + length)
    assert len(heard) == round((start + length - start) * RATE)
    assert set(np.unique(heard)) <= {0, 1000}


@given(look=st.sampled_from(sorted(LOOKS)), elapsed_ms=st.integers(0, 10000))
def test_every_colour_that_the_firmware_shows_is_read_right(look, elapsed_ms):
    colour = colour_at(look, elapsed_ms)
    assert look_of(colour) == (look if any(colour) else OFF)
    assert any(colour) or LOOKS[look][3] != STEADY
