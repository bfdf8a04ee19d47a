"""The wire to one toy: what is written to it, and how long a write has been waiting."""

import asyncio
import contextlib
import time
from typing import Protocol

from websockets.exceptions import ConnectionClosed

_MOST_REASON_BYTES = 123  # RFC 6455 section 5.5: a control frame holds 125, 2 of them the code
_CLOSE_GRACE_S = 1.0


class LinkClosed(Exception):
    """The connection to the toy has ended."""


class Connection(Protocol):
    """A WebSocket, as far as a link needs it: `websockets.asyncio.server.ServerConnection` is one.

    `send`, `recv` and `close` raise ConnectionClosed once it has ended.
    """

    @property
    def close_timeout(self) -> float | None:
        """For how many seconds `close` may wait for the other side."""

    @property
    def transport(self) -> asyncio.Transport:
        """What carries it, to be cut."""

    async def send(self, message: str | bytes, /) -> None:
        """Send a text or a binary frame; it waits while the other side does not read."""

    async def recv(self) -> str | bytes:
        """Return the next frame."""

    async def close(self, code: int, reason: str) -> None:
        """Close it."""


class ToyLink:
    """Writes to a toy's connection.

    A write waits while the toy does not read. Instead of a timer for each of 50 frames a second,
    the moment of the oldest waiting write is kept, and the session's watchdog looks at it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[int, float] = {}
        self._writes = 0

    async def send(self, message: str | bytes) -> None:
        """Send a text (str) or binary (bytes) frame; LinkClosed if the connection has ended."""
        self._writes += 1
        number = self._writes
        self._waiting[number] = time.monotonic()
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            raise LinkClosed from None
        finally:
            del self._waiting[number]

    def stuck_s(self, now: float) -> float:
        """Return for how many seconds the oldest write has been waiting; 0 without one."""
        return max((now - since for since in self._waiting.values()), default=0.0)

    async def receive(self) -> str | bytes:
        """Return the next frame; LinkClosed if the connection has ended."""
        try:
            return await self._connection.recv()
        except ConnectionClosed:
            raise LinkClosed from None

    async def close(self, code: int, reason: str) -> None:
        """Close with a code and plain words; a toy that does not answer is cut off."""
        words = reason.encode()[:_MOST_REASON_BYTES].decode(errors="ignore")
        closing = asyncio.ensure_future(self._connection.close(code, words))
        limit = (self._connection.close_timeout or 0) + _CLOSE_GRACE_S
        done, _ = await asyncio.wait([closing], timeout=limit)
        if not done:
            self.abort()
            with contextlib.suppress(ConnectionClosed):
                await closing

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._connection.transport.abort()
