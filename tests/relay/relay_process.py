"""`python -m relay ...` as a process of its own, in a home of its own."""

import os
import subprocess
import sys
from pathlib import Path

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
    """Run one command to its end in the folder `home`."""
    return subprocess.run(
        [sys.executable, "-m", "relay", *map(str, arguments)],
        cwd=home,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
