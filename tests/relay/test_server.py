"""The door: who is let in, how many, and how the house is closed."""

import asyncio
import logging

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from device.protocol import SUBPROTOCOL, Close
from tests.relay.conftest import OpenHouse
from tests.relay.house import House, until
from tests.relay.scripted_engines import ScriptedEngines, ScriptedMind


@pytest.mark.parametrize("token", ["wolf", "", None, "bear bear", "x" * 2000])
async def test_wrong_token(house: House, token: str | None, caplog) -> None:
    caplog.set_level(logging.DEBUG, logger="relay")
    toy = await house.open(token)
    assert (await toy.closed())[0] == Close.NOT_AUTHORISED
    assert "token unknown or revoked" in caplog.text
    assert not token or f" {token}" not in caplog.text


async def test_two_authorization_headers(house: House) -> None:
    headers = [("Authorization", "Bearer bear"), ("Authorization", "Bearer fox")]
    toy = await house.open(None, more_headers=headers)
    assert (await toy.closed())[0] == Close.NOT_AUTHORISED


async def test_too_many_wrong_tokens_from_one_address(open_house: OpenHouse) -> None:
    house = await open_house(limits={"failed_tokens_per_minute": 3})
    codes = [(await (await house.open("wolf")).closed())[0] for _ in range(4)]
    assert codes == [Close.NOT_AUTHORISED] * 3 + [Close.TOO_MANY]
    assert (await (await house.open("bear")).closed())[0] == Close.TOO_MANY


async def test_toys_that_are_in_stay_in_while_others_fail(open_house: OpenHouse) -> None:
    house = await open_house(limits={"failed_tokens_per_minute": 1})
    toy = await house.toy()
    await (await house.open("wolf")).closed()
    assert (await toy.converse(1)).stop["reason"] == "done"


async def test_full_relay(open_house: OpenHouse) -> None:
    house = await open_house(limits={"max_toys": 2})
    bear, fox = await house.toy("bear"), await house.toy("fox")
    code, reason = await (await house.open("owl")).closed()
    assert code == Close.FULL
    assert "30 s" in reason
    again = await house.toy("fox")
    assert (await fox.closed())[0] == Close.REPLACED
    assert (await again.converse(1)).stop["reason"] == "done"
    await bear.socket.close()
    await until(lambda: len(house.server.sessions) == 1)
    await house.toy("owl")


async def test_newer_connection_replaces_the_older(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_after=0)
    house = await open_house(ScriptedEngines(llm=mind))
    old = await house.toy()
    await old.ask(1)
    await until(lambda: mind.under_way == 1)
    mind.hangs_after = None
    new = await house.toy()
    assert (await old.closed())[0] == Close.REPLACED
    await until(lambda: mind.under_way == 0)
    assert (await new.converse(1)).stop["reason"] == "done"
    assert house.server.sessions["toy-bear"].id == new.welcome["session"]


@pytest.mark.parametrize(
    ("path", "subprotocols", "status"),
    [("/", [SUBPROTOCOL], 404), ("/toys", None, 404), ("/toy", None, 400), ("/toy", ["v9"], 400)],
)
async def test_wrong_address_or_protocol(house, path, subprotocols, status) -> None:
    url = f"ws://127.0.0.1:{house.server.port}{path}"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, subprotocols=subprotocols)
    assert refused.value.response.status_code == status


async def test_health(house: House) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{house.server.port}/health")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "server" not in answer.headers


async def test_broken_store_is_an_internal_error_for_this_toy_alone(house: House, caplog) -> None:
    toy = await house.toy()
    house.toys = None
    assert (await (await house.open("fox")).closed())[0] == Close.INTERNAL
    assert "could not be looked up" in caplog.text
    assert (await toy.converse(1)).stop["reason"] == "done"


async def test_stopping_says_goodbye_and_frees_the_engines(open_house: OpenHouse) -> None:
    mind = ScriptedMind(hangs_after=0)
    house = await open_house(ScriptedEngines(llm=mind))
    bear, fox = await house.toy("bear"), await house.toy("fox")
    await bear.ask(1)
    await until(lambda: mind.under_way == 1)
    codes = asyncio.gather(bear.closed(), fox.closed())
    await house.server.stop()
    assert [code for code, _ in await codes] == [Close.GOING_AWAY] * 2
    assert mind.under_way == 0
    assert house.server.sessions == {}
    await house.server.stop()


async def test_stopping_does_not_wait_for_a_toy_that_is_stuck(open_house: OpenHouse) -> None:
    house = await open_house(limits={"stop_s": 0.5})
    toy = await house.toy()
    toy.socket.transport.pause_reading()
    await asyncio.wait_for(house.server.stop(), 10)
    assert house.server.sessions == {}


async def test_stuck_session_is_cut_by_the_cleaner(open_house: OpenHouse, monkeypatch) -> None:
    house = await open_house(limits={"cleanup_s": 0.05})
    toy = await house.toy()
    session = house.server.sessions["toy-bear"]
    monkeypatch.setattr(session, "overdue", lambda now: True)
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(toy.socket.recv(), 20)
    await until(lambda: house.server.sessions == {})
