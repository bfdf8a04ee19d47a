"""Who may be a browser toy, for how long, and what it leaves behind: nothing."""

import asyncio
import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from relay.parent import browser_toys
from relay.parent.browser_toy_tickets import LASTS_S, MOST, Tickets, Trial
from relay.safety.parent import Topic
from relay.store.rules import ChildRules
from tests.parent.browser_family import PATIENCE_S, open_family
from tests.parent.page import open_house
from tests.relay.house import until


@pytest.fixture
async def family(tmp_path, monkeypatch):
    monkeypatch.setattr(browser_toys, "_LOOK_EVERY_S", 0.05)
    async with open_family(tmp_path) as family:
        yield family


async def child(family, **rules):
    """A child whose parent has agreed, and what to choose it by."""
    tables = family.house.tables
    (parent,) = await tables.parents.of(family.home)
    mia = await tables.children.add(family.home, "Mia", 6)
    await tables.children.consent(family.home, mia.id, parent.id)
    if rules:
        await tables.rules.save(family.home, ChildRules(mia.id, **rules))
    return mia, f"child-{mia.id}"


async def close_code(toy):
    with pytest.raises(ConnectionClosed):
        while True:
            await asyncio.wait_for(toy.socket.recv(), PATIENCE_S)
    return toy.socket.close_code


async def reports(toy, turn):
    """Every report of a turn, up to the one with its outcome."""
    found = []
    while not found or found[-1]["outcome"] is None:
        report = await toy.expect("turn_report")
        if report["turn"] == turn:
            found.append(report)
    return found


async def test_a_parent_talks_as_a_toy_does_and_sees_how_it_went(family):
    ticket = await family.ticket(family.ada)
    async with family.open(ticket, family.cookie(family.ada)) as toy:
        assert toy.socket.subprotocol == "bramble.v1"
        await toy.say_hello(age=7)
        heard = await toy.converse(1)
        assert heard.frames and heard.messages[-1]["reason"] == "done"
        last = (await reports(toy, 1))[-1]
        assert last["heard"] == "why is the sky blue" and last["outcome"] == "answered"
        assert last["said"] == ["The sky is blue.", "It is very big."]
        assert last["stopped"] == "" and not last["alert"] and last["first_sound_ms"] >= 0
    assert family.records == []


async def test_what_is_stopped_is_said_and_raises_no_alert(family):
    family.engines.stt.text = "it hurts"
    ticket = await family.ticket(family.ada)
    async with family.open(ticket, family.cookie(family.ada)) as toy:
        await toy.say_hello()
        await toy.converse(1)
        last = (await reports(toy, 1))[-1]
        assert (last["stopped"], last["alert"]) == ("self harm", True)
        assert last["said"] == ["I'm glad you told me."]
    assert family.alerts == []
    assert await family.house.tables.alerts.unseen(family.home) == ([], 0)


async def test_a_childs_topics_and_voice_hold_at_once_but_no_quiet_hours(family):
    mia, who = await child(family, quiet_from=0, quiet_until=24 * 60 - 1, words_per_minute=120)
    ticket = await family.ticket(family.ada, who)
    async with family.open(ticket, family.cookie(family.ada)) as toy:
        await toy.say_hello()
        assert (await toy.converse(1)).frames
        assert (await reports(toy, 1))[-1]["outcome"] == "answered"
        assert family.engines.tts.styles[-1].words_per_minute == 120
        tables = family.house.tables
        rules = await tables.rules.of(family.home, mia.id)
        changed = {**vars(rules), "words_per_minute": 200, "blocked_topics": frozenset({Topic.WAR})}
        await tables.rules.save(family.home, ChildRules(**changed))
        for turn in range(2, 20):
            await toy.converse(turn)
            if family.engines.tts.styles[-1].words_per_minute == 200:
                break
            await asyncio.sleep(0.1)
        assert family.engines.tts.styles[-1].words_per_minute == 200
    day = "2026-01-01"
    assert await family.house.tables.usage.of(mia.id, day) == 0


