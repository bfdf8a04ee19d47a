"""The relay's memory over hundreds of turns, or with --full over 2000: does it stay flat?

The relay is a process of its own with the real engines. Toys ask one question after the other,
most of them cancelled as soon as the answer begins, every 25th heard to its end; after each few
turns the memory that the relay and its children hold is read (resident set). The growth is the
Theil-Sen slope (median of the slopes between all pairs, robust to single jumps) over the second
half of the turns, with the interval of 95 %.
"""

import argparse
import asyncio
import contextlib
import itertools
import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from relay.audio import BYTES_PER_SAMPLE, SAMPLE_RATE
from relay.errors import RelayError
from tools.bench import chart
from tools.bench.light_toy import LightToy
from tools.bench.questions import Question, made_questions
from tools.bench.report import Row, machine, print_table, write_json, write_pictures
from tools.bench.watched import AGE, WatchedRelay
from tools.bench.websocket import BenchError

TURNS, FULL_TURNS = 200, 2000
TOYS = 3
QUESTIONS = 21
WHOLE_EVERY = 25
SAMPLE_EVERY = 5
WARM_UP = 0.5  # of the turns: caches fill, prompts are kept, the allocator finds its size
CONFIDENT = 1.96  # standard deviations, for 95 %
SHORT_S = 2.9  # what the relay takes faster than real time
OUT = Path("out/bench/memory.json")


def main(argv: list[str]) -> int:
    """Measure; return 0, or 1 if a question got no answer or nothing could be measured."""
    arguments = parse(argv)
    console = Console()
    before, rows = machine(), list[dict[str, object]]()
    silent = [0]
    interrupted = False
    try:
        asyncio.run(measure(arguments.turns, rows, silent, console))
    except KeyboardInterrupt:
        interrupted = True
        console.print("Stopped; what was measured until then:", style="yellow")
    except (BenchError, RelayError, RuntimeError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    figures = {**figures_of(rows), "unanswered": silent[0]}
    print_table("Figures", [{"figure": k, "value": v} for k, v in figures.items()], console)
    if arguments.json:
        write_json(
            arguments.json,
            bench="memory",
            figures=figures,
            rows=rows,
            runs=int(figures.get("turns", 0)),
            machine_before=before,
        )
    for picture in write_pictures(arguments.json or OUT, pictures_of(rows)):
        console.print(f"picture  {picture}", style="dim", markup=False)
    if interrupted:
        return 130
    return 1 if silent[0] else 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench memory", description=__doc__)
    add = parser.add_argument
    add("--turns", type=int, metavar="N", help=f"how many (default {TURNS})")
    add("--full", action="store_true", help=f"{FULL_TURNS} turns, about half an hour")
    add("--json", type=Path, metavar="FILE", help="write the figures there, a picture beside it")
    arguments = parser.parse_args(argv)
    if arguments.turns is None:
        arguments.turns = FULL_TURNS if arguments.full else TURNS
    if not 1 <= arguments.turns <= 1_000_000:
        parser.error("--turns must be from 1 to 1000000")
    return arguments


async def measure(
    turns: int, rows: list[dict[str, object]], silent: list[int], console: Console
) -> None:
    """Have `turns` questions asked; add a row for each look at the memory, count the silent ones.

    Raises BenchError.
    """
    questions = itertools.cycle([q for q in made_questions(QUESTIONS) if len(_said(q)) < _most()])
    numbers = iter(range(1, turns + 1))
    columns = (TextColumn("turns"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("turns", total=turns)
        async with WatchedRelay(TOYS) as relay, contextlib.AsyncExitStack() as stack:
            rows.append({"turn": 0, "bytes": relay.memory_bytes()})

            async def talk(toy: LightToy) -> None:
                for number in numbers:
                    heard = await toy.ask(_said(next(questions)), whole=number % WHOLE_EVERY == 0)
                    silent[0] += not heard.frames
                    progress.update(task, advance=1)
                    if number % SAMPLE_EVERY == 0 or number == turns:
                        rows.append({"turn": number, "bytes": relay.memory_bytes()})

            toys = [LightToy(relay.url, token, relay.tls, AGE) for token in relay.tokens]
            for toy in toys:
                await stack.enter_async_context(toy)
            await asyncio.gather(*map(talk, toys))


def _most() -> int:
    return int(SHORT_S * SAMPLE_RATE) * BYTES_PER_SAMPLE


def _said(question: Question) -> bytes:
    return question.pcm[: question.voiced_samples * BYTES_PER_SAMPLE]


def figures_of(rows: list[dict[str, object]]) -> dict[str, float]:
    """Return the figures by name: slope and sizes; none without two looks after the warm-up."""
    points = _points(rows)
    warm = (
        [(turn, size) for turn, size in points if turn >= WARM_UP * points[-1][0]] if points else []
    )
    if len(warm) < 2 or warm[0][0] == warm[-1][0]:
        return {"turns": points[-1][0] if points else 0}
    slope, low, high = theil_sen(warm)
    return {
        "turns": points[-1][0],
        "growth_bytes_per_turn": round(slope, 1),
        "growth_bytes_per_turn_low": round(low, 1),
        "growth_bytes_per_turn_high": round(high, 1),
        "megabytes_first": round(points[0][1] / 1e6, 1),
        "megabytes_warm": round(warm[0][1] / 1e6, 1),
        "megabytes_last": round(points[-1][1] / 1e6, 1),
        "megabytes_max": round(max(size for _, size in points) / 1e6, 1),
    }


def theil_sen(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median of the slopes between all pairs of points, and its interval of 95 %.

    ValueError for fewer than two points. Sen, "Estimates of the Regression Coefficient Based on
    Kendall's Tau", 1968; the interval takes the points for independent.
    """
    if len({x for x, _ in points}) < 2:
        raise ValueError("a slope needs two points")
    xs, ys = (np.array(values, dtype=np.float64) for values in zip(*points, strict=True))
    first, second = np.triu_indices(len(points), k=1)
    apart = xs[second] - xs[first]
    slopes = np.sort((ys[second] - ys[first])[apart != 0] / apart[apart != 0])
    count = len(points)
    ranks = CONFIDENT * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, round((len(slopes) - ranks) / 2))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[len(slopes) - 1 - low])


def pictures_of(rows: list[Row] | list[dict[str, object]]) -> dict[str, str]:
    """Return the curve of memory over turns, as SVG text."""
    points = [(turn, size / 1e6) for turn, size in _points(rows)]
    if not points:
        return {}
    lines = {"relay and its children": points}
    return {"turns": chart.curve("The relay's memory", "turns", "MB", lines)}


def _points(rows: list[Row] | list[dict[str, object]]) -> list[tuple[float, float]]:
    """Return (turn, bytes) of every look, in the order of turns."""
    return sorted((float(str(row["turn"])), float(str(row["bytes"]))) for row in rows)
