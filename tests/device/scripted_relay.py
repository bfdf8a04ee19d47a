"""A relay for the firmware's tests, in MicroPython: it does what a test tells it, right or wrong.

Only the server's half of RFC 6455 that the toy needs: unfragmented frames, no extensions.
"""

import asyncio
import json
import struct

import usocket

from device.audio import dsp
from device.backoff import random_below
from device.protocol import ADPCM_FRAME_BYTES, SAMPLES_PER_FRAME, SUBPROTOCOL, Codec
from device.websocket.handshake import accept_for

TEXT, BINARY, CLOSE = 1, 2, 8
WELCOME = {
    "type": "welcome",
    "session": "0123456789ab",
    "codec": "adpcm",
    "heartbeat_s": 5,
    "timeout_s": 12,
    "prebuffer_ms": 60,
    "max_listen_s": 30,
}


class Connection:
    """One connected toy. `receive` gives dict, bytes, ("close", code); `send` takes dict, bytes."""

    def __init__(self, stream, headers):
        self._stream = stream
        self.headers = headers

    async def receive(self):
        """Return the next message, None when the toy vanished."""
        try:
            first, second = await self._stream.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack(">H", await self._stream.readexactly(2))[0]
            key = await self._stream.readexactly(4)
            data = bytearray(await self._stream.readexactly(length))
        except (EOFError, OSError):
            return None
        assert second & 0x80, "the toy's frames must be masked"
        for index in range(length):
            data[index] ^= key[index & 3]
        if first & 15 == TEXT:
            return json.loads(data)
        if first & 15 == BINARY:
            return bytes(data)
        return ("close", struct.unpack(">H", data)[0] if length < 3 else data[0] << 8 | data[1])

    async def receive_message(self, kind):
        """Return the next message of type `kind`; audio and other messages are passed over."""
        while True:
            message = await self.receive()
            assert message is not None, "the toy vanished before " + kind
            if isinstance(message, dict) and message["type"] == kind:
                return message

    async def send(self, message):
        """Send a message, raw text (str) or an audio frame (bytes)."""
        if isinstance(message, dict):
            message = json.dumps(message)
        if isinstance(message, str):
            await self._send(TEXT, message.encode())
        else:
            await self._send(BINARY, message)

    async def _send(self, opcode, data):
        head = bytes([0x80 | opcode])
        if len(data) < 126:
            head += bytes([len(data)])
        else:
            head += bytes([126]) + struct.pack(">H", len(data))
        self._stream.write(head + data)
        await self._stream.drain()

    async def close(self, code):
        """Close with a code, and wait for the toy to go."""
        await self._send(CLOSE, struct.pack(">H", code) + b"why")
        while await self.receive() is not None:
            pass
        await self.drop()

    async def drop(self):
        """Be gone without a word."""
        self._stream.close()
        await self._stream.wait_closed()

    async def welcome(self, **changed):
        """Take the hello, send the welcome; return the hello."""
        hello = await self.receive_message("hello")
        await self.send(dict(WELCOME, **changed))
        return hello

    async def speak(self, turn, frames, pcm=bytes(640), pause_ms=0):
        """Send a whole reply of `frames` audio frames, all with the same 640 bytes of sound."""
        await self.send({"type": "speech_start", "turn": turn})
        await self.send_frames(turn, 0, frames, pcm, pause_ms)
        await self.send({"type": "speech_stop", "turn": turn, "reason": "done", "frames": frames})

    async def send_frames(self, turn, first, last, pcm=bytes(640), pause_ms=0):
        """Send the audio frames `first` to `last` - 1 of a reply."""
        payload = bytearray(ADPCM_FRAME_BYTES)
        dsp.adpcm_encode(pcm, payload, SAMPLES_PER_FRAME, bytearray(4))
        for sequence in range(first, last):
            await self.send(struct.pack("<BBH", Codec.ADPCM, turn & 0xFF, sequence) + payload)
            if pause_ms:
                await asyncio.sleep_ms(pause_ms)


class ScriptedRelay:
    """Listens on a free port; `connections` come out of `next_connection` one by one."""

    def __init__(self):
        self._waiting = []
        self._came = asyncio.Event()
        self.port = 0

    async def start(self):
        """Listen; `port` is known afterwards."""
        # Not asyncio.start_server: it would listen through the toy's Wi-Fi.
        listener = usocket.socket()
        for _ in range(20):
            port = 20000 + random_below(12000)
            try:
                listener.bind(usocket.getaddrinfo("127.0.0.1", port)[0][-1])
                break
            except OSError:
                pass  # taken
        listener.listen(2)
        listener.setblocking(False)
        self.port = port
        self._serving = asyncio.create_task(self._serve(listener))

    async def _serve(self, listener):
        while True:
            try:
                connected = listener.accept()[0]
            except OSError:  # nobody there
                await asyncio.sleep_ms(5)
                continue
            connected.setblocking(False)
            try:
                await self._accept(asyncio.StreamReader(connected))
            except (EOFError, OSError):
                connected.close()  # it has hung up before the handshake was through

    async def _accept(self, stream):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await stream.readexactly(1)
        headers = {}
        for line in head.decode().split("\r\n")[1:-2]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        stream.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_for(headers['sec-websocket-key'])}\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        )
        await stream.drain()
        self._waiting.append(Connection(stream, headers))
        self._came.set()

    async def next_connection(self):
        """Wait for a toy to connect."""
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        return self._waiting.pop(0)
