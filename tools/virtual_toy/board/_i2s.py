"""A simulated `machine.I2S`: an INMP441 on the receiving side, a MAX98357A on the sending side.

All timing comes from the clock, as if DMA ran beside the program: the microphone produces frames
whether or not they are read and loses the oldest when its DMA memory is full; the speaker plays
whatever is there and silence where nothing is. DMA memory itself takes no heap: sound to be heard
stays in the host's file until it is read, sound to be played goes to the host at once together with
the time at which it will leave the DMA.

Behaviour follows ports/esp32/machine_i2s.c: buffers of 256 frames, receiving DMA always 32-bit
stereo, blocking reads and writes until the first poll, a second I2S() of an id takes it from the
first.
"""

import errno
import io
import struct

import _dma
import _host
import _wire
import micropython
import uctypes
from utime import sleep_ms, ticks_diff, ticks_us

DMA_FRAMES = 256
RX_FRAME_BYTES = 8
POLL_GRAIN_US = 10000  # the event loop's select notices readiness at FreeRTOS ticks (#5994)

STREAM_POLL = 3
STREAM_CLOSE = 4
POLL_READ = 1
POLL_WRITE = 4

BLOCKING = 0
NON_BLOCKING = 1
ASYNCIO = 2

_open = {}  # id -> I2S
_sink = open("/dev/null", "wb", 0)


def _as_bytes(buffer):
    """Return the memory of `buffer` as bytes, whatever its items are: the driver counts bytes."""
    length = _sink.write(buffer)  # len() counts items, and there is no itemsize here
    return memoryview(uctypes.bytearray_at(uctypes.addressof(buffer), length))


