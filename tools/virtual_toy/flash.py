"""The toy's flash: the firmware's own files, unmodified, and the settings a parent would make."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.virtual_toy.errors import FirmwareMissingError, MicroPythonMissingError

ROOT = Path(__file__).resolve().parents[2]
BOARD = Path(__file__).resolve().parent / "board"
FIRMWARE = ("boot.py", "main.py", "device")


@dataclass(frozen=True)
class ToySettings:
    """What the toy's settings.json says; None for `age` is a toy that no parent has set up."""

    relay: str
    token: str
    age: int | None = 7
    ssid: str = "home"
    password: str = "correct horse"  # noqa: S105 - of the simulated network
    volume: int = 100
    volume_ceiling: int = 100
    relay_certificate: bytes | None = None  # DER
    board: str = "esp32-devkit"

    def as_json(self) -> str:
        """Return the text of settings.json."""
        certificate = self.relay_certificate
        return json.dumps(
            {
                "networks": [{"ssid": self.ssid, "password": self.password}],
                "relay": self.relay,
                "token": self.token,
                "age": self.age,
                "volume": self.volume,
                "volume_ceiling": self.volume_ceiling,
                "relay_certificate": base64.b64encode(certificate).decode()
                if certificate
                else None,
                "board": self.board,
            }
        )


def find_micropython() -> Path:
    """Return the interpreter beside this Python, else on PATH, else MicroPythonMissingError."""
    beside = Path(sys.executable).with_name("micropython")
    if beside.exists():
        return beside
    found = shutil.which("micropython")
    if found is None:
        raise MicroPythonMissingError
    return Path(found)


def make_flash(folder: Path, settings: ToySettings | str | None, firmware: Path = ROOT) -> None:
    """Fill `folder` with links to the firmware under `firmware` and with the settings.

    Settings given as text are written as they are (torn or wrong ones too); None writes none.
    FirmwareMissingError if a file is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in FIRMWARE:
        source = firmware / name
        if not source.exists():
            raise FirmwareMissingError(f"The firmware is incomplete: there is no {source}")
        (folder / name).symlink_to(source, target_is_directory=source.is_dir())
    if settings is not None:
        text = settings if isinstance(settings, str) else settings.as_json()
        (folder / "settings.json").write_text(text)
