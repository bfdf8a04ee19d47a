"""Browsers that are toys: the same sessions and the same safety, without a toy.

It is a parent's own try. The topics, the voice and the age of the child hold; limits of time and
quiet hours do not, and no minute is counted, no alert raised, nothing kept or remembered.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.websockets import WebSocket

from device.protocol import SUBPROTOCOL, Close
from relay.age import AgeBand
from relay.database import Database, StoreError
from relay.link import LinkClosed, ToyLink
from relay.parent.browser_connection import BrowserConnection
from relay.parent.browser_toy_report import Reporter
from relay.parent.browser_toy_tickets import Tickets, Trial
from relay.parent.sessions import IDLE_S
from relay.parent.trial_guardian import TrialGuardian
from relay.safety.verdict import Alert
from relay.services import Services
from relay.session import Session
from relay.store.children import Children
from relay.store.logins import Logins
from relay.store.rules import ChildRules, Rules
from relay.store.values import NotFound
from relay.telemetry import correlated, log, log_turn, new_session_id

_logger = logging.getLogger(__name__)

MOST_AT_ONCE = 4
_LOOK_EVERY_S = 1.0
_TICKET = "ticket."


@dataclass(frozen=True)
class _BrowserToy:
    """What a session knows of its toy."""

    id: str
    age: int
    name: str = "browser"
    child: str | None = None  # whose minutes, alerts and words nothing of this is


class BrowserToys:
    """All browser toys. `services` are those of real toys; their rules, alerts and records are not.

    `now` gives Unix seconds.
    """

    def __init__(
        self, services: Services, database: Database, now: Callable[[], float] = time.time
    ) -> None:
        self.tickets = Tickets()
        self._services = services
        self._children = Children(database)
        self._logins = Logins(database)
        self._rules = Rules(database)
        self._now = now
        self._sessions: dict[bytes, Session] = {}  # by log-in
        self._replacing: set[asyncio.Task[None]] = set()

    async def serve(self, socket: WebSocket, login: bytes) -> None:
        """Let a browser with a ticket be a toy; `login` is the digest of its session.

        Without a good one the handshake is refused with 403.
        """
        trial = self._trial(socket, login)
        try:
            rules = None if trial is None else await self._look(trial)
        except StoreError:
            trial = None
        if trial is None:
            log(_logger, logging.WARNING, "browser toy refused")
            await socket.close()
            return
        await socket.accept(SUBPROTOCOL)
        link = ToyLink(BrowserConnection(socket))
        if login not in self._sessions and len(self._sessions) >= MOST_AT_ONCE:
            await link.close(Close.FULL, "too many browsers are toys already")
            return
        with correlated(session=new_session_id()) as ids:
            await self._run(link, trial, TrialGuardian(rules), ids.session)

    def _trial(self, socket: WebSocket, login: bytes) -> Trial | None:
        offered: list[str] = socket.scope["subprotocols"]
        tickets = [each.removeprefix(_TICKET) for each in offered if each.startswith(_TICKET)]
        if SUBPROTOCOL not in offered or len(tickets) != 1:
            return None
        return self.tickets.redeem(tickets[0], login)

    async def _run(
        self, link: ToyLink, trial: Trial, guardian: TrialGuardian, identifier: str
    ) -> None:
        reporter = Reporter(link)
        services = Services(
            settings=self._services.settings,
            engines=self._services.engines,
            safety=self._services.safety,
            lines=self._services.lines,
            alerts=_no_alert,
            guardian=guardian,
            observers=(log_turn, reporter.note),
        )
        toy = _BrowserToy(f"browser-{secrets.token_hex(4)}", trial.age)
        session = Session(services, link, toy, identifier)
        self._replace(trial.login, session)
        watching = asyncio.create_task(self._watch(trial, guardian, session))
        reporting = asyncio.create_task(reporter.run(lambda: services.under_way))
        try:
            await session.run()
        finally:
            for task in (watching, reporting):
                task.cancel()
            await asyncio.wait((watching, reporting))
            with contextlib.suppress(LinkClosed, asyncio.CancelledError):
                reporting.result()
            if self._sessions.get(trial.login) is session:
                del self._sessions[trial.login]

    def _replace(self, login: bytes, session: Session) -> None:
        older = self._sessions.get(login)
        self._sessions[login] = session
        if older is not None:
            closing = asyncio.create_task(
                older.close(Close.REPLACED, "replaced by a newer connection")
            )
            self._replacing.add(closing)
            closing.add_done_callback(self._replacing.discard)

    async def _watch(self, trial: Trial, guardian: TrialGuardian, session: Session) -> None:
        """Let what a parent changes take effect within a second, on the browser toy, too."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                guardian.rules = await self._look(trial)
            except NotFound as gone:
                await session.close(Close.NOT_AUTHORISED, str(gone))
                return
            except StoreError:
                log(_logger, logging.WARNING, "the store could not be used")

    async def _look(self, trial: Trial) -> ChildRules | None:
        """Return the rules that hold; raises NotFound when the trial may not go on."""
        login = await self._logins.find(
            trial.login, now=int(self._now()), idle_s=IDLE_S, is_use=False
        )
        if login is None or login.parent.household != trial.household:
            raise NotFound("the log-in has ended")
        if trial.child is None:
            return None
        child = await self._children.get(trial.household, trial.child)
        consents = await self._children.consents(trial.household, trial.child)
        if child.age != trial.age or not consents or not consents[0].is_valid:
            raise NotFound("the child's age or consent was changed")
        return await self._rules.of(trial.household, trial.child)


async def _no_alert(alert: Alert, *, toy: str, session: str, category: str, band: AgeBand) -> None:
    """Raise none: it is the parent who speaks, and the screen says that one would come."""
