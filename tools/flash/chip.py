"""The chip's boot loader, through esptool: which chip is it, erase it, write an image.

esptool runs as a program of its own: it prints progress for people, exits when it fails, and its
licence (GPL) is not this project's.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.flash.errors import ChipError, FlashError

ESPTOOL = (sys.executable, "-m", "esptool")
IMAGE_OFFSETS = {"esp32": "0x1000", "esp32s3": "0x0"}  # where each chip looks for its boot loader
WRITE_BAUD = 460800
TIMEOUT_S = 300  # erasing 16 MB takes up to two minutes

_CHIP = re.compile(r"Connected to (ESP[\w-]+) on ")
_REASONS = (
    (
        re.compile(r"No serial data received|Failed to connect|Timed out waiting for packet"),
        "The chip does not answer. Hold its BOOT button, press RESET (or plug the cable in again), "
        "let BOOT go, and try again",
    ),
    (
        re.compile(r"device reports readiness to read|disconnected|Input/output error|write failed"
                   r"|could not open port|No such file"),
        "The board went away in the middle: look at cable and power, plug it in again, and start "
        "over. Nothing is broken: the boot loader is in the chip's ROM",
    ),
    (
        re.compile(r"MD5 of file does not match|Invalid head of packet|checksum"),
        "What was written is not what was sent: look at cable and power, and start over",
    ),
    (
        re.compile(r"Permission denied|Resource busy|exclusively lock"),
        "The port cannot be opened: another program has it, or this user may not",
    ),
    (
        re.compile(r"will not fit|exceeds the flash|larger than the (?:detected )?flash"),
        "The image does not fit this board's flash. A toy needs a board with 4 MB or more",
    ),
)  # fmt: skip


class BootLoader:
    """The boot loader behind `port`. `show` gets each line of esptool that a person may want."""

    def __init__(
        self,
        port: str,
        show: Callable[[str], None],
        attempts: int = 7,
    ) -> None:
        self._show = show
        self._command = [*ESPTOOL, "--port", port, "--connect-attempts", str(attempts)]

    def chip(self) -> str:
        """Return the chip's name as in `device.boards`, like "esp32s3"; ChipError."""
        text = self._run("chip-id")
        found = _CHIP.search(text)
        if found is None:
            raise ChipError(f"esptool does not say which chip this is:\n{_tail(text)}")
        return found[1].lower().replace("-", "")

    def erase(self) -> None:
        """Erase all of the flash; ChipError."""
        self._run("erase-flash")

    def write(self, chip: str, image: Path) -> None:
        """Write the MicroPython `image` and start it; ChipError. esptool reads it back itself."""
        self._run(
            "--baud", str(WRITE_BAUD), "--chip", chip, "write-flash", IMAGE_OFFSETS[chip],
            str(image),
        )  # fmt: skip

    def _run(self, *arguments: str) -> str:
        try:
            process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise FlashError(f"esptool cannot be run ({error}): pip install '.[flash]'") from error
        lines: list[str] = []
        try:
            for line in process.stdout or ():  # universal newlines: its progress comes with \r
                lines.append(line.rstrip())
                self._show(lines[-1])
            code = process.wait(TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
        text = "\n".join(lines)
        if code == 0:
            return text
        if "No module named esptool" in text:
            raise FlashError("esptool is not installed: pip install '.[flash]'")
        reason = next((words for pattern, words in _REASONS if pattern.search(text)), None)
        raise ChipError(f"{reason or 'esptool failed'}.\n{_tail(text)}")


def check_chip(found: str, expected: str, board: str) -> None:
    """Raise ChipError when `board` needs another chip than the one that was found."""
    if found == expected:
        return
    if found in IMAGE_OFFSETS:
        advice = "Name the right board with --board"
    else:
        advice = (
            "The firmware runs on the ESP32 and the ESP32-S3; others cannot listen and speak at "
            "the same time, or have not been tried"
        )
    raise ChipError(f"This chip is an {found}, and the board {board} has an {expected}. {advice}")


def _tail(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines()[-4:] if line.strip())
