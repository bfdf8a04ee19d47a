"""Audio frames: what goes in comes out, and nothing malformed gets in."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.protocol import MAX_AUDIO_BYTES, PCM_FRAME_BYTES, Codec
from relay.frames import FramePacker, unpack
from relay.messages import BadMessage
from tests.relay.scripted_engines import tone


@given(st.binary(min_size=640, max_size=640), st.integers(1, 65535))
def test_pcm_comes_out_as_it_went_in(pcm: bytes, turn: int) -> None:
    frame = unpack(FramePacker(Codec.PCM, turn).pack(pcm))
    assert (frame.turn, frame.sequence, frame.pcm) == (turn % 256, 0, pcm)


def test_sequence_numbers_wrap() -> None:
    packer = FramePacker(Codec.PCM, 1)
    packer.count = 65535
    numbers = [unpack(packer.pack(bytes(640))).sequence for _ in range(2)]
    assert numbers == [65535, 0]
    assert packer.count == 65537


def test_adpcm_sounds_the_same_and_each_frame_stands_alone() -> None:
    packer = FramePacker(Codec.ADPCM, 1)
    sound = tone(400)
    frames = [packer.pack(sound[n : n + 640]) for n in range(0, len(sound), 640)]
    for number in range(3, len(frames)):
        decoded = struct.unpack("<320h", unpack(frames[number]).pcm)
        original = struct.unpack("<320h", sound[number * 640 : number * 640 + 640])
        error = sum((a - b) ** 2 for a, b in zip(decoded, original, strict=True))
        assert error < 0.01 * sum(sample**2 for sample in original)


@given(st.binary(max_size=700))
def test_any_bytes_are_a_frame_or_a_bad_message(data: bytes) -> None:
    try:
        frame = unpack(data)
    except BadMessage as error:
        assert "audio frame" in str(error)
    else:
        assert len(frame.pcm) == PCM_FRAME_BYTES


@given(st.sampled_from([1, 2]), st.binary(min_size=640, max_size=640))
def test_any_body_of_the_right_length_is_sound_or_refused(codec: int, body: bytes) -> None:
    length = 640 if codec == Codec.PCM else 164
    frame = bytes([codec, 1, 0, 0]) + body[:length]
    assert len(frame) <= MAX_AUDIO_BYTES
    if codec == Codec.ADPCM and body[2] > 88:
        with pytest.raises(BadMessage):
            unpack(frame)
    else:
        assert len(unpack(frame).pcm) == PCM_FRAME_BYTES


def test_wrong_amount_of_sound_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="640"):
        FramePacker(Codec.PCM, 1).pack(bytes(639))
