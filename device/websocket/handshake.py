"""The opening handshake of RFC 6455 section 4, client side: pure, on MicroPython and CPython."""

import binascii
import hashlib

from device.websocket.errors import HandshakeError

MAX_HEADERS = 32
KEY_BYTES = 16

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
_SWITCHING_PROTOCOLS = 101


def make_key(nonce):
    """Return the Sec-WebSocket-Key for 16 random bytes."""
    return binascii.b2a_base64(nonce).strip().decode()


def accept_for(key):
    """Return the Sec-WebSocket-Accept that answers `key`: base64(SHA-1(key + GUID))."""
    return binascii.b2a_base64(hashlib.sha1(key.encode() + _GUID).digest()).strip().decode()


def make_request(host, port, path, key, headers, subprotocol):
    """Return the request as bytes; `headers` are further (name, value) pairs.

    Raises ValueError when a part could not stand on its line (a line break or other control
    character in a setting would otherwise smuggle in a header).
    """
    authority = "[%s]" % host if ":" in host else host
    lines = [
        "GET %s HTTP/1.1" % path,
        "Host: %s:%d" % (authority, port),
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: " + key,
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append("Sec-WebSocket-Protocol: " + subprotocol)
    for name, value in headers:
        lines.append("%s: %s" % (name, value))
    for line in lines:
        if any(not 0x20 <= ord(letter) <= 0x7E for letter in line):
            # Says only the name: the value may be a token.
            raise ValueError("%s has a character that no header can carry" % line.split(":")[0])
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def check_response(head, key, subprotocol):
    """Check the server's answer, `head` up to and with its empty line, against what was asked.

    Raises HandshakeError, with the HTTP status where there was one.
    """
    try:
        lines = bytes(head).decode("utf-8").split("\r\n")[:-2]
    except UnicodeError:
        raise HandshakeError("the answer is not text")
    version, _, rest = lines[0].partition(" ")
    code = rest.partition(" ")[0]
    if version != "HTTP/1.1" or len(code) != 3 or not all("0" <= digit <= "9" for digit in code):
        raise HandshakeError("the answer is not HTTP/1.1")
    status = int(code)
    if status != _SWITCHING_PROTOCOLS:
        raise HandshakeError("the server refused with HTTP status %d" % status, status)
    headers = _read_headers(lines[1:])
    if headers.get("upgrade", "").lower() != "websocket":
        raise HandshakeError("no upgrade to websocket", status)
    tokens = [token.strip() for token in headers.get("connection", "").lower().split(",")]
    if "upgrade" not in tokens:
        raise HandshakeError("no connection upgrade", status)
    if headers.get("sec-websocket-accept") != accept_for(key):
        raise HandshakeError("the server's key is wrong", status)
    if headers.get("sec-websocket-protocol") != subprotocol:
        raise HandshakeError("the server chose another subprotocol", status)
    if "sec-websocket-extensions" in headers:
        raise HandshakeError("the server uses an extension nobody asked for", status)


def _read_headers(lines):
    if len(lines) > MAX_HEADERS:
        raise HandshakeError("too many headers", _SWITCHING_PROTOCOLS)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip():
            raise HandshakeError("malformed header", _SWITCHING_PROTOCOLS)
        if name in headers:
            if name.startswith("sec-websocket-"):
                raise HandshakeError("header %s comes twice" % name, _SWITCHING_PROTOCOLS)
            value = headers[name] + "," + value
        headers[name] = value.strip()
    return headers
