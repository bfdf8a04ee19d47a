"""How long to wait before trying again: longer each time, and at random.

"Full jitter": a random time from zero to the doubled limit, so that all the toys of a house, or of
a street after a power cut, do not knock at the same moment (Marc Brooker, "Exponential Backoff And
Jitter", AWS Architecture Blog, 2015).
"""

import os

FIRST_MS = 500
LONGEST_MS = 3000  # what is back is found again within it; the one relay of a home is not flooded


def random_below(limit):
    """Return a random whole number from 0 to `limit` - 1; `limit` is at most 2^24."""
    return int.from_bytes(os.urandom(4), "little") % limit


class Backoff:
    """Waiting times before tries 0, 1, 2 ...: random(0, min(first_ms * 2^n, longest_ms))."""

    def __init__(self, first_ms=FIRST_MS, longest_ms=LONGEST_MS, random_below=random_below):
        self._first_ms = first_ms
        self._longest_ms = longest_ms
        self._random_below = random_below
        self._limit_ms = first_ms

    def next_ms(self):
        """Return the milliseconds to wait now, and widen the limit for the next time."""
        wait_ms = self._random_below(self._limit_ms + 1)
        self._limit_ms = min(self._limit_ms * 2, self._longest_ms)
        return wait_ms

    def reset(self):
        """Start from the shortest wait again: the last try went well."""
        self._limit_ms = self._first_ms
