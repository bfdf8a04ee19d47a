"""Many toys at one relay: what a hundred idle ones cost, and how long eight children wait at once.

The relay is a process of its own with the real engines; the toys speak its protocol from this one.
What a fresh relay does once is waited for and told apart: `start_processor_s` until `start_s`.
`idle_cpu_share` is the share of one core that the relay takes with all toys connected and idle,
`idle_megabytes` what they add to its memory. For each number of children, all of them finish a
question within the same second; `first_speech_ms` is from then to the first frame of the answer.
`cancel_ms` is how long the language model goes on after a child has interrupted it: while it reads
a prompt, and while it writes.
"""

import argparse
import asyncio
import contextlib
import random
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from relay.audio import BYTES_PER_SAMPLE, SAMPLE_RATE
from relay.errors import RelayError
from tools.bench.light_toy import Heard, LightToy
from tools.bench.load_cancel import measure_cancelling
from tools.bench.load_figures import GOALS, figures_of, pictures_of, summary
from tools.bench.questions import Question, made_questions
from tools.bench.report import machine, print_table, verdict, write_json, write_pictures
from tools.bench.watched import (
    AGE,
    Figures,
    WatchedRelay,
    first_frame_ms,
    lag_ms,
    turns_ended,
)
from tools.bench.websocket import BenchError

IDLE_TOYS, QUICK_IDLE_TOYS = 100, 20
CROWDS, QUICK_CROWDS = (1, 2, 4, 8, 16), (1, 4)
ROUNDS = 3
SETTLE_S = 5.0
LOOK_S, SETTLED_SHARE, SETTLED_LOOKS = 2.0, 0.02, 3  # this little of a core, so often in a row
SETTLE_TIMEOUT_S = 60.0
INTERRUPTIONS, QUICK_INTERRUPTIONS = 40, 10
WATCH_S = 30.0
RELEASE_S = 0.2  # from the last voiced sample to letting go of the paw
ENDED_TIMEOUT_S = 20.0
OUT = Path("out/bench/load.json")
ANSWERED = ("answered", "reviewed")


