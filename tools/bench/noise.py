"""The noise of a home, made here and the same in every run: talking, a fan, dishes in the sink.

Pure. Each kind returns 16 kHz mono samples as numbers, of any level; `add_noise` sets the level.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from relay.audio import SAMPLE_RATE, Samples, trim_silence

Sound: TypeAlias = npt.NDArray[np.float64]

TAIL_S = 4.0
"""Noise goes on behind the question: hands-free, the end of speech must be found in it."""

VOICES = 6
DISHES_PER_S = 3.0
BLADES_HZ = 75.0
WINDOW = SAMPLE_RATE // 100
QUIETEST = 0.03  # of the loudest window: -30 dB; what is below is a pause in the speech


def babble(length: int, talk: Sequence[Samples], seed: int) -> Sound:
    """Return VOICES people talking at once; `talk` is what they say, over and over."""
    random = np.random.default_rng(seed)
    total = np.zeros(length)
    for _ in range(VOICES):
        said = trim_silence(talk[int(random.integers(len(talk)))], keep_ms=60).astype(np.float64)
        repeated = np.tile(said, -(-length // len(said)) + 1)
        start = int(random.integers(len(said)))
        total += repeated[start : start + length]
    return total


def fan(length: int, _talk: Sequence[Samples], seed: int) -> Sound:
    """Return a fan: pink noise (power falls with frequency) that its blades modulate."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20.0))
    air: Sound = np.fft.irfft(spectrum, length)
    return air * (1 + 0.3 * np.sin(2 * np.pi * BLADES_HZ * np.arange(length) / SAMPLE_RATE))


def clatter(length: int, _talk: Sequence[Samples], seed: int) -> Sound:
    """Return dishes: short blows on things that ring at a few frequencies, over running water."""
    random = np.random.default_rng(seed)
    total = 0.05 * random.standard_normal(length)
    ring = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    for _ in range(max(1, int(length / SAMPLE_RATE * DISHES_PER_S))):
        blow = random.standard_normal(len(ring)) * np.exp(-ring * 400)
        for frequency in random.uniform(900, 6000, 4):
            blow += np.sin(2 * np.pi * frequency * ring) * np.exp(-ring * random.uniform(15, 60))
        start = int(random.integers(length))
        hit = blow[: length - start] * random.uniform(0.3, 1.0)
        total[start : start + len(hit)] += hit
    return total


KINDS: dict[str, Callable[[int, Sequence[Samples], int], Sound]] = {
    "babble": babble,
    "fan": fan,
    "clatter": clatter,
}


def speech_power(samples: Samples) -> float:
    """Return the mean square of the windows of 10 ms in which somebody speaks; 0 for silence."""
    count = len(samples) // WINDOW
    windows = samples[: count * WINDOW].astype(np.float64).reshape(count, WINDOW)
    power = np.square(windows).mean(axis=1)
    loud = power[power > QUIETEST**2 * power.max(initial=0.0)]
    return float(loud.mean()) if len(loud) else 0.0


def add_noise(
    samples: Samples, kind: str, snr_db: float, *, talk: Sequence[Samples], seed: int
) -> Samples:
    """Return speech in noise of `kind`, which lasts TAIL_S longer than the speech.

    The speech is `snr_db` louder than the noise: mean power while somebody speaks against the
    noise's mean power. What gets too loud is made quieter as a whole.
    """
    length = len(samples) + int(TAIL_S * SAMPLE_RATE)
    noise = KINDS[kind](length, talk, seed)
    wanted = speech_power(samples) / 10 ** (snr_db / 10)
    noise = noise * np.sqrt(wanted / np.square(noise).mean())
    mixed = noise
    mixed[: len(samples)] += samples
    peak = max(1.0, float(np.abs(mixed).max()))
    limited: Samples = np.rint(mixed * min(1.0, 32767 / peak)).astype(np.int16)
    return limited
