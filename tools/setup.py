"""Set the project up on this computer: virtual environment, packages, models.

The Makefile runs it with the system's own python3 before anything is installed, so it and what it
imports use the standard library alone. Every step leaves a stamp in `.venv/stamps` that says what
it was done for; a step whose stamp still fits is passed over, so that a second start costs no time
and an interrupted one goes on where it stopped. Nothing here needs root.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.setup_steps import (
    MODELS,
    PYPROJECT,
    VENV,
    SetupError,
    get_models,
    install_llama,
    install_packages,
    llama_requirement,
    make_environment,
    python_key,
)
from tools.watch import LOG, ROOT, CommandFailed, clock

STAMPS = VENV / "stamps"
CATALOGUE = ROOT / "tools" / "models" / "models.toml"

OLDEST_PYTHON = (3, 10)
FREE_BYTES_WANTED = 3 * 1024**3

# What each profile installs: optional dependencies of pyproject.toml, and models beyond the
# starter set. A bigger profile's stamp covers a smaller one.
EXTRAS = {"talk": ["toy", "piper"], "test": ["toy", "piper", "flash", "test"]}
MODELS_BEYOND_STARTER: dict[str, list[str]] = {"talk": [], "test": ["vosk-ko"]}


def main() -> int:
    """Set up what the profile on the command line needs; return a shell exit code."""
    parser = argparse.ArgumentParser(description="Set Bramble up: environment, packages, models.")
    parser.add_argument("profile", nargs="?", choices=sorted(EXTRAS), default="talk")
    parser.add_argument("--with", dest="extras", action="append", default=[], metavar="EXTRA",
                        help="one more optional dependency, such as microphone")  # fmt: skip
    arguments = parser.parse_args()
    extras = sorted({*EXTRAS[arguments.profile], *arguments.extras})
    try:
        check_python()
        with one_at_a_time():
            set_up(extras, MODELS_BEYOND_STARTER[arguments.profile])
    except (SetupError, CommandFailed) as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def check_python() -> None:
    """Go on with a Python that is new enough: this one, or another one that is installed."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer is not None:
            # Same module, newer interpreter.
            os.execv(newer, [newer, "-m", "tools.setup", *sys.argv[1:]])  # noqa: S606
    raise SetupError(
        f"Python {platform.python_version()} is too old; 3.10 or newer is needed. On Debian or "
        "Ubuntu: apt install python3 python3-venv. Then: make talk PYTHON=/path/to/python3"
    )


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock, so that two `make` at once do not build one environment together."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another set-up is running here; waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up(extras: list[str], models: list[str]) -> None:
    """Do the steps whose stamps do not fit."""
    steps: list[tuple[str, str, dict[str, object], Callable[[], None]]] = [
        ("environment", "virtual environment", {"python": python_key(), "root": str(ROOT)},
         make_environment),
        ("llama", "language engine", {"requirement": llama_requirement()}, install_llama),
        ("packages", "packages", {"pyproject": digest(PYPROJECT), "extras": extras},
         lambda: install_packages(extras)),
        ("models", "models", {"catalogue": digest(CATALOGUE), "models": models,
                              "folder": str(MODELS)},
         lambda: get_models(models)),
    ]  # fmt: skip
    waiting = [name for name, _, wanted, _ in steps if not stamp_fits(name, wanted)]
    if not waiting:
        return
    if shutil.disk_usage(ROOT).free < FREE_BYTES_WANTED:
        print("Note: less than 3 GB of disk are free here; set-up may not fit.", flush=True)
    print("Setting Bramble up, once. It can be interrupted and goes on where it stopped.")
    for number, (name, title, wanted, action) in enumerate(steps, start=1):
        if stamp_fits(name, wanted):
            print(f"{number}/{len(steps)} {title}: already there", flush=True)
            continue
        print(f"{number}/{len(steps)} {title} ...", flush=True)
        started = time.monotonic()
        (STAMPS / name).unlink(missing_ok=True)
        action()
        write_stamp(name, wanted)
        print(f"    done in {clock(time.monotonic() - started)}", flush=True)


# -- stamps ----------------------------------------------------------------------------------------


def stamp_fits(name: str, wanted: dict[str, object]) -> bool:
    """Tell whether step `name` was finished for what is `wanted` now, and its files still lie."""
    try:
        stamp = json.loads((STAMPS / name).read_text())
    except (OSError, ValueError):
        return False
    files = stamp.pop("files", {})
    if any(not Path(path).is_file() or Path(path).stat().st_size != files[path] for path in files):
        return False
    return stamp.keys() == wanted.keys() and all(covers(stamp[k], wanted[k]) for k in wanted)


def covers(done: object, wanted: object) -> bool:
    """Tell whether what was `done` is, or for lists includes, what is `wanted`."""
    if isinstance(done, list) and isinstance(wanted, list):
        return set(done) >= set(wanted)
    return done == wanted


def write_stamp(name: str, wanted: dict[str, object]) -> None:
    """Record that step `name` is done, with the sizes of the files it is worth nothing without."""
    files: dict[str, int] = {}
    if name == "models":
        found = (path for path in MODELS.rglob("*") if path.is_file())
        files = {str(path): path.stat().st_size for path in found}
    STAMPS.mkdir(parents=True, exist_ok=True)
    partial = STAMPS / f"{name}.partial"
    partial.write_text(json.dumps({**wanted, "files": files}))
    partial.replace(STAMPS / name)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or "" if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
