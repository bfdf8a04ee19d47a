"""A simulated `neopixel`: what `write()` sends down the wire, the host sees."""

import _host
import _wire


class NeoPixel:
    """A strip of `n` WS2812 lights."""

    ORDER = (1, 0, 2, 3)  # green first on the wire

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        self.timing = timing
        self._shown = bytearray(n * 3)
        self._ever = False
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, index, colour):
        offset = index * self.bpp
        for place in range(self.bpp):
            self.buf[offset + self.ORDER[place]] = colour[place]

    def __getitem__(self, index):
        offset = index * self.bpp
        return tuple(self.buf[offset + self.ORDER[place]] for place in range(self.bpp))

    def fill(self, colour):
        """Set all lights to one colour."""
        for index in range(self.n):
            self[index] = colour

    def write(self):
        """Show the colours."""
        _host.poll()
        changed = not self._ever
        for index in range(self.n):
            for place in range(3):
                value = self.buf[index * self.bpp + self.ORDER[place]]
                if self._shown[index * 3 + place] != value:
                    self._shown[index * 3 + place] = value
                    changed = True
        if changed:  # a steady light costs the host nothing
            self._ever = True
            _host.send(_wire.LED, self.pin._id, self._shown)
