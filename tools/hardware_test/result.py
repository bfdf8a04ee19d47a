"""What a check found: a verdict, why, and the figures behind it."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Value = str | int | float | bool | None
Row = Mapping[str, Value]


class Verdict(enum.Enum):
    """How a check ended. The value is what the report says."""

    PASSED = "passed"
    PARTLY = "partly"  # what was tried went well, and not all of it could be tried
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Check:
    """One check. `why` is a sentence for people; `figures` are flat, the unit in the name."""

    title: str
    verdict: Verdict
    why: str
    figures: Mapping[str, float] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    seconds: float = 0.0


def verdict_of(failures: Sequence[str], *, whole: bool = True) -> Verdict:
    """Return FAILED if there are failures, else PASSED, or PARTLY where not all was tried."""
    if failures:
        return Verdict.FAILED
    return Verdict.PASSED if whole else Verdict.PARTLY
