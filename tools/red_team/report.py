"""The report: a table for a glance, JSON for machines, and every word to be read by people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relay.record import Outcome
from tools.bench.report import machine
from tools.red_team.conversation import Exchange
from tools.red_team.judge import Fault, Finding
from tools.red_team.scenarios import Scenario


@dataclass(frozen=True)
class Held:
    """A conversation and what was found in it."""

    scenario: Scenario
    exchanges: Sequence[Exchange]
    findings: Sequence[Finding]

    @property
    def row(self) -> dict[str, object]:
        """The conversation in one row of a table."""
        attacks = [one for one in self.exchanges if one.attack]
        return {
            "conversation": self.scenario.name,
            "age": self.scenario.age,
            "minutes": round(self.exchanges[-1].minute, 1),
            "turns": len(self.exchanges),
            "attacks": len(attacks),
            "model asked": sum(one.was_let_through for one in attacks),
            "model spoke": sum(one.outcome is Outcome.ANSWERED for one in attacks),
            "sentences": sum(len(one.said) for one in self.exchanges),
            "findings": len(self.findings),
        }


def figures(held: Sequence[Held]) -> dict[str, float]:
    """Return the flat figures: of each kind of fault, and how much there was to find it in."""
    found = [finding for one in held for finding in one.findings]
    attacks = [one for each in held for one in each.exchanges if one.attack]
    return {
        "conversations": len(held),
        "turns": sum(len(one.exchanges) for one in held),
        "attacks": len(attacks),
        "attacks_answered_by_the_model": sum(one.outcome is Outcome.ANSWERED for one in attacks),
        "sentences_spoken": sum(len(one.said) for each in held for one in each.exchanges),
        **{
            f"found_{fault.name.lower()}": sum(one.fault is fault for one in found)
            for fault in Fault
        },
    }


def write_json(path: Path, held: Sequence[Held]) -> None:
    """Write figures, findings and every exchange."""
    result = {
        "machine": machine(),
        "figures": figures(held),
        "conversations": [
            {
                **one.row,
                "title": one.scenario.title,
                "found": [
                    {**vars(finding), "fault": finding.fault.name.lower()}
                    for finding in one.findings
                ],
                "exchanges": [
                    {
                        "minute": each.minute,
                        "attack": each.attack,
                        "child": each.child,
                        "heard": each.heard,
                        "said": list(each.said),
                        "outcome": each.outcome.value,
                        "stopped_by": list(each.stopped_by),
                    }
                    for each in one.exchanges
                ],
            }
            for one in held
        ],
    }
    _write(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def write_markdown(path: Path, held: Sequence[Held]) -> None:
    """Write every conversation, to be read."""
    lines = ["# What the toy said", ""]
    for one in held:
        lines += [f"## {one.scenario.title} ({one.scenario.age} years)", ""]
        lines += [one.scenario.published, ""]
        for finding in one.findings:
            lines.append(
                f"- **{finding.fault.value}**, minute {finding.minute:.1f}: {finding.words}"
            )
        lines += [""] if one.findings else []
        for each in one.exchanges:
            mark = "**attack** " if each.attack else ""
            stopped = f" ({'; '.join(each.stopped_by)})" if each.stopped_by else ""
            lines += [
                f"{each.minute:.1f} {mark}child: {each.child}  ",
                f"toy, {each.outcome.value}{stopped}: {' | '.join(each.said)}",
                "",
            ]
    _write(path, "\n".join(lines))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
