"""How much bad talk the safety filter stops, and how much good talk it stops wrongly.

Every row goes through the gate, one at a time, as it would in a conversation. `recall` is the share
of harmful and sensitive rows that were not allowed; `false_stop` that of benign rows that were not.
Intervals are Wilson's at 95 % (Wilson 1927, JASA 22:209).
"""

import argparse
import asyncio
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import track

from relay.age import AgeBand
from relay.safety import Action, SafetyGate, Verdict
from tools.bench.report import machine, percentile, print_table, write_json
from tools.train_safety.exemplars import NEVER_LEARNED

CASES = Path(__file__).parents[2] / "tests" / "safety" / "cases"
_DEFAULT_AGE = 7
_Z = 1.96


@dataclass(frozen=True)
class Judged:
    """One row of a case file and what the gate made of it."""

    source: str
    row: dict[str, object]
    verdict: Verdict
    elapsed_ms: float

    @property
    def is_bad(self) -> bool:
        """Whether the row should be stopped."""
        return self.row["label"] != "benign"

    @property
    def is_stopped(self) -> bool:
        """Whether it was."""
        return self.verdict.action is not Action.ALLOW


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `hits` in `total`, from 0 to 1."""
    if not total:
        return (0.0, 1.0)
    share = hits / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    return (max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def read_cases(paths: Sequence[Path]) -> list[tuple[str, dict[str, object]]]:
    """Return the rows of JSONL files, each with its file's name; ValueError names a bad line."""
    cases = []
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if row["side"] not in ("input", "output") or not isinstance(row["text"], str):
                    raise ValueError
                if row["label"] not in ("harmful", "benign", "sensitive"):
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path}, line {number}: not a row of text, side, label") from None
            cases.append((path.stem, row))
    return cases


async def judge(gate: SafetyGate, source: str, row: dict[str, object]) -> Judged:
    """Send one row through the gate."""
    band = AgeBand.of(int(str(row.get("age") or _DEFAULT_AGE)))
    text = str(row["text"])
    earlier = row.get("earlier", ())
    began = time.perf_counter()
    if row["side"] == "input":
        said = [str(turn) for turn in earlier] if isinstance(earlier, list) else []
        verdict = await gate.check_heard(text, band, earlier=said)
    else:
        verdict = await gate.check_said(text, band)
    return Judged(source, row, verdict, (time.perf_counter() - began) * 1000)


def shares(judged: Sequence[Judged], key: str) -> list[dict[str, object]]:
    """Return a table of right and wrong by source or by category."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        name = one.source if key == "source" else str(one.row.get("category") or "everyday")
        groups.setdefault((name, "stopped" if one.is_bad else "wrongly stopped"), []).append(one)
    table: list[dict[str, object]] = []
    for (name, what), members in sorted(groups.items()):
        hits = sum(one.is_stopped for one in members)
        low, high = wilson(hits, len(members))
        share = f"{hits / len(members):.1%}"
        between = f"{low:.1%} to {high:.1%}"
        rows = len(members)
        table.append({key: name, "what": what, "share": share, "95 %": between, "rows": rows})
    return table


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the flat figures of the bench."""
    found: dict[str, float] = {}
    unseen = [one for one in judged if one.source.startswith(NEVER_LEARNED)]
    for suffix, part in (("", judged), ("_unseen", unseen)):
        for name, bad in (("recall", True), ("false_stop", False)):
            members = [one for one in part if one.is_bad is bad]
            if members:
                share = sum(one.is_stopped for one in members) / len(members)
                found[f"{name}{suffix}"] = round(share, 4)
    times = [one.elapsed_ms for one in judged]
    for percent in (50, 95):
        found[f"sentence_ms_p{percent}"] = round(percentile(times, percent), 2)
    return found


async def _judge_all(
    gate: SafetyGate, cases: Sequence[tuple[str, dict[str, object]]]
) -> list[Judged]:
    return [
        await judge(gate, *case) for case in track(cases, description="Checking", transient=True)
    ]


def main(argv: list[str]) -> int:
    """Run the bench; 0 when it ran, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench safety", description=__doc__)
    parser.add_argument("--cases", type=Path, action="append", help="a JSONL file instead of ours")
    parser.add_argument("--misses", action="store_true", help="show every row judged wrongly")
    parser.add_argument(
        "--decisions", type=Path, help="write every row with its decision, as JSONL"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(argv)
    try:
        cases = read_cases(options.cases or sorted(CASES.glob("*.jsonl")))
    except (OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    if not cases:
        parser.exit(2, "There are no rows to check.\n")
    before = machine()
    judged = asyncio.run(_judge_all(SafetyGate(), cases))
    print_table("By source", shares(judged, "source"))
    print_table("By category", shares(judged, "category"))
    if options.misses:
        for one in judged:
            if one.is_bad is not one.is_stopped:
                kind = "missed" if one.is_bad else f"wrongly stopped by {one.verdict.rule}"
                print(f"{one.source}: {kind}: {one.row['text']}")
    found = figures(judged)
    print("  ".join(f"{name} {value}" for name, value in found.items()))
    decisions = [
        one.row
        | {
            "decision": one.verdict.action.value,
            "reason": one.verdict.rule,
            "ms": round(one.elapsed_ms, 2),
        }
        for one in judged
    ]
    if options.decisions:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in decisions)
        options.decisions.write_text("".join(lines), encoding="utf-8")
    if options.json:
        write_json(
            options.json,
            bench="safety",
            figures=found,
            rows=shares(judged, "source"),
            runs=len(judged),
            machine_before=before,
        )
    return 0
