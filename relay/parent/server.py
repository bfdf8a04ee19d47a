"""The page's HTTP server: uvicorn inside the relay's own event loop, without habits of its own."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from device.protocol import MAX_TEXT_BYTES
from relay.config import ParentSettings
from relay.parent.app import make_app
from relay.parent.browser_connection import WebSocketProtocol
from relay.parent.services import PageServices

MOST_CONNECTIONS = 200
_KEEP_ALIVE_S = 15
_STOP_S = 3
# A connection on which no request is served for so long is closed, whatever trickles in.
_PATIENCE_S = 20.0


class PageServer:
    """Serves the page from `start` to `stop`; `tls` is None for plain HTTP."""

    def __init__(self, services: PageServices, tls: ssl.SSLContext | None) -> None:
        self._settings: ParentSettings = services.settings.parent
        config = uvicorn.Config(
            make_app(services),
            http=_ImpatientProtocol,
            ws=WebSocketProtocol,
            ws_max_size=MAX_TEXT_BYTES,
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # the toys' own heartbeat tells more
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S,
        )
        config.load()
        config.ssl = tls
        self._server = _QuietServer(config)
        self._live = services.live
        self._task: asyncio.Task[None] | None = None
        self.port = self._settings.port

    async def start(self) -> None:
        """Listen; raises OSError where that cannot be. `port` is the real one afterwards."""
        listener = _listen(self._settings)
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def stop(self) -> None:
        """Let requests that are being served finish, and close; harmless when repeated."""
        self._live.close()  # streams that would never end by themselves
        if self._task is not None:
            self._server.should_exit = True
            await asyncio.wait([self._task])


class _QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The relay minds the signals; uvicorn would take them away from it.
        yield


class _ImpatientProtocol(H11Protocol):
    """Closes a connection that keeps a place without asking for anything (slow loris).

    It logs no request either, whatever the log's level: addresses of one-time links are secrets.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn calls it
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look = self.loop.call_later(_PATIENCE_S, self._look_at_the_clock)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over; from now on the session's watchdog is the impatient one."""
        self._look.cancel()
        super().handle_websocket_upgrade(event)

    def _look_at_the_clock(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self._look = self.loop.call_later(_PATIENCE_S, self._look_at_the_clock)


def _listen(settings: ParentSettings) -> socket.socket:
    found = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
