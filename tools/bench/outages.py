"""Turns across outages: each is answered, or the child hears that it is not.

A virtual toy with the real firmware asks the real relay, with its real models, one question after
the other. Some turns are broken at a random moment: the relay restarts, the Wi-Fi goes away, or
everything goes dead without a sign; the next questions may still meet the outage.

answered   The reply was spoken to its end.
announced  It was not, and the toy said so within 3 s of noticing and before the next squeeze: a
           sound or a spoken line. What was heard before it noticed does not count.
silent     Neither: a turn lost without a word. There should be none.
"""

import argparse
import asyncio
import math
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from device.light import Look
from device.protocol import RATE_HZ
from relay.config import LogSettings
from relay.errors import RelayError
from relay.telemetry import set_up_logging
from tools.bench.link_troubles import (
    Scenario,
    Watched,
    free_port,
    half_open,
    restart_access_point,
    restart_relay,
    watched_toy,
)
from tools.bench.report import p50_p95, print_table, write_json
from tools.talk.home import Home, open_home
from tools.talk.make_questions import FOLDER, QUESTIONS
from tools.virtual_toy import Reply, VirtualToy, VirtualToyError
from tools.virtual_toy.reply import TURN_LOOKS
from tools.virtual_toy.speaker import AUDIBLE

DEFAULT_TURNS = 100
DEFAULT_OUTAGES = 20
LONGEST_OUTAGE_S = 5.0
LATEST_BREAK_S = 5.0  # after the squeeze
ANNOUNCED_WITHIN_S = 3.0
SHORTEST_SOUND_S = 0.2  # "sorry", the shortest that says so, takes 0.56 s
PAUSE_S = (0.5, 2.0)  # between two questions
TURN_S = 90.0
LOG = Path("out/bench/outages.log")
CAUSES: dict[str, Scenario] = {
    "relay": restart_relay,
    "access point": restart_access_point,
    "half-open": half_open,
}


@dataclass(frozen=True)
class Turn:
    """How one question fared; `cause` is the outage that it was broken by, empty for none.

    `announced_after_s` is from when the toy noticed to the first sound of its saying so, or None.
    """

    number: int
    cause: str
    outcome: str
    announced_after_s: float | None
    looks: tuple[str, ...]


def outcome_of(toy: VirtualToy, reply: Reply, until: float = math.inf) -> tuple[str, float | None]:
    """Return what the child could tell of a turn from light and speaker, see the module.

    And after how many seconds it was announced. `until` is when the next turn began.
    """
    looks = [
        (event.at, event.detail)
        for event in toy.events
        if event.name == "light" and reply.pressed_at <= event.at < until
    ]
    began = [at for at, look in looks if look in TURN_LOOKS]
    ended = [(at, look) for at, look in looks if began and at > began[0] and look not in TURN_LOOKS]
    # Squeezed while home was away already, the light need not change at all.
    noticed_at, look = ended[0] if ended else (reply.pressed_at, "")
    if began and reply.answered and look == Look.IDLE:
        return "answered", None
    until = min(until, noticed_at + ANNOUNCED_WITHIN_S)
    heard = np.abs(toy.speaker.between(noticed_at, until).astype(np.int32)) >= AUDIBLE
    if np.count_nonzero(heard) < SHORTEST_SOUND_S * RATE_HZ:
        return "silent", None
    return "announced", float(np.argmax(heard)) / RATE_HZ


