"""Find the board among the serial ports, and see that it can be opened."""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import serial
from serial.tools import list_ports

from tools.flash.errors import PortError

# USB vendors of what sits between an ESP32 and the USB cable.
BRIDGES = {
    0x303A: "Espressif, USB of the chip itself",
    0x10C4: "Silicon Labs CP210x",
    0x1A86: "WCH CH34x",
    0x0403: "FTDI",
    0x067B: "Prolific PL2303",
}

NONE_FOUND = (
    "There is no board on USB. Plug it in with a cable that carries data (many only charge), "
    "straight into this computer. If it is plugged in: hold its BOOT button, press RESET, let "
    "BOOT go, and try again. --port names a port yourself"
)


class PortInfo(Protocol):
    """What pyserial tells of a port."""

    device: str
    description: str
    vid: int | None


def find_port(
    wanted: str | None = None, ports: Callable[[], Iterable[PortInfo]] = list_ports.comports
) -> str:
    """Return the port to use: `wanted`, or the only one that looks like a board; PortError."""
    if wanted is not None:
        return wanted
    found = [port for port in ports() if port.vid in BRIDGES]
    if not found:
        raise PortError(NONE_FOUND)
    if len(found) > 1:
        raise PortError(f"There is more than one board. Say which with --port:\n{listing(found)}")
    return found[0].device


def listing(ports: Sequence[PortInfo]) -> str:
    """Return a line for each port."""
    return "\n".join(
        f"  {port.device:<20} {BRIDGES.get(port.vid or 0, port.description)}" for port in ports
    )


def check_port(port: str) -> None:
    """Open and close the port; PortError says what stands in the way."""
    try:
        # Without a change of DTR and RTS: with one, many boards restart.
        serial.Serial(port, exclusive=True).close()
    except (OSError, ValueError) as error:
        raise explain(port, error) from error


def explain(port: str, error: Exception) -> PortError:
    """Return the PortError for what opening `port` raised."""
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return PortError(f"This user may not open {port}. {_permission_advice(port)}")
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return PortError(f"There is no {port}. {NONE_FOUND}")
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortError(
            f"Another program has {port} open. Close it: a serial monitor, mpremote, an editor "
            "such as Thonny, or ModemManager (which lets go after half a minute)"
        )
    return PortError(f"{port} cannot be opened: {error}")


def _permission_advice(port: str) -> str:
    if not sys.platform.startswith("linux"):
        return "Run the command as a user who may"
    try:
        group = Path(port).group()
    except (OSError, KeyError):
        group = "dialout"
    user = os.environ.get("USER", "$USER")
    return f"Do this once: sudo usermod -aG {group} {user}; then log out and in again"
