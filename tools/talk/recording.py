"""Read a recording of any kind as the toy's microphone hears it: 16 kHz, mono, 16 bit."""

from pathlib import Path

import av
import av.error
import numpy as np

from relay.audio import SAMPLE_RATE, duration_ms

SHORTEST_MS = 200
LONGEST_MS = 60_000
QUIETEST_PEAK = 100  # of 32767; below this there is nothing but the noise of an empty room


class RecordingError(Exception):
    """A recording cannot be used; the message says in plain words why."""


def read_recording(path: Path) -> bytes:
    """Return a WAV (or any other sound file that FFmpeg reads) as 16 kHz mono 16-bit PCM.

    Raises RecordingError for a file that is missing, no sound, silent, or not 0.2 to 60 s long.
    """
    if not path.is_file():
        raise RecordingError(f"there is no file {path}")
    try:
        pcm = _decode(path)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or error
        raise RecordingError(f"{path} cannot be read as a sound file: {why}") from None
    length_ms = duration_ms(pcm)
    if not SHORTEST_MS <= length_ms <= LONGEST_MS:
        raise RecordingError(
            f"{path} is {length_ms / 1000:.1f} s long; a question is 0.2 to {LONGEST_MS // 1000} s"
        )
    if int(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)).max()) < QUIETEST_PEAK:
        raise RecordingError(f"{path} is silent: was the microphone on?")
    return pcm


def _decode(path: Path) -> bytes:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    pieces: list[bytes] = []
    decoded_ms = 0
    with av.open(str(path), mode="r", metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise ValueError("it holds no sound")
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                pieces.append(piece.to_ndarray().tobytes())
                decoded_ms += piece.samples * 1000 // SAMPLE_RATE
            if decoded_ms > 2 * LONGEST_MS:
                break  # too long in any case; the caller says so
        for piece in resampler.resample(None):
            pieces.append(piece.to_ndarray().tobytes())
    return b"".join(pieces)
