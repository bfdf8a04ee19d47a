"""Sound files to 16 kHz mono and back, and where in a sound somebody speaks."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from device.protocol import RATE_HZ
from tools.virtual_toy.errors import BadSoundError

Samples = npt.NDArray[np.int16]

LONGEST_S = 600
SMALLEST_RATE_HZ, LARGEST_RATE_HZ = 4000, 192000
WINDOW = RATE_HZ // 100  # 10 ms
# A window counts as voiced from this share of the loudest one on (-35 dB), but not below the floor,
# which is a quiet room through a microphone.
VOICED_SHARE = 0.018
VOICED_FLOOR = 60.0


def read_wav(path: Path | str) -> Samples:
    """Return any PCM WAV file as 16 kHz mono 16-bit samples; BadSoundError says what is wrong."""
    path = Path(path)
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            if not SMALLEST_RATE_HZ <= rate <= LARGEST_RATE_HZ:
                raise BadSoundError(f"{path}: a sample rate of {rate} Hz is not usable")
            if file.getnframes() > LONGEST_S * rate:
                raise BadSoundError(f"{path}: longer than {LONGEST_S} s")
            data = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise BadSoundError(f"{path}: no such file") from None
    except (wave.Error, EOFError) as error:
        raise BadSoundError(
            f"{path}: not a PCM WAV file ({error or 'too short'}). Convert it first, for example "
            "with `ffmpeg -i IN -ar 16000 -ac 1 OUT.wav`"
        ) from None
    except OSError as error:
        raise BadSoundError(f"{path}: {error.strerror or error}") from None
    sound = _to_float(data[: len(data) // (width * channels) * width * channels], width)
    mono = sound.reshape(-1, channels).mean(axis=1)
    if not len(mono):
        raise BadSoundError(f"{path}: holds no sound")
    if rate != RATE_HZ:
        mono = soxr.resample(mono, rate, RATE_HZ)
    samples: Samples = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return samples


def _to_float(data: bytes, width: int) -> npt.NDArray[np.float64]:
    """Return WAV samples of `width` bytes as numbers from -1 to 1."""
    if width == 1:  # the only unsigned one
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128) / 128
    if width == 3:
        octets = np.frombuffer(data, np.uint8).reshape(-1, 3)
        words = np.zeros((len(octets), 4), np.uint8)
        words[:, 1:] = octets
        return words.view("<i4")[:, 0].astype(np.float64) / 2**31
    return np.frombuffer(data, f"<i{width}").astype(np.float64) / 2.0 ** (8 * width - 1)


def write_wav(path: Path | str, samples: Samples) -> None:
    """Write 16 kHz mono samples, making the folder if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def last_voiced(samples: Samples) -> int:
    """Return the index behind the last 10 ms window that is voiced, 0 if none is."""
    windows = len(samples) // WINDOW
    if not windows:
        return 0
    frames = samples[: windows * WINDOW].astype(np.float64).reshape(windows, WINDOW)
    loudness = np.sqrt((frames**2).mean(axis=1))
    voiced = np.flatnonzero(loudness >= max(VOICED_FLOOR, VOICED_SHARE * loudness.max()))
    return int((voiced[-1] + 1) * WINDOW) if len(voiced) else 0
