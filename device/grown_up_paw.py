"""The paw of a running toy: a child talks by it, and a grown-up gets into the set-up by it."""

import time

import machine

from device.log import log
from device.long_press import LongPress
from device.next_start import Start
from device.states import State
from device.ui import Paw


class GrownUpPaw:
    """A Paw that also knows the long squeezes of device.long_press and starts `toy` again."""

    def __init__(self, board, toy):
        self._paw = Paw(board)
        self._toy = toy
        # A child wakes the toy by its paw, and may well go on holding it.
        woken = machine.reset_cause() == machine.DEEPSLEEP_RESET
        self._long_press = LongPress(ignore_first=woken)

    def poll(self):
        """Return a value of device.button.Press when something has happened, else None."""
        press = self._paw.poll()
        if press is not None:
            connected = self._toy.state not in (State.OFFLINE, State.SETUP)
            start = self._long_press.take(press, connected, time.ticks_ms())
            if start != Start.NORMAL:
                log("paw", "a long squeeze", start=start)
                from device import next_start

                next_start.ask_for(start)
                self._toy.restart_soon()
        return press

    def look(self):
        """Return the Look that says what letting go now would do, None if nothing special."""
        return self._long_press.look(time.ticks_ms())
