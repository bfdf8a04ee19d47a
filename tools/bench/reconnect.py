"""From "the network works again" to "hello answered": how soon a toy is back, and after what.

Virtual toys run the real firmware against the real relay with its real models, and Wi-Fi takes as
long as a real driver does: see `tools/bench/link_troubles.py`.

relay        The relay stops and starts again. The clock starts when it listens.
access point The Wi-Fi goes away and comes back. The clock starts when it can be heard. This
             includes the time that the driver takes to join, which `own_s` in the rows leaves out.
half-open    The network goes dead for 2 to 12 s without a sign, and what was open stays dead
             afterwards, as behind a router that was restarted. The clock starts when new
             connections pass.
address      The router gives the toy another address, so that its connection is dead without a
             sign. The clock starts then.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from relay.config import LogSettings
from relay.errors import RelayError
from relay.telemetry import set_up_logging
from tools.bench.link_troubles import (
    Scenario,
    Watched,
    change_address,
    free_port,
    half_open,
    restart_access_point,
    restart_relay,
    watched_toy,
)
from tools.bench.report import Row, machine, percentile, print_table, write_json
from tools.talk.home import Home, open_home
from tools.virtual_toy import VirtualToyError

DEFAULT_RUNS = 20
MOST_TOYS = 4
BACK_S = 60  # later than this counts as failed
GOAL_P50_S = 2.0
GOAL_MAX_S = 5.0
LOG = Path("out/bench/reconnect.log")


@dataclass(frozen=True)
class Return:
    """One toy's way back in seconds, None if never; `driver_s` of it the Wi-Fi driver joined."""

    scenario: str
    outage_s: float
    total_s: float | None
    driver_s: float


# Name, what happens, shortest and longest outage in seconds.
SCENARIOS: dict[str, tuple[Scenario, float, float]] = {
    "relay": (restart_relay, 0, 8),
    "access point": (restart_access_point, 3, 15),
    "half-open": (half_open, 2, 12),
    "address": (change_address, 0, 0),
}


