"""A browser's WebSocket, from the page's server, in the shape that links to toys have."""

import asyncio
import logging
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.WARNING)

_TRANSPORT = "bramble.transport"
_CLOSE_TIMEOUT_S = 2.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which can be cut, and whose log never holds what is spoken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn calls it
        super().__init__(*args, **kwargs)
        # At DEBUG frames, tickets and cookies would be printed, at INFO addresses.
        self.logger = self.conn.logger = _logger
        self.conn.debug = False

    def handle_connect(self, event: Request) -> None:
        """Begin to serve; see uvicorn."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[Any, Any] = self.scope["extensions"] or {}
            extensions[_TRANSPORT] = self.transport


class BrowserConnection:
    """A `relay.link.Connection` over Starlette's WebSocket, once that was accepted."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self.close_timeout = _CLOSE_TIMEOUT_S
        self.transport: asyncio.Transport = socket.scope["extensions"][_TRANSPORT]

    async def send(self, message: str | bytes, /) -> None:
        """Send a frame; raises ConnectionClosed."""
        kind = "text" if isinstance(message, str) else "bytes"
        try:
            await self._socket.send({"type": "websocket.send", kind: message})
        except (WebSocketDisconnect, RuntimeError):
            raise ConnectionClosedError(None, None) from None

    async def recv(self) -> str | bytes:
        """Return the next frame; raises ConnectionClosed."""
        try:
            message = await self._socket.receive()
        except RuntimeError:  # asked again after the end
            raise ConnectionClosedError(None, None) from None
        if message["type"] == "websocket.disconnect":
            raise ConnectionClosedError(None, None)
        text: str | None = message.get("text")
        binary: bytes = message.get("bytes") or b""
        return binary if text is None else text

    async def close(self, code: int, reason: str) -> None:
        """Close it; harmless when repeated."""
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            return
