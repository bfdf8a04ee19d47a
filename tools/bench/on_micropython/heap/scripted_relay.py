"""The relay as a socket: it answers what the firmware writes, and holds next to nothing in memory.

A real peer's bytes wait in its own computer and in lwIP; here each frame is made when it is read.
"""

import errno
import json

from device.protocol import ADPCM_FRAME_BYTES, AUDIO_HEADER_BYTES, SUBPROTOCOL, TOY_CODEC, Codec

READABLE = 1
WRITABLE = 4
TEXT = 1
BINARY = 2
# Base64 of 20 zeros, which is what the stand-in for SHA-1 makes of every key. Not computed with the
# firmware's own function: that would keep a module in memory that the firmware gives back.
ACCEPT = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
WELCOME = {
    "type": "welcome",
    "session": "0123456789ab",
    "codec": TOY_CODEC,
    "heartbeat_s": 60,
    "timeout_s": 120,
    "prebuffer_ms": 200,
    "max_listen_s": 30,
}


class Relay:
    """One connection; `newest` is the last one that was made."""

    newest = None
    hold_handshake = False

    def __init__(self):
        Relay.newest = self
        self._incoming = bytearray()
        self._outgoing = b""
        self._upgraded = False
        self._frames = 0  # of the reply, still to be sent
        self._sequence = 0
        self._after = b""  # what follows the reply
        self._closed = False
        self.stalled = False  # the network takes nothing
        self.lost = False  # the connection is reset
        self.asked = False  # the firmware waits for the handshake's answer
        self.turn = 0
        self.heard = {}  # type of message -> how many have come
        self.frames_heard = 0

    def setblocking(self, blocking):
        """Do nothing: it never blocks."""

    def setsockopt(self, *option):
        """Do nothing."""

    def connect(self, address):
        """Be connected at once."""

    def close(self):
        """Be closed."""
        self._closed = True

    def ioctl(self, request, flags):
        """Tell what would not block."""
        ready = 0
        if self.lost or self._outgoing or self._frames or self._after:
            ready |= READABLE
        if not self.stalled:
            ready |= WRITABLE
        return ready & flags

    def readinto(self, buffer):
        """Give the next bytes, None when there are none."""
        if self.lost:
            raise OSError(errno.ECONNRESET)
        if not self._outgoing:
            self._make_next()
        if not self._outgoing:
            return None
        count = min(len(buffer), len(self._outgoing))
        buffer[:count] = self._outgoing[:count]
        self._outgoing = self._outgoing[count:]
        return count

    def _make_next(self):
        if self._frames:
            self._frames -= 1
            header = bytes(
                [Codec.ADPCM, self.turn & 255, self._sequence & 255, self._sequence >> 8]
            )
            self._sequence += 1
            self._outgoing = frame(BINARY, header + bytes(ADPCM_FRAME_BYTES))
        elif self._after:
            self._outgoing, self._after = self._after, b""

    def write(self, data, start=0, length=None):
        """Take bytes; None while the network stalls."""
        if length is not None:
            data = data[start : start + length]
        if self.lost:
            raise OSError(errno.ECONNRESET)
        if self.stalled:
            return None
        self._incoming.extend(data)
        if self._upgraded:
            while self._take_frame():
                pass
        elif self._incoming.endswith(b"\r\n\r\n"):
            self.asked = True
            if not Relay.hold_handshake:
                self.answer()
        return len(data)

    def answer(self):
        """Answer the opening handshake."""
        self._incoming = bytearray()
        self._upgraded = True
        self._outgoing = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {ACCEPT}\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode()

    def _take_frame(self):
        data = self._incoming
        if len(data) < 6:
            return False
        length, start = data[1] & 127, 2
        if length == 126:
            length, start = data[2] << 8 | data[3], 4
        if len(data) < start + 4 + length:
            return False
        opcode = data[0] & 15
        if opcode == TEXT:  # the stand-in for viper's mask() leaves the text as it is
            self._take_message(json.loads(data[start + 4 : start + 4 + length]))
        elif opcode == BINARY and length == AUDIO_HEADER_BYTES + ADPCM_FRAME_BYTES:
            self.frames_heard += 1
        self._incoming = data[start + 4 + length :]
        return True

    def _take_message(self, message):
        kind = message["type"]
        self.heard[kind] = self.heard.get(kind, 0) + 1
        if kind == "hello":
            self._outgoing += frame(TEXT, json.dumps(WELCOME).encode())
        elif kind == "listen":
            self.turn = message["turn"]

    def speak(self, frames):
        """Send a whole reply at once, as far as the toy takes it."""
        start = {"type": "speech_start", "turn": self.turn}
        stop = {"type": "speech_stop", "turn": self.turn, "reason": "done", "frames": frames}
        self._outgoing += frame(TEXT, json.dumps(start).encode())
        self._frames = frames
        self._sequence = 0
        self._after = frame(TEXT, json.dumps(stop).encode())


def frame(opcode, payload):
    """Return a server's frame."""
    length = len(payload)
    if length < 126:
        return bytes([0x80 | opcode, length]) + payload
    return bytes([0x80 | opcode, 126, length >> 8, length & 255]) + payload
