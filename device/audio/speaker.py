"""The speaker: an amplifier on I2S behind a jitter buffer.

Sound comes over Wi-Fi in bursts and must leave evenly. It waits as it came, as ADPCM, which takes a
quarter of the memory. A reply is held back until `prebuffer_ms` of it are there; after an underrun
it waits for as much again. What is heard is always behind what has been written by what the DMA
holds: `stop` drops the rest, the DMA's share still sounds.
"""

import asyncio
import time
from array import array

from machine import I2S, Pin

from device.audio import dsp
from device.audio.earcon import EarconPlayer
from device.audio.ring import FrameRing
from device.protocol import ADPCM_FRAME_BYTES, FRAME_MS, RATE_HZ, SAMPLES_PER_FRAME
from device.unload import unload

RING_FRAMES = 25
BUFFER_MS = RING_FRAMES * FRAME_MS  # 500 ms, 4 KB
# Bytes of the DMA queue: 4 buffers of 256 stereo frames. Small, for it cannot be cleared, only
# waited for, and barge-in has 150 ms in all.
IBUF_BYTES = 4096
DMA_MS = IBUF_BYTES // 4 * 1000 // RATE_HZ
STARVED_POLL_MS = 5

FULL_VOLUME = 32767  # of the Q15 factor


def volume_factor(percent):
    """Return the Q15 factor, 0 to 32767, that sounds like `percent` of full volume.

    Loudness grows about as the 0.6th power of the pressure (Stevens), so the pressure has to grow
    about as the square of what the knob says: 50 % is -12 dB.
    """
    return FULL_VOLUME * percent * percent // 10000


class SpeakerPort:
    """The I2S transmitter, alone so that its mode can be swapped (#16029: drain() hung on S3)."""

    def __init__(self, board):
        # Stereo with every sample twice: the classic ESP32 swaps the samples of 16-bit mono.
        self._i2s = I2S(
            board.speaker_id,
            sck=Pin(board.speaker_sck),
            ws=Pin(board.speaker_ws),
            sd=Pin(board.speaker_sd),
            mode=I2S.TX,
            bits=16,
            format=I2S.STEREO,
            rate=RATE_HZ,
            ibuf=IBUF_BYTES,
        )
        self._stream = asyncio.StreamWriter(self._i2s, {})

    def send(self, stereo):
        """Write interleaved samples: to be awaited until the DMA has taken all of them."""
        # Not write(): it blocks the whole event loop until the first poll has made the object
        # asynchronous. drain() polls first. Not a coroutine itself, which would be garbage.
        self._stream.out_buf = stereo
        return self._stream.drain()

    def close(self):
        """Stop the clocks; what the DMA holds is lost."""
        self._i2s.deinit()


