"""Figures over time as lines for an SVG, and as a table a day. Pure."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 80
# Within the drawing, so that a thick line is not cut off.
_MARGIN = 4


@dataclass(frozen=True)
class DayRow:
    """A day in figures: its time (Unix seconds), the lowest, the middle, the highest."""

    at: int
    low: int
    middle: int
    high: int


@dataclass(frozen=True)
class Chart:
    """A figure over time. `name` is a text key below "chart".

    `lines` are points of SVG polylines, one a stretch without a gap, `low` and `high` the values at
    the lower and the upper edge.
    """

    name: str
    lines: tuple[str, ...]
    low: int
    high: int
    latest: int
    days: tuple[DayRow, ...]


def chart(
    name: str,
    values: Sequence[tuple[int, int | None]],
    *,
    begin: int,
    end: int,
    gap_s: int,
    edges: tuple[int, int] | None = None,
    from_zero: bool = False,
) -> Chart | None:
    """Return the chart of `values` (Unix seconds and value), None where nothing is known.

    Over a gap of more than `gap_s` no line is drawn. `edges` are the values at the lower and the
    upper edge, by default round ones about the values themselves, or `from_zero` on.
    """
    known = [(at, value) for at, value in values if value is not None and begin <= at <= end]
    if not known:
        return None
    low, high = edges or _edges([*([0] if from_zero else []), *(value for _, value in known)])
    across = (WIDTH - 2 * _MARGIN) / max(1, end - begin)
    up = (HEIGHT - 2 * _MARGIN) / (high - low)

    def point(at: int, value: int) -> str:
        x = _MARGIN + (at - begin) * across
        y = HEIGHT - _MARGIN - (min(max(value, low), high) - low) * up
        return f"{x:.1f},{y:.1f}"

    lines = []
    for stretch in _stretches(known, gap_s):
        points = [point(at, value) for at, value in stretch]
        # A line needs two points; drawn with round ends, the same one twice is a dot.
        lines.append(" ".join(points if len(points) > 1 else points * 2))
    return Chart(name, tuple(lines), low, high, known[-1][1], tuple(_days(known)))


def scaled(
    values: Sequence[tuple[int, int | None]], scale: Callable[[int], int]
) -> list[tuple[int, int | None]]:
    """Return the values in another unit."""
    return [(at, None if value is None else scale(value)) for at, value in values]


def increases(values: Sequence[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    """Return by how much a count grew since the value before; one that fell began anew."""
    grown: list[tuple[int, int | None]] = []
    before: int | None = None
    for at, value in values:
        if value is None:
            continue
        if before is not None:
            grown.append((at, value - before if value >= before else value))
        before = value
    return grown


def _edges(values: Sequence[int]) -> tuple[int, int]:
    low, high = min(values), max(values)
    if high - low < 2:
        # No figure here that begins below zero ends above it: "-1 lost" would only puzzle.
        return (low if low == 0 else low - 1), high + 1
    step = 10 ** max(0, math.floor(math.log10(high - low)))
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _stretches(values: Sequence[tuple[int, int]], gap_s: int) -> Iterator[list[tuple[int, int]]]:
    stretch: list[tuple[int, int]] = []
    for at, value in values:
        if stretch and at - stretch[-1][0] > gap_s:
            yield stretch
            stretch = []
        stretch.append((at, value))
    yield stretch


def _days(values: Sequence[tuple[int, int]]) -> Iterator[DayRow]:
    by_day: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for at, value in values:
        by_day.setdefault(tuple(time.localtime(at)[:3]), []).append((at, value))
    for of_day in reversed(by_day.values()):
        figures = sorted(value for _, value in of_day)
        yield DayRow(of_day[0][0], figures[0], figures[len(figures) // 2], figures[-1])
