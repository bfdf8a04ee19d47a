"""The frame codec of RFC 6455 for a client: pure, incremental, into buffers made once.

It knows no socket. `Parser` says where the next bytes belong and is told how many arrived, so that
a payload goes from the socket straight to its place; `pack_header` writes the front of a frame.
Runs on MicroPython and on CPython.
"""

import struct

from device.websocket.errors import CloseCode, ProtocolError
from device.websocket.utf8 import Utf8Validator

MAX_CONTROL_BYTES = 125  # section 5.5
MAX_HEADER_BYTES = 14  # 2, up to 8 of length, 4 of mask


class Opcode:
    """Frame types of section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_FINAL = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_CONTROL = 0x8  # this bit of an opcode marks control frames
_LENGTH_16 = 126
_LENGTH_64 = 127
_OPCODES = (
    Opcode.CONTINUATION,
    Opcode.TEXT,
    Opcode.BINARY,
    Opcode.CLOSE,
    Opcode.PING,
    Opcode.PONG,
)


class Parser:
    """Takes a server's bytes apart into messages and control frames.

    Loop: fill some of `space()`, call `advance(count)`; when that returns an opcode (never
    CONTINUATION: fragments are joined), `payload` holds the whole message or control payload and
    stays valid until the next `advance`. `max_message_bytes` bounds a message over all its
    fragments. After a ProtocolError the parser must not be used again.
    """

    def __init__(self, max_message_bytes):
        self._header = memoryview(bytearray(10))
        # Views that every frame of sound needs again: made once.
        self._first = self._header[:2]
        self._second = self._header[2:4]
        self._control = memoryview(bytearray(MAX_CONTROL_BYTES))
        self._message = memoryview(bytearray(max_message_bytes))
        self._utf8 = Utf8Validator()
        self._message_opcode = 0  # of the fragmented message under way, 0 for none
        self._message_bytes = 0  # of it, in fragments that are whole
        self.payload = self._body = self._message[:0]
        self._expect_header()

    def _expect_header(self):
        self._opcode = -1  # of the frame whose payload is being filled
        self._target = self._header
        self._position = 0
        self._end = 2

    def space(self):
        """Return where the next bytes belong: a memoryview of at least one byte."""
        if self._position == 0 and self._target is self._message:
            return self._view(self._end)
        if self._target is self._header and self._end <= 4 and not self._position & 1:
            return self._second if self._position else self._first
        return self._target[self._position : self._end]

    def _view(self, end):
        """Return the first bytes of the message's buffer; frames of sound are all of one length."""
        if len(self._body) != end:
            self._body = self._message[:end]
        return self._body

    def advance(self, count):
        """Take `count` bytes now lying in `space()`; return the opcode they complete, or None.

        Raises ProtocolError with the close code to send: 1002 for a broken frame, 1007 for text
        that is not UTF-8 (at the first impossible byte), 1009 for too large a message.
        """
        start = self._position
        self._position += count
        if self._opcode < 0:
            if self._position < self._end:
                return None
            if not self._read_header():
                return None
        elif self._is_text():
            self._check_text(self._target[start : self._position])
        if self._position < self._end:
            return None
        return self._finish_frame()

    def _is_text(self):
        return self._message_opcode == Opcode.TEXT and not self._opcode & _CONTROL

    def _check_text(self, piece):
        if not self._utf8.feed(piece):
            raise ProtocolError(CloseCode.INVALID_DATA, "text is not UTF-8")

    def _read_header(self):
        """Read the header once enough of it is there; False when its longer form needs more."""
        length = self._header[1]
        if self._end == 2:
            self._check_first_bytes(self._header[0], length)
            if length >= _LENGTH_16:
                self._end = 4 if length == _LENGTH_16 else 10
                return False
        elif length == _LENGTH_16:
            length = self._header[2] << 8 | self._header[3]
            if length < _LENGTH_16:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "length in too long a form")
        else:
            length = struct.unpack_from(">Q", self._header, 2)[0]
            if length < 0x10000:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "length in too long a form")
        self._begin_payload(self._header[0], length)
        return True

    def _check_first_bytes(self, first, second):
        opcode = first & 0x0F
        if first & _RESERVED:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "reserved bit set")
        if opcode not in _OPCODES:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "unknown opcode")
        if second & _MASKED:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "masked frame from a server")
        if opcode & _CONTROL:
            if not first & _FINAL:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "fragmented control frame")
            if second > MAX_CONTROL_BYTES:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "control frame too long")
        elif opcode == Opcode.CONTINUATION:
            if not self._message_opcode:
                raise ProtocolError(CloseCode.PROTOCOL_ERROR, "nothing to continue")
        elif self._message_opcode:
            raise ProtocolError(CloseCode.PROTOCOL_ERROR, "message inside a message")

    def _begin_payload(self, first, length):
        opcode = first & 0x0F
        self._opcode = opcode
        self._final = first & _FINAL
        if opcode & _CONTROL:
            self._target = self._control
            self._position = 0
        else:
            if opcode != Opcode.CONTINUATION:
                self._message_opcode = opcode
                self._message_bytes = 0
                self._utf8.reset()
            if length > len(self._message) - self._message_bytes:
                raise ProtocolError(CloseCode.TOO_BIG, "message too large")
            self._target = self._message
            self._position = self._message_bytes
        self._end = self._position + length

    def _finish_frame(self):
        opcode = self._opcode
        end = self._end
        self._expect_header()
        if opcode & _CONTROL:
            self.payload = self._control[:end]
            return opcode
        self._message_bytes = end
        if not self._final:
            return None
        opcode = self._message_opcode
        self._message_opcode = 0
        if opcode == Opcode.TEXT and not self._utf8.is_complete():
            raise ProtocolError(CloseCode.INVALID_DATA, "text ends inside a character")
        self.payload = self._view(end)
        return opcode


def pack_header(buffer, opcode, length, key):
    """Write the header of an unfragmented client frame into `buffer`; return its size in bytes.

    `length` is that of the payload in bytes, `key` the 4 bytes it will be masked with (section
    5.3). The header takes 6, 8 or 14 bytes.
    """
    buffer[0] = _FINAL | opcode
    if length < _LENGTH_16:
        buffer[1] = _MASKED | length
        size = 2
    elif length < 0x10000:
        buffer[1] = _MASKED | _LENGTH_16
        struct.pack_into(">H", buffer, 2, length)
        size = 4
    else:
        buffer[1] = _MASKED | _LENGTH_64
        struct.pack_into(">Q", buffer, 2, length)
        size = 10
    for index in range(4):
        buffer[size + index] = key[index]
    return size + 4
