"""The relay as a whole: starts its rooms in order, stops them in reverse, and fails fast."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from relay.address import cannot_listen, check_address, own_hosts
from relay.age import AgeBand
from relay.caretaker import Caretaker
from relay.certificate import CertificateError, Identity, load_identity, server_context
from relay.config import Settings
from relay.database import StoreError
from relay.discovery import Announcer, announced_hosts
from relay.engines import Engines, load_engines
from relay.history.live import Live
from relay.history.recorder import Recorder
from relay.house import House
from relay.lines import Lines
from relay.metrics import Metrics
from relay.pairing import PairingDesk
from relay.parent.browser_toys import BrowserToys
from relay.parent.server import PageServer
from relay.parent.services import PageServices
from relay.record import TurnObserver
from relay.safety import SafetyGate
from relay.safety.verdict import Alert
from relay.server import Server
from relay.session import Session
from relay.store import Store, Toy
from relay.telemetry import log, log_turn
from relay.tokens import authenticate
from relay.update.updater import Updater

_logger = logging.getLogger(__name__)

_UPDATES_EVERY_S = 1.0
_RENEWAL_EVERY_S = 24 * 3600.0


class Relay:
    """A running relay: `await start()`, and `await stop()` also after a failed start.

    `observers` are called with the TurnRecord of each turn that has ended, `load` gives what
    listens, thinks and speaks. `engines`, `port` and `sessions` are there once it has been started,
    and so is `identity`, None without TLS.
    """

    def __init__(
        self,
        settings: Settings,
        observers: Sequence[TurnObserver] = (),
        load: Callable[[Settings], Awaitable[Engines]] = load_engines,
    ) -> None:
        self.settings = settings
        self.store = Store(settings.store_url, timeout_s=settings.store.timeout_s)
        self._observers = (log_turn, *observers)
        self._load = load
        self._cleanup = contextlib.AsyncExitStack()
        self._caretaker = Caretaker(self.store)
        self._engines: Engines | None = None
        self._server: Server | None = None
        self._page: PageServer | None = None
        self.identity: Identity | None = None

    @property
    def engines(self) -> Engines:
        """What listens, thinks and speaks; RuntimeError before `start`."""
        if self._engines is None:
            raise RuntimeError("the relay has not been started")
        return self._engines

    @property
    def port(self) -> int:
        """The TCP port that toys reach, the real one also where 0 is set; see `engines`."""
        if self._server is None:
            raise RuntimeError("the relay has not been started")
        return self._server.port

    @property
    def house(self) -> House:
        """How things stand with every toy."""
        return self._caretaker.house

    @property
    def page_port(self) -> int | None:
        """The TCP port of the parent's page, None where there is none; see `engines`."""
        return None if self._page is None else self._page.port

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The connected toys' sessions, by the toy's id; see `engines`."""
        if self._server is None:
            raise RuntimeError("the relay has not been started")
        return self._server.sessions

    async def start(self) -> None:
        """Load everything, test it, and listen.

        Raises RelayError in plain words; what had been started is then stopped again.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Say goodbye to every toy and free everything; harmless when repeated."""
        await self._cleanup.aclose()
        self._server = None
        self._page = None
        self._engines = None

    async def _start(self) -> None:
        began = time.monotonic()
        settings = self.settings
        # What can be seen to be wrong at once comes before the seconds of loading models.
        check_address(settings.listen)
        parent = settings.parent
        if parent.enabled:
            check_address(parent)
        tls = None
        if settings.listen.tls or (parent.enabled and parent.tls):
            tls = await self._secure()
        self._cleanup.push_async_callback(self.store.close)
        await self.store.open()
        await self._caretaker.start()
        self._cleanup.push_async_callback(self._caretaker.stop)
        gate = await asyncio.to_thread(SafetyGate, settings.safety, models_dir=settings.models_dir)
        self._engines = await self._load(settings)
        self._cleanup.push_async_callback(self._engines.close)
        metrics = Metrics(settings.metrics)
        recorder = Recorder(self.store.database, self.house, lose=metrics.lose)
        # After the toys are gone, so that their last turns are kept too.
        self._cleanup.push_async_callback(recorder.stop)
        self._server = Server(
            settings=settings,
            engines=self._engines,
            safety=gate,
            authenticate=self._authenticate,
            lines=await Lines.render(self._engines.tts),
            alerts=self._keep_alert,
            guardian=self._caretaker.guardian,
            observers=(*self._observers, metrics.observe, recorder.observe),
            tls=tls if settings.listen.tls else None,
            pairing=PairingDesk(self.store, self.identity)
            if self.identity and settings.listen.tls
            else None,
            metrics=metrics,
        )
        try:
            await self._server.start()
        except OSError as error:
            raise cannot_listen(settings.listen, error) from error
        self._cleanup.push_async_callback(self._server.stop)
        recorder.start(self._server.sessions)
        if self.identity and settings.listen.tls and settings.discovery.enabled:
            announcer = Announcer(self.identity, self.port, announced_hosts(settings.listen))
            self._cleanup.push_async_callback(announcer.stop)
            announcer.start()
        if parent.enabled:
            context = tls if parent.tls else None
            self._page = await self._open_page(self._server, recorder.live, context)
        watcher = asyncio.create_task(metrics.watch_loop())
        self._cleanup.push_async_callback(_finish, watcher)
        watcher = asyncio.create_task(self._caretaker.watch(self._server.sessions))
        self._cleanup.push_async_callback(_finish, watcher)
        updater = Updater(self.store, settings.limits.messages_per_second)
        self._cleanup.push_async_callback(updater.stop)
        watcher = asyncio.create_task(self._watch_updates(self._server, updater))
        self._cleanup.push_async_callback(_finish, watcher)
        log(
            _logger,
            logging.INFO,
            "relay started",
            port=self.port,
            tls=tls is not None,
            stt=self._engines.stt.name,
            llm=self._engines.llm.name,
            tts=self._engines.tts.name,
            seconds=round(time.monotonic() - began, 1),
        )

    async def _open_page(
        self, server: Server, live: Live, tls: ssl.SSLContext | None
    ) -> PageServer:
        services = PageServices(
            settings=self.settings,
            store=self.store,
            sessions=server.sessions,
            changed=self._caretaker.note_change,
            secure=tls is not None,
            live=live,
            browser_toys=BrowserToys(server.services, self.store.database),
        )
        page = PageServer(services, tls)
        try:
            await page.start()
        except OSError as error:
            raise cannot_listen(self.settings.parent, error) from error
        self._cleanup.push_async_callback(page.stop)
        return page

    async def _secure(self) -> ssl.SSLContext:
        """Return the listener's TLS context, kept from running out as long as the relay runs."""
        self.identity = await self._load_identity()
        context = server_context(self.identity)
        renewing = asyncio.create_task(self._renew_certificate(context))
        self._cleanup.push_async_callback(_finish, renewing)
        return context

    async def _load_identity(self) -> Identity:
        hosts = await asyncio.to_thread(own_hosts)
        return await asyncio.to_thread(load_identity, self.settings.data_dir, hosts)

    async def _renew_certificate(self, context: ssl.SSLContext) -> None:
        while True:
            await asyncio.sleep(_RENEWAL_EVERY_S)
            try:
                # Connections that stand go on; new ones see what has been loaded.
                context.load_cert_chain((await self._load_identity()).certificate)
            except (CertificateError, OSError) as error:
                log(_logger, logging.ERROR, "certificate not renewed", reason=str(error))

    async def _keep_alert(
        self, alert: Alert, *, toy: str, session: str, category: str, band: AgeBand
    ) -> None:
        """Keep an alert, unless the child's parents want none."""
        rules = self.house.rules_of(toy)
        if rules is None or rules.keep_alerts:
            await self.store.add_alert(
                alert, toy=toy, session=session, category=category, band=band
            )

    async def _authenticate(self, token: str, /) -> Toy | None:
        toy = await authenticate(self.store, token)
        if toy is not None:
            try:
                if toy.id not in self.house.standings:
                    await self.house.refresh()  # paired a moment ago
                await self.store.note_seen(toy.id)
            except StoreError:
                # A full disk is no reason to leave a child without its toy.
                log(_logger, logging.WARNING, "the store could not be used", toy=toy.id)
        return toy

    async def _watch_updates(self, server: Server, updater: Updater) -> None:
        """Give the toys the firmware that `python -m relay update` has asked for."""
        while True:
            await asyncio.sleep(_UPDATES_EVERY_S)
            try:
                await updater.look(list(server.sessions.values()))
            except Exception:
                log(_logger, logging.ERROR, "updates could not be looked at")


async def _finish(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
