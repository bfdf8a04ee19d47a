"""The plain ADPCM twin against CPython's own implementation, `audioop`."""

import audioop
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.bench.on_micropython import dsp_reference as reference

FRAME = 320

samples_of_a_frame = st.one_of(
    st.binary(min_size=2 * FRAME, max_size=2 * FRAME),
    st.lists(st.sampled_from([-32768, -1, 0, 1, 32767]), min_size=FRAME, max_size=FRAME).map(
        lambda values: struct.pack(f"<{FRAME}h", *values)
    ),
)


@given(st.lists(samples_of_a_frame, min_size=1, max_size=4))
def test_encodes_as_audioop_does(frames: list[bytes]) -> None:
    state = bytearray(4)
    audioop_state = None
    for frame in frames:
        out = bytearray(4 + FRAME // 2)
        before = bytes(state)
        reference.adpcm_encode(frame, out, FRAME, state)
        expected, audioop_state = audioop.lin2adpcm(frame, 2, audioop_state)
        assert out[:4] == before
        assert out[4:] == expected
        assert struct.unpack("<hBB", state) == (*audioop_state, 0)


@given(
    st.integers(-32768, 32767),
    st.integers(0, 88),
    st.binary(min_size=FRAME // 2, max_size=FRAME // 2),
)
def test_decodes_as_audioop_does(predicted: int, index: int, codes: bytes) -> None:
    pcm = bytearray(2 * FRAME)
    reference.adpcm_decode(struct.pack("<hBB", predicted, index, 0) + codes, pcm, FRAME)
    expected, _ = audioop.adpcm2lin(codes, 2, (predicted, index))
    assert pcm == expected


@given(st.integers(89, 255), st.binary(min_size=FRAME // 2, max_size=FRAME // 2))
def test_a_step_index_beyond_the_table_counts_as_the_last(index: int, codes: bytes) -> None:
    hostile, last = bytearray(2 * FRAME), bytearray(2 * FRAME)
    reference.adpcm_decode(struct.pack("<hBB", 0, index, 0) + codes, hostile, FRAME)
    reference.adpcm_decode(struct.pack("<hBB", 0, 88, 0) + codes, last, FRAME)
    assert hostile == last


@pytest.mark.parametrize("hertz", [100, 440, 3000])
def test_a_tone_comes_back_as_itself(hertz: int) -> None:
    """Signal to noise of at least 15 dB, from the third frame on (the step has to grow first)."""
    tone = [int(12000 * math.sin(2 * math.pi * hertz * n / 16000)) for n in range(10 * FRAME)]
    state, back = bytearray(4), []
    for start in range(0, len(tone), FRAME):
        frame = struct.pack(f"<{FRAME}h", *tone[start : start + FRAME])
        coded, pcm = bytearray(4 + FRAME // 2), bytearray(2 * FRAME)
        reference.adpcm_encode(frame, coded, FRAME, state)
        reference.adpcm_decode(coded, pcm, FRAME)
        back += struct.unpack(f"<{FRAME}h", pcm)
    signal = sum(sample**2 for sample in tone[2 * FRAME :])
    noise = sum((a - b) ** 2 for a, b in zip(tone[2 * FRAME :], back[2 * FRAME :], strict=True))
    assert 10 * math.log10(signal / max(noise, 1)) > 15


def test_the_microphone_filter_removes_dc_and_keeps_a_voice() -> None:
    count, state, pcm = 16000, bytearray(4), bytearray(32000)
    words = [
        (3_000_000 + int(4_000_000 * math.sin(2 * math.pi * 300 * n / 16000))) << 8
        for n in range(count)
    ]
    reference.microphone_to_pcm(struct.pack(f"<{count}i", *words), pcm, count, 16, state)
    settled = struct.unpack(f"<{count}h", pcm)[8000:]
    assert abs(sum(settled) / len(settled)) < 4  # it was 11719
    assert 15000 < max(settled) < 16000  # 4 000 000 / 2^8 = 15625
