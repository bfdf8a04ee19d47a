"""The microphone: an INMP441 on I2S, always read, listened to only when asked.

Reading never stops, so that the DMA queue neither overflows nor hands out old sound when listening
begins. Only device.age_gate.open_microphone may make a Microphone.
"""

import asyncio
import time

from machine import I2S, Pin

from device.audio import dsp
from device.protocol import RATE_HZ, SAMPLES_PER_FRAME

IBUF_BYTES = 16384  # 8 DMA buffers of 256 frames of 8 bytes: 128 ms to be late in
SLACK_MS = IBUF_BYTES // 8 * 1000 // RATE_HZ
JUNK_MS = 300  # an INMP441 needs 2^18 clock cycles, 256 ms at 16 kHz, before its output is good
JUNK_SAMPLES = RATE_HZ * JUNK_MS // 1000
# 24 bits left-justified in 32, of which speech at arm's length uses the lower ones: 94 dB SPL peaks
# at 1642 of 32767 when the top 16 bits are taken. 16 - 11 = 5 bits, 30 dB, louder; a shout clips.
SHIFT = 11


class Microphone:
    """Reads 32-bit words, puts 16-bit frames of 20 ms into `sink` while it is recording.

    `sink` has `recording` and `take(pcm)`, which returns False when it has no room for a frame.
    """

    def __init__(self, board, sink):
        self._sink = sink
        # Mono is the left slot: the INMP441's L/R pin is tied to ground.
        self._i2s = I2S(
            board.microphone_id,
            sck=Pin(board.microphone_sck),
            ws=Pin(board.microphone_ws),
            sd=Pin(board.microphone_sd),
            mode=I2S.RX,
            bits=32,
            format=I2S.MONO,
            rate=RATE_HZ,
            ibuf=IBUF_BYTES,
        )
        self._stream = asyncio.StreamReader(self._i2s)
        self._words = memoryview(bytearray(SAMPLES_PER_FRAME * 4))
        self._filter = bytearray(4)  # what dsp.microphone_to_pcm keeps from call to call
        self.overruns = 0  # times the DMA queue overflowed, or the sink was full
        self.frames_read = 0  # modulo 65536

    def close(self):
        """Switch the microphone off."""
        self._i2s.deinit()

    async def run(self):
        """Read for ever."""
        junk = JUNK_SAMPLES
        filled = 0  # bytes of the frame that have come
        read_ms = time.ticks_ms()
        while True:
            # Most reads give a whole frame: no view is made for those.
            space = self._words[filled:] if filled else self._words
            count = await self._stream.readinto(space)
            now_ms = time.ticks_ms()
            if time.ticks_diff(now_ms, read_ms) > SLACK_MS:
                self.overruns += 1
            read_ms = now_ms
            filled += count or 0
            if filled < len(self._words):
                continue
            filled = 0
            self.frames_read = (self.frames_read + 1) & 0xFFFF
            if junk > 0:
                junk -= SAMPLES_PER_FRAME
            self._take_frame(junk <= 0 and self._sink.recording)

    def _take_frame(self, wanted):
        # In place: a sample is half a word, so none is overwritten before it was read. Also when
        # nobody listens, for the filter that takes out the offset has to stay settled.
        dsp.microphone_to_pcm(self._words, self._words, SAMPLES_PER_FRAME, SHIFT, self._filter)
        if wanted and not self._sink.take(self._words):
            self.overruns += 1
