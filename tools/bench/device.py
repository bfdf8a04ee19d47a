"""The firmware's budgets in one table: every bench of the device, one after the other.

Each runs as a process of its own, as `python -m tools.bench NAME` would, and its figures are held
against the goals. What a bench could not measure here is said, and the others still count.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tools.bench.report import Row, print_table, write_json
from tools.bench.websocket import ROOT

TIMEOUT_S = 900


@dataclass(frozen=True)
class Budget:
    """A figure of a bench and the most that it may be; None where there is no goal."""

    bench: str
    figure: str
    goal: float | None
    about: str


VIPER = (
    "mask",
    "microphone_to_pcm",
    "to_stereo_with_volume",
    "adpcm_encode",
    "adpcm_decode",
)
BUDGETS = (
    Budget("websocket", "failed", 0, "cases of RFC 6455 that fail"),
    *(
        Budget("dsp", f"{function}_{unit}", None, f"{about}: {function}")
        for function in VIPER
        for unit, about in (("us", "us a frame, viper"), ("times_faster", "x its bytecode twin"))
    ),
    Budget("heap", "heap_bytes_peak", 89_600, "bytes of heap at the worst moment, with TLS"),
    Budget("heap", "romfs_saves_bytes", None, "bytes that ROMFS would take off that"),
    Budget("heap", "mpy_bytes_resident", 49_152, "bytes of .mpy loaded in a conversation"),
    Budget("heap", "mpy_bytes_all", 92_160, "bytes of all .mpy"),
    Budget("heap", "growth_bytes_second_turn", 256, "bytes that a second turn leaves behind"),
    Budget("sound", "microphone_to_socket_ms_p95", 60, "ms from microphone to socket"),
    Budget("sound", "socket_to_speaker_over_prebuffer_ms_p50", 20, "ms to speaker, over prebuffer"),
    Budget("sound", "socket_to_speaker_over_prebuffer_ms_p95", None, "the same, 95th percentile"),
    Budget("sound", "microphone_to_ring_bytes", None, "bytes a frame leaves: microphone"),
    Budget("sound", "ring_to_socket_bytes", None, "bytes a frame leaves: sending"),
    Budget("sound", "socket_to_message_bytes", None, "bytes a frame leaves: receiving"),
    Budget("sound", "ring_to_speaker_bytes", None, "bytes a frame leaves: speaker"),
    Budget("reconnect", "reconnect_s_p50", 2.0, "s from network back to hello answered"),
    Budget("reconnect", "reconnect_access_point_s_p50", 2.0, "s, after the Wi-Fi was away"),
    Budget("reconnect", "reconnect_s_max", 5.0, "s, the worst of all"),
)


def run_bench(name: str) -> dict[str, float] | str:
    """Run one bench; return its figures, or why there are none."""
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "figures.json"
        command = [sys.executable, "-m", "tools.bench", name, "--json", str(target)]
        try:
            result = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return f"not done after {TIMEOUT_S} s"
        try:
            figures = json.loads(target.read_text(encoding="utf-8"))["figures"]
        except (OSError, ValueError, KeyError):
            said = (result.stderr or result.stdout).strip().splitlines()
            return " ".join(said[-3:]) or f"ended with exit code {result.returncode}"
    return {str(figure): float(value) for figure, value in figures.items()}


def judge(value: float | None, goal: float | None) -> str:
    """Return what a figure means for its goal."""
    if value is None:
        return "not measured"
    if goal is None:
        return "-"
    return "met" if value <= goal else f"over by {value - goal:.6g}"


def make_rows(found: dict[str, dict[str, float]]) -> list[Row]:
    """Return a row for each budget."""
    rows: list[Row] = []
    for budget in BUDGETS:
        value = found.get(budget.bench, {}).get(budget.figure)
        rows.append(
            {
                "bench": budget.bench,
                "what": budget.about,
                "value": "-" if value is None else f"{value:.6g}",
                "goal": "-" if budget.goal is None else f"{budget.goal:.6g}",
                "verdict": judge(value, budget.goal),
            }
        )
    return rows


def main(argv: list[str]) -> int:
    """Run the benches, print the table; return 0 if every goal is met, 1 if not, 2 without any."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench device", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    names = list(dict.fromkeys(budget.bench for budget in BUDGETS))
    parser.add_argument(
        "--only", action="append", choices=names, metavar="BENCH", help="repeatable; default all"
    )
    arguments = parser.parse_args(argv)
    console = Console()
    found: dict[str, dict[str, float]] = {}
    for name in arguments.only or names:
        with console.status(f"{name}"):
            figures = run_bench(name)
        if isinstance(figures, str):
            console.print(f"{name} could not be measured: {figures}", markup=False)
        else:
            found[name] = figures
    rows = [row for row in make_rows(found) if row["bench"] in (arguments.only or names)]
    print_table("The device's budgets", rows, console)
    if arguments.json:
        flat = {
            f"{name}_{figure}": value for name in found for figure, value in found[name].items()
        }
        write_json(arguments.json, bench="device", figures=flat, rows=rows, runs=1)
    if not found:
        return 2
    return 0 if all(row["verdict"] in {"met", "-"} for row in rows) else 1
