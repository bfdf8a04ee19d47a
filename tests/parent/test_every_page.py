"""What holds for every page there is, and for every one that comes: by the table of routes."""

import hashlib
import re
from pathlib import Path

import pytest
from starlette.routing import Route

from relay.parent.app import PAGES
from relay.parent.headers import _ALWAYS, PERMISSIONS
from relay.parent.texts import t
from tests.parent.page import open_house

PUBLIC = {"/login", "/link/{secret}", "/static/{version}/{name}", "/erased"}
FOREIGN = "ffffffffffffffff"


def address(path, ids):
    return re.sub(r"{(\w+)(:\w+)?}", lambda match: ids.get(match[1], FOREIGN), path)


def routes(app):
    return [route for route in app.routes if isinstance(route, Route)]


def method_of(route):
    return "POST" if "POST" in route.methods else "GET"


@pytest.fixture
async def two_families(tmp_path):
    """Two families in one relay; the ids of everything that the first one has."""
    async with open_house(tmp_path) as house:
        ada = await house.parent("Ada")
        home = (await house.tables.households.home()).id
        child = await house.tables.children.add(home, "Mia", 7)
        toy = await house.toy("Bear", child=child.id)
        eve = await house.parent("Eve", await house.family("Next door"))
        (parent,) = await house.tables.parents.of(home)
        await house.tables.parents.add(home, "Bob", "-")
        ids = {"child": child.id, "toy": toy.id, "parent": parent.id, "alert": "1"}
        yield house, ada, eve, ids


def test_only_what_must_be_is_public():
    assert {page.path for page in PAGES if page.public} <= PUBLIC


async def test_without_login_there_is_nothing_but_the_way_in(two_families):
    house, _, _, ids = two_families
    for route in routes(house.app):
        if route.path in PUBLIC:
            continue
        browser = house.browser()
        await browser.get("/login")
        path, method = address(route.path, ids), method_of(route)
        answer = await (browser.post(path) if method == "POST" else browser.get(path))
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"] == "/login"
        assert not answer.text


async def test_another_family_finds_nothing_by_our_ids(two_families):
    house, _, eve, ids = two_families
    for route in routes(house.app):
        if "{" not in route.path or route.path in PUBLIC:
            continue
        await eve.get("/account")
        path, method = address(route.path, ids), method_of(route)
        answer = await (eve.post(path, {"name": "Mia"}) if method == "POST" else eve.get(path))
        assert answer.status_code == 404, (method, path)
        assert str(t("errors.not_found")) in answer.text
        assert "Mia" not in answer.text and "Bear" not in answer.text
    assert [child.name for child in await house.tables.children.of(await home(house))] == ["Mia"]
    assert [toy.name for toy in await house.store.toys()] == ["Bear"]


async def home(house):
    return (await house.tables.households.home()).id


@pytest.mark.parametrize("token", ["", "0" * 64, "x", "ü" * 40])
async def test_no_form_is_believed_without_its_token(two_families, token):
    house, ada, _, ids = two_families
    for route in routes(house.app):
        if method_of(route) != "POST":
            continue
        answer = await ada.post(address(route.path, ids), {"token": token})
        assert answer.status_code == 403, route.path
        assert str(t("errors.form_token")) in answer.text
    assert [toy.name for toy in await house.store.toys()] == ["Bear"]


async def test_a_token_of_another_session_is_not_believed(two_families):
    _, ada, eve, ids = two_families
    await eve.get("/account")
    answer = await ada.post(f"/toys/{ids['toy']}/revoke", {"token": eve.token})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8765"},
        {"Origin": "http://[::"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8766"},
    ],
)
async def test_other_sites_cannot_send_forms(two_families, headers):
    _, ada, _, ids = two_families
    await ada.get("/account")
    answer = await ada.post(f"/toys/{ids['toy']}/revoke", headers=headers)
    assert answer.status_code == 403
    assert str(t("errors.elsewhere")) in answer.text


async def test_every_answer_carries_the_headers(two_families):
    house, ada, _, ids = two_families
    await ada.get("/account")
    answers = [await ada.get("/nothing"), await ada.client.put("/"), await ada.client.options("/")]
    for route in routes(house.app):
        if method_of(route) == "GET" and route.path != "/try":
            answers.append(await ada.get(address(route.path, ids)))
    answers.append(await ada.get("/", headers={"Host": "evil.example"}))
    answers.append(await house.browser().get("/"))
    for answer in answers:
        for name, value in _ALWAYS.items():
            assert answer.headers[name] == value, (answer.url, name)
        assert answer.headers["cache-control"] == "no-store", answer.url
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers
    # The one page that may ask for the microphone, and for no more than that.
    answer = await ada.get("/try")
    expected = _ALWAYS[PERMISSIONS].replace("microphone=()", "microphone=(self)")
    found = {name: answer.headers[name] for name in _ALWAYS}
    assert found == {**_ALWAYS, PERMISSIONS: expected}
    policy = _ALWAYS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy


async def test_no_page_breaks_its_own_policy(two_families):
    house, ada, _, ids = two_families
    for route in routes(house.app):
        if method_of(route) != "GET" or route.path in PUBLIC:
            continue
        answer = await ada.get(address(route.path, ids))
        if "html" not in answer.headers.get("content-type", "") or answer.status_code != 200:
            continue
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", answer.text)
        assert not re.search(r"(?:src|href|action)=[\"']?(?:https?:)?//", answer.text), route.path


async def test_assets_are_kept_and_private_pages_are_not(house):
    browser = house.browser()
    page = await browser.get("/login")
    style = re.search(r'href="(/static/[^"]+style\.css)"', page.text)[1]
    answer = await browser.get(style)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    for wrong in ("/static/0/style.css", "/static/../en.toml", "/static/x/..%2fen.toml"):
        assert (await browser.get(wrong)).status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8766", 200),
        ("192.168.1.20:8766", 200),
        ("[fe80::1]:8766", 200),
        ("localhost", 200),
        ("bramble.local:8766", 200),
        ("Relay.Home.example:8766", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("local", 421),
        ("", 421),
    ],
)
async def test_only_our_own_names_are_answered(tmp_path, host, status):
    async with open_house(tmp_path, parent={"names": ["relay.home.example"]}) as house:
        answer = await house.browser().get("/login", headers={"Host": host})
        assert answer.status_code == status


async def test_over_tls_the_cookie_and_the_headers_say_so(tmp_path):
    async with open_house(tmp_path, secure=True) as house:
        browser = house.browser(base="https://127.0.0.1:8766")
        answer = await browser.get("/login")
        assert answer.headers["strict-transport-security"] == "max-age=86400"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-bramble=")
        for part in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
            assert part in cookie


def test_the_script_that_was_taken_over_is_the_one_in_the_list_of_licences():
    root = Path(__file__).parents[2]
    script = (root / "relay/parent/static/htmx.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() in (root / "docs/licences.md").read_text()


async def test_forms_arrive_through_a_proxy_that_encrypts(house):
    browser = await house.parent()
    await browser.get("/account")
    answer = await browser.post("/logout", headers={"Origin": "https://127.0.0.1:8766"})
    assert answer.headers["location"].startswith("/login")