class I2S(io.IOBase):
    """One I2S peripheral in one direction."""

    RX = 1
    TX = 2
    MONO = 0
    STEREO = 1

    def __init__(self, id, *, sck, ws, sd, mck=None, mode, bits, format, rate, ibuf):
        if type(id) is not int or not 0 <= id <= 1:
            raise ValueError("invalid id")
        self._id = id
        before = _open.get(id)
        if before is not None:
            before.deinit()
        self.init(
            sck=sck,
            ws=ws,
            sd=sd,
            mck=mck,
            mode=mode,
            bits=bits,
            format=format,
            rate=rate,
            ibuf=ibuf,
        )

    def init(self, *, sck, ws, sd, mck=None, mode, bits, format, rate, ibuf):
        """Start the clock. ValueError as on the board when an argument is none of its values."""
        if _open.get(self._id) is self:
            self.deinit()
        for pin in (sck, ws, sd):
            if not hasattr(pin, "irq"):
                raise TypeError("expecting a pin")
        if mode not in (I2S.RX, I2S.TX):
            raise ValueError("invalid mode")
        if bits not in (16, 32):
            raise ValueError("invalid bits")
        if format not in (I2S.MONO, I2S.STEREO):
            raise ValueError("invalid format")
        self._mode = mode
        self._rate = rate
        self._bits = bits
        self._channels = 2 if format == I2S.STEREO else 1
        self._frame_bytes = bits // 8 * self._channels
        dma_frame_bytes = RX_FRAME_BYTES if mode == I2S.RX else self._frame_bytes
        self._capacity = max(2, ibuf // (DMA_FRAMES * dma_frame_bytes)) * DMA_FRAMES
        self._io_mode = BLOCKING
        self._handler = None
        self._pending = None
        self._started_us = ticks_us()
        self._position = 0  # frames read so far, or the frame at which the next write will play
        _open[self._id] = self
        if mode == I2S.RX:
            _host.send(_wire.MICROPHONE_OPENED)
        else:
            format_ = struct.pack(
                _wire.SPEAKER_FORMAT, rate, bits, self._channels, self._capacity * self._frame_bytes
            )
            _host.send(_wire.SPEAKER_OPENED, 0, format_)

    def deinit(self):
        """Stop the clock; what is left in the DMA is lost."""
        if _open.get(self._id) is not self:
            return
        del _open[self._id]
        self._io_mode = BLOCKING
        self._pending = None
        if self in _host.pollers:
            _host.pollers.remove(self)
        rx = self._mode == I2S.RX
        _host.send(_wire.MICROPHONE_CLOSED if rx else _wire.SPEAKER_CLOSED)

    def _require(self, mode):
        if _open.get(self._id) is not self:
            raise OSError(-259, "ESP_ERR_INVALID_STATE")
        if mode != self._mode:
            raise OSError(errno.EPERM)

    def _frames_at(self, time_us):
        return ticks_diff(time_us, self._started_us) * self._rate // 1000000

    def ioctl(self, request, flags):
        """Answer poll() of the event loop; the first one switches to asyncio mode."""
        _host.poll()
        if request != STREAM_POLL:
            return 0 if request == STREAM_CLOSE else -1
        if _open.get(self._id) is not self:
            return 0
        self._io_mode = ASYNCIO
        noticed_us = ticks_us() // POLL_GRAIN_US * POLL_GRAIN_US
        ready = 0
        if flags & POLL_READ:
            self._require(I2S.RX)
            if self._frames_at(noticed_us) // DMA_FRAMES * DMA_FRAMES > self._position:
                ready |= POLL_READ
        if flags & POLL_WRITE:
            self._require(I2S.TX)
            if self._room(noticed_us) >= DMA_FRAMES:
                ready |= POLL_WRITE
        return ready

    def readinto(self, buffer):
        """Read what there is (asyncio), wait for all (blocking), or ask for it (irq)."""
        _host.poll()
        self._require(I2S.RX)
        buffer = _as_bytes(buffer)
        if len(buffer) % self._frame_bytes:
            raise OSError(errno.EINVAL)
        if self._io_mode == NON_BLOCKING:
            return self._ask(buffer)
        if self._io_mode == ASYNCIO:
            return self._receive(buffer)
        return self._until_done(self._receive, buffer)

    def write(self, buffer):
        """Hand over what there is room for (asyncio), all of it (blocking), or ask for it (irq)."""
        _host.poll()
        self._require(I2S.TX)
        buffer = _as_bytes(buffer)
        if self._io_mode == NON_BLOCKING:
            return self._ask(buffer)
        if self._io_mode == ASYNCIO:
            return self._transmit(buffer)
        return self._until_done(self._transmit, buffer)

    def _until_done(self, transfer, buffer):
        rest, length = buffer, len(buffer)
        while len(rest) >= self._frame_bytes:
            count = transfer(rest)
            rest = rest[count:]
            if not count:
                sleep_ms(1)  # nothing else runs meanwhile: that is what blocking means
        return length

    def irq(self, handler):
        """Switch to callbacks: transfers return at once, `handler(self)` follows when done."""
        self._handler = handler
        self._pending = None
        self._io_mode = BLOCKING if handler is None else NON_BLOCKING
        if handler is not None and self not in _host.pollers:
            _host.pollers.append(self)

    def _ask(self, buffer):
        if (
            self._pending is None
        ):  # a second request before the callback is lost, yet reports success
            self._pending = buffer
        return len(buffer)

    def on_poll(self):
        """Go on with what was asked for in irq mode."""
        if self._pending is None:
            return
        transfer = self._receive if self._mode == I2S.RX else self._transmit
        self._pending = self._pending[transfer(self._pending) :]
        if len(self._pending) < self._frame_bytes:
            self._pending = None
            micropython.schedule(self._handler, self)

    def _receive(self, buffer):
        done = self._frames_at(ticks_us()) // DMA_FRAMES * DMA_FRAMES
        if done - self._position > self._capacity:
            lost = done - self._capacity - self._position
            self._position += lost
            _host.send_count(_wire.MICROPHONE_OVERRUN, lost)
        frames = min(len(buffer) // self._frame_bytes, done - self._position)
        if frames:
            _dma.hear(buffer, frames, self)
            self._position += frames
        return frames * self._frame_bytes

    def _room(self, now_us):
        """Return how many frames the DMA can take; the buffer that is being played is not free."""
        playing = self._frames_at(now_us) // DMA_FRAMES * DMA_FRAMES
        return self._capacity - max(0, self._position - playing)

    def _transmit(self, buffer):
        now_us = ticks_us()
        next_buffer = (self._frames_at(now_us) // DMA_FRAMES + 1) * DMA_FRAMES
        if self._position < next_buffer:
            self._position = next_buffer  # it had run dry: silence is played until here
        frames = min(len(buffer) // self._frame_bytes, self._room(now_us))
        sound = buffer[: frames * self._frame_bytes]
        for start in range(0, len(sound), _wire.LARGEST_PAYLOAD):
            part = sound[start : start + _wire.LARGEST_PAYLOAD]
            position = self._position + start // self._frame_bytes
            leaves_us = self._started_us + position * 1000000 // self._rate
            _host.send(_wire.SPEAKER_DATA, 0, part, leaves_us)
        self._position += frames
        return frames * self._frame_bytes

    @staticmethod
    def shift(*, buf, bits, shift):
        """Shift every sample; like on the board, a shift to the left does not clip."""
        if bits not in (16, 32):
            raise ValueError("invalid bits")
        size, code = (2, "<h") if bits == 16 else (4, "<i")
        top = 1 << (bits - 1)
        for offset in range(0, len(buf) - size + 1, size):
            sample = struct.unpack_from(code, buf, offset)[0]
            sample = sample << shift if shift >= 0 else sample >> -shift
            struct.pack_into(code, buf, offset, ((sample + top) & (2 * top - 1)) - top)
