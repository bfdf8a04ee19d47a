"""Audio frames: 20 ms of sound with its header, packed for the toy and unpacked from it.

Pure. The layout is in docs/protocol.md, "Audio frames".
"""

import struct
import warnings
from dataclasses import dataclass

from device.protocol import (
    ADPCM_FRAME_BYTES,
    ADPCM_STATE_BYTES,
    AUDIO_HEADER_BYTES,
    PCM_FRAME_BYTES,
    Codec,
    pack_audio_header,
    unpack_audio_header,
)
from relay.messages import BadMessage

with warnings.catch_warnings():
    # Deprecated in 3.11, gone in 3.13, where audioop-lts provides the same module.
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

_SAMPLE_BYTES = 2
_LAST_STEP_INDEX = 88
_BODY_BYTES = {Codec.PCM: PCM_FRAME_BYTES, Codec.ADPCM: ADPCM_FRAME_BYTES}

SILENCE = bytes(PCM_FRAME_BYTES)


@dataclass(frozen=True)
class AudioFrame:
    """One frame from a toy: turn modulo 256, sequence number, and 640 bytes of PCM."""

    turn: int
    sequence: int
    pcm: bytes


def unpack(frame: bytes) -> AudioFrame:
    """Return a frame's sound as PCM, whichever codec it came in; BadMessage if it is malformed."""
    if len(frame) < AUDIO_HEADER_BYTES:
        raise BadMessage("audio frame has no header")
    codec, turn, sequence = unpack_audio_header(frame)
    expected = _BODY_BYTES.get(codec)
    if expected is None:
        raise BadMessage("audio frame has an unknown codec")
    body = frame[AUDIO_HEADER_BYTES:]
    if len(body) != expected:
        raise BadMessage("audio frame has a wrong length")
    if codec == Codec.PCM:
        return AudioFrame(turn, sequence, body)
    predictor, index = struct.unpack_from("<hB", body)
    if index > _LAST_STEP_INDEX:
        raise BadMessage("audio frame has a wrong step index")
    pcm, _ = audioop.adpcm2lin(body[ADPCM_STATE_BYTES:], _SAMPLE_BYTES, (predictor, index))
    return AudioFrame(turn, sequence, pcm)


class FramePacker:
    """Packs the sound of one turn into frames with ascending sequence numbers."""

    def __init__(self, codec: int, turn: int) -> None:
        self._codec = codec
        self._turn = turn
        self._adpcm_state = (0, 0)
        self.count = 0

    def pack(self, pcm: bytes) -> bytes:
        """Return the next frame of exactly 640 bytes of PCM."""
        if len(pcm) != PCM_FRAME_BYTES:
            raise ValueError(f"a frame holds {PCM_FRAME_BYTES} bytes of PCM, not {len(pcm)}")
        header = bytearray(AUDIO_HEADER_BYTES)
        pack_audio_header(header, self._codec, self._turn, self.count)
        self.count += 1
        if self._codec == Codec.PCM:
            return bytes(header) + pcm
        before = struct.pack("<hBx", *self._adpcm_state)
        body, self._adpcm_state = audioop.lin2adpcm(pcm, _SAMPLE_BYTES, self._adpcm_state)
        return bytes(header) + before + body
