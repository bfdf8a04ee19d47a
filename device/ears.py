"""The microphone's life: opened through the age gate, closed when the relay shuts the gate."""

from device.age_gate import open_microphone
from device.audio.microphone import Microphone


class Ears:
    """At most one Microphone. `start` makes a supervised task of a coroutine."""

    def __init__(self, age, board, sink, start):
        self._age = age
        self._board = board
        self._sink = sink
        self._start = start
        self._microphone = None
        self._task = None
        self._past_overruns = 0  # of microphones that have been closed

    @property
    def overruns(self):
        """How often sound was lost since the start."""
        now = self._microphone.overruns if self._microphone else 0
        return self._past_overruns + now

    @property
    def progress(self):
        """Return a number that changes while the microphone is read, None if it is closed."""
        return self._microphone.frames_read if self._microphone else None

    def open(self):
        """Open the microphone if it is not; AgeGateClosed if the age does not allow it."""
        if self._microphone is None:
            self._microphone = open_microphone(
                self._age, lambda: Microphone(self._board, self._sink)
            )
            self._task = self._start(self._microphone.run())

    def close(self):
        """Close the microphone if it is open."""
        if self._microphone is not None:
            self._task.cancel()
            self._microphone.close()
            self._past_overruns += self._microphone.overruns
            self._microphone = None
