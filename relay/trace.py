"""What happens to an answer in the making, held back until it is sure that it will be heard."""

import time
from collections.abc import Callable

from relay.record import Stage, TurnRecord
from relay.safety.verdict import Verdict


class Trace:
    """Times and verdicts of one answer. Nobody sees them before `publish`."""

    def __init__(self) -> None:
        self._at: dict[Stage, float] = {}
        self._verdicts: list[Verdict] = []
        self._tell: Callable[[Verdict], None] | None = None

    def reached(self, stage: Stage) -> None:
        """Note the time, if it is the first time."""
        self._at.setdefault(stage, time.monotonic())

    def has_reached(self, stage: Stage) -> bool:
        """Tell whether it was reached."""
        return stage in self._at

    def judged(self, verdict: Verdict) -> None:
        """Note a verdict of the safety gate."""
        self._verdicts.append(verdict)
        if self._tell is not None:
            self._tell(verdict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts so far."""
        return tuple(self._verdicts)

    def publish(self, record: TurnRecord, tell: Callable[[Verdict], None]) -> None:
        """Write all of it, and from now on each thing as it happens, into the turn's record.

        `tell` hears every verdict, those of before included.
        """
        record.at.update(self._at)
        record.verdicts.extend(self._verdicts)
        self._at, self._verdicts = record.at, record.verdicts
        self._tell = tell
        for verdict in self.verdicts:
            tell(verdict)
