"""The toy without its hardware: the unmodified firmware on MicroPython and a simulated board.

    async with VirtualToy(relay_url="ws://127.0.0.1:8765/toy", token=token) as toy:
        await toy.wait_until_ready()
        reply = await toy.ask("question.wav")

`board/` holds what runs inside MicroPython in the place of `machine`, `network`, `esp32` and
`neopixel`; everything else is the world around the toy.
"""

from device.light import Look
from tools.virtual_toy.air import NetworkConditions
from tools.virtual_toy.errors import (
    BadSoundError,
    FirmwareMissingError,
    MicroPythonMissingError,
    ToyStoppedError,
    ToyTimeoutError,
    VirtualToyError,
)
from tools.virtual_toy.flash import ToySettings
from tools.virtual_toy.reply import Reply
from tools.virtual_toy.senses import Event
from tools.virtual_toy.sound import read_wav, write_wav
from tools.virtual_toy.toy import VirtualToy

__all__ = [
    "BadSoundError",
    "Event",
    "FirmwareMissingError",
    "Look",
    "MicroPythonMissingError",
    "NetworkConditions",
    "Reply",
    "ToySettings",
    "ToyStoppedError",
    "ToyTimeoutError",
    "VirtualToy",
    "VirtualToyError",
    "read_wav",
    "write_wav",
]
