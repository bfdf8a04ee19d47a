"""How long one child talks: in a stretch, and altogether. Pure; the caller brings the time."""

PAUSE_S = 30.0
"""A shorter silence between two turns belongs to the talk, and counts."""

BREAK_S = 300.0
"""Silence that makes a break."""


class Stopwatch:
    """Turns of one child, as monotonic seconds."""

    def __init__(self) -> None:
        self._stretch_began = 0.0
        self._ended: float | None = None  # the last turn
        self._began: float | None = None  # the turn that runs

    @property
    def is_running(self) -> bool:
        """Whether a turn runs."""
        return self._began is not None

    def begin(self, now: float) -> float:
        """Begin a turn; return the seconds of silence before it that count."""
        gap = None if self._ended is None else max(0.0, now - self._ended)
        if gap is None or gap >= BREAK_S:
            self._stretch_began = now
        self._began = now
        return gap if gap is not None and gap < PAUSE_S else 0.0

    def end(self, now: float) -> float:
        """End the turn; return how many seconds it lasted, 0 if none ran."""
        if self._began is None:
            return 0.0
        lasted = max(0.0, now - self._began)
        self._began, self._ended = None, now
        return lasted

    def running(self, now: float) -> float:
        """Return for how many seconds the turn has run, 0 if none does."""
        return 0.0 if self._began is None else max(0.0, now - self._began)

    def stretch(self, now: float) -> float:
        """Return the seconds since the last break, 0 after one."""
        if self._began is not None:
            return max(0.0, now - self._stretch_began)
        return 0.0 if self.break_left(now) == 0.0 else (self._ended or 0.0) - self._stretch_began

    def break_left(self, now: float) -> float:
        """Return how many more seconds of silence make a break."""
        if self._began is not None:
            return BREAK_S
        return 0.0 if self._ended is None else max(0.0, BREAK_S - (now - self._ended))
