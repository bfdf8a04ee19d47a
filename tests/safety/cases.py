"""The development cases: rows of {"text", "side", "label", "category", "age"}, maybe "earlier"."""

import json
from pathlib import Path
from typing import Any

from relay.age import AgeBand
from relay.safety.filter import Filter
from relay.safety.verdict import Action

FOLDER = Path(__file__).parent / "cases"

Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def is_stopped(filter_: Filter, row: Row) -> bool:
    band = AgeBand.of(row["age"])
    if row["side"] == "input":
        verdict = filter_.heard(row["text"], band, earlier=row.get("earlier", ()))
    else:
        verdict = filter_.said(row["text"], band)
    return verdict.action is not Action.ALLOW
