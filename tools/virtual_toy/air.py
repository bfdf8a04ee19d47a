"""The way through the air: a TCP proxy between toy and relay that can be slow, uneven or dead.

It moves bytes and understands none of them, so TLS passes through it. What it cannot do is lose
single packets: TCP hides that from both ends anyway and shows it as delay, which is `jitter_ms`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import urllib.parse
from dataclasses import dataclass

from tools.virtual_toy.errors import VirtualToyError

DEFAULT_PORTS = {"ws": 80, "wss": 443}

LARGEST_PIECE = 16384
PARTIAL_PIECE = 61  # bytes: no audio frame comes whole, and no piece begins at a frame
SMALL_BUFFER = 2048
QUEUED_PIECES = 64


@dataclass
class NetworkConditions:
    """How the air is. May be changed at any time; it counts for what is sent from then on."""

    latency_ms: float = 0.0  # each way
    jitter_ms: float = 0.0  # added at random, 0 to this, in order
    bytes_per_s: int | None = None  # each way
    partial_writes: bool = False  # tiny buffers and pieces


class Air:
    """Listens on loopback and passes every connection on to `host`:`port`."""

    def __init__(self, host: str, port: int, conditions: NetworkConditions) -> None:
        self.host = host
        self.relay_port = port
        self.conditions = conditions
        self.port = 0
        self.connections = 0  # since the start
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._passages: set[_Passage] = set()

    async def start(self) -> None:
        """Listen on a free port, `self.port`."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if self.conditions.partial_writes:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=listener)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*(passage.ended.wait() for passage in list(self._passages)))

    def block(self) -> None:
        """Pass nothing on any more and tell nobody: both ends keep half-open links."""
        self._open.clear()

    def unblock(self) -> None:
        """Pass on again, also what was held back: TCP would have sent it again."""
        self._open.set()

    def cut(self) -> None:
        """Reset every connection."""
        for passage in list(self._passages):
            passage.cut()

    def drop(self) -> None:
        """Forget every connection without a word to the toy: its address has changed.

        The relay's side is left half-open as well. New connections pass.
        """
        for passage in list(self._passages):
            passage.dropped = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage = _Passage(self, reader, writer)
        self._passages.add(passage)
        self.connections += 1
        try:
            await passage.run()
        finally:
            self._passages.discard(passage)
            passage.ended.set()


class _Passage:
    """One connection, both ways."""

    def __init__(
        self, air: Air, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._air = air
        self._toy = (reader, writer)
        self._writers = [writer]
        self._task: asyncio.Task[None] | None = None
        self.dropped = False
        self.ended = asyncio.Event()

    async def run(self) -> None:
        self._task = asyncio.current_task()
        pumps: list[asyncio.Task[None]] = []
        try:
            await self._wait_until_open()
            relay = await asyncio.open_connection(self._air.host, self._air.relay_port)
            self._writers.append(relay[1])
            for reader, writer in ((self._toy[0], relay[1]), (relay[0], self._toy[1])):
                # Reading and delivering go on side by side: latency is no limit to the rate.
                pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED_PIECES)
                pumps.append(asyncio.create_task(self._collect(reader, pieces)))
                pumps.append(asyncio.create_task(self._deliver(pieces, writer)))
            await asyncio.gather(*pumps)
        except (OSError, asyncio.CancelledError):
            # The relay is down or either end broke off: the other end gets to know.
            self._reset()
        finally:
            for pump in pumps:
                pump.cancel()
            for writer in self._writers:
                writer.close()

    def cut(self) -> None:
        """Break off with a reset towards both ends."""
        if self._task is not None:
            self._task.cancel()

    def _reset(self) -> None:
        for writer in self._writers:
            endpoint = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                # SO_LINGER with zero seconds: close() sends RST instead of FIN
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _wait_until_open(self) -> None:
        if self.dropped:
            await asyncio.Event().wait()
        await self._air._open.wait()

    async def _collect(
        self, reader: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        clock = asyncio.get_running_loop().time
        data = b"more"
        while data:
            conditions = self._air.conditions
            most = PARTIAL_PIECE if conditions.partial_writes else LARGEST_PIECE
            data = await reader.read(most)
            # noise in the air, no secret
            delay = conditions.latency_ms + random.random() * conditions.jitter_ms  # noqa: S311
            await pieces.put((clock() + delay / 1000, data))

    async def _deliver(
        self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await pieces.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            await self._wait_until_open()
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            rate = self._air.conditions.bytes_per_s
            if rate is not None:
                await asyncio.sleep(len(data) / rate)
            writer.write(data)
            await writer.drain()


def relay_address(url: str) -> tuple[str, int]:
    """Return host and port of a relay's address; VirtualToyError if it is none."""
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port is None:
        raise VirtualToyError(
            f"{url!r} is not the address of a relay; it looks like ws://192.168.1.10:8765/toy"
        )
    return parts.hostname, port
