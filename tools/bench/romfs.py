"""What it would save to run the firmware from ROMFS, in place, instead of loading it into the heap.

MicroPython executes .mpy files in a ROMFS partition where they lie, so that bytecode and texts stay
in flash (MicroPython #16857). The ESP32 needs a partition named "romfs" and a MicroPython built
with MICROPY_VFS_ROM; the images for download have neither (#19687). Measured on the 64-bit unix
port, which can mount such an image: what stays in flash has the same size on 32 bits.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tools.bench.websocket import ROOT, BenchError, find_micropython

HEAP = "8M"
TIMEOUT_S = 60
BOARD = ROOT / "tools/virtual_toy/board"
SCRIPT = ROOT / "tools/bench/on_micropython/imported.py"


def saved_bytes(work: Path, order: list[str]) -> int:
    """Return the bytes of heap that ROMFS saves for the modules of `order` in `work`/flash.

    BenchError when it could not be measured.
    """
    image = work / "image.romfs"
    order_file = work / "order.json"
    order_file.write_text(json.dumps(order), encoding="utf-8")
    build = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "-o", str(image), "build"]
    run([*build, str(work / "flash")])
    return imported_bytes(work / "flash", order_file) - imported_bytes(image, order_file)


def imported_bytes(flash: Path, order_file: Path) -> int:
    """Return what the modules take of the heap, from a folder or from a ROMFS image."""
    command = [str(find_micropython()), "-X", f"heapsize={HEAP}", str(SCRIPT)]
    return int(run([*command, str(BOARD), str(flash), str(order_file)]).split()[-1])


def run(command: list[str]) -> str:
    """Run a command and return what it printed; BenchError when it fails."""
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "MICROPYPATH": ".frozen"},
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"Not done after {TIMEOUT_S} s: {' '.join(command)}") from error
    if result.returncode != 0:
        raise BenchError((result.stderr or result.stdout).strip())
    return result.stdout
