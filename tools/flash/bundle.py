"""The firmware as it goes on the flash: compiled for the chip, in the order it is to be copied."""

import subprocess
from pathlib import Path

from tools.check_device import ARCHITECTURE, ROOT, find_tool
from tools.flash.errors import FlashError

FOLDER = "device"
# MicroPython runs these two by name, as source; main.py last, so that half a copy never starts.
STARTERS = ("boot.py", "main.py")
TIMEOUT_S = 60
# The architecture of an .mpy with native code, by its number in sys.implementation._mpy >> 10
# (py/persistentcode.h, MP_NATIVE_ARCH_...; the names are those of mpy-cross -march).
ARCHITECTURES = {2: "x64", 6: "armv7em", 9: "xtensa", 10: "xtensawin", 11: "rv32imc"}


def make_bundle(output: Path, architecture: str = ARCHITECTURE, root: Path = ROOT) -> list[Path]:
    """Compile the firmware under `root` into the folder `output`.

    Returns the paths below `output`, in the order they are to be copied; data files (sounds) go
    along as they are. FlashError names the file that does not compile.
    """
    compiler = find_tool("mpy-cross")
    made = []
    for source in sorted((root / FOLDER).rglob("*")):
        name = source.relative_to(root)
        if source.is_dir() or "__pycache__" in name.parts:
            continue
        target = name.with_suffix(".mpy") if source.suffix == ".py" else name
        (output / target).parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".py":
            _compile(compiler, architecture, source, name.as_posix(), output / target)
        else:
            (output / target).write_bytes(source.read_bytes())
        made.append(target)
    for name in map(Path, STARTERS):
        (output / name).write_bytes((root / name).read_bytes())
        made.append(name)
    return made


def _compile(compiler: str, architecture: str, source: Path, name: str, target: Path) -> None:
    # The name goes into the .mpy and from there into tracebacks.
    command = [compiler, f"-march={architecture}", "-s", name, "-o", str(target), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if result.returncode != 0:
        said = (result.stderr + result.stdout).strip().splitlines()
        raise FlashError(f"{name} does not compile: {said[-1] if said else 'mpy-cross failed'}")