async def test_a_ticket_is_good_once(family):
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    async with family.open(ticket, cookie) as toy:
        await toy.say_hello()
    assert await family.refused(ticket, cookie) == 403


async def test_an_old_ticket_is_refused(family):
    now = [0.0]
    family.house.services.browser_toys.tickets = Tickets(lambda: now[0])
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    now[0] = LASTS_S
    assert await family.refused(ticket, cookie) == 403


async def test_a_ticket_is_no_good_to_anybody_else(family):
    eve = await family.house.parent("Eve", await family.house.family("Next door"))
    for cookie in (family.cookie(eve), "", "x" * 43, "x"):
        assert await family.refused(await family.ticket(family.ada), cookie) == 403


async def test_what_is_no_ticket_is_refused(family):
    cookie = family.cookie(family.ada)
    assert await family.refused("x" * 43, cookie) == 403
    assert await family.refused("", cookie) == 403
    for subprotocols in (
        ["bramble.v1"],
        [f"ticket.{await family.ticket(family.ada)}"],
        ["bramble.v1", "ticket.a", f"ticket.{await family.ticket(family.ada)}"],
    ):
        assert await family.refused("", cookie, subprotocols=subprotocols) == 403


@pytest.mark.parametrize(
    "origin", ["", "null", "https://elsewhere.example", "http://127.0.0.1:1", "https://127.0.0.1"]
)
async def test_another_sites_script_is_refused_even_with_ticket_and_cookie(family, origin):
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    assert await family.refused(ticket, cookie, origin=origin) == 403
    async with family.open(ticket, cookie) as toy:  # nor was it used up
        await toy.say_hello()


