"""Limits on how often and how fast. Pure: the caller brings the time (monotonic seconds)."""

import collections


class TokenBucket:
    """Allows `per_second` events a second on average, and `burst` at once."""

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Count one event; False if it is one too many."""
        elapsed = max(0.0, now - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RealTimeGuard:
    """Watches that sound comes no faster than it can have been spoken, with `ahead_s` to spare."""

    def __init__(self, ahead_s: float, now: float) -> None:
        self._ahead_s = ahead_s
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin to count anew, as a child begins to speak."""
        self._started = now
        self._heard_s = 0.0

    def add(self, seconds: float, now: float) -> bool:
        """Count sound that arrived; False if it is too far ahead of real time."""
        self._heard_s += seconds
        return self._heard_s - (now - self._started) <= self._ahead_s


class AttemptLimit:
    """Counts failed attempts by address over the last `window_s` seconds.

    Holds at most `MOST_ADDRESSES`; beyond that the address silent for longest is forgotten.
    """

    MOST_ADDRESSES = 1024

    def __init__(self, attempts: int, window_s: float) -> None:
        self._attempts = attempts
        self._window_s = window_s
        self._failed: collections.OrderedDict[str, collections.deque[float]] = (
            collections.OrderedDict()
        )

    def add(self, address: str, now: float) -> None:
        """Count one failed attempt."""
        failed = self._failed.setdefault(address, collections.deque(maxlen=self._attempts))
        failed.append(now)
        self._failed.move_to_end(address)
        if len(self._failed) > self.MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def exhausted(self, address: str, now: float) -> bool:
        """Tell whether `address` has failed so often that it has to wait."""
        failed = self._failed.get(address)
        if failed is None:
            return False
        while failed and now - failed[0] >= self._window_s:
            failed.popleft()
        if not failed:
            del self._failed[address]
        return len(failed) >= self._attempts
