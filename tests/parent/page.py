"""The parent's page as tests drive it: the real app on a real store, without a network."""

import contextlib
import re
from dataclasses import dataclass, field

import httpx
from argon2 import PasswordHasher

from relay.config import Settings
from relay.parent.app import make_app
from relay.parent.passwords import Passwords
from relay.parent.services import PageServices
from relay.store import Store
from relay.store.invitations import InvitationKind
from relay.tokens import issue_token

PASSWORD = "three mild bears"
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


class Browser:
    """One browser: cookies, and the token of the last page it saw."""

    def __init__(self, app, base="http://127.0.0.1:8766"):
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, client=("192.0.2.7", 4711)), base_url=base
        )
        self.token = ""

    async def get(self, path, **options):
        return self._seen(await self.client.get(path, **options))

    async def post(self, path, data=None, **options):
        """Send a form with the token of the last page; `data` may hold another one."""
        data = {"token": self.token, **(data or {})}
        return self._seen(await self.client.post(path, data=data, **options))

    async def send(self, path, data=None):
        """Send a form and follow it to the next page, as people do."""
        answer = await self.post(path, data)
        return await self.get(answer.headers["location"]) if answer.is_redirect else answer

    def _seen(self, answer):
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer


@dataclass
class House:
    """A store, its page, and how to get browsers for it."""

    store: Store
    services: PageServices
    app: object
    sessions: dict
    changes: list = field(default_factory=list)

    @property
    def tables(self):
        return self.services.tables

    def browser(self, **options):
        return Browser(self.app, **options)

    async def invite(self, household=None, kind=InvitationKind.FIRST):
        household = household or (await self.tables.households.home()).id
        return f"/link/{await self.tables.invitations.make(household, kind)}"

    async def parent(self, name="Ada", household=None):
        """Return a browser in which a new parent has just logged in."""
        browser, link = self.browser(), await self.invite(household)
        await browser.get(link)
        page = await browser.send(link, {"name": name, "password": PASSWORD, "again": PASSWORD})
        assert page.status_code == 200, page.text
        return browser

    async def family(self, name):
        """Return another household's id."""
        return (await self.tables.households.add(name)).id

    async def toy(self, name="Bear", age=7, household=None, child=None):
        toy, _ = await issue_token(self.store, name, age, household=household, child=child)
        return toy


@contextlib.asynccontextmanager
async def open_house(folder, *, secure=False, url=None, **groups):
    settings = Settings(data_dir=folder, **groups)
    store = Store(url or settings.store_url, timeout_s=settings.store.timeout_s)
    await store.open()
    changes = []

    async def changed():
        changes.append(True)

    sessions = {}
    # As the relay's, but quick: argon2 at full cost would take most of these tests' time.
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    services = PageServices(settings, store, sessions, changed, secure, passwords=quick)
    try:
        yield House(store, services, make_app(services), sessions, changes)
    finally:
        await store.close()
