"""The listener: accepts toys, tells who they are, and keeps their number and manners in bounds."""

import asyncio
import http
import logging
import ssl
import time
from collections.abc import Sequence

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from device.pairing_proof import PATH as _PAIR_PATH
from device.protocol import MAX_TEXT_BYTES, SUBPROTOCOL, Close
from relay import voice_activity
from relay.config import Settings
from relay.guards import AttemptLimit
from relay.lines import Lines
from relay.link import ToyLink
from relay.metrics import Metrics
from relay.pairing import PairingDesk
from relay.record import TurnObserver
from relay.services import AlertSink, Authenticate, Engines, Safety, Services, Toy
from relay.session import Session
from relay.telemetry import correlated, log, new_session_id
from relay.terms import Guardian

_logger = logging.getLogger(__name__)

_PATH = "/toy"
_HEALTH_PATH = "/health"
_METRICS_PATH = "/metrics"
_RETRY_S = 30


class Server:
    """Serves toys until stopped.

    `sessions` maps the id of each connected toy to its session, `services` is what they share.
    `port` is the real one, also when the settings leave the choice to the system.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        engines: Engines,
        safety: Safety,
        authenticate: Authenticate,
        lines: Lines,
        alerts: AlertSink,
        guardian: Guardian,
        observers: Sequence[TurnObserver] = (),
        tls: ssl.SSLContext | None = None,
        pairing: PairingDesk | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._limits = settings.limits
        self.services = Services(settings, engines, safety, lines, alerts, guardian, observers)
        self._authenticate = authenticate
        self._tls = tls
        self._pairing = pairing
        self._listener: WebSocketServer | None = None
        self._cleaner: asyncio.Task[None] | None = None
        self._failed_tokens = AttemptLimit(self._limits.failed_tokens_per_minute, 60.0)
        self._replacing: set[asyncio.Task[None]] = set()
        self.sessions: dict[str, Session] = {}

    @property
    def port(self) -> int:
        """The TCP port that toys reach; RuntimeError before `start`."""
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        port: int = next(iter(self._listener.sockets)).getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen; OSError if the address cannot be had."""
        await asyncio.to_thread(voice_activity.load)
        self._listener = await serve(
            self._serve_toy,
            self._settings.listen.host,
            self._settings.listen.port,
            ssl=self._tls,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            process_request=self._route,
            # The library's pings and an ESP32 do not get on (websockets keepalive closes with 1011
            # after 40 s); liveness is our own heartbeat.
            ping_interval=None,
            compression=None,
            max_size=MAX_TEXT_BYTES,
            open_timeout=self._limits.hello_timeout_s,
            close_timeout=min(2.0, self._limits.stop_s),
            server_header=None,
        )
        self._cleaner = asyncio.create_task(self._clean_up())

    async def stop(self) -> None:
        """Tell every toy that the relay goes away (1001) and stop, within the time of settings."""
        if self._listener is None:
            return
        if self._cleaner is not None:
            self._cleaner.cancel()
        sessions = list(self.sessions.values())
        self._listener.close(code=Close.GOING_AWAY, reason="the relay stops")
        closed = asyncio.ensure_future(self._listener.wait_closed())
        await asyncio.wait([closed], timeout=self._limits.stop_s)
        for session in sessions:
            session.abort()
        await asyncio.wait([closed], timeout=1.0)
        closed.cancel()
        await self.services.alerts_delivered(self._limits.stop_s)
        self._listener = None

    def _route(self, connection: ServerConnection, request: Request) -> Response | None:
        path = _path_of(request)
        if path == _HEALTH_PATH:
            return connection.respond(http.HTTPStatus.OK, "ok\n")
        if path == _METRICS_PATH and self._metrics is not None:
            figures = self._metrics.respond(connection, self.sessions)
            if figures is not None:
                return figures
        if path != _PATH and (path != _PAIR_PATH or self._pairing is None):
            return connection.respond(http.HTTPStatus.NOT_FOUND, "Toys connect to /toy.\n")
        return None  # a missing subprotocol is refused with 400 by the library

    async def _serve_toy(self, connection: ServerConnection) -> None:
        address = str(connection.remote_address[0]) if connection.remote_address else "?"
        link = ToyLink(connection)
        if self._pairing is not None and _path_of(connection.request) == _PAIR_PATH:
            await self._pairing.serve(link, address)
            return
        if self._failed_tokens.exhausted(address, time.monotonic()):
            log(_logger, logging.WARNING, "toy refused: too many failed tokens", address=address)
            await link.close(Close.TOO_MANY, f"too many failed tokens; try again in {_RETRY_S} s")
            return
        try:
            toy = await self._who(connection)
        except Exception:
            log(_logger, logging.ERROR, "token could not be looked up", address=address)
            await link.close(Close.INTERNAL, "internal error; try again")
            return
        if toy is None:
            self._failed_tokens.add(address, time.monotonic())
            log(_logger, logging.WARNING, "toy refused: token unknown or revoked", address=address)
            await link.close(Close.NOT_AUTHORISED, "token unknown or revoked")
            return
        if toy.id not in self.sessions and len(self.sessions) >= self._limits.max_toys:
            log(_logger, logging.WARNING, "toy refused: full", toy=toy.id)
            await link.close(Close.FULL, f"relay is full; try again in {_RETRY_S} s")
            return
        with correlated(session=new_session_id()) as ids:
            await self._run_session(Session(self.services, link, toy, ids.session))

    async def _run_session(self, session: Session) -> None:
        older = self.sessions.get(session.toy.id)
        self.sessions[session.toy.id] = session
        if older is not None:
            replacing = asyncio.create_task(
                older.close(Close.REPLACED, "replaced by a newer connection")
            )
            self._replacing.add(replacing)
            replacing.add_done_callback(self._replacing.discard)
        try:
            await session.run()
        finally:
            if self.sessions.get(session.toy.id) is session:
                del self.sessions[session.toy.id]

    async def _who(self, connection: ServerConnection) -> Toy | None:
        """Return the toy that the connection's token belongs to."""
        request = connection.request
        try:
            header = request.headers.get("Authorization", "") if request else ""
        except MultipleValuesError:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return await self._authenticate(token.strip())

    async def _clean_up(self) -> None:
        """Cut sessions that ought to have ended: the last defence, behind their watchdogs."""
        while True:
            await asyncio.sleep(self._limits.cleanup_s)
            for session in list(self.sessions.values()):
                if session.overdue(time.monotonic()):
                    log(_logger, logging.ERROR, "stuck session cut", toy=session.toy.id)
                    session.abort()


def _path_of(request: Request | None) -> str:
    return request.path.partition("?")[0] if request else ""