class Speaker:
    """Plays replies, earcons and lines; calls `on_played(played_ms, underruns)` after a reply."""

    def __init__(self, port, on_played):
        self._port = port
        self._on_played = on_played
        # Toy and child take turns: the outbox fills it while the child speaks, for memory is dear.
        self.ring = self._ring = FrameRing(RING_FRAMES, ADPCM_FRAME_BYTES)
        self._earcon = EarconPlayer()
        self._line = None  # the player of one, while it is said
        self._samples = array("h", bytes(SAMPLES_PER_FRAME * 2))
        # Bytes, not array("h"): after a partial write drain() goes on at buffer[bytes written:].
        self._stereo = bytearray(SAMPLES_PER_FRAME * 4)
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._factor = FULL_VOLUME
        self._reply = 0  # grows with every start and stop, so that an old wait notices
        self._active = False  # a reply has begun and is not over
        self._flowing = False  # it is past its prebuffer
        self._complete = False  # all of it has come
        self._prebuffer_frames = 0
        self._frames_played = 0
        self._reply_underruns = 0
        self._sent = False
        self._sent_ms = 0  # when the DMA last took something
        self.underruns = 0  # since the start
        self._frames_sent = 0  # modulo 65536

    def set_volume(self, percent):
        """Set the volume, 0 to 100; the caller has applied the ceiling."""
        self._factor = volume_factor(percent)

    def start(self, prebuffer_ms):
        """Begin a reply: hold it back until `prebuffer_ms` of it have come."""
        self.stop_reply()
        self._active = True
        self._prebuffer_frames = min(-(-prebuffer_ms // FRAME_MS), RING_FRAMES)

    def slot(self):
        """Return the view to put the reply's next frame in, or None while the buffer is full."""
        return self._ring.free_slot() if self._active else None

    def commit(self):
        """Let the frame in `slot()` be played."""
        self._ring.commit()
        self._wake.set()

    @property
    def is_full(self):
        """Tell whether a reply is under way that has no room for another frame now."""
        return self._active and self._ring.free_slot() is None

    async def wait_for_room(self):
        """Wait until `slot()` gives a view, or the reply has been stopped."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    def finish(self):
        """All of the reply has come: play it to its end, then call `on_played`."""
        self._complete = True
        self._wake.set()

    def stop_reply(self):
        """Drop the reply; `on_played` will not be called for it."""
        self._reply += 1
        self._active = self._flowing = self._complete = False
        self._frames_played = self._reply_underruns = 0
        self._ring.clear()
        self._room.set()

    def stop(self):
        """Fall silent: drop everything. The DMA's share, 64 ms at most, still sounds."""
        self._earcon.stop()
        self._stop_line()
        self.stop_reply()

    def chirp(self, earcon):
        """Play an earcon now, instead of a line; a reply waits until it is over."""
        self._stop_line()
        self._earcon.start(earcon)
        self._wake.set()

    def say(self, line):
        """Say a line (device.audio.earcon.Line) now; a reply waits. False if it is not there."""
        if self._line is None:
            from device.audio.lines import LinePlayer

            unload("device.audio.lines")  # it stays for as long as the player does
            self._line = LinePlayer(dsp.adpcm_decode)
        if not self._line.start(line):
            return False
        self._earcon.stop()
        self._wake.set()
        return True

    def _stop_line(self):
        if self._line is not None:
            self._line.stop()
            self._line = None

    def _own(self):
        """Return what plays the toy's own sound now, None if nothing does."""
        if self._earcon.sounding:
            return self._earcon
        if self._line is not None and not self._line.sounding:
            self._line = None
        return self._line

    @property
    def sounding(self):
        """Tell whether something can be heard, also the end that is still in the DMA."""
        if self._flowing or self._earcon.sounding or self._line is not None:
            return True
        return self._sent and time.ticks_diff(time.ticks_ms(), self._sent_ms) < DMA_MS

    def close(self):
        """Switch the amplifier's clocks off, for good."""
        self.stop()
        self._port.close()

    @property
    def progress(self):
        """Return a number that changes while something can be heard, None while it is quiet."""
        return self._frames_sent if self.sounding else None

    async def run(self):
        """Play for ever."""
        while True:
            if self._fill():
                self._sent = True
                self._sent_ms = time.ticks_ms()
                await self._port.send(self._stereo)
                self._sent_ms = time.ticks_ms()
                self._frames_sent = (self._frames_sent + 1) & 0xFFFF
            elif self._flowing:
                await self._run_dry()
            elif self._active and self._may_flow():
                self._flowing = True
            else:
                self._wake.clear()
                await self._wake.wait()

    def _may_flow(self):
        return self._complete or len(self._ring) >= self._prebuffer_frames

    def _fill(self):
        """Make the next 20 ms ready to be sent; False if there is nothing to play now."""
        own = self._own()
        if own is not None:
            own.fill(self._samples, SAMPLES_PER_FRAME)
        elif self._flowing and len(self._ring):
            dsp.adpcm_decode(self._ring.front(), self._samples, SAMPLES_PER_FRAME)
            self._ring.pop()
            self._room.set()
            self._frames_played += 1
        else:
            return False
        dsp.to_stereo_with_volume(self._samples, self._stereo, SAMPLES_PER_FRAME, self._factor)
        return True

    async def _run_dry(self):
        """The buffer is empty; the DMA is not yet. Either the reply is over or it is late."""
        reply = self._reply
        if self._complete:
            await asyncio.sleep_ms(DMA_MS)  # no event says when the last sample has left
            if reply == self._reply:
                played_ms, underruns = self._frames_played * FRAME_MS, self._reply_underruns
                self.stop_reply()
                self._on_played(played_ms, underruns)
            return
        empty_ms = time.ticks_ms()
        while reply == self._reply and not self._complete and not len(self._ring):
            if time.ticks_diff(time.ticks_ms(), empty_ms) >= DMA_MS:
                self.underruns += 1
                self._reply_underruns += 1
                self._flowing = False  # gather a prebuffer again
                return
            await asyncio.sleep_ms(STARVED_POLL_MS)
