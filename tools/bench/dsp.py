"""How long the toy's work on sound takes: viper against plain Python, microseconds a 20 ms frame.

Measured with MicroPython on this computer. On an ESP32 everything is slower by far, bytecode more
than viper; what carries over is the ratio, and that nothing here allocates.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tools.bench.report import print_table, write_json
from tools.bench.websocket import ROOT, BenchError, find_micropython

TIMEOUT_S = 300


def measure(rounds: int) -> list[dict[str, object]]:
    """Time each function; return a row for each. Raises BenchError."""
    command = [
        str(find_micropython()),
        str(ROOT / "tools/bench/on_micropython/dsp_timing.py"),
        str(rounds),
    ]
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if result.returncode != 0:
        raise BenchError(f"The measurement failed:\n{result.stderr or result.stdout}")
    rows: list[dict[str, object]] = []
    for line in result.stdout.splitlines():
        name, viper_us, plain_us = line.split()
        rows.append(
            {
                "function": name,
                "viper_us": round(float(viper_us), 1),
                "plain_us": round(float(plain_us), 1),
                "times_faster": round(float(plain_us) / max(float(viper_us), 0.1), 1),
            }
        )
    return rows


def main(argv: list[str]) -> int:
    """Measure, print a table; return 0, or 2 if it could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench dsp", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--rounds", type=int, default=50, help="batches of ten calls (default 50)")
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:
        rows = measure(arguments.rounds)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    print_table("device/audio/dsp.py, one 20 ms frame, fastest batch", rows)
    figures = {f"{row['function']}_us": float(str(row["viper_us"])) for row in rows}
    for row in rows:
        figures[f"{row['function']}_times_faster"] = float(str(row["times_faster"]))
    if arguments.json:
        write_json(
            arguments.json, bench="dsp", figures=figures, rows=rows, runs=arguments.rounds * 10
        )
    return 0
