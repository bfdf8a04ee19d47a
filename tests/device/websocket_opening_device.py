# heap: 2M
"""Opening a WebSocket to a dead, silent, rude or endless server; no socket is left behind."""

import asyncio
import errno
import gc
import os

from device.websocket.client import connect
from device.websocket.errors import HandshakeError
from tests.device.check import equal, raises_async
from tests.device.scripted_server import HOST, collect, serve


def open_files():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  MicroPython has no pathlib


async def test_a_dead_port_is_an_os_error():
    served = await serve(collect)
    served._server.close()
    await asyncio.sleep_ms(10)
    error = await raises_async(OSError, connect(HOST, served.port))
    equal(error.errno != errno.ETIMEDOUT, True, repr(error))


async def test_failed_openings_are_told_apart_and_leak_no_socket():
    async def silent(peer):
        await peer.wait_for_end()

    async def hang_up(peer):
        await peer.reader.readline()
        await peer.hang_up()

    async def unauthorised(peer):
        await peer.reader.readline()
        await peer.send_raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        await peer.wait_for_end()

    async def endless(peer):
        await peer.reader.readline()
        await peer.send_raw(b"HTTP/1.1 101 Switching\r\nX: " + b"x" * 3000)
        await peer.wait_for_end()

    before = open_files()
    for script, kind, check in (
        (silent, OSError, lambda error: error.errno == errno.ETIMEDOUT),
        (hang_up, OSError, lambda error: error.errno != errno.ETIMEDOUT),
        (unauthorised, HandshakeError, lambda error: error.status == 401),
        (endless, HandshakeError, lambda error: "too long" in str(error)),
    ):
        served = await serve(script)
        timeout_s = 0.2 if script is silent else 10
        error = await raises_async(kind, connect(HOST, served.port, timeout_s=timeout_s))
        equal(check(error), True, repr(error))
        await served.finish()
    gc.collect()
    equal(open_files(), before)


async def test_a_cancelled_opening_leaks_no_socket():
    async def silent(peer):
        await peer.wait_for_end()

    before = open_files()
    served = await serve(silent)
    opening = asyncio.create_task(connect(HOST, served.port))
    await asyncio.sleep_ms(20)
    equal(open_files(), before + 3, "the listener and both ends")
    opening.cancel()
    await raises_async(asyncio.CancelledError, opening)
    await served.finish()
    equal(open_files(), before)
