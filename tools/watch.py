"""Run long commands with the time and their last line in sight, and everything in a log file."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "out" / "setup.log"
BUILD_COUNT = re.compile(r"\[(\d+)/(\d+)\]")  # as Ninja prints it


class CommandFailed(Exception):
    """A command failed; the message holds the lines of its output that matter."""


def watch(command: list[str], title: str, environment: dict[str, str] | None = None) -> None:
    """Run a long command, showing time and last line, all of it in the log; or CommandFailed."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, text=True,
            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        tail: list[str] = []

        def read() -> None:
            for line in process.stdout or ():
                log.write(line)
                tail.append(line.strip())
                del tail[:-30]

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            show_progress(reader, title, tail)
        except BaseException:
            # The whole group: pip's compiler and its children would go on without it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            reader.join(5)
            raise
    if process.wait() != 0:
        errors = [line for line in tail if "error" in line.lower()] or tail
        raise CommandFailed("\n  ".join([f"{title} failed:", *errors[-5:], f"all of it: {LOG}"]))


def show_progress(reader: threading.Thread, title: str, tail: list[str]) -> None:
    """Show elapsed time and last line until `reader` ends: live on a terminal, else sometimes."""
    started, live, next_line_s = time.monotonic(), sys.stdout.isatty(), 15.0
    width = shutil.get_terminal_size().columns
    while reader.is_alive():
        reader.join(0.5 if live else 1)
        elapsed = time.monotonic() - started
        line = f"    {clock(elapsed)}  {title}: {summary(tail)}"[: width - 1]
        if live:
            print(f"\r\x1b[2K{line}", end="", flush=True)
        elif elapsed >= next_line_s:
            print(line, flush=True)
            next_line_s += 30
    if live:
        print("\r\x1b[2K", end="", flush=True)


def summary(tail: list[str]) -> str:
    """Return what the last lines of a command say: how far a build is, or the last line itself."""
    if not tail:
        return "..."
    counted = BUILD_COUNT.match(tail[-1])
    return f"{counted[1]} of {counted[2]} files" if counted else tail[-1]


def works(command: list[str]) -> bool:
    """Tell whether a command runs and succeeds; its output goes nowhere."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds, as in 7:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
