"""Sound as the relay and the tools handle it: 16 kHz, mono, signed 16 bit, little-endian."""

import wave
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

SAMPLE_RATE = 16_000
"""Hz, everywhere between the toy's microphone and its speaker."""

BYTES_PER_SAMPLE = 2
BYTES_PER_MS = SAMPLE_RATE * BYTES_PER_SAMPLE // 1000

SILENCE_DBFS = -45.0
"""Below this level, relative to the loudest part, a voice engine's output counts as silence."""

SPEECH_DBFS = -20.0
"""Level that speech is brought to: loud enough for a small speaker, with room for its peaks."""

PEAK_DBFS = -1.0
"""No sample is made louder than this."""

MAX_WAV_BYTES = 256 * 1024 * 1024

Samples: TypeAlias = npt.NDArray[np.int16]


def samples_of(pcm: bytes) -> Samples:
    """Return `pcm` as samples; a trailing odd byte is dropped."""
    usable = len(pcm) - len(pcm) % BYTES_PER_SAMPLE
    return np.frombuffer(pcm[:usable], dtype="<i2").astype(np.int16, copy=False)


def pcm_of(samples: Samples) -> bytes:
    """Return samples as bytes."""
    return samples.astype("<i2", copy=False).tobytes()


def duration_ms(pcm: bytes) -> int:
    """Return how long `pcm` sounds, in ms."""
    return len(pcm) // BYTES_PER_MS


def resample(samples: Samples, rate: int) -> Samples:
    """Return `samples` of `rate` Hz at 16 kHz."""
    if rate == SAMPLE_RATE or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate, SAMPLE_RATE, quality="HQ"), dtype=np.int16)


def level_dbfs(samples: Samples) -> float:
    """Return the root mean square level, in dB below full scale; -inf for none or pure silence."""
    if not len(samples):
        return float("-inf")
    mean_square = float(np.mean(np.square(samples.astype(np.float64) / 32768)))
    return 10 * np.log10(mean_square) if mean_square > 0 else float("-inf")


def trim_silence(samples: Samples, *, keep_ms: int = 50) -> Samples:
    """Return `samples` with at most `keep_ms` of silence at either end; empty if all is silence.

    Silence is measured in windows of 10 ms against the loudest one.
    """
    window = SAMPLE_RATE // 100
    count = len(samples) // window
    if count == 0:
        return samples
    squares = np.square(samples[: count * window].astype(np.float64)).reshape(count, window)
    power = squares.mean(axis=1)
    loudest = float(power.max())
    # One unit of the last bit is silence whatever it is compared with.
    threshold = max(loudest * 10 ** (SILENCE_DBFS / 10), 1.0)
    voiced = np.flatnonzero(power > threshold)
    if not len(voiced):
        return samples[:0]
    keep = keep_ms * SAMPLE_RATE // 1000
    start = max(0, int(voiced[0]) * window - keep)
    end = min(len(samples), (int(voiced[-1]) + 1) * window + keep)
    return samples[start:end]


def even_level(samples: Samples) -> Samples:
    """Return speech brought to one level, so that no sentence or engine is louder than another."""
    level = level_dbfs(samples)
    if level == float("-inf"):
        return samples
    peak = float(np.abs(samples.astype(np.int32)).max()) / 32768
    gain = min(10 ** ((SPEECH_DBFS - level) / 20), 10 ** (PEAK_DBFS / 20) / peak)
    return _clip(samples * gain)


def speech_pcm(samples: Samples, rate: int) -> bytes:
    """Return a voice engine's sentence of `rate` Hz resampled, trimmed and of even level."""
    return pcm_of(even_level(trim_silence(resample(samples, rate))))


def read_wav(source: Path | BinaryIO) -> bytes:
    """Return a WAV file (8, 16, 24 or 32 bit, any rate, any channels) as the relay's sound.

    Raises ValueError, in plain words, for anything else.
    """
    try:
        with wave.open(str(source) if isinstance(source, Path) else source, "rb") as wav:
            width, channels, rate = wav.getsampwidth(), wav.getnchannels(), wav.getframerate()
            if wav.getnframes() * width * channels > MAX_WAV_BYTES:
                raise ValueError("the sound file is too long")
            data = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:  # wave raises all three for bad headers
        raise ValueError(f"not a WAV file that can be read: {str(error) or 'bad header'}") from None
    if not 1000 <= rate <= 384_000:
        raise ValueError(f"a WAV file of {rate} Hz cannot be read")
    mixed = _to_int16(data, width, channels)
    return pcm_of(resample(mixed, rate))


def write_wav(target: Path | BinaryIO, pcm: bytes) -> None:
    """Write the relay's sound as a WAV file."""
    with wave.open(str(target) if isinstance(target, Path) else target, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(BYTES_PER_SAMPLE)
        wav.setframerate(SAMPLE_RATE)
        wav.writeframes(pcm)


def _to_int16(data: bytes, width: int, channels: int) -> Samples:
    usable = len(data) - len(data) % (width * channels)
    raw = np.frombuffer(data[:usable], dtype=np.uint8)
    if width == 1:  # 8-bit WAV is the unsigned one
        values = (raw.astype(np.float64) - 128) * 256
    elif width == 2:
        values = raw.view("<i2").astype(np.float64)
    elif width == 3:
        padded = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        padded[:, 1:] = raw.reshape(-1, 3)
        values = padded.reshape(-1).view("<i4").astype(np.float64) / 65536
    elif width == 4:
        values = raw.view("<i4").astype(np.float64) / 65536
    else:
        raise ValueError(f"a WAV file of {width * 8} bits cannot be read")
    mono = values.reshape(-1, channels).mean(axis=1)
    return _clip(mono)


def _clip(values: npt.NDArray[np.floating[Any]]) -> Samples:
    clipped: Samples = np.clip(np.rint(values), -32768, 32767).astype(np.int16)
    return clipped
