# heap: 2M
"""The WebSocket client against a server that behaves, misbehaves and vanishes."""

import asyncio
import os

from device.websocket.client import connect
from device.websocket.errors import ConnectionClosed
from device.websocket.frames import Opcode
from tests.device.check import equal, raises_async
from tests.device.scripted_server import HOST, close_frame, collect, frame, open_client, serve


async def echo(peer):
    """Send back every frame until the client closes; return the close frame's payload."""
    while True:
        opcode, payload = await peer.receive()
        await peer.send(opcode, payload)
        if opcode == Opcode.CLOSE:
            return payload


async def test_messages_go_out_and_come_back():
    served, websocket = await open_client(echo)
    for text in ("", "hello", "Ein schöner Tag 🧸", "x" * 125, "x" * 126, "x" * 4000):
        await websocket.send_text(text)
        opcode, payload = await websocket.receive()
        equal((opcode, str(payload, "utf-8")), (Opcode.TEXT, text))
    for size in (0, 1, 644, 1010, 1016, 1024, 4096):
        data = os.urandom(size)
        await websocket.send_binary(bytearray(data) + b"not this", size)
        opcode, payload = await websocket.receive()
        equal((opcode, bytes(payload)), (Opcode.BINARY, data), f"{size} bytes")
    await websocket.close(1001, "going to sleep")
    equal(await served.finish(), b"\x03\xe9going to sleep")


async def test_pings_are_answered_while_waiting_for_a_message():
    async def script(peer):
        await peer.send(Opcode.TEXT, b"one ", final=False)
        await peer.send(Opcode.PING, b"in between")
        pong = await peer.receive()
        await peer.send(Opcode.CONTINUATION, b"message")
        return pong

    served, websocket = await open_client(script)
    equal(bytes((await websocket.receive())[1]), b"one message")
    equal(await served.finish(), (Opcode.PONG, b"in between"))
    websocket.abort()


async def test_frames_right_behind_the_handshake_are_not_lost():
    async def script(peer):
        await peer.accept(extra=frame(Opcode.TEXT, b"welcome") + frame(Opcode.BINARY, b"12"))
        await peer.wait_for_end()

    served = await serve(script)
    websocket = await connect(HOST, served.port)
    equal(bytes((await websocket.receive())[1]), b"welcome")
    equal(bytes((await websocket.receive())[1]), b"12")
    websocket.abort()
    await served.finish()


async def test_the_close_code_and_reason_of_the_server_arrive():
    async def script(peer):
        await peer.send_raw(close_frame(4401, b"not authorised"))
        return await peer.receive()

    served, websocket = await open_client(script)
    error = await raises_async(ConnectionClosed, websocket.receive())
    equal((error.code, error.reason), (4401, "not authorised"))
    error = await raises_async(ConnectionClosed, websocket.send_text("too late"))
    equal(error.code, 4401)
    equal(await served.finish(), (Opcode.CLOSE, b"\x11\x31"))


async def test_a_broken_frame_closes_with_its_code():
    for broken, code in (
        (frame(0x3, b""), 1002),
        (frame(Opcode.TEXT, b"\xff"), 1007),
        (b"\x82\x7e\x10\x01" + bytes(4097), 1009),
    ):

        async def script(peer, broken=broken):
            await peer.send_raw(broken)
            return await collect(peer)

        served, websocket = await open_client(script)
        error = await raises_async(ConnectionClosed, websocket.receive())
        equal(error.code, code)
        opcode, payload = (await served.finish())[-1]
        equal((opcode, payload[0] << 8 | payload[1]), (Opcode.CLOSE, code))


async def test_a_server_that_vanishes_is_noticed():
    async def script(peer):
        await peer.hang_up()

    served, websocket = await open_client(script)
    error = await raises_async(ConnectionClosed, websocket.receive())
    equal(error.code, 1006)
    await raises_async(ConnectionClosed, websocket.send_text("anybody?"))
    await served.finish()


async def test_close_does_not_wait_for_ever():
    async def script(peer):
        await peer.receive()
        await peer.wait_for_end()  # never answers the close frame

    served, websocket = await open_client(script)
    await websocket.close(timeout_s=0.1)
    await served.finish()
    await websocket.close()  # again: harmless
    error = await raises_async(ConnectionClosed, websocket.receive())
    equal(error.code, 1006)


async def test_close_works_beside_a_waiting_reader():
    served, websocket = await open_client(echo)
    reader = asyncio.create_task(raises_async(ConnectionClosed, websocket.receive()))
    await asyncio.sleep_ms(10)
    await websocket.close()
    equal((await reader).code, 1000)
    equal(await served.finish(), b"\x03\xe8")


async def test_a_second_reader_is_refused():
    served, websocket = await open_client(echo)
    reader = asyncio.create_task(raises_async(ConnectionClosed, websocket.receive()))
    await asyncio.sleep_ms(10)
    await raises_async(RuntimeError, websocket.receive())
    await websocket.close()
    await reader
    await served.finish()
