"""`python -m relay ...` as a process of its own, in a home of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.log_watch import WATCH

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment whose settings come from `variables` alone."""
    inherited = {k: v for k, v in os.environ.items() if not k.upper().startswith("BRAMBLE_")}
    return inherited | {
        "BRAMBLE_DATA_DIR": str(home),
        "BRAMBLE_MODELS_DIR": str(ROOT / "models"),
        "BRAMBLE_LISTEN__HOST": "127.0.0.1",
        "BRAMBLE_PARENT__HOST": "127.0.0.1",
        "BRAMBLE_PARENT__PORT": "0",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **variables,
    }


def relay(home: Path, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end in the folder `home`; its log is watched like all others."""
    completed = subprocess.run(
        [sys.executable, "-m", "relay", *map(str, arguments)],
        cwd=home,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    WATCH.learn_printed(completed.stdout)
    WATCH.read(completed.stderr)
    return completed
