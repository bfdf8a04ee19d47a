"""The live view: what happens reaches who watches, and nobody else."""

import asyncio
import contextlib

import httpx
import pytest

from relay.history.live import MOST_OF_A_HOUSEHOLD, MOST_WATCHERS, Live, TooManyWatchers
from relay.parent.server import PageServer
from relay.parent.texts import t
from relay.session import State
from relay.store.transcripts import Transcript
from tests.parent.connected import Connected
from tests.parent.page import open_house

PATIENCE_S = 60
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def house(tmp_path):
    async with open_house(tmp_path, parent={"host": "127.0.0.1", "port": 0}) as house:
        house.server = PageServer(house.services, None)
        await house.server.start()
        yield house
        await house.server.stop()


@contextlib.asynccontextmanager
async def watching(house, browser):
    """Yield a function that returns the next event: its name and its data."""
    base = f"http://127.0.0.1:{house.server.port}"
    cookies = browser.client.cookies
    async with (
        httpx.AsyncClient(base_url=base, cookies=cookies, timeout=PATIENCE_S) as client,
        client.stream("GET", "/live/events", headers=EVENTS) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()

        async def next_event():
            name, data = "", []
            async for line in lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data:"):
                    data.append(line.removeprefix("data:").strip())
                elif not line and name:
                    return name, "\n".join(data)
            return "end", ""

        yield lambda: asyncio.wait_for(next_event(), PATIENCE_S)


def said(household, toy, heard="why"):
    return Transcript(household, "c", toy, "s", 1, 0, heard, "Because.", "answered", "said:war", 9)


async def test_states_and_words_arrive_as_they_happen(house):
    ada = await house.parent()
    bear = await house.toy("Bear <3")
    async with watching(house, ada) as next_event:
        name, html = await next_event()
        assert name == "toys" and "Bear &lt;3" in html and str(t("state.never")) in html
        house.sessions[bear.id] = connected = Connected()
        name, html = await next_event()
        assert name == "toys" and str(t("state.ready")) in html
        connected.state = State.LISTENING
        assert str(t("state.listening")) in (await next_event())[1]
        house.services.live.show(said(bear.household, bear.id, "why <b>\n\ndata: x"))
        name, html = await next_event()
        assert name == "words" and "why &lt;b&gt;" in html and str(t("category.war")) in html


async def test_another_household_hears_nothing(house):
    bear = await house.toy("Bear")
    eve = await house.parent("Eve", await house.family("Next door"))
    async with watching(house, eve) as next_event:
        name, html = await next_event()
        assert name == "toys" and "Bear" not in html
        house.services.live.show(said(bear.household, bear.id, "ours"))
        house.services.live.show(said(eve_home := await home_of(house, "Next door"), "x", "theirs"))
        assert eve_home != bear.household
        name, html = await next_event()
        assert name == "words" and "theirs" in html and "ours" not in html


async def home_of(house, name):
    return next(one.id for one in await house.tables.households.all() if one.name == name)


async def test_it_ends_with_the_log_in_and_keeps_nobody_logged_in(house):
    ada = await house.parent()
    (parent,) = await house.tables.parents.all()
    async with watching(house, ada) as next_event:
        await next_event()
        await house.tables.logins.end_all(parent.id)
        assert (await next_event())[0] == "over"
        assert (await next_event())[0] == "end"


async def test_it_ends_when_the_relay_stops(house):
    ada = await house.parent()
    async with watching(house, ada) as next_event:
        await next_event()
        stopping = asyncio.create_task(house.server.stop())
        assert (await next_event())[0] == "end"
        await asyncio.wait_for(stopping, PATIENCE_S)


async def test_there_is_room_for_so_many_only(house):
    ada = await house.parent()
    household = (await house.tables.households.home()).id
    live = house.services.live
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_OF_A_HOUSEHOLD):
            stack.enter_context(live.watch(household))
        answer = await ada.get("/live/events", headers=EVENTS)
        assert answer.status_code == 503 and str(t("errors.watchers")) in answer.text
    answer = await ada.get("/live/events")
    assert answer.status_code == 406
    assert (await ada.get("/live")).status_code == 200
    assert (await house.browser().get("/live/events", headers=EVENTS)).status_code == 303


def test_the_relay_bears_so_many_watchers_and_a_slow_one_misses_some():
    live = Live()
    with contextlib.ExitStack() as stack:
        watchers = [stack.enter_context(live.watch(str(n))) for n in range(MOST_WATCHERS)]
        with pytest.raises(TooManyWatchers), live.watch("one more"):
            pass
        for number in range(1000):
            live.show(said("0", "t", str(number)))
        assert not watchers[0].is_over
        live.close()
        assert all(watcher.is_over for watcher in watchers)
    with pytest.raises(TooManyWatchers), live.watch("too late"):
        pass
