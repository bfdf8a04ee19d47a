"""What can go wrong while flashing."""


class FlashError(Exception):
    """A step failed. The message says in plain words what went wrong and what to do next."""


class PortError(FlashError):
    """The serial port cannot be found or opened."""


class ChipError(FlashError):
    """The chip does not answer its boot loader, is another one, or refuses what it was told."""


class ImageError(FlashError):
    """There is no MicroPython to write, or not the one it should be."""


class ConsoleError(FlashError):
    """MicroPython on the board does not answer, or went away."""


class SettingsError(FlashError):
    """The settings cannot be used by a toy."""


class HelloError(FlashError):
    """The toy started, but did not get through to the relay."""
