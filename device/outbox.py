"""What goes from the toy to the relay, in the right order: messages, and the sound of a turn.

Sound is recorded from the first moment of a squeeze, but the relay is told only when it is known
whether the child holds the paw or has tapped it; until then frames gather here. `listen_end` goes
out after the last frame. While the network is slow frames gather, too; when the ring is full the
newest are lost and counted by the microphone.
"""

import asyncio
import json

from device.audio import dsp
from device.log import log
from device.protocol import (
    ADPCM_FRAME_BYTES,
    AUDIO_HEADER_BYTES,
    SAMPLES_PER_FRAME,
    Codec,
    Message,
    pack_audio_header,
)

MOST_MESSAGES = 16
# After the paw is let go, what the microphone's DMA still holds is the end of the last word.
TAIL_MS = 30


class Outbox:
    """The queue to the relay, and the microphone's sink. `is_deaf()`: the toy hears itself now.

    `ring` must hold the 300 ms of a squeeze that may be a tap, and more for a slow network. It is
    the speaker's as well: recording begins after what it said was dropped, and a reply begins after
    `abandon`.
    """

    def __init__(self, is_deaf, ring):
        self._is_deaf = is_deaf
        self._ring = ring
        self._frame = bytearray(AUDIO_HEADER_BYTES + ADPCM_FRAME_BYTES)
        self._payload = memoryview(self._frame)[AUDIO_HEADER_BYTES:]
        self._encoder = bytearray(4)
        self._messages = []
        self._wake = asyncio.Event()
        self._turn = 0
        self._mode = None  # what to tell the relay in `listen`, once it is known
        self._told = False
        self._ending = False
        self._sent_frames = 0
        self.recording = False

    def post(self, message):
        """Send a message as soon as possible, ahead of sound; dropped when far too many wait."""
        if len(self._messages) < MOST_MESSAGES:
            self._messages.append(message)
            self._wake.set()
        else:
            log("outbox", "message dropped", type=message["type"])

    def begin(self, turn):
        """Record a new turn; what is left of the last one is dropped."""
        self.abandon()
        self._turn = turn
        self._encoder[0] = self._encoder[1] = self._encoder[2] = 0
        self.recording = True

    def announce(self, mode):
        """Tell the relay how the child talks, and let the sound go out."""
        self._mode = mode
        self._wake.set()

    def end(self):
        """The child has finished: send what has been recorded, and `listen_end` after it."""
        self._ending = True
        self._wake.set()

    def abandon(self):
        """Stop recording and drop what has not been sent."""
        self.recording = self._told = self._ending = False
        self._mode = None
        self._sent_frames = 0
        self._ring.clear()

    def reset(self):
        """Forget everything: the connection is gone."""
        self.abandon()
        self._messages.clear()

    def take(self, pcm):
        """Keep a frame of the microphone, 640 bytes, to go out; False when there is no room.

        While the toy hears itself, it is passed over.
        """
        if self._is_deaf() and not self._ending:
            return True
        slot = self._ring.free_slot()
        if slot is None:
            return False
        dsp.adpcm_encode(pcm, slot, SAMPLES_PER_FRAME, self._encoder)
        self._ring.commit()
        self._wake.set()
        return True

    async def run(self, websocket):
        """Send for ever."""
        while True:
            if self._messages:
                await websocket.send_text(json.dumps(self._messages.pop(0)))
            elif self._mode and not self._told:
                self._told = True
                await websocket.send_text(json.dumps(self._listen()))
            elif self._told and len(self._ring):
                self._pack_frame()
                if not websocket.send_now(self._frame):
                    await websocket.send_binary(self._frame, len(self._frame))
                elif websocket.is_behind:
                    await websocket.flush()
            elif self._told and self._ending and self.recording:
                await self._record_tail()
            elif self._told and self._ending:
                message = self._listen_end()
                self.abandon()
                await websocket.send_text(json.dumps(message))
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _record_tail(self):
        turn = self._turn
        await asyncio.sleep_ms(TAIL_MS)
        if turn == self._turn:
            self.recording = False

    def _listen(self):
        return {"type": Message.LISTEN, "turn": self._turn, "mode": self._mode}

    def _listen_end(self):
        return {"type": Message.LISTEN_END, "turn": self._turn, "frames": self._sent_frames}

    def _pack_frame(self):
        """Move the oldest frame out of the ring, behind its header."""
        pack_audio_header(self._frame, Codec.ADPCM, self._turn, self._sent_frames)
        self._sent_frames += 1
        self._payload[:] = self._ring.front()
        self._ring.pop()
