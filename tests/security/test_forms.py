"""Whatever is sent by a form of the page: never an error of ours, never script, never a mess."""

import asyncio
import contextlib
import re
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.age import AgeBand
from relay.parent.app import PAGES
from relay.safety.verdict import Alert
from relay.store.rules import ChildRules
from tests.parent.page import TOKEN, open_house
from tests.security.forms import bodies, forms_of

# These end the log-in or the family, or need a running relay: they are tried elsewhere.
ENDS = re.compile(
    r"/ticket$|/logout$|/log-out-everywhere$|/erase$|/data$|/export$|/password$|/remove$"
)
TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
MOST_PAGES = 80
MARKS = ("<script>alert(1)", "<img src=x")


class Visitor:
    """A logged-in parent in a house of its own, with everything in it that pages show."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.stack = contextlib.AsyncExitStack()

    def run(self, work):
        return self.loop.run_until_complete(work)

    async def open(self, folder):
        house = self.house = await self.stack.enter_async_context(open_house(folder))
        self.browser = await house.parent()
        self.home = (await house.tables.households.home()).id
        self.child = await house.tables.children.add(self.home, "Mia", 7)
        (self.parent,) = await house.tables.parents.of(self.home)
        await house.tables.children.consent(self.home, self.child.id, self.parent.id)
        await house.tables.children.add(self.home, "Ben", 5)  # nobody has agreed for him yet
        toy = self.toy = await house.toy("Bear", child=self.child.id)
        await house.store.add_alert(
            Alert.DANGER, toy=toy.id, session="s", category="danger_now", band=AgeBand.of(7)
        )

    async def crawl(self):
        """Return every form that can be reached by links, by where it goes."""
        to_see, seen, found = ["/"], set(), {}
        while to_see and len(seen) < MOST_PAGES:
            path = to_see.pop(0)
            if path in seen:
                continue
            seen.add(path)
            answer = await self.browser.get(path)
            if "html" not in answer.headers.get("content-type", ""):
                continue
            forms, links = forms_of(answer.text)
            for method, action, fields in forms:
                if method == "post" and not ENDS.search(target := action or path):
                    found.setdefault(urlsplit(target).path, fields)
            to_see += [link for link in links if link.startswith("/") and "events" not in link]
        return found

    async def send(self, path, pairs):
        token = self.browser.token
        self.browser.token = token or TOKEN.search((await self.browser.get("/account")).text)[1]
        body = urlencode([("token", self.browser.token), *pairs], errors="replace")
        return await self.browser.client.post(path, content=body, headers=TYPE)

    async def stands(self):
        """Tell whether the family can still be read, and obeys its own rules."""
        tables = self.house.tables
        for child in await tables.children.of(self.home):
            assert 3 <= child.age <= 13 and child.name.strip()
            assert isinstance(await tables.rules.of(self.home, child.id), ChildRules)
        for toy in await tables.toys.of(self.home):
            assert toy.name.strip() and toy.household == self.home
        for path in ("/", "/toys", "/children", "/account/log"):
            page = await self.browser.get(path)
            assert page.status_code == 200, path
            assert not any(mark in page.text for mark in MARKS), path


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    visitor = Visitor()
    visitor.run(visitor.open(tmp_path_factory.mktemp("house")))
    visitor.found = visitor.run(visitor.crawl())
    yield visitor
    visitor.run(visitor.stack.aclose())
    visitor.loop.close()


def test_links_lead_to_every_form_there_is(visitor):
    patterns = {
        page.path: re.compile(re.sub(r"{\w+}", "[^/]+", page.path) + "$")
        for page in PAGES
        if page.method == "POST" and not page.public and not ENDS.search(page.path)
    }
    # These are shown for a connected toy, or while a toy is updated; those by a script alone.
    shown_elsewhere = re.compile(r"/(wifi|update|find|wake|ticket|country)")
    missing = {
        path
        for path, pattern in patterns.items()
        if not any(pattern.match(found) for found in visitor.found)
        and not shown_elsewhere.search(path)
    }
    assert not missing, sorted(visitor.found)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_form_can_be_broken(visitor, data):
    path = data.draw(st.sampled_from(sorted(visitor.found)))
    pairs = data.draw(bodies(visitor.found[path]))
    answer = visitor.run(visitor.send(path, pairs))
    assert answer.status_code < 500 and answer.status_code != 401, (path, pairs)
    assert not any(mark in answer.text for mark in MARKS), (path, pairs)
    if answer.is_redirect:
        assert answer.headers["location"].startswith("/")
        assert "a=b" not in answer.headers.get("set-cookie", "")


def test_the_family_still_stands_afterwards(visitor):
    visitor.run(visitor.stands())


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe\x00", TYPE),
        (b"%ff%fe", TYPE),
        (b"name=" + b"A" * 2_000_000, TYPE),
        (b"&".join(b"a%d=1" % number for number in range(5000)), TYPE),
        (b'{"name": "x"}', {"Content-Type": "application/json"}),
        (b"--x\r\n\r\n", {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"<a/>", {"Content-Type": "text/xml"}),
        (b"name=x", {"Content-Type": b"\xff"}),
        (b"name=x", {}),
    ],
)
def test_what_is_no_form_at_all_is_told_so(visitor, body, headers):
    for path in sorted(visitor.found)[:5]:
        work = visitor.browser.client.post(path, content=body, headers=headers)
        assert 400 <= visitor.run(work).status_code < 500, path
