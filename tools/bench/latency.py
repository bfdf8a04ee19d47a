"""From a spoken question to the toy's answer: the time of every stage, and the words misheard.

Questions of several voices, pitches and speeds, quiet and in the noise of a home, are spoken to a
virtual toy; firmware, relay and models are the real ones. Once an answer has begun the child asks
on. `turnaround` is from when the relay learns that the child has finished to the first reply frame
on the socket, `voice_to_voice` from the last voiced sample into the microphone to the first word
out of the speaker, `first_sound` from letting go of the paw to the first sound of any kind.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from relay.config import LogSettings, Settings
from relay.errors import RelayError
from relay.telemetry import set_up_logging
from tools.bench import baseline
from tools.bench.asking import Run, Series, ask_all
from tools.bench.latency_figures import (
    GOALS,
    HOLD,
    TAP,
    baseline_row,
    error_rate,
    figures_of,
    pick,
    pictures_of,
    places,
    row_of,
    stage_rows,
)
from tools.bench.questions import (
    Question,
    in_noise,
    made_questions,
    own_questions,
    paused_questions,
)
from tools.bench.report import Row, machine, print_table, verdict, write_json, write_pictures
from tools.bench.speech import PAUSED_QUESTIONS, words
from tools.talk.home import open_home
from tools.talk.recording import RecordingError
from tools.virtual_toy import VirtualToyError

COUNT, QUICK_COUNT = 42, 8
SNR_DB, QUICK_SNR_DB = (20, 10), (10,)
NOISY_TAPS = 4  # hands-free, every fourth question is asked in noise, too: each kind in turn
JITTER_MS = 50
JITTERED, QUICK_JITTERED = 6, 2
OUT = Path("out/bench/latency.json")
# Faster than a child would ask: the limit on questions a minute must not be what is measured.
LIMITS = {"turns_per_minute": 600}


def main(argv: list[str]) -> int:
    """Measure; return 0 when every question was answered, 1 if not or nothing could be measured."""
    arguments = parse(argv)
    console = Console()
    before, rows = machine(), list[dict[str, object]]()
    log_path = OUT.with_suffix(".log")
    log_path.parent.mkdir(parents=True, exist_ok=True)
    interrupted = False
    try:
        series = plan(arguments)
        with log_path.open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(), log)
            asyncio.run(measure(series, arguments, rows, console))
    except KeyboardInterrupt:
        interrupted = True
        console.print("Stopped; what was measured until then:", style="yellow")
    except (RelayError, RecordingError, VirtualToyError, RuntimeError, TimeoutError) as error:
        console.print(str(error) or "The toy did not answer in time.", style="red", markup=False)
        console.print(f"Details: {log_path}", style="dim", markup=False)
        return 1
    if not rows:
        return 130
    figures = figures_of(rows)
    show(rows, figures, console)
    target = arguments.json or OUT
    if arguments.json:
        write_json(
            target,
            bench="latency",
            figures=figures,
            rows=rows,
            runs=len(pick(rows, pipeline="bramble")),
            machine_before=before,
        )
    for picture in write_pictures(target, pictures_of(rows)):
        console.print(f"picture  {picture}", style="dim", markup=False)
    if interrupted:
        return 130
    return 1 if figures["unanswered"] else 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench latency", description=__doc__)
    add = parser.add_argument
    add(
        "--questions",
        type=Path,
        metavar="DIR",
        help="your own WAV files; the words in a .txt beside each, or all in questions.txt",
    )
    add(
        "--count", type=int, metavar="N", help=f"how many questions (default {COUNT}, or all yours)"
    )
    add(
        "--snr",
        type=int,
        action="append",
        metavar="DB",
        help="also in noise that is so much quieter; repeatable, 0 for none (default 20 and 10)",
    )
    add("--mode", choices=(HOLD, TAP, "both"), default="both", help="hold the paw, tap it, or both")
    add("--age", type=int, default=7, choices=range(3, 14), metavar="YEARS", help="3 to 13")
    add("--baseline", action="store_true", help="also a plain pipeline of the same models")
    add("--quick", action="store_true", help="a small run of a few minutes")
    add("--json", type=Path, metavar="FILE", help="write the figures there, pictures beside it")
    arguments = parser.parse_args(argv)
    if arguments.count is not None and not 1 <= arguments.count <= 1000:
        parser.error("--count must be from 1 to 1000")
    if any(not -20 <= snr <= 60 for snr in arguments.snr or ()):
        parser.error("--snr must be from -20 to 60 dB")
    return arguments


def plan(arguments: argparse.Namespace) -> list[Series]:
    """Return what is asked and how; raises RecordingError, RuntimeError."""
    quick: bool = arguments.quick
    if arguments.questions is not None:
        quiet = own_questions(
            arguments.questions, arguments.count or (QUICK_COUNT if quick else None)
        )
        paused, levels = list[Question](), list[int]()
    else:
        quiet = made_questions(arguments.count or (QUICK_COUNT if quick else COUNT))
        paused = paused_questions(min(len(PAUSED_QUESTIONS), max(1, len(quiet) // 4)))
        levels = list(QUICK_SNR_DB if quick else SNR_DB)
    if arguments.snr:
        levels = sorted({snr for snr in arguments.snr if snr}, reverse=True)
    noisy = [question for snr in levels for question in in_noise(quiet, snr)]
    series = []
    if arguments.mode != TAP:
        series.append(Series([*quiet, *noisy], HOLD))
    if arguments.mode != HOLD:
        series.append(Series([*quiet, *noisy[::NOISY_TAPS], *paused], TAP))
    whole = quiet[: QUICK_JITTERED if quick else JITTERED]
    return [*series, Series(whole, series[0].mode, jitter_ms=JITTER_MS, whole=True)]


async def measure(
    series: list[Series],
    arguments: argparse.Namespace,
    rows: list[dict[str, object]],
    console: Console,
) -> None:
    """Ask every question, one after the other, adding a row for each to `rows`."""
    plain = series[0].questions if arguments.baseline else []
    total = sum(len(each.questions) for each in series) + len(plain)
    with _progress(console, total) as advance:

        def note(run: Run) -> None:
            rows.append(row_of(run))
            advance("asking")

        def note_plain(answer: baseline.Answer) -> None:
            rows.append(baseline_row(answer))
            advance("plain pipeline")

        async with open_home(limits=LIMITS) as home:
            await ask_all(home, series, arguments.age, note)
        if plain:
            await baseline.measure(Settings(), plain, arguments.age, note_plain)


@contextlib.contextmanager
def _progress(console: Console, total: int) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description:<15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=total)
        yield lambda what: progress.update(task, advance=1, description=what)


def show(rows: list[dict[str, object]], figures: dict[str, float], console: Console) -> None:
    """Print the stages, the words misheard by noise level, what went wrong, and the figures."""
    ours = [row for row in pick(rows, pipeline="bramble") if not row.get("jitter_ms")]
    plain = pick(rows, pipeline=baseline.BASELINE)
    for mode, title in ((HOLD, "Hold to talk"), (TAP, "Hands-free")):
        if chosen := pick(ours, mode=mode):
            table = stage_rows(chosen)
            print_table(
                f"{title}: after the end of speech, {len(chosen)} questions", table, console
            )
    if plain:
        title = f"Plain pipeline: after the end of speech, {len(plain)} questions"
        print_table(title, stage_rows(plain), console)
    if heard := [_error_row(ours, plain, place) for place in places(ours)]:
        print_table("Words wrong, by noise", heard, console)
    _show_trouble(ours, console)
    print_table(
        "Figures",
        [
            {"figure": k, "value": v, "goal": GOALS.get(k), "verdict": verdict(v, GOALS.get(k))}
            for k, v in figures.items()
        ],
        console,
    )


def _error_row(ours: list[Row], plain: list[Row], place: str) -> Row:
    """Return the word error rates of one noise level; hands-free without the pauses."""
    row: dict[str, object] = {"noise": place}
    for name, rows in (
        ("hold", pick(ours, mode=HOLD, place=place)),
        ("hands-free", pick(ours, mode=TAP, place=place, paused=False)),
        ("with pauses", pick(ours, mode=TAP, place=place, paused=True)),
        ("plain", pick(plain, place=place)),
    ):
        row[name] = error_rate(rows)
    return row


def _show_trouble(ours: list[Row], console: Console) -> None:
    for row in ours:
        name = f"{row['question']} [{row['mode']}]"
        if row["spoken"] and words(str(row["spoken"])) != words(str(row["heard"])):
            console.print(f"misheard  {name}  ->  {row['heard']}", style="dim", markup=False)
        if row["cut_off"]:
            console.print(f"cut off  {name}  ->  {row['heard']}", style="red", markup=False)
        if not row["answered"]:
            console.print(f"not answered  {name} ({row['outcome']})", style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
