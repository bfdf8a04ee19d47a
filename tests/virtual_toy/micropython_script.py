"""Runs a few lines of MicroPython against the simulated board, without a host."""

import os
import subprocess
import textwrap
from pathlib import Path

from tools.virtual_toy.flash import BOARD, find_micropython

TIMEOUT_S = 60


def run_script(script: str, folder: Path) -> list[str]:
    """Run `script` in `folder` as the current directory; return the lines it printed."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run(
        [str(find_micropython()), "-X", "heapsize=1M", str(path)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "MICROPYPATH": f"{BOARD}:.frozen", "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
