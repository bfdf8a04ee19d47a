"""Opens WebSockets on MicroPython's asyncio: TCP, TLS and the handshake under one time limit.

websocket = await connect(host, port, "/toy", headers=(("Authorization", "Bearer ..."),))
await websocket.send_text("...")
opcode, payload = await websocket.receive()
"""

import asyncio
import errno
import os
import socket

from device.websocket.connection import WebSocket
from device.websocket.errors import CertificateError, HandshakeError
from device.websocket.handshake import KEY_BYTES, check_response, make_key, make_request

MAX_HEAD_BYTES = 512  # the relay answers in some 250
_END_OF_HEAD = b"\r\n\r\n"
# The unix port lacks these names; the numbers are lwIP's and Linux's.
_IPPROTO_TCP = getattr(socket, "IPPROTO_TCP", 6)
_TCP_NODELAY = getattr(socket, "TCP_NODELAY", 1)


async def connect(
    host,
    port,
    path="/",
    *,
    headers=(),
    subprotocol=None,
    tls=None,
    server_name=None,
    address=None,
    max_message_bytes=4096,
    transmit_bytes=1024,
    timeout_s=10,
):
    """Open a connection and return its `WebSocket`.

    `tls` is an ssl.SSLContext for wss (see device.websocket.tls); the server must prove that it is
    `server_name`, or `host` where that is None.
    `address` is the entry of `socket.getaddrinfo` to use, where the caller has resolved `host`
    already (resolving blocks everything for up to 5 s on the ESP32). `transmit_bytes` bounds one
    write, not a message.

    Raises OSError (unreachable, refused, lost, ETIMEDOUT), HandshakeError (`status` is what the
    server said instead of 101), CertificateError, and ValueError for a header that cannot be sent.
    """
    key = make_key(os.urandom(KEY_BYTES))
    # In a list, from which it is taken when it is sent: nobody holds it during the wait.
    request = [make_request(host, port, path, key, headers, subprotocol)]
    if address is None:
        address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    opening = _open(address, tls, server_name or host, request, key, subprotocol)
    try:
        stream = await asyncio.wait_for(opening, timeout_s)
    except asyncio.TimeoutError:
        raise OSError(errno.ETIMEDOUT)
    return WebSocket(stream, max_message_bytes, transmit_bytes)


async def _open(address, tls, server_name, request, key, subprotocol):
    """Connect, start TLS, ask for the upgrade and check the answer; return the stream."""
    sock = socket.socket(address[0], address[1], address[2])
    try:
        sock.setblocking(False)
        sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        try:
            sock.connect(address[-1])
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        if tls:
            sock = tls.wrap_socket(sock, server_hostname=server_name, do_handshake_on_connect=False)
            sock.setblocking(False)
        stream = asyncio.StreamReader(sock)
        # Not stream.write(): that tries at once, before the connection stands.
        stream.out_buf = request.pop()
        await stream.drain()  # a refused connection shows here
        check_response(await _read_head(stream), key, subprotocol)
        return stream
    except ValueError as error:  # mbedTLS reports a certificate that fails its checks so
        sock.close()
        raise CertificateError(str(error))
    except BaseException:  # also CancelledError: a socket left open leaks until it is collected
        sock.close()
        raise


async def _read_head(stream):
    """Read up to the empty line that ends the server's answer, and not a byte of what follows."""
    head = memoryview(bytearray(MAX_HEAD_BYTES))
    size = 0
    matched = 0  # bytes of _END_OF_HEAD that the head so far ends with
    while matched < len(_END_OF_HEAD):
        missing = len(_END_OF_HEAD) - matched
        if size + missing > MAX_HEAD_BYTES:
            raise HandshakeError("the server's answer is too long")
        count = await stream.readinto(head[size : size + missing])
        if count == 0:
            raise OSError(errno.ECONNRESET)
        size += count or 0  # TLS sometimes wakes up without data (None)
        tail = bytes(head[max(size - len(_END_OF_HEAD), 0) : size])
        matched = len(_END_OF_HEAD)
        while not tail.endswith(_END_OF_HEAD[:matched]):
            matched -= 1
    return head[:size]
