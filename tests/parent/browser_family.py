"""A family whose page has scripted engines behind it, so that its browsers can be toys."""

import contextlib

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from relay.lines import Lines, Situation
from relay.parent.browser_toys import BrowserToys
from relay.parent.server import PageServer
from relay.services import Services
from tests.parent.page import open_house
from tests.relay.scripted_engines import ScriptedEngines, ScriptedSafety, tone
from tests.relay.scripted_guardian import ScriptedGuardian
from tests.relay.scripted_toy import Toy

PATIENCE_S = 20
LOOPBACK = {"host": "127.0.0.1", "port": 0}
COOKIE = "bramble"


class Family:
    """A page with scripted engines behind its browser toys, and one parent who is logged in."""

    def __init__(self, house, server, engines, safety):
        self.house, self.server, self.engines, self.safety = house, server, engines, safety
        self.alerts, self.records = [], []

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server.port}"

    async def ticket(self, browser, who="age-7"):
        await browser.get("/try")
        answer = await browser.post("/try/ticket", {"who": who})
        assert answer.status_code == 200, answer.text
        return answer.json()["ticket"]

    def cookie(self, browser):
        return browser.client.cookies[COOKIE]

    @contextlib.asynccontextmanager
    async def open(self, ticket, cookie, origin=None, subprotocols=None, path="/try/talk"):
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        async with connect(
            f"ws://127.0.0.1:{self.server.port}{path}",
            origin=self.origin if origin is None else origin or None,
            subprotocols=subprotocols or ["bramble.v1", f"ticket.{ticket}"],
            additional_headers=headers,
            open_timeout=PATIENCE_S,
        ) as socket:
            yield Toy(socket)

    async def refused(self, *args, **options):
        with pytest.raises(InvalidStatus) as refusal:
            async with self.open(*args, **options):
                pass
        return refusal.value.response.status_code


@contextlib.asynccontextmanager
async def open_family(folder, tls=None):
    """A running page, in which Ada has logged in unless it is served over TLS.

    `alerts` and `records` are those of real toys, and must stay empty.
    """
    async with open_house(folder, secure=tls is not None, parent=LOOPBACK) as house:
        server = PageServer(house.services, tls)
        family = Family(house, server, ScriptedEngines(), ScriptedSafety())

        async def keep_alert(alert, **_):
            family.alerts.append(alert)

        services = Services(
            settings=house.services.settings,
            engines=family.engines,
            safety=family.safety,
            lines=Lines({situation: tone(40) for situation in Situation}),
            alerts=keep_alert,
            guardian=ScriptedGuardian(),
            observers=[family.records.append],
        )
        house.services.browser_toys = BrowserToys(services, house.store.database)
        await server.start()
        family.scheme = "http" if tls is None else "https"
        family.ada = await house.parent("Ada") if tls is None else None
        family.home = (await house.tables.households.home()).id
        try:
            yield family
        finally:
            await server.stop()