async def test_a_name_that_was_made_to_point_here_is_refused(family):
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    reader, writer = await asyncio.open_connection("127.0.0.1", family.server.port)
    writer.write(
        b"GET /try/talk HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: bramble.v1, ticket." + ticket.encode() + b"\r\n"
        b"Cookie: bramble=" + cookie.encode() + b"\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    assert answer.startswith(b"HTTP/1.1 403")
    writer.close()


async def test_only_the_pages_own_address_speaks_websocket(family):
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    for path in ("/", "/try", "/toy", "/try/talk/x"):
        assert await family.refused(ticket, cookie, path=path) in (403, 404)


async def test_another_familys_child_is_not_there_and_one_without_consent_neither(family):
    _, who = await child(family)
    eve = await family.house.parent("Eve", await family.house.family("Next door"))
    tom = await family.house.tables.children.add(family.home, "Tom", 6)
    for browser, wrong in (
        (eve, who),
        (family.ada, f"child-{tom.id}"),
        *((family.ada, each) for each in ("", "age-2", "age-14", "age-x", "child-", "x-7", "age")),
    ):
        await browser.get("/try")
        assert (await browser.post("/try/ticket", {"who": wrong})).status_code == 404, wrong
    assert "Tom" not in (await family.ada.get("/try")).text
    assert "Mia" not in (await eve.get("/try")).text


async def test_it_ends_with_the_log_in(family):
    ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
    async with family.open(ticket, cookie) as toy:
        await toy.say_hello()
        (parent,) = await family.house.tables.parents.of(family.home)
        await family.house.tables.logins.end_all(parent.id)
        assert await close_code(toy) == 4401


async def test_it_ends_with_consent(family):
    mia, who = await child(family)
    ticket, cookie = await family.ticket(family.ada, who), family.cookie(family.ada)
    async with family.open(ticket, cookie) as toy:
        await toy.say_hello()
        await family.house.tables.children.withdraw(family.home, mia.id)
        assert await close_code(toy) == 4401
    ticket = family.house.services.browser_toys.tickets.issue(
        Trial(b"x" * 32, family.home, 6, mia.id)
    )
    assert await family.refused(ticket, cookie) == 403


async def test_a_newer_one_of_the_same_log_in_takes_over(family):
    cookie = family.cookie(family.ada)
    async with family.open(await family.ticket(family.ada), cookie) as first:
        await first.say_hello()
        async with family.open(await family.ticket(family.ada), cookie) as second:
            await second.say_hello()
            assert await close_code(first) == 4409
            assert (await second.converse(1)).frames


async def test_not_all_browsers_can_be_toys_at_once(family, monkeypatch):
    monkeypatch.setattr(browser_toys, "MOST_AT_ONCE", 1)
    eve = await family.house.parent("Eve", await family.house.family("Next door"))
    async with family.open(await family.ticket(family.ada), family.cookie(family.ada)) as toy:
        await toy.say_hello()
        async with family.open(await family.ticket(eve), family.cookie(eve)) as other:
            assert await close_code(other) == 4503
    toys = family.house.services.browser_toys
    await until(lambda: not toys._sessions)
    async with family.open(await family.ticket(eve), family.cookie(eve)) as other:
        await other.say_hello()


async def test_it_has_to_keep_the_protocol(family):
    for sent, code in (("{}", 4400), (bytes(644), 4400), ("x" * 5000, 1009)):
        ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
        async with family.open(ticket, cookie) as toy:
            await toy.socket.send(sent)
            assert await close_code(toy) == code


async def test_one_that_is_cut_is_gone(family):
    async with family.open(await family.ticket(family.ada), family.cookie(family.ada)) as toy:
        await toy.say_hello()
        (session,) = family.house.services.browser_toys._sessions.values()
        session.abort()
        assert await close_code(toy) == 1006
    await until(lambda: not family.house.services.browser_toys._sessions)


async def test_the_page_stops_although_somebody_talks(family):
    async with family.open(await family.ticket(family.ada), family.cookie(family.ada)) as toy:
        await toy.say_hello()
        await asyncio.wait_for(family.server.stop(), PATIENCE_S)
        assert await close_code(toy) == 1012


async def test_the_log_holds_no_word_ticket_or_cookie(family, caplog):
    family.engines.stt.text = "tell me about zebras"
    family.engines.llm.pieces = ("Zebras are ", "striped.")
    with caplog.at_level(logging.DEBUG):
        ticket, cookie = await family.ticket(family.ada), family.cookie(family.ada)
        async with family.open(ticket, cookie) as toy:
            await toy.say_hello()
            await toy.converse(1)
            await reports(toy, 1)
        await family.refused(ticket, cookie)
        await until(lambda: not family.house.services.browser_toys._sessions)
    ours = "\n".join(
        record.getMessage() + str(vars(record).get("fields", ""))
        for record in caplog.records
        # The client of this test is no part of the relay.
        if not record.name.startswith(("httpx", "httpcore", "websockets.client"))
    )
    assert "toy connected" in ours
    for private in ("zebra", "striped", ticket, cookie):
        assert private not in ours.lower() if private.islower() else private not in ours


async def test_without_engines_it_is_said(tmp_path):
    async with open_house(tmp_path) as house:
        ada = await house.parent()
        await ada.get("/try")
        assert (await ada.post("/try/ticket", {"who": "age-7"})).status_code == 503


def test_waiting_tickets_are_few():
    tickets = Tickets(lambda: 0.0)
    given_out = [tickets.issue(Trial(bytes([n]) * 32, "home", 7)) for n in range(MOST + 20)]
    good = [tickets.redeem(each, bytes([n]) * 32) for n, each in enumerate(given_out)]
    assert good.count(None) == 20 and good[:20] == [None] * 20
    again = tickets.issue(Trial(b"a" * 32, "home", 7))
    tickets.issue(Trial(b"a" * 32, "home", 8))
    assert tickets.redeem(again, b"a" * 32) is None


@given(st.text(), st.binary(max_size=40))
def test_no_guess_is_a_ticket(guess, login):
    tickets = Tickets(lambda: 0.0)
    ticket = tickets.issue(Trial(b"a" * 32, "home", 7))
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", ticket)
    assert tickets.redeem(guess, login) is None
    assert json.loads(json.dumps(ticket)) == ticket