def main(argv: list[str]) -> int:
    """Measure; return 0 when everybody was answered, 1 if not or nothing could be measured."""
    arguments = parse(argv)
    console = Console()
    before, rows, figures = machine(), list[dict[str, object]](), dict[str, float]()
    interrupted = False
    try:
        asyncio.run(measure(arguments, rows, figures, console))
    except KeyboardInterrupt:
        interrupted = True
        console.print("Stopped; what was measured until then:", style="yellow")
    except (BenchError, RelayError, RuntimeError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    figures |= figures_of(rows)
    if rows:
        print_table("Children who finish a question in the same second", summary(rows), console)
    print_table(
        "Figures",
        [
            {"figure": k, "value": v, "goal": GOALS.get(k), "verdict": verdict(v, GOALS.get(k))}
            for k, v in figures.items()
        ],
        console,
    )
    if arguments.json:
        write_json(
            arguments.json,
            bench="load",
            figures=figures,
            rows=rows,
            runs=len(rows),
            machine_before=before,
        )
    for picture in write_pictures(arguments.json or OUT, pictures_of(rows)):
        console.print(f"picture  {picture}", style="dim", markup=False)
    if interrupted:
        return 130
    return 1 if figures.get("unanswered") else 0


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench load", description=__doc__)
    add = parser.add_argument
    add("--toys", type=int, metavar="N", help=f"connected and idle (default {IDLE_TOYS})")
    add("--watch", type=float, default=WATCH_S, metavar="S", help="so long (default %(default)g s)")
    add(
        "--children",
        type=int,
        action="append",
        metavar="N",
        help="how many ask at once; repeatable (default 1, 2, 4, 8, 16)",
    )
    add("--rounds", type=int, default=ROUNDS, help="times for each (default %(default)s)")
    add(
        "--settle",
        type=float,
        default=SETTLE_TIMEOUT_S,
        metavar="S",
        help="wait at most so long for the relay's first work (default %(default)g s)",
    )
    add(
        "--interruptions",
        type=int,
        metavar="N",
        help=f"of the language model, reading and writing; 0 for none (default {INTERRUPTIONS})",
    )
    add("--quick", action="store_true", help="a small run of a minute or two")
    add("--json", type=Path, metavar="FILE", help="write the figures there, a picture beside it")
    arguments = parser.parse_args(argv)
    if arguments.quick:
        arguments.rounds, arguments.watch = 1, min(arguments.watch, 10.0)
    if arguments.toys is None:
        arguments.toys = QUICK_IDLE_TOYS if arguments.quick else IDLE_TOYS
    if arguments.interruptions is None:
        arguments.interruptions = QUICK_INTERRUPTIONS if arguments.quick else INTERRUPTIONS
    arguments.children = arguments.children or (QUICK_CROWDS if arguments.quick else CROWDS)
    if not 1 <= arguments.toys <= 1000 or not all(1 <= n <= 100 for n in arguments.children):
        parser.error("--toys must be from 1 to 1000, --children from 1 to 100")
    if not 0 <= arguments.settle <= 3600 or not 0 <= arguments.interruptions <= 1000:
        parser.error("--settle must be from 0 to 3600, --interruptions from 0 to 1000")
    if not 1 <= arguments.rounds <= 100 or not 1 <= arguments.watch <= 3600:
        parser.error("--rounds must be from 1 to 100, --watch from 1 to 3600")
    return arguments


async def measure(
    arguments: argparse.Namespace,
    rows: list[dict[str, object]],
    figures: dict[str, float],
    console: Console,
) -> None:
    """Fill `rows` with one for each question and `figures` with those of the idle toys."""
    questions = made_questions(max(arguments.children))
    toys = max(arguments.toys, *arguments.children)
    steps = 4 + len(arguments.children) * arguments.rounds
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("interrupting the model", total=steps)
        if arguments.interruptions:
            figures |= await measure_cancelling(arguments.interruptions)
        progress.update(task, advance=1, description="starting the relay")
        async with WatchedRelay(toys) as relay:
            progress.update(task, advance=1, description="the relay's first work")
            figures |= await settle(relay, arguments.settle)
            progress.update(task, advance=1, description=f"{arguments.toys} toys, idle")
            figures |= await watch_idle(relay, arguments.toys, arguments.watch)
            progress.update(task, advance=1)
            for count in arguments.children:
                for number in range(arguments.rounds):
                    progress.update(task, description=f"{count} children at once")
                    rows += await ask_at_once(relay, questions[:count], number)
                    progress.update(task, advance=1)


async def settle(relay: WatchedRelay, limit_s: float) -> dict[str, float]:
    """Wait until a relay that listens is done with what it does once; return what that took.

    One that is not done within `limit_s` is measured as it is.
    """
    began, first = time.monotonic(), relay.processor_s()
    over, used, quiet = began, first, 0
    while quiet < SETTLED_LOOKS and time.monotonic() < began + limit_s:
        looked, before = time.monotonic(), relay.processor_s()
        await asyncio.sleep(LOOK_S)
        now, after = time.monotonic(), relay.processor_s()
        quiet += 1
        if (after - before) / (now - looked) >= SETTLED_SHARE:
            over, used, quiet = now, after, 0
    return {"start_s": round(over - began, 1), "start_processor_s": round(used - first, 2)}


async def watch_idle(relay: WatchedRelay, count: int, seconds: float) -> dict[str, float]:
    """Return what `count` idle toys cost the relay."""
    await asyncio.sleep(SETTLE_S)
    alone = relay.memory_bytes()
    async with contextlib.AsyncExitStack() as stack:
        toys = [LightToy(relay.url, token, relay.tls, AGE) for token in relay.tokens[:count]]
        for toy in toys:
            await stack.enter_async_context(toy)
        await asyncio.sleep(SETTLE_S)
        before, used, began = await relay.figures(), relay.processor_s(), time.monotonic()
        await asyncio.sleep(seconds)
        used, lasted = relay.processor_s() - used, time.monotonic() - began
        held = relay.memory_bytes()
        lag = lag_ms(before, await relay.figures(), 95)
        lost = sum(toy.lost for toy in toys)
    return {
        "idle_toys": count,
        "idle_cpu_share": round(used / lasted, 4),
        "idle_megabytes": round((held - alone) / 1e6, 1),
        "relay_megabytes": round(alone / 1e6, 1),
        "idle_lost": lost,
        **({} if lag is None else {"idle_loop_lag_ms_p95_below": lag}),
    }


async def ask_at_once(
    relay: WatchedRelay, questions: list[Question], number: int
) -> list[dict[str, object]]:
    """Let one toy a question ask, all questions over within a second; return a row for each."""
    spread = random.Random(number)  # noqa: S311 - the same in every run
    before, used = await relay.figures(), relay.processor_s()
    async with contextlib.AsyncExitStack() as stack:
        toys = [LightToy(relay.url, token, relay.tls, AGE) for token in relay.tokens]
        toys = toys[: len(questions)]
        for toy in toys:
            await stack.enter_async_context(toy)
        longest_s = (
            max(len(question.pcm) for question in questions) / BYTES_PER_SAMPLE / SAMPLE_RATE
        )
        first_over = time.monotonic() + longest_s + 1.0
        heard = await asyncio.gather(
            *(
                toy.ask(_said(question), over_at=first_over + spread.random())
                for toy, question in zip(toys, questions, strict=True)
            )
        )
        good = await _good_turns(relay, before, len(questions))
    after = await relay.figures()
    common = {
        "children": len(questions),
        "round": number,
        "good_share": good / len(questions),  # of this round, as the relay counted outcomes
        "loop_lag_ms_p95_below": lag_ms(before, after, 95),
        "relay_first_frame_ms_p95_below": first_frame_ms(before, after, 95),
        "processor_s": round((relay.processor_s() - used) / len(questions), 3),
    }
    return [
        {**common, **_row(question, each)} for question, each in zip(questions, heard, strict=True)
    ]


async def _good_turns(relay: WatchedRelay, before: Figures, count: int) -> int:
    """Return how many of the turns since `before` were answered, once `count` have ended."""
    then = turns_ended(before)
    deadline = time.monotonic() + ENDED_TIMEOUT_S
    while True:
        now = turns_ended(await relay.figures())
        ended = {outcome: total - then.get(outcome, 0) for outcome, total in now.items()}
        if sum(ended.values()) >= count or time.monotonic() > deadline:
            return int(sum(ended.get(outcome, 0) for outcome in ANSWERED))
        await asyncio.sleep(0.2)


def _said(question: Question) -> bytes:
    end = question.voiced_samples + int(RELEASE_S * SAMPLE_RATE)
    return question.pcm[: end * BYTES_PER_SAMPLE]


def _row(question: Question, heard: Heard) -> dict[str, object]:
    first = heard.first_speech_ms
    return {
        "question": question.name,
        "first_speech_ms": None if first is None else round(first, 1),
        "frames": heard.frames,
        "reason": heard.reason,
    }
