# heap: 2M
"""The WebSocket client when writes block, tasks are cancelled, and one side is faster."""

import asyncio
import gc

from device.websocket.errors import ConnectionClosed
from device.websocket.frames import Opcode
from tests.device.check import equal, raises_async
from tests.device.scripted_server import (
    SO_RCVBUF,
    SO_SNDBUF,
    SOL_SOCKET,
    collect,
    frame,
    open_client,
)


def squeeze(websocket):
    """Make the client's socket small, so that writes are partial and block."""
    websocket._socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 2048)


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


async def test_audio_frames_make_next_to_no_garbage():
    async def script(peer):
        await peer.receive()
        for _ in range(30):
            await peer.send_raw(frame(Opcode.BINARY, bytes(168)))
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    audio = bytearray(168)
    equal(websocket.send_now(audio), True)
    for _ in range(2):
        await websocket.receive()
    await asyncio.sleep_ms(100)  # until the rest is here
    websocket._eager_reads = 0
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(32):
        websocket.send_now(audio)
    sent = (gc.mem_alloc() - before) // 32
    before = gc.mem_alloc()
    for _ in range(4):
        equal(websocket.receive_now(), Opcode.BINARY)
    received = (gc.mem_alloc() - before) // 4
    gc.enable()
    websocket.abort()
    await served.finish()
    # The masking keys of 16 frames are one object; `equal` takes nothing.
    assert sent <= 16 and received <= 16, (sent, received)


async def test_frames_sent_without_waiting_stay_whole_and_in_order():
    async def script(peer):
        await asyncio.sleep_ms(100)
        frames = []
        while len(frames) < 200:
            frames.append((await peer.receive())[1])
        return frames

    served, websocket = await open_client(script)
    squeeze(websocket)
    waited = 0
    for number in range(200):
        audio = bytes([number]) * 168
        if not websocket.send_now(audio):
            await websocket.send_binary(audio, len(audio))
        elif websocket.is_behind:
            waited += 1
            await websocket.flush()
    equal(await served.finish(), [bytes([number]) * 168 for number in range(200)])
    websocket.abort()


async def test_what_cannot_be_received_at_once_is_waited_for():
    async def script(peer):
        await peer.send_raw(frame(Opcode.PING, b"x") + frame(Opcode.TEXT, b"after a ping"))
        equal((await peer.receive())[0], Opcode.PONG)
        await peer.send_raw(frame(Opcode.CLOSE, b"\x0f\xa0"))
        await peer.wait_for_end()

    served, websocket = await open_client(script)
    equal(websocket.receive_now(), None)
    equal(bytes((await websocket.receive())[1]), b"after a ping")
    equal((await raises_async(ConnectionClosed, websocket.receive())).code, 4000)
    try:
        websocket.receive_now()
    except ConnectionClosed as error:
        equal(error.code, 4000)
    else:
        raise AssertionError("closed, and yet it gives something")
    await served.finish()