async def run(turns: int, outages: int, console: Console) -> list[Turn]:
    """Ask `turns` questions, `outages` of which are broken, evenly spread; return how all fared."""
    done: list[Turn] = []
    asked: tuple[int, str, Reply] | None = None
    breaking: asyncio.Task[float] | None = None
    async with AsyncExitStack() as stack:
        # A fixed port: the relay must come back where the toy looks for it.
        home = await stack.enter_async_context(
            open_home(listen={"port": free_port()}, limits={"turns_per_minute": 600})
        )
        watched = await watched_toy(home, stack)
        names = [name for name, *_ in QUESTIONS]
        broken = {(turns * index) // outages: index for index in range(outages)} if outages else {}
        for number in track(range(turns), "Asking", console=console, transient=True):
            cause = ""
            if number in broken:
                if breaking is not None:
                    await breaking  # one trouble at a time
                    await watched.toy.wait_until_ready(TURN_S)
                cause = list(CAUSES)[broken[number] % len(CAUSES)]
                breaking = asyncio.create_task(_break(cause, home, watched))
            reply = await watched.toy.ask(
                FOLDER / f"{names[number % len(names)]}.wav", timeout_s=TURN_S
            )
            if asked is not None:
                # Only now: what this busy process had not heard of by then, it has by now.
                done.append(_turn_of(watched.toy, *asked, until=reply.pressed_at))
            asked = (number, cause, reply)
            await asyncio.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - no secret
        if asked is not None:
            await asyncio.sleep(ANNOUNCED_WITHIN_S)
            done.append(_turn_of(watched.toy, *asked))
        if breaking is not None:
            await breaking
        await watched.toy.wait_until_ready(TURN_S)
    return done


def _turn_of(
    toy: VirtualToy, number: int, cause: str, reply: Reply, until: float = math.inf
) -> Turn:
    return Turn(number, cause, *outcome_of(toy, reply, until), reply.looks)


async def _break(cause: str, home: Home, watched: Watched) -> float:
    await asyncio.sleep(random.uniform(0, LATEST_BREAK_S))  # noqa: S311 - no secret
    outage_s = random.uniform(1, LONGEST_OUTAGE_S)  # noqa: S311
    await CAUSES[cause](home, [watched], outage_s)
    return time.monotonic()


def figures_of(done: list[Turn]) -> dict[str, float]:
    """Return the count of each outcome, and of turns that an outage was aimed at."""
    count = Counter(turn.outcome for turn in done)
    after_ms = [
        turn.announced_after_s * 1000 for turn in done if turn.announced_after_s is not None
    ]
    return {
        "turns": len(done),
        "outages": sum(bool(turn.cause) for turn in done),
        **{f"{name}_turns": count[name] for name in ("answered", "announced", "silent")},
        **p50_p95("announced_after_ms", after_ms),
    }


def main(argv: list[str]) -> int:
    """Ask; return 0 when no turn was lost without a word."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench outages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--turns", type=int, default=DEFAULT_TURNS, help=f"default {DEFAULT_TURNS}")
    add("--outages", type=int, default=DEFAULT_OUTAGES, help=f"default {DEFAULT_OUTAGES}")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args(argv)
    if not 0 <= arguments.outages <= arguments.turns or arguments.turns < 1:
        parser.error("--turns must be at least 1, and --outages from 0 to that")
    console = Console()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    try:
        with LOG.open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(), log)
            done = asyncio.run(run(arguments.turns, arguments.outages, console))
    except (RelayError, VirtualToyError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    figures = figures_of(done)
    rows: list[dict[str, object]] = []
    for cause in ("", *CAUSES):
        some = Counter(turn.outcome for turn in done if turn.cause == cause)
        rows.append({"broken by": cause or "nothing, or what broke the last one", **some})
    for row in rows:
        for name in ("answered", "announced", "silent"):
            row.setdefault(name, 0)
    print_table("How the turns fared", rows, console)
    verdict = "none was lost without a word" if not figures["silent_turns"] else "[red]some were"
    console.print(f"{figures['turns']:.0f} turns, {figures['outages']:.0f} outages: {verdict}.")
    if "announced_after_ms_p95" in figures:
        p50, p95 = figures["announced_after_ms_p50"], figures["announced_after_ms_p95"]
        console.print(f"From noticing to the first sound: p50 {p50:.0f} ms, p95 {p95:.0f} ms.")
    if arguments.json:
        each = [asdict(turn) for turn in done]
        write_json(arguments.json, bench="outages", figures=figures, rows=each, runs=len(done))
    return 1 if figures["silent_turns"] else 0
