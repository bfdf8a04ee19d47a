"""Say plainly what `make test` could not test on this computer, and how to get it."""

import shutil
import sys
from pathlib import Path

from relay.config import Settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def left_out(models_dir: Path) -> list[str]:
    """Return a line for each thing that was left out; empty when nothing was."""
    lines = []
    micropython = shutil.which("micropython") or (Path(sys.executable).parent / "micropython")
    if not Path(micropython).exists():
        lines.append(
            "the firmware and everything with the virtual toy: there is no MicroPython wheel for "
            "this machine; run it on x86-64 Linux or a Mac with Apple silicon"
        )
    if sys.version_info < (3, 11):
        lines.append("the Autobahn cases of the WebSocket client: they need Python 3.11 or newer")
    if not any(shutil.which(name) for name in BROWSERS):
        lines.append(
            "the set-up page in a real browser: install Chromium or Google Chrome (on Debian, as "
            "root: apt-get install chromium)"
        )
    if not (shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        lines.append(
            "the store on PostgreSQL (SQLite was tested): install it (on Debian, as root: "
            "apt-get install postgresql)"
        )
    if not shutil.which("systemd-analyze"):
        lines.append("the service's unit as systemd reads it: there is no systemd here")
    if not (models_dir / "vosk-small-en").is_dir():
        lines.append(
            "Vosk with its English model, which could not be downloaded (the Korean one was "
            "tested): python -m tools.models get vosk-small-en, where there is internet"
        )
    lines.append("a real board: sound, Wi-Fi, memory and power; see the end of docs/hardware.md")
    return lines


def main() -> int:
    """Print what was left out; return a shell exit code."""
    print("Left out here:")
    for line in left_out(Settings().models_dir):
        print(f"  - {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
