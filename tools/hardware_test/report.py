"""The report: one HTML page that needs nothing else, and the same as JSON."""

import html
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.bench.report import machine
from tools.hardware_test.result import Check, Row, Value, Verdict

VIRTUAL_NOTE = (
    "This was a virtual run: the real firmware on the real MicroPython, the real relay and models, "
    "but board, radio, microphone and speaker were simulated. It shows that the software holds "
    "together. It proves nothing about sound, signal, memory or power of a real toy."
)
BOARD_NOTE = (
    "This was run on a real board. Checks marked “not run” or “partly” say what they lacked."
)

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
       color: #1d2733; background: #fff; }
h1 { margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 0; }
.note { border-left: 4px solid #c58a00; padding: .5rem 1rem; background: #fff7e0; }
section { border: 1px solid #d5dbe1; border-radius: .5rem; padding: .8rem 1rem; margin: 1rem 0; }
header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
.badge { border-radius: 1rem; padding: .1rem .8rem; font-weight: 600; white-space: nowrap;
         border: 1px solid; }
.passed { color: #0b6b34; background: #e4f6ea; } .failed { color: #a1121f; background: #fde7e9; }
.partly { color: #7a5600; background: #fff3d1; } .not-run { color: #4a5662; background: #eef1f4; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #e3e8ed; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } .figures { color: #4a5662; font-size: .9rem; }
summary { cursor: pointer; }
"""
FEW_ROWS = 8  # more are folded away


@dataclass(frozen=True)
class Report:
    """All of one run."""

    virtual: bool
    subject: Mapping[str, str]
    checks: Sequence[Check]
    began: float  # Unix seconds
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return any(check.verdict is Verdict.FAILED for check in self.checks)

    def as_json(self) -> str:
        """Return the report as JSON; `figures` is flat, like that of every bench."""
        figures = {name: value for check in self.checks for name, value in check.figures.items()}
        return json.dumps(
            {
                "bench": "hardware_test",
                "mode": "virtual" if self.virtual else "board",
                "time": _clock(self.began),
                "machine": machine(),
                "subject": dict(self.subject),
                "runs": 1,
                "figures": figures,
                "rows": [_check_row(check) for check in self.checks],
            },
            indent=2,
            ensure_ascii=False,
        )

    def as_html(self) -> str:
        """Return the report as a page for people."""
        counts = ", ".join(
            f"{number} {verdict.value}"
            for verdict in Verdict
            if (number := sum(check.verdict is verdict for check in self.checks))
        )
        note = VIRTUAL_NOTE if self.virtual else BOARD_NOTE
        subject = [{"what": name, "which": value} for name, value in self.subject.items()]
        checks = "\n".join(_section(check) for check in self.checks)
        title = "Bramble hardware test" + (" (virtual)" if self.virtual else "")
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f"<h1>{title}</h1>\n<p>{_clock(self.began)}, {self.seconds:.0f} s: {counts}.</p>\n"
            f'<p class="note">{note}</p>\n{_table(subject)}\n{checks}\n</body>\n</html>\n'
        )


def write(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "report.html", folder / "report.json"
    page.write_text(report.as_html(), encoding="utf-8")
    data.write_text(report.as_json() + "\n", encoding="utf-8")
    return page, data


def _check_row(check: Check) -> dict[str, object]:
    return {
        "check": check.title,
        "verdict": check.verdict.value,
        "why": check.why,
        "seconds": round(check.seconds, 1),
        "figures": dict(check.figures),
        "details": [dict(row) for row in check.rows],
    }


def _section(check: Check) -> str:
    name = check.verdict.value
    figures = ", ".join(
        f"{html.escape(key)} {_text(value)}" for key, value in check.figures.items()
    )
    table = _table(check.rows)
    if len(check.rows) > FEW_ROWS:
        table = f"<details><summary>{len(check.rows)} rows</summary>{table}</details>"
    spent = f" ({check.seconds:.0f} s)" if check.seconds >= 1 else ""
    return (
        f"<section>\n<header><h2>{html.escape(check.title)}</h2>"
        f'<span class="badge {name.replace(" ", "-")}">{name}</span></header>\n'
        f"<p>{html.escape(check.why[:1].upper() + check.why[1:])}{spent}</p>\n{table}\n"
        f'<p class="figures">{figures}</p>\n</section>'
    )


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    head = "".join(
        f"<th{_number(value)}>{html.escape(name)}</th>" for name, value in rows[0].items()
    )
    body = "".join("<tr>" + "".join(map(_cell, row.values())) + "</tr>\n" for row in rows)
    return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{body}</table></div>'


def _cell(value: Value) -> str:
    return f"<td{_number(value)}>{_text(value)}</td>"


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else html.escape(str(value))


def _number(value: Value) -> str:
    """Return the class that sets numbers to the right, as HTML."""
    return ' class="number"' if type(value) in (int, float) else ""


def _clock(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_s))
