"""Pictures of figures as SVG text: histogram, curve, waterfall. Pure; readable in light and dark.

A picture is as wide as a page of text. Colours come from a style sheet inside it, which follows
what the reader's system prefers (`prefers-color-scheme`, Media Queries Level 5).
"""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 48
BAR_HEIGHT = 26
MOST_BINS = 40
HEADROOM = 1.3  # above the highest bar, for the names of the goals
COLOURS = 4  # of series that can be told apart
CHARACTER = 6.2  # about the width of one, in units of the picture

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 14px } .quiet { fill: #57606a }
.axis { stroke: #8c959f } .grid { stroke: #d0d7de } .goal { stroke: #cf222e; stroke-dasharray: 5 3 }
.goal-name { fill: #cf222e } .line { fill: none; stroke-width: 2 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bf8700; stroke: #bf8700 }
.c2 { fill: #8250df; stroke: #8250df } .c3 { fill: #1a7f37; stroke: #1a7f37 }
.line.c0, .line.c1, .line.c2, .line.c3 { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .axis { stroke: #656c76 }
  .grid { stroke: #3d444d } .goal { stroke: #f85149 } .goal-name { fill: #f85149 }
  .c0 { fill: #4493f8; stroke: #4493f8 } .c1 { fill: #d29922; stroke: #d29922 }
  .c2 { fill: #ab7df8; stroke: #ab7df8 } .c3 { fill: #3fb950; stroke: #3fb950 }
}
"""

Points = Sequence[tuple[float, float]]


class _Picture:
    """A plane with axes: `x` and `y` turn values into places. Names escape what they show."""

    def __init__(self, title: str, xs: tuple[float, float], ys: tuple[float, float]) -> None:
        self.height = HEIGHT
        self._xs, self._ys = xs, ys
        self._title = title
        self._parts: list[str] = []
        self.text(LEFT, 20, title, "title")

    def x(self, value: float) -> float:
        low, high = self._xs
        return LEFT + (value - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self._ys
        return (
            self.height
            - BOTTOM
            - (value - low) / ((high - low) or 1) * (self.height - TOP - BOTTOM)
        )

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "start") -> None:
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'
        )

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" '
            f'height="{max(0.0, height):.1f}" class="{style}"/>'
        )

    def path(self, points: Points, style: str) -> None:
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{places}" class="{style}"/>')
        for x, y in points:
            self._parts.append(
                f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="3" class="{style[5:]}"/>'
            )

    def x_axis(self, ticks: Sequence[float], name: str) -> None:
        bottom = self.height - BOTTOM
        for tick in ticks:
            self.line(self.x(tick), TOP, self.x(tick), bottom, "grid")
            self.text(self.x(tick), bottom + 16, f"{tick:g}", "quiet", "middle")
        self.line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")
        self.text(WIDTH - RIGHT, bottom + 36, name, "quiet", "end")

    def y_axis(self, ticks: Sequence[float], name: str) -> None:
        for tick in ticks:
            self.line(LEFT, self.y(tick), WIDTH - RIGHT, self.y(tick), "grid")
            self.text(LEFT - 8, self.y(tick) + 4, f"{tick:g}", "quiet", "end")
        self.text(8, TOP - 8, name, "quiet")

    def legend(self, names: Sequence[str]) -> None:
        x = float(LEFT)
        for index, name in enumerate(names):
            self.box(x, 30, 10, 10, f"c{index % COLOURS}")
            self.text(x + 15, 39, name)
            x += 34 + len(name) * CHARACTER

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'role="img"><title>{escape(self._title)}</title><style>{_STYLE}</style>'
            f"{''.join(self._parts)}</svg>\n"
        )


def ticks(low: float, high: float, about: int = 8) -> list[float]:
    """Return round numbers that span `low` to `high`: 1, 2 or 5 times a power of ten apart."""
    span = (high - low) or 1.0
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def histogram(
    title: str,
    unit: str,
    values: Mapping[str, Sequence[float]],
    goals: Mapping[str, float] | None = None,
) -> str:
    """Return how often which value was measured, a colour for each series, goals as dashed lines.

    ValueError if there are no values at all.
    """
    everything = [value for series in values.values() for value in series]
    if not everything:
        raise ValueError("a histogram of nothing")
    marks = ticks(min(0.0, *everything), max([*everything, *(goals or {}).values()]))
    bins = len(marks) - 1
    while bins * 2 <= MOST_BINS:
        bins *= 2
    width = (marks[-1] - marks[0]) / bins
    stacks = [[0] * bins for _ in values]
    for counts, series in zip(stacks, values.values(), strict=True):
        for value in series:
            counts[min(bins - 1, int((value - marks[0]) / width))] += 1
    highest = max(sum(column) for column in zip(*stacks, strict=True))
    heights = [tick for tick in ticks(0, highest * HEADROOM, 4) if tick == int(tick)]
    picture = _Picture(title, (marks[0], marks[-1]), (0, heights[-1]))
    picture.y_axis(heights, "questions")
    picture.x_axis(marks, unit)
    for index in range(bins):
        below = 0
        for number, counts in enumerate(stacks):
            left = picture.x(marks[0] + index * width)
            right = picture.x(marks[0] + (index + 1) * width)
            top, bottom = picture.y(below + counts[index]), picture.y(below)
            if counts[index]:
                picture.box(left + 0.5, top, right - left - 1, bottom - top, f"c{number % COLOURS}")
            below += counts[index]
    _mark_goals(picture, goals or {})
    picture.legend(list(values))
    return picture.svg()


def _mark_goals(picture: _Picture, goals: Mapping[str, float]) -> None:
    for number, (name, value) in enumerate(goals.items()):
        x = picture.x(value)
        near_the_right = x > WIDTH - RIGHT - len(name) * CHARACTER
        picture.line(x, TOP, x, HEIGHT - BOTTOM, "goal")
        anchor = "end" if near_the_right else "start"
        y = TOP + 12 + 16 * (number % 3)
        picture.text(x + (-4 if near_the_right else 4), y, name, "goal-name", anchor)


def curve(
    title: str,
    x_name: str,
    y_name: str,
    lines: Mapping[str, Points],
    goal: tuple[str, float] | None = None,
) -> str:
    """Return lines through points (x, y), with a goal as a dashed line across.

    ValueError if there are no points at all.
    """
    points = [point for line in lines.values() for point in line]
    if not points:
        raise ValueError("a curve of nothing")
    xs = ticks(min(0.0, *(x for x, _ in points)), max(x for x, _ in points))
    tops = [y for _, y in points] + ([goal[1]] if goal else [])
    ys = ticks(min(0.0, *tops), max(tops), 5)
    picture = _Picture(title, (xs[0], xs[-1]), (ys[0], ys[-1]))
    picture.y_axis(ys, y_name)
    picture.x_axis(xs, x_name)
    for number, line in enumerate(lines.values()):
        picture.path(sorted(line), f"line c{number % COLOURS}")
    if goal is not None:
        y = picture.y(goal[1])
        picture.line(LEFT, y, WIDTH - RIGHT, y, "goal")
        picture.text(WIDTH - RIGHT, y - 4, goal[0], "goal-name", "end")
    picture.legend(list(lines))
    return picture.svg()


def waterfall(title: str, unit: str, steps: Sequence[tuple[str, float, float]]) -> str:
    """Return what happened from when to when: steps of (name, start, end), one below the other.

    ValueError if there are none.
    """
    if not steps:
        raise ValueError("a waterfall of nothing")
    xs = ticks(min(0.0, *(start for _, start, _ in steps)), max(end for *_, end in steps))
    picture = _Picture(title, (xs[0], xs[-1]), (0, 1))
    picture.height = TOP + BOTTOM + BAR_HEIGHT * len(steps)
    picture.x_axis(xs, unit)
    for row, (name, start, end) in enumerate(steps):
        y = TOP + row * BAR_HEIGHT + 4
        left, right = picture.x(start), picture.x(end)
        picture.box(left, y, max(1.5, right - left), BAR_HEIGHT - 8, f"c{row % COLOURS}")
        words = f"{name} {end - start:+.0f}"
        room = len(words) * CHARACTER
        fits_behind = right + 6 + room < WIDTH - RIGHT
        at = (right + 6, "start") if fits_behind else (left - 6, "end")
        picture.text(at[0], y + 13, words, anchor=at[1])
    return picture.svg()
