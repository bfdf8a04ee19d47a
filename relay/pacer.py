"""How far ahead of the toy's ear sound may be sent. Pure: the caller brings the time.

The toy starts to play when it holds `prebuffer_ms`, and plays in real time. Sound that is sent is
either held by the toy or has been played; never more than `lead_ms` is held, so that a toy with a
small buffer is not flooded and a barge-in leaves little to throw away.
"""

from device.protocol import FRAME_MS

_FRAME_S = FRAME_MS / 1000


class PlayoutClock:
    """Follows what the toy holds, from what was sent and the time that has passed.

    Both lengths count in whole frames: the lead rounded down, the prebuffer up.
    """

    def __init__(self, *, lead_ms: int, prebuffer_ms: int) -> None:
        lead_frames = max(1, lead_ms // FRAME_MS)
        # A toy that may never hold its prebuffer would never start.
        prebuffer_frames = min(-(-prebuffer_ms // FRAME_MS), lead_frames)
        self._lead_s = lead_frames * _FRAME_S
        self._prebuffer_s = prebuffer_frames * _FRAME_S
        self._held_s = 0.0
        self._playing = False
        self._looked_at = 0.0

    def held_s(self, now: float) -> float:
        """Return the seconds of sound the toy holds at `now`, a monotonic time."""
        if self._playing:
            self._held_s -= max(0.0, now - self._looked_at)
            if self._held_s <= 0:  # ran dry: it collects a prebuffer again
                self._held_s = 0.0
                self._playing = False
        self._looked_at = now
        return self._held_s

    def sent(self, now: float) -> None:
        """Count one frame that was sent at `now`."""
        self._held_s = self.held_s(now) + _FRAME_S
        self._start_if_full()

    def _start_if_full(self) -> None:
        # Half a frame of tolerance, or sums of floats would decide.
        self._playing = self._playing or self._held_s > self._prebuffer_s - _FRAME_S / 2

    def wait_s(self, now: float) -> float:
        """Return how long to wait before the next frame may be sent; 0 if it may go now."""
        excess = self.held_s(now) + _FRAME_S - self._lead_s
        return max(0.0, excess) if self._playing else 0.0

    def until_low_s(self, now: float) -> float:
        """Return how long the toy can play before it holds no more than its prebuffer."""
        return max(0.0, self.held_s(now) - self._prebuffer_s)
