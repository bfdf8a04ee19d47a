"""How the toy introduces itself to the relay. Loaded for as long as that takes."""

import sys

import machine

from device.audio.speaker import BUFFER_MS
from device.health import FIRMWARE
from device.protocol import TOY_CODEC, VERSION, Message


def reset_reason():
    """Return why the toy started, in a word."""
    cause = machine.reset_cause()
    for name, code in (
        ("power", machine.PWRON_RESET),
        ("reset", machine.HARD_RESET),
        ("watchdog", machine.WDT_RESET),
        ("deep sleep", machine.DEEPSLEEP_RESET),
        ("soft reset", machine.SOFT_RESET),
    ):
        if cause == code:
            return name
    return "unknown"


def make(settings, board, health, safe):
    """Return the message hello; `health` is the Health, `safe` tells of safe mode."""
    return {
        "type": Message.HELLO,
        "protocol": VERSION,
        "age": settings.age,
        "firmware": FIRMWARE,
        "board": board.name,
        "mpy": sys.implementation._mpy,
        "codecs": (TOY_CODEC,),
        "buffer_ms": BUFFER_MS,
        "reset": reset_reason(),
        "reconnects": health.reconnects,
        "crash": health.crash,
        "safe_mode": safe,
    }
