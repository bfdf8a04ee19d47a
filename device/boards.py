"""Pin maps, one small class a board. docs/hardware.md shows the same wires as pictures.

Every board carries an I2S microphone in the left slot (an INMP441 with L/R tied to ground), an I2S
amplifier that finds its own clock (a MAX98357A), a WS2812 light and a push button between the paw
pin and ground. An I2S id works in one direction only, so the microphone and the speaker have one
each, with pins of their own. `chip` is the name that esptool has for it; `power_hold` is a pin that
has to be driven high for the board to stay on from its battery, None where there is no such pin.
`battery_pin` is on ADC1 (ADC2 is the radio's) behind a divider by `battery_divider`, None where
the battery cannot be measured.
"""

import sys


class Esp32DevKit:
    """ESP32-DevKitC (WROOM-32). Keeps off strapping pins 0, 2, 5, 12, 15 and the flash's 6-11."""

    name = "esp32-devkit"
    chip = "esp32"
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
    power_hold = None
    battery_pin = None
    battery_divider = 1


class Esp32S3DevKit:
    """ESP32-S3-DevKitC-1. Keeps off strapping 0, 3, 45, 46, USB 19-20 and octal PSRAM's 33-37."""

    name = "esp32s3-devkit"
    chip = "esp32s3"
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
    power_hold = None
    battery_pin = None
    battery_divider = 1


class XingzhiCube:
    """Nologo Xingzhi Cube 0.96 (ESP32-S3, Wi-Fi): microphone, amplifier, battery in a small case.

    Pins as its maker gave them to github.com/78/xiaozhi-esp32, boards/xingzhi-cube-0.96oled-wifi.
    Not tried by us. The display stays dark.
    """

    name = "xingzhi-cube"
    chip = "esp32s3"
    microphone_id = 0
    microphone_sck = 5
    microphone_ws = 4
    microphone_sd = 6
    speaker_id = 1
    speaker_sck = 15
    speaker_ws = 16
    speaker_sd = 7
    led = 48
    paw = 0  # its front button; a strapping pin, so not to be held down while the power comes
    power_hold = 21
    battery_pin = None  # its divider is on GPIO 17, which is ADC2
    battery_divider = 2


BOARDS = {board.name: board for board in (Esp32DevKit, Esp32S3DevKit, XingzhiCube)}


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


def hold_power(board):
    """Keep a board on that switches its own battery off when nobody asks for power."""
    if board.power_hold is not None:
        from machine import Pin

        Pin(board.power_hold, Pin.OUT, value=1)
