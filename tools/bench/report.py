"""What every bench reports: a table for people and one JSON file for machines."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

Row = Mapping[str, object]


def machine() -> dict[str, object]:
    """Describe the computer a figure was measured on."""
    return {
        "system": platform.system(),
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the percentile of `values` by the nearest-rank rule; ValueError if there are none.

    Nearest rank: always a value that was really measured, also in small samples.
    """
    if not values:
        raise ValueError("no values to take a percentile of")
    return float(np.percentile(values, percent, method="inverted_cdf"))


def p50_p95(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return the figures `name_p50` and `name_p95`, rounded to a tenth; none without values."""
    if not values:
        return {}
    return {f"{name}_p{percent}": round(percentile(values, percent), 1) for percent in (50, 95)}


def write_json(
    path: Path,
    *,
    bench: str,
    figures: Mapping[str, float],
    rows: Sequence[Row],
    runs: int,
    machine_before: Mapping[str, object] | None = None,
) -> None:
    """Write a bench's result; `figures` is flat, name to number, with the unit in the name."""
    result = {
        "bench": bench,
        "machine": machine_before or machine(),
        "runs": runs,
        "figures": dict(figures),
        "rows": [dict(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_pictures(beside: Path, pictures: Mapping[str, str]) -> list[Path]:
    """Write SVG pictures beside a JSON file, as in `latency-stages.svg`; return their paths."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, svg in pictures.items():
        path = beside.with_name(f"{beside.stem}-{name}.svg")
        path.write_text(svg, encoding="utf-8")
        paths.append(path)
    return paths


def verdict(value: float, goal: float | None) -> str:
    """Return what a figure means for a goal that it may not exceed."""
    if goal is None:
        return "-"
    return "met" if value <= goal else f"over by {value - goal:.6g}"


def print_table(title: str, rows: Sequence[Row], console: Console | None = None) -> None:
    """Print rows of the same columns as a table; numbers stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column, value in (rows[0] if rows else {}).items():
        numeric = isinstance(value, (int, float))
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    (console or Console()).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}"
    return str(value)
