"""What every page shares: tables, settings, connected toys, and who is told of changes."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.config import Settings
from relay.database import Database
from relay.guards import AttemptLimit
from relay.history.live import Live
from relay.messages import Heartbeat, Hello
from relay.parent.browser_toys import BrowserToys
from relay.parent.passwords import Passwords
from relay.session import State
from relay.store import Store
from relay.store.audit import Audit
from relay.store.children import Children
from relay.store.family_alerts import FamilyAlerts
from relay.store.family_toys import FamilyToys
from relay.store.health import Health
from relay.store.households import Households
from relay.store.invitations import Invitations
from relay.store.logins import Logins
from relay.store.pairings import Pairings
from relay.store.parents import Parents
from relay.store.rules import Rules
from relay.store.transcripts import Transcripts
from relay.store.usage import Usage
from relay.toy_commands import CommandResult
from relay.update.requests import UpdateRequests


class ConnectedToy(Protocol):
    """What a page shows of a session."""

    @property
    def state(self) -> State:
        """Where the session stands now."""

    @property
    def health(self) -> Heartbeat | None:
        """The latest heartbeat."""

    @property
    def hello(self) -> Hello | None:
        """What the toy said of itself."""

    async def command(self, name: str, args: dict[str, Any] | None = None) -> CommandResult:
        """Have the toy do something; what came of it."""


class Tables:
    """The tables of families, over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.alerts = FamilyAlerts(database)
        self.audit = Audit(database)
        self.children = Children(database)
        self.health = Health(database)
        self.households = Households(database)
        self.invitations = Invitations(database)
        self.logins = Logins(database)
        self.parents = Parents(database)
        self.pairings = Pairings(database)
        self.rules = Rules(database)
        self.toys = FamilyToys(database)
        self.transcripts = Transcripts(database)
        self.updates = UpdateRequests(database)
        self.usage = Usage(database)


@dataclass
class PageServices:
    """Everything a page needs and none of them owns.

    `sessions` are the connected toys by id. `changed` is awaited after whatever a toy must notice
    at once. `secure` says that the page is served over TLS. `browser_toys` let parents try Bramble
    without a toy, None where no engines run.
    """

    settings: Settings
    store: Store
    sessions: Mapping[str, ConnectedToy]
    changed: Callable[[], Awaitable[None]]
    secure: bool
    live: Live = field(default_factory=Live)
    browser_toys: BrowserToys | None = None
    passwords: Passwords = field(default_factory=Passwords)
    # Attempts to log in, or to use a link, from one address and for one account.
    by_address: AttemptLimit = field(default_factory=lambda: AttemptLimit(20, 300))
    by_account: AttemptLimit = field(default_factory=lambda: AttemptLimit(10, 300))
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self.tables = Tables(self.store.database)