def main(argv: list[str]) -> int:
    """Measure; return 0 when every toy came back every time."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench reconnect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--runs", type=int, default=DEFAULT_RUNS, help=f"of each (default {DEFAULT_RUNS})")
    add("--scenario", choices=SCENARIOS, action="append", help="only this one (may be repeated)")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args(argv)
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    console = Console()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    before = machine()
    try:
        with LOG.open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(), log)
            names = arguments.scenario or list(SCENARIOS)
            returns = asyncio.run(measure(names, arguments.runs, console))
    except (RelayError, VirtualToyError) as error:
        console.print(f"[red]{error}")
        return 1
    figures, rows = figures_of(returns), [row_of(one) for one in returns]
    show(returns, figures, console)
    if arguments.json:
        write_json(
            arguments.json,
            bench="reconnect",
            figures=figures,
            rows=rows,
            runs=len(returns),
            machine_before=before,
        )
    return 1 if figures["failed"] else 0


async def measure(names: Sequence[str], runs: int, console: Console) -> list[Return]:
    """Go through the scenarios with a few toys at once, until there are `runs` of each."""
    returns: list[Return] = []
    async with AsyncExitStack() as stack:
        # A fixed port: the relay must come back where the toys look for it.
        home = await stack.enter_async_context(open_home(listen={"port": free_port()}))
        toys = [await watched_toy(home, stack) for _ in range(min(runs, MOST_TOYS))]
        progress = stack.enter_context(Progress(console=console, transient=True))
        for name in names:
            task = progress.add_task(name, total=runs)
            left = runs
            while left > 0:
                some = toys[:left]
                # They share the relay; all else happens to each of them at a time of its own.
                groups = [some] if name == "relay" else [[toy] for toy in some]
                runs_of_all = (run_once(name, home, group) for group in groups)
                returns += [one for group in await asyncio.gather(*runs_of_all) for one in group]
                left -= len(some)
                progress.update(task, completed=runs - left)
    return returns


async def run_once(name: str, home: Home, toys: Sequence[Watched]) -> list[Return]:
    """Break the connection of all `toys` in the same way and wait until they are back."""
    scenario, shortest_s, longest_s = SCENARIOS[name]
    # Not always at the same moment between two heartbeats.
    await asyncio.sleep(random.uniform(1, 3))  # noqa: S311 - no secret
    outage_s = random.uniform(shortest_s, longest_s)  # noqa: S311
    broken_at = time.monotonic()
    working_at = await scenario(home, toys, outage_s)
    for watched in toys:
        await watched.toy.wait_for(
            lambda watched=watched: watched.back_since(broken_at) is not None,  # type: ignore[misc]
            max(0.0, working_at + BACK_S - time.monotonic()),
        )
    return [
        Return(
            name,
            working_at - broken_at,
            None if back is None else max(0.0, back - working_at),
            driver_time(watched, working_at, back),
        )
        for watched in toys
        for back in [watched.back_since(broken_at)]
    ]


def driver_time(watched: Watched, working_at: float, back: float | None) -> float:
    """Return the seconds after `working_at` in which the driver was joining, with success."""
    began = None
    for event in watched.toy.events:
        if event.name != "wifi" or event.at > (back or event.at):
            continue
        if event.detail == "connect" or event.detail.startswith("disconnected"):
            began = event.at
        elif event.detail == "connected" and event.at >= working_at and began is not None:
            return event.at - max(began, working_at)
    return 0.0


def figures_of(returns: Sequence[Return]) -> dict[str, float]:
    """Return the figures by name, over all scenarios and for each."""
    figures, everything = {}, [("", list(returns))]
    for name in dict.fromkeys(one.scenario for one in returns):
        label = name.replace(" ", "_").replace("-", "_")
        everything.append((f"_{label}", [one for one in returns if one.scenario == name]))
    for label, some in everything:
        totals = [one.total_s for one in some if one.total_s is not None]
        if totals:
            figures[f"reconnect{label}_s_p50"] = round(percentile(totals, 50), 2)
            figures[f"reconnect{label}_s_max"] = round(max(totals), 2)
    figures["failed"] = sum(one.total_s is None for one in returns)
    return figures


def row_of(one: Return) -> Row:
    """Return one way back for the JSON file; `own_s` is without the driver's time."""
    own = None if one.total_s is None else max(0.0, one.total_s - one.driver_s)
    return {
        "scenario": one.scenario,
        "outage_s": round(one.outage_s, 2),
        "total_s": None if one.total_s is None else round(one.total_s, 2),
        "driver_s": round(one.driver_s, 2),
        "own_s": None if own is None else round(own, 2),
    }


def show(returns: Sequence[Return], figures: dict[str, float], console: Console) -> None:
    """Print a row a scenario, and whether the goals are met."""
    rows = []
    for name in dict.fromkeys(one.scenario for one in returns):
        some = [one for one in returns if one.scenario == name and one.total_s is not None]
        totals = [one.total_s for one in some if one.total_s is not None]
        if totals:
            rows.append(
                {
                    "after": name,
                    "runs": len(totals),
                    "p50 s": percentile(totals, 50),
                    "max s": max(totals),
                    "of it driver, p50 s": percentile([one.driver_s for one in some], 50),
                }
            )
    print_table("From working network to answered hello", rows, console)
    p50, longest = figures.get("reconnect_s_p50"), figures.get("reconnect_s_max")
    if p50 is not None and longest is not None:
        met = "met" if p50 <= GOAL_P50_S and longest <= GOAL_MAX_S else "not met"
        console.print(
            f"All: p50 {p50:.2f} s, longest {longest:.2f} s, with the driver's time. "
            f"Goal of {GOAL_P50_S:g} s p50 and {GOAL_MAX_S:g} s at worst: {met}."
        )
    if figures["failed"]:
        console.print(f"[red]{figures['failed']:.0f} did not come back within {BACK_S} s.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
