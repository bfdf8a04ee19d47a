"""Pin maps, one small class a board. docs/hardware.md shows the same wires as pictures.

Both boards carry an INMP441 microphone (L/R tied to ground: the left slot), a MAX98357A amplifier,
a WS2812 light and a push button between the paw pin and ground. An I2S id works in one direction
only, so the microphone and the speaker have one each, with pins of their own.
"""

import sys


class Esp32DevKit:
    """ESP32-DevKitC (WROOM-32). Keeps off strapping pins 0, 2, 5, 12, 15 and the flash's 6-11."""

    name = "esp32-devkit"
    microphone_id = 0
    microphone_sck = 26
    microphone_ws = 25
    microphone_sd = 33
    speaker_id = 1
    speaker_sck = 22
    speaker_ws = 21
    speaker_sd = 19
    led = 18
    paw = 32  # an RTC pin, so that a squeeze can wake the toy from deep sleep


class Esp32S3DevKit:
    """ESP32-S3-DevKitC-1. Keeps off strapping 0, 3, 45, 46, USB 19-20 and octal PSRAM's 33-37."""

    name = "esp32s3-devkit"
    microphone_id = 0
    microphone_sck = 4
    microphone_ws = 5
    microphone_sd = 6
    speaker_id = 1
    speaker_sck = 15
    speaker_ws = 16
    speaker_sd = 17
    led = 48  # on the board itself (revision 1.0; 38 on revision 1.1)
    paw = 7  # an RTC pin


BOARDS = {board.name: board for board in (Esp32DevKit, Esp32S3DevKit)}


def find_board(name=None):
    """Return the board called `name`, or the one that fits this chip when `name` is None.

    ValueError if there is no board of that name.
    """
    if name is None:
        machine = getattr(sys.implementation, "_machine", "")
        return Esp32S3DevKit if "ESP32S3" in machine.upper() else Esp32DevKit
    if name not in BOARDS:
        raise ValueError("no board called %r; there are %s" % (name, ", ".join(sorted(BOARDS))))
    return BOARDS[name]
