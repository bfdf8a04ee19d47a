"""A WebSocket server for the client's tests, on MicroPython: it does what each test scripts."""

import asyncio
import errno
import os
import struct

from device.websocket.client import connect
from device.websocket.frames import Opcode
from device.websocket.handshake import accept_for

HOST = "127.0.0.1"
SOL_SOCKET, SO_SNDBUF, SO_RCVBUF = 1, 7, 8  # Linux's numbers


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def accept(self, extra=b""):
        """Answer the client's handshake; `extra` follows in the same packet."""
        key = None
        while True:
            line = (await self.reader.readline()).decode().strip()
            if not line:
                break
            name, _, value = line.partition(": ")
            if name == "Sec-WebSocket-Key":
                key = value
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += f"Sec-WebSocket-Accept: {accept_for(key)}\r\n\r\n"
        await self.send_raw(head.encode() + extra)

    async def send_raw(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def send(self, opcode, payload, final=True):
        await self.send_raw(frame(opcode, payload, final))

    async def receive(self):
        """Return (opcode, payload) of the client's next frame; EOFError when it hung up."""
        first, second = await self.reader.readexactly(2)
        assert first & 0x80, "fragmented"
        assert second & 0x80, "not masked"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", await self.reader.readexactly(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", await self.reader.readexactly(8))[0]
        key = await self.reader.readexactly(4)
        payload = await self.reader.readexactly(length)
        return first & 0x0F, bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))

    async def wait_for_end(self):
        """Return once the client has hung up."""
        try:
            while await self.reader.read(512):
                pass
        except OSError:
            pass

    async def hang_up(self):
        self.writer.close()
        await self.writer.wait_closed()


async def collect(peer):
    """Return all frames the client sends until it closes or hangs up."""
    frames = []
    try:
        while not frames or frames[-1][0] != Opcode.CLOSE:
            frames.append(await peer.receive())
    except (EOFError, OSError):
        pass
    return frames


def frame(opcode, payload, final=True):
    """Return a server's frame."""
    first = (0x80 if final else 0) | opcode
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    return struct.pack(">BBH", first, 126, len(payload)) + payload


def close_frame(code, reason=b""):
    return frame(Opcode.CLOSE, struct.pack(">H", code) + reason)


class Served:
    """A running server: its port, and what the script of the connection raised or returned."""

    def __init__(self, script):
        self._script = script
        self._done = asyncio.Event()
        self._error = None
        self.result = None
        self.port = 0

    async def start(self):
        while True:  # MicroPython cannot tell which port the system chose: choose one
            self.port = 20000 + struct.unpack("H", os.urandom(2))[0] % 10000
            try:
                self._server = await asyncio.start_server(self._serve, HOST, self.port)
                return self
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise

    async def _serve(self, reader, writer):
        try:
            self.result = await self._script(Peer(reader, writer))
        except Exception as error:
            self._error = error
        await asyncio.sleep_ms(50)  # MicroPython resets the connection when bytes are unread
        writer.close()
        await writer.wait_closed()
        self._done.set()

    async def finish(self):
        """Wait for the script's end; return what it returned, raise what it raised."""
        await asyncio.wait_for(self._done.wait(), 20)
        self._server.close()
        await self._server.wait_closed()
        if self._error is not None:
            raise self._error
        return self.result


async def serve(script):
    """Start a server whose one connection runs `script(peer)`."""
    return await Served(script).start()


async def open_client(script, **options):
    """Start a server with `script`, after its handshake, and connect to it; return both."""

    async def with_handshake(peer):
        await peer.accept()
        return await script(peer)

    served = await serve(with_handshake)
    return served, await connect(HOST, served.port, "/toy", **options)
