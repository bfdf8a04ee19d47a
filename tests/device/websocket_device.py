# heap: 2M
"""The WebSocket client against a server that behaves, misbehaves, stalls and vanishes."""

import asyncio
import errno
import gc
import os

from device.websocket.client import connect
from device.websocket.errors import ConnectionClosed, HandshakeError
from device.websocket.frames import Opcode
from tests.device.check import equal, raises_async
from tests.device.scripted_server import (
    HOST,
    SO_RCVBUF,
    SO_SNDBUF,
    SOL_SOCKET,
    close_frame,
    frame,
    open_client,
    serve,
)


async def echo(peer):
    """Send back every frame until the client closes; return the close frame's payload."""
    while True:
        opcode, payload = await peer.receive()
        await peer.send(opcode, payload)
        if opcode == Opcode.CLOSE:
            return payload


async def collect(peer):
    """Return all frames the client sends until it closes or hangs up."""
    frames = []
    try:
        while not frames or frames[-1][0] != Opcode.CLOSE:
            frames.append(await peer.receive())
    except (EOFError, OSError):
        pass
    return frames


def open_files():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  MicroPython has no pathlib


def squeeze(websocket):
    """Make the client's socket small, so that writes are partial and block."""
    websocket._socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 2048)


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


async def test_abort_wakes_the_reader_and_the_blocked_writer():
    async def script(peer):
        await asyncio.sleep_ms(200)  # reads nothing
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    squeeze(websocket)
    data = bytes(200000)
    reader = asyncio.create_task(raises_async(ConnectionClosed, websocket.receive()))
    writer = asyncio.create_task(
        raises_async(ConnectionClosed, websocket.send_binary(data, len(data)))
    )
    await asyncio.sleep_ms(50)
    websocket.abort("watchdog")
    equal(((await reader).code, (await writer).code), (1006, 1006))
    await served.finish()


async def test_a_second_reader_is_refused():
    served, websocket = await open_client(echo)
    reader = asyncio.create_task(raises_async(ConnectionClosed, websocket.receive()))
    await asyncio.sleep_ms(10)
    await raises_async(RuntimeError, websocket.receive())
    await websocket.close()
    await reader
    await served.finish()


async def test_a_cancelled_receive_loses_nothing():
    async def script(peer):
        whole = frame(Opcode.TEXT, b"in two halves")
        await peer.send_raw(whole[:6])
        await peer.receive()
        await peer.send_raw(whole[6:])
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    await raises_async(asyncio.TimeoutError, asyncio.wait_for(websocket.receive(), 0.05))
    await websocket.send_text("go on")
    equal(bytes((await websocket.receive())[1]), b"in two halves")
    websocket.abort()
    await served.finish()


async def test_partial_writes_of_many_senders_stay_whole():
    async def script(peer):
        frames = []
        while len(frames) < 60:
            frames.append(await peer.receive())
            await asyncio.sleep_ms(1)
        return frames

    served, websocket = await open_client(script)
    squeeze(websocket)

    async def sender(letter):
        data = letter * 3000
        for _ in range(20):
            await websocket.send_binary(data, len(data))

    await asyncio.gather(sender(b"a"), sender(b"b"), sender(b"c"))
    frames = await served.finish()
    counts = {}
    for _, payload in frames:
        equal(len(payload), 3000)
        equal(payload, payload[:1] * 3000, "interleaved")
        counts[payload[:1]] = counts.get(payload[:1], 0) + 1
    equal(counts, {b"a": 20, b"b": 20, b"c": 20})
    websocket.abort()


async def fill(websocket):
    """Send until the socket takes no more; return how many whole frames of 1000 bytes went out."""
    sent = 0
    while True:
        writer = asyncio.create_task(websocket.send_binary(b"f" * 1000, 1000))
        await asyncio.sleep_ms(30)
        if not writer.done():
            return sent, writer
        sent += 1


async def stalling(peer):
    """Read nothing for a while, then everything; return the frames."""
    peer.reader.s.setsockopt(SOL_SOCKET, SO_RCVBUF, 2048)
    await peer.receive()
    await asyncio.sleep_ms(1500)
    return await collect(peer)


async def test_a_cancelled_sender_leaves_no_broken_frame():
    served, websocket = await open_client(stalling)
    squeeze(websocket)
    await websocket.send_text("start")
    sent, blocked = await fill(websocket)
    blocked.cancel()
    await raises_async(asyncio.CancelledError, blocked)
    await websocket.send_text("after the cancelled one")
    await websocket.close(timeout_s=0.2)
    frames = await served.finish()
    equal(frames[-2], (Opcode.TEXT, b"after the cancelled one"))
    equal(len(frames), sent + 3)  # the cancelled one went out whole, too
    for _, payload in frames[:-2]:
        equal(payload, b"f" * 1000)


async def test_a_sender_cancelled_inside_a_long_message_ends_the_connection():
    served, websocket = await open_client(stalling)
    squeeze(websocket)
    await websocket.send_text("start")
    data = bytes(300000)
    writer = asyncio.create_task(websocket.send_binary(data, len(data)))
    await asyncio.sleep_ms(50)
    writer.cancel()
    await raises_async(asyncio.CancelledError, writer)
    error = await raises_async(ConnectionClosed, websocket.receive())
    equal(error.code, 1006)
    equal(await served.finish(), [])


async def test_a_flood_does_not_starve_other_tasks():
    async def script(peer):
        await peer.send_raw(frame(Opcode.PONG, b"") * 20000 + frame(Opcode.TEXT, b"end"))
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep_ms(0)

    ticker = asyncio.create_task(tick())
    equal(bytes((await websocket.receive())[1]), b"end")
    ticker.cancel()
    equal(ticks > 500, True, f"{ticks} ticks")
    websocket.abort()
    await served.finish()


async def test_a_dead_port_is_an_os_error():
    served = await serve(echo)
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


async def test_audio_frames_make_little_garbage():
    async def script(peer):
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    audio = bytearray(644)
    await websocket.send_binary(audio, 644)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(10):
        await websocket.send_binary(audio, 644)
    per_frame = (gc.mem_alloc() - before) // 10
    gc.enable()
    websocket.abort()
    await served.finish()
    # Small objects only, twice as large here as on the ESP32; a copy of the frame would show.
    equal(per_frame < 800, True, f"{per_frame} bytes a frame")
