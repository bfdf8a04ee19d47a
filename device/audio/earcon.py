"""Short sounds made on the toy itself, so that the child hears something before any words come.

Each is a handful of notes: a sine from a small table, with a soft start and a fading end, in
integers. The samples are made frame by frame while they are played; nothing is stored.
"""

from array import array
from math import pi, sin

from device.protocol import RATE_HZ

LOUDEST = 9000  # of 32767: earcons stay below speech
ATTACK_SAMPLES = RATE_HZ * 4 // 1000  # a start in less than that is heard as a click

_TABLE_BITS = 6
_TABLE = array("h", [round(LOUDEST * sin(2 * pi * i / 64)) for i in range(1 << _TABLE_BITS)])
_PHASE_BITS = 16  # of one turn of the table


class Earcon:
    """The sounds: notes of (pitch in Hz, duration in ms)."""

    LISTENING = ((660, 50), (880, 70))  # up: your turn
    HEARD = ((740, 60), (587, 60))  # down, soft: I heard you
    SORRY = ((440, 160), (349, 160), (294, 240))  # sinking: that did not work
    AWAY = ((523, 160), (392, 160), (523, 160), (392, 240))  # calling, no one there
    CHIRP = ((1047, 80), (1319, 80), (1568, 120), (0, 80), (1568, 120))  # here I am


class Line:
    """What the toy can say by itself, each a file of device/sounds; see device.audio.lines."""

    AWAY = "away"  # home cannot be reached
    GROWN_UP = "grown_up"  # a grown-up is needed
    BATTERY_LOW = "battery_low"
    UPDATING = "updating"


class EarconPlayer:
    """Makes the samples of one earcon after the other; `start`, then `fill` until it says no."""

    def __init__(self):
        self._notes = ()
        self._next_note = 0
        self._left = 0  # samples of the note that are still to come
        self._length = 0
        self._phase = 0
        self._advance = 0

    @property
    def sounding(self):
        """Tell whether there is something left to fill."""
        return self._left > 0 or self._next_note < len(self._notes)

    def start(self, earcon):
        """Begin an earcon; one that was sounding is forgotten."""
        self._notes = earcon
        self._next_note = 0
        self._left = 0

    def stop(self):
        """Forget the earcon."""
        self.start(())

    def fill(self, pcm, samples):
        """Write `samples` signed 16-bit samples into `pcm`: the earcon, then silence."""
        position = 0
        while position < samples:
            if self._left == 0 and not self._begin_note():
                for silent in range(position, samples):
                    pcm[silent] = 0
                return
            count = min(self._left, samples - position)
            self._fill_note(pcm, position, position + count)
            position += count

    def _begin_note(self):
        if self._next_note >= len(self._notes):
            return False
        pitch_hz, duration = self._notes[self._next_note]
        self._next_note += 1
        self._left = self._length = RATE_HZ * duration // 1000
        self._phase = 0
        self._advance = (pitch_hz << _PHASE_BITS) // RATE_HZ
        return True

    def _fill_note(self, pcm, first, last):
        # About 15 bytecodes a sample: some 5 ms a frame on an ESP32, so everything is a local.
        table, shift, mask = _TABLE, _PHASE_BITS - _TABLE_BITS, (1 << _TABLE_BITS) - 1
        phase, advance, left, length = self._phase, self._advance, self._left, self._length
        for index in range(first, last):
            level = min(left, (length - left) * length // ATTACK_SAMPLES)
            pcm[index] = table[phase >> shift & mask] * level // length
            phase += advance
            left -= 1
        self._phase = phase & ((1 << _PHASE_BITS) - 1)
        self._left = left
