"""What the rows of the load bench say: figures, a table, a picture. Pure.

A row is one question of one child, as it also stands in the JSON file.
"""

from collections.abc import Sequence

from tools.bench import chart
from tools.bench.report import Row, p50_p95, percentile

GOAL_CROWD = 8
CANCEL_GOAL_MS = 50.0
GOALS = {
    "idle_cpu_share": 0.05,
    "idle_megabytes": 200.0,
    "unanswered": 0.0,
    "first_speech_ms_p95": 3000.0,
    "cancel_reading_ms_p95": CANCEL_GOAL_MS,
    "cancel_writing_ms_p95": CANCEL_GOAL_MS,
}


def _first_ms(rows: Sequence[Row]) -> list[float]:
    return [float(ms) for row in rows if isinstance(ms := row["first_speech_ms"], (int, float))]


def _said_by_relay(rows: Sequence[Row]) -> list[float]:
    """Return the 95th percentile of each round as `GET /metrics` has it: a bucket's upper edge."""
    said = (row.get("relay_first_frame_ms_p95_below") for row in rows)
    return [float(ms) for ms in said if isinstance(ms, (int, float))]


def _of(rows: Sequence[Row], children: int) -> list[Row]:
    return [row for row in rows if row["children"] == children]


def _unanswered(rows: Sequence[Row]) -> int:
    """Return how many got no answer: silence, or a kind line that says that it did not work."""
    return round(sum(1 - float(str(row["good_share"])) for row in rows))


def summary(rows: Sequence[Row]) -> list[Row]:
    """Return a table row for each number of children."""
    table: list[Row] = []
    for children in sorted({int(str(row["children"])) for row in rows}):
        here = _of(rows, children)
        values = _first_ms(here)
        table.append(
            {
                "children": children,
                "questions": len(here),
                "unanswered": _unanswered(here),
                "p50 ms": percentile(values, 50) if values else None,
                "p95 ms": percentile(values, 95) if values else None,
                "worst ms": max(values, default=None),
                "relay says, below ms": max(_said_by_relay(here), default=None),
            }
        )
    return table


def figures_of(rows: Sequence[Row]) -> dict[str, float]:
    """Return the figures; those of GOAL_CROWD children, or of the most if they were not asked.

    `unanswered` counts all rounds of up to so many children; more are asked to see where it ends.
    """
    if not rows:
        return {}
    counts = sorted({int(str(row["children"])) for row in rows})
    children = GOAL_CROWD if GOAL_CROWD in counts else counts[-1]
    goal = _of(rows, children)
    figures: dict[str, float] = {"children": children}
    figures["unanswered"] = sum(_unanswered(_of(rows, n)) for n in counts if n <= children)
    figures |= p50_p95("first_speech_ms", _first_ms(goal))
    if times := _first_ms(goal):
        figures["first_speech_ms_max"] = max(times)
    figures["processor_s_per_question"] = round(
        sum(float(str(row["processor_s"])) for row in rows) / len(rows), 3
    )
    for count in counts:
        figures |= p50_p95(f"first_speech_{count}_ms", _first_ms(_of(rows, count)))
        figures[f"unanswered_{count}"] = _unanswered(_of(rows, count))
    return figures


def pictures_of(rows: Sequence[Row]) -> dict[str, str]:
    """Return the curve of waiting over children, as SVG text."""
    lines: dict[str, list[tuple[float, float]]] = {"median": [], "95 %": [], "worst": []}
    for children in sorted({int(str(row["children"])) for row in rows}):
        if values := _first_ms(_of(rows, children)):
            for name, percent in (("median", 50), ("95 %", 95), ("worst", 100)):
                lines[name].append((children, percentile(values, percent) / 1000))
    if not lines["median"]:
        return {}
    title = "Question over to the answer's first sound, children asking in the same second"
    return {"children": chart.curve(title, "children", "s", lines, ("goal: 95 % of 8 in 3 s", 3.0))}
