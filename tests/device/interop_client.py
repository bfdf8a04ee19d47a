"""The toy's WebSocket client as a program, for test_websocket_interop.py; runs on MicroPython.

    micropython interop_client.py HOST PORT CERTIFICATE_DER|- SCENARIO

Prints one line: the outcome.
"""

import asyncio
import hashlib
import os
import sys

from device.websocket import tls
from device.websocket.client import connect
from device.websocket.errors import CertificateError, ConnectionClosed, HandshakeError

FLOOD_MESSAGES = 2500
FLOOD_BYTES = 4000


async def echo(websocket):
    """Send texts and bytes of many sizes, expect each back; then close."""
    for size in (0, 1, 125, 126, 644, 1024, 4096):
        await websocket.send_text("ä" * (size // 2))
        assert str((await websocket.receive())[1], "utf-8") == "ä" * (size // 2), size
        data = os.urandom(size)
        await websocket.send_binary(data, size)
        assert bytes((await websocket.receive())[1]) == data, size
    await websocket.close()
    return "echoed"


async def flood(websocket):
    """Send more than any socket buffers hold while the server does not read; then its digest."""
    digest = hashlib.sha256()
    for _ in range(FLOOD_MESSAGES):
        data = os.urandom(16) * (FLOOD_BYTES // 16)
        digest.update(data)
        await websocket.send_binary(data, FLOOD_BYTES)
    await websocket.send_text("end")
    theirs = str((await websocket.receive())[1], "utf-8")
    ours = "".join("%02x" % byte for byte in digest.digest())  # noqa: UP031
    await websocket.close()
    return "same" if theirs == ours else "different"


def make_context(certificate):
    """Return what trusts the certificate in a file, None without one."""
    if certificate == "-":
        return None
    with open(certificate, "rb") as file:  # noqa: PTH123  MicroPython has no pathlib
        return tls.make_context(file.read())


async def main(host, port, certificate, scenario):
    headers = (("Authorization", "Bearer t0ken"),)
    try:
        websocket = await connect(
            host,
            port,
            "/toy",
            headers=headers,
            subprotocol="bramble.v1",
            tls=make_context(certificate),
        )
        return await {"echo": echo, "flood": flood}[scenario](websocket)
    except CertificateError as error:
        return f"certificate refused: {error}"
    except HandshakeError as error:
        return f"handshake refused: {error.status}"
    except ConnectionClosed as error:
        return f"closed: {error.code} {error.reason}"


print(asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])))
