"""Words in place of sound, so that a recogniser's mistakes do not decide what is tried.

A line travels as the child's sound through the whole link: two bytes of length, then UTF-8. What
stands where the recogniser stands reads it again.
"""

from device.protocol import PCM_FRAME_BYTES
from relay.stt import Recognition, Transcript

_LENGTH_BYTES = 2


def written(text: str) -> bytes:
    """Return a line as "sound": whole frames of 20 ms."""
    words = text.encode()
    sound = len(words).to_bytes(_LENGTH_BYTES, "little") + words
    return sound.ljust(-(-len(sound) // PCM_FRAME_BYTES) * PCM_FRAME_BYTES, b"\0")


class _Reading:
    """Reads one line."""

    def __init__(self) -> None:
        self._sound = bytearray()

    def accept(self, pcm: bytes) -> None:
        """Add sound."""
        self._sound += pcm

    async def so_far(self) -> Transcript:
        """Return the line, empty unless all of it is there."""
        length = int.from_bytes(self._sound[:_LENGTH_BYTES], "little")
        words = self._sound[_LENGTH_BYTES : _LENGTH_BYTES + length]
        return Transcript(words.decode() if len(words) == length else "")

    async def partial(self) -> Transcript:
        """Return none: a line is read as a whole."""
        return Transcript("")

    async def finish(self) -> Transcript:
        """Return the line."""
        return await self.so_far()

    def cancel(self) -> None:
        """Nothing is held."""


class ReadingEars:
    """Stands where the recogniser stands, and reads `written` lines."""

    name = "written words"

    def start(self) -> Recognition:
        """Begin a line."""
        return _Reading()

    async def close(self) -> None:
        """Nothing is held."""
