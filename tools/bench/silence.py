"""Silences inside a sound. Pure."""

import numpy as np

from relay.audio import SAMPLE_RATE, Samples

AUDIBLE = 8  # counts of 32768; below it nothing is heard
SHORTEST_MS = 100  # shorter ones are part of speaking: "t", "k" and "p" begin with one


def silences_ms(samples: Samples) -> list[float]:
    """Return the lengths of the silences between the first and the last audible sample, in ms."""
    audible = np.flatnonzero(np.abs(samples.astype(np.int32)) >= AUDIBLE)
    lengths = (np.diff(audible) - 1) * 1000 / SAMPLE_RATE
    return [float(length) for length in lengths if length >= SHORTEST_MS]
