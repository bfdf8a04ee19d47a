"""The toy's own spoken words, for when nobody at home can speak for it. Pure but for the file.

A line is a file of `device/sounds`, made by `python -m tools.sounds`: ADPCM frames of 20 ms as they
travel on the link, one behind the other, 8200 bytes a second. Each is read and decoded while the
one before it sounds, so that a line takes no more memory than a frame. Loaded while one is said.
"""

from device.protocol import ADPCM_FRAME_BYTES

# Beside this package, wherever the application has been put: device/audio/lines.mpy -> device.
FOLDER = __file__.rsplit("/", 2)[0] + "/sounds/"
SUFFIX = ".adpcm"


class LinePlayer:
    """Says one line: `start`, then `fill` while `sounding`; `decode` is `dsp.adpcm_decode`."""

    def __init__(self, decode, folder=FOLDER):
        self._decode = decode
        self._folder = folder
        self._frame = bytearray(ADPCM_FRAME_BYTES)
        self._file = None
        self._line = None
        self._half = 0  # of the file, in bytes
        self._again = False  # once it has been said

    @property
    def sounding(self):
        """Tell whether there is something left to fill."""
        return self._file is not None

    def start(self, line):
        """Begin a line; False if it is not in the flash.

        One that is being said already goes on, and follows once more if it was more than half over:
        who asks in its last moments, or did not hear the beginning, shall hear it, too.
        """
        if self._file and line == self._line:
            self._again = self._file.tell() > self._half
            return True
        self.stop()
        try:
            self._file = open(self._folder + line + SUFFIX, "rb")
        except OSError:
            return False
        self._half = self._file.seek(0, 2) // 2
        self._file.seek(0)
        self._line = line
        return True

    def stop(self):
        """Fall silent."""
        if self._file is not None:
            self._file.close()
            self._file = self._line = None
            self._again = False

    def fill(self, pcm, samples):
        """Write the next `samples` (those of one frame) into `pcm`; silence at the end."""
        count = 0
        if self._file is not None:
            try:
                count = self._file.readinto(self._frame)
                if count < ADPCM_FRAME_BYTES and self._again:
                    self._again = False
                    self._file.seek(0)
                    count = self._file.readinto(self._frame)
            except OSError:  # flash wears out: better cut short than dead
                pass
        if count == ADPCM_FRAME_BYTES:
            self._decode(self._frame, pcm, samples)
            return
        self.stop()
        for index in range(samples):
            pcm[index] = 0
