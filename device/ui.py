"""The paw and the light, as the rest of the toy uses them."""

import time

from machine import Pin
from neopixel import NeoPixel

from device.button import Button
from device.light import colour_at

POLL_MS = 10
FRAME_MS = 40  # of the light's movement: 25 pictures a second


class Paw:
    """A push button between the pin and ground."""

    def __init__(self, board):
        self._pin = Pin(board.paw, Pin.IN, Pin.PULL_UP)
        self._button = Button()

    def poll(self):
        """Return a value of device.button.Press when something has happened, else None."""
        return self._button.update(self._pin.value() == 0, time.ticks_ms())


class Light:
    """One WS2812. `show` what it says; call `animate` often."""

    def __init__(self, board):
        self._pixel = NeoPixel(Pin(board.led, Pin.OUT), 1)
        self._look = None
        self._since_ms = 0
        self._drawn_ms = 0
        self._colour = None

    def show(self, look):
        """Begin a look of device.light.Look; nothing happens if it is shown already."""
        if look != self._look:
            self._look = look
            self._since_ms = time.ticks_ms()
            self._draw(self._since_ms)

    def animate(self):
        """Draw the next picture of the movement when it is time."""
        now_ms = time.ticks_ms()
        if self._look is not None and time.ticks_diff(now_ms, self._drawn_ms) >= FRAME_MS:
            self._draw(now_ms)

    def put_out(self):
        """Go dark, until another look is shown."""
        self._look = None
        self._colour = (0, 0, 0)
        self._pixel[0] = self._colour
        self._pixel.write()

    def _draw(self, now_ms):
        self._drawn_ms = now_ms
        colour = colour_at(self._look, time.ticks_diff(now_ms, self._since_ms))
        if colour != self._colour:
            self._colour = colour
            self._pixel[0] = colour
            self._pixel.write()
