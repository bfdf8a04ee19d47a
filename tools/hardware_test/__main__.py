"""`python -m tools.hardware_test`: try a toy, on a board or simulated, and report."""

import argparse
import asyncio
import contextlib
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from rich.console import Console as Screen

from relay.config import LogSettings
from relay.errors import RelayError
from relay.telemetry import set_up_logging
from tools.flash.errors import FlashError
from tools.flash.ports import check_port, find_port
from tools.hardware_test.bench import Bench, BenchError
from tools.hardware_test.board_bench import BoardBench
from tools.hardware_test.checks.bring_up import bring_up
from tools.hardware_test.checks.heap import TITLE as HEAP
from tools.hardware_test.checks.heap import heap
from tools.hardware_test.checks.networks import TITLE as NETWORKS
from tools.hardware_test.checks.networks import networks
from tools.hardware_test.checks.safety import TITLE as SAFETY
from tools.hardware_test.checks.safety import safety
from tools.hardware_test.checks.signal import TITLE as SIGNAL
from tools.hardware_test.checks.signal import signal
from tools.hardware_test.checks.sound import TITLE as SOUND
from tools.hardware_test.checks.sound import sound
from tools.hardware_test.checks.stability import TITLE as STABILITY
from tools.hardware_test.checks.stability import stability
from tools.hardware_test.report import Report, write
from tools.hardware_test.result import Check, Verdict
from tools.hardware_test.virtual_bench import VirtualBench
from tools.talk.home import open_home
from tools.virtual_toy import VirtualToyError

OUT = Path("out/hardware_test")
VIRTUAL_HOURS = 0.002  # 7 s: enough for a run in continuous integration
BOARD_HOURS = 1.0
HEARTBEAT_S = 2
AGE = 7
# A board's relay has to be reached over the network; a simulated toy's must not be.
EVERYWHERE = "0.0.0.0"  # noqa: S104
SHORT_ANSWERS = {"max_tokens": 16}  # a sentence is sound enough
COLOURS = {
    Verdict.PASSED: "green",
    Verdict.PARTLY: "yellow",
    Verdict.FAILED: "red",
    Verdict.NOT_RUN: "dim",
}

screen = Screen(highlight=False)


def main(argv: list[str] | None = None) -> int:
    """Try the toy; return 0 if no check failed."""
    arguments = parser().parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        with (arguments.out / "relay.log").open("w", encoding="utf-8") as log:
            set_up_logging(LogSettings(level="INFO"), log)
            report = asyncio.run(run(arguments))
    except (BenchError, FlashError, RelayError, VirtualToyError) as error:
        screen.print(f"\n{error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        screen.print("\nStopped; there is no report.")
        return 130
    finally:
        logging.shutdown()
    page, data = write(report, arguments.out)
    screen.print(f"\nReport: {page}\n        {data}", markup=False)
    return 1 if report.failed else 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m tools.hardware_test",
        description="Try a toy from end to end: networks, signal, link, sound, safety, memory. On "
        "a board that has been flashed (its settings are put aside and given back), or --virtual.",
    )
    add = made.add_argument
    which = made.add_mutually_exclusive_group()
    which.add_argument("--virtual", action="store_true", help="on a simulated board")
    which.add_argument("--port", help="serial port of the board (default: found)")
    add("--hours", type=float, metavar="N", help="to watch the link (1; virtual: some seconds)")
    add("--networks", type=Path, metavar="FILE",
        help='Wi-Fi to join, as JSON: [{"ssid": ..., "password": ...}, ...]')  # fmt: skip
    add("--person", action="store_true", help="somebody is there to squeeze the paw and ask")
    add("--out", type=Path, default=OUT, metavar="DIR", help=f"for the report (default {OUT})")
    return made


async def run(arguments: argparse.Namespace) -> Report:
    """Run every check, one after the other, and return the report."""
    began, started = time.time(), time.monotonic()
    hours = arguments.hours or (VIRTUAL_HOURS if arguments.virtual else BOARD_HOURS)
    async with open_bench(arguments) as bench:
        checks = []
        for title, attempt in (
            (NETWORKS, lambda: networks(bench)),
            (SIGNAL, lambda: signal(bench)),
            (SOUND, lambda: sound(bench, arguments.person)),
            (SAFETY, lambda: safety(bench)),
            (HEAP, lambda: heap(bench)),
            (STABILITY, lambda: stability(bench, hours)),
        ):
            with screen.status(f"{title} ..."):
                checks.append(await guarded(title, attempt))
            show(checks[-1])
        await bench.switch_off()
        for check in await bring_up(bench):
            checks.append(check)
            show(check)
        subject = bench.describe()
    return Report(arguments.virtual, subject, checks, began, time.monotonic() - started)


async def guarded(title: str, attempt: Callable[[], Awaitable[Check]]) -> Check:
    """Return what a check found, with the time it took; one that breaks off has failed."""
    started = time.monotonic()
    try:
        check = await attempt()
    except (BenchError, FlashError, VirtualToyError, TimeoutError, asyncio.TimeoutError) as error:
        check = Check(title, Verdict.FAILED, f"it broke off: {error or type(error).__name__}")
    return Check(
        check.title, check.verdict, check.why, check.figures, check.rows,
        time.monotonic() - started,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def open_bench(arguments: argparse.Namespace) -> AsyncIterator[Bench]:
    """Open a relay and lay the toy beside it."""
    limits = {"heartbeat_s": HEARTBEAT_S, "timeout_s": 4 * HEARTBEAT_S}
    host = "127.0.0.1" if arguments.virtual else EVERYWHERE
    if not arguments.virtual:
        port = find_port(arguments.port)
        check_port(port)
    wanted = read_networks(arguments.networks) if arguments.networks else None
    screen.print("Starting the relay ...", style="dim")
    async with open_home(
        limits=limits, listen={"host": host, "tls": True}, llm=SHORT_ANSWERS
    ) as home:
        token = await home.pair(age=AGE)
        if arguments.virtual:
            virtual = VirtualBench(home, token)
            try:
                yield virtual
            finally:
                await virtual.switch_off()
            return
        board = BoardBench(home, token, port, wanted, lambda line: logging.info("toy: %s", line))
        await board.open()
        try:
            yield board
        finally:
            await board.close()


def read_networks(path: Path) -> list[tuple[str, str]]:
    """Return name and password of each network in a JSON file; BenchError."""
    try:
        return [(one["ssid"], one.get("password", "")) for one in json.loads(path.read_text())]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchError(
            f'{path} is not a list like [{{"ssid": "home", "password": "..."}}] in JSON'
        ) from error


def show(check: Check) -> None:
    """Print one line for a check."""
    name = check.verdict.value
    screen.print(f"{name:>8}  {check.title}: {check.why}", style=COLOURS[check.verdict],
                 markup=False)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
