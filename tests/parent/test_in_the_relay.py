"""The page inside a running relay: what a parent changes reaches a connected toy."""

import asyncio

import httpx
import pytest

from relay.address import ListenError
from relay.app import Relay
from relay.config import Settings
from relay.parent.links import first_link
from relay.parent.services import Tables
from relay.tokens import issue_token
from tests.parent.page import PASSWORD, TOKEN
from tests.relay.house import until
from tests.relay.relay_process import ROOT
from tests.relay.scripted_toy import open_toy

PATIENCE_S = 60
LOOPBACK = {"host": "127.0.0.1", "port": 0, "tls": False}


@pytest.fixture
async def relay(tmp_path):
    settings = Settings(
        data_dir=tmp_path, models_dir=ROOT / "models", listen=LOOPBACK, parent=LOOPBACK
    )
    relay = Relay(settings)
    await relay.start()
    yield relay
    await relay.stop()


async def close_code(toy):
    await asyncio.wait_for(toy.socket.wait_closed(), PATIENCE_S)
    return toy.socket.close_code


async def test_what_a_parent_changes_on_the_page_reaches_a_connected_toy_at_once(relay):
    toy, token = await issue_token(relay.store, "Bear", 6)
    household, tables = toy.household, Tables(relay.store.database)
    bear = await open_toy(relay.port, token)
    await bear.say_hello(age=6)
    child = await tables.children.add(household, "Mia", 7)
    # Another process (these tables) is seen within a second, and without anybody asking.
    await tables.toys.pause(household, toy.id, True)
    await until(lambda: relay.house.standings[toy.id].toy.paused)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{relay.page_port}") as browser:
        link = await first_link(relay.store, relay.settings.parent, relay.page_port)
        path = link[link.index("/link/") :]
        fields = {"name": "Ada", "password": PASSWORD, "again": PASSWORD}
        page = await browser.get(path)
        await browser.post(path, data={"token": TOKEN.search(page.text)[1], **fields})
        page = await browser.get(f"/toys/{toy.id}")
        answer = {"token": TOKEN.search(page.text)[1], "name": "Bear", "child": child.id}
        assert (await browser.post(f"/toys/{toy.id}", data=answer)).status_code == 303
        # The page answers when it has taken effect.
        assert relay.house.rules_of(toy.id) is not None
        assert await close_code(bear) == 1001  # the age was changed
        bear = await open_toy(relay.port, token)
        await bear.say_hello(age=7)
        await browser.post(f"/toys/{toy.id}/revoke", data=answer)
        assert await close_code(bear) == 4401
    assert await first_link(relay.store, relay.settings.parent, 1) is None


async def test_a_taken_port_of_the_page_is_said_before_any_model_is_read(relay, tmp_path):
    parent = {**LOOPBACK, "port": relay.page_port}
    other = Relay(
        Settings(data_dir=tmp_path / "2", models_dir=tmp_path, listen=LOOPBACK, parent=parent)
    )
    with pytest.raises(ListenError, match=r"parent\.port"):
        await other.start()
