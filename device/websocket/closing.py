"""How a connection ends, RFC 6455 section 5.5.1 and 7.1.1; loaded when one does."""

import asyncio
import struct
import time

from device.websocket.errors import CloseCode, ProtocolError
from device.websocket.frames import MAX_CONTROL_BYTES
from device.websocket.utf8 import Utf8Validator

MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2
LINGER_MS = 1000  # that a peer which broke the protocol has to read why it is being closed
LINGER_POLL_MS = 10


def is_close_code(code):
    """Tell whether `code` may stand in a close frame (section 7.4, and IANA's 1012 to 1014)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def pack_close(code, reason=""):
    """Return the payload of a close frame; a reason over 123 bytes is cut between characters."""
    text = reason.encode()
    end = min(len(text), MAX_REASON_BYTES)
    while 0 < end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    return struct.pack(">H", code) + text[:end]


def unpack_close(payload):
    """Return (code, reason) of a close frame's payload; (1005, "") when it is empty.

    Raises ProtocolError: 1002 for an impossible code or length, 1007 for a reason not in UTF-8.
    """
    if not payload:
        return CloseCode.NO_STATUS, ""
    if len(payload) < 2:
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "close frame of one byte")
    code = payload[0] << 8 | payload[1]
    if not is_close_code(code):
        raise ProtocolError(CloseCode.PROTOCOL_ERROR, "invalid close code")
    validator = Utf8Validator()
    if not validator.feed(payload[2:]) or not validator.is_complete():
        raise ProtocolError(CloseCode.INVALID_DATA, "close reason is not UTF-8")
    return code, str(payload[2:], "utf-8")


async def wait_for_end(socket):
    """Read from a non-blocking socket, for nobody, until the peer hangs up or LINGER_MS are over.

    Closed with unread bytes, the connection would be reset and the close frame never seen.
    """
    discarded = bytearray(256)
    started_ms = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), started_ms) < LINGER_MS:
        try:
            if socket.readinto(discarded) == 0:
                return
        except OSError:  # lost, or closed by ourselves meanwhile
            return
        await asyncio.sleep_ms(LINGER_POLL_MS)
