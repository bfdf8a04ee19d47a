"""A new toy and its code, end to end: the real firmware and the relay's desk, over TLS."""

import asyncio
import contextlib
import json
import ssl

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from relay.certificate import load_identity, server_context
from relay.link import ToyLink
from relay.pairing import OfferState, PairingDesk, offer, offers, state_of
from relay.store import Store
from tests.end_to_end.conftest import IN_THE_HOUSE, READY_S
from tests.virtual_toy.test_moved_relay import Responder
from tools.virtual_toy import Look, VirtualToy

pytestmark = IN_THE_HOUSE

WIFI = {"ssid": "home", "password": "correct horse"}


def flashed(code, url=None, **more):
    """settings.json as `make flash --code` writes it."""
    address = {"relay": url} if url else {}
    return json.dumps({"networks": [WIFI], "pairing_code": code, **address, **more})


async def send_form(toy, **changed):
    """Fill in the page and return the first one that is no longer about trying."""
    fields = {**WIFI, "age": "7", "ceiling": "80", **changed}
    async with httpx.AsyncClient() as phone:
        page = await phone.post(toy.setup.url + "try", data=fields)
        for _ in range(120):
            if 'id="trying"' not in page.text:
                return page.text
            await asyncio.sleep(0.25)
            page = await phone.get(toy.setup.url)
    raise AssertionError("it tried for ever")


class Desk:
    """A desk alone behind a TLS listener: a relay as far as pairing goes, without its engines."""

    def __init__(self, folder):
        self.store = Store(f"sqlite:///{folder / 'relay.db'}")
        folder.mkdir(exist_ok=True)
        self.identity = load_identity(folder, [])

    async def __aenter__(self):
        await self.store.open()
        self.desk = PairingDesk(self.store, self.identity)
        self._server = await listen(self.identity, self._serve)
        self.port = port_of(self._server)
        self.url = f"wss://127.0.0.1:{self.port}/toy"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()
        await self.store.close()

    async def _serve(self, connection):
        await self.desk.serve(ToyLink(connection), "192.0.2.1")


async def listen(identity, serve_one):
    return await serve(
        serve_one, "127.0.0.1", 0, ssl=server_context(identity), subprotocols=["bramble.v1"]
    )


def port_of(server):
    return server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def somebody_between(url, folder):
    """Pass everything on between toy and relay, under a certificate of one's own; yield its URL.

    What the relay says of its house is changed too, so that the toy trusts who is in between.
    """
    own = load_identity(folder, [])
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE

    async def pass_on(connection):
        target = url.replace("/toy", connection.request.path)
        async with connect(target, ssl=anybody, subprotocols=["bramble.v1"]) as relay:

            async def to_relay():
                async for frame in connection:
                    await relay.send(frame)

            sending = asyncio.create_task(to_relay())
            with contextlib.suppress(ConnectionClosed):
                async for frame in relay:
                    message = json.loads(frame)
                    if message["type"] == "house":
                        message["certificate"] = own.for_toy
                    await connection.send(json.dumps(message))
            sending.cancel()

    server = await listen(own, pass_on)
    yield f"wss://127.0.0.1:{port_of(server)}/toy"
    server.close()


async def test_a_flashed_code_makes_a_toy_of_the_house(home):
    made = await offer(home.relay.store, None, "Bear", 6)
    settings = flashed(made.code, home.url)
    async with VirtualToy(relay_url=home.url, token="unused", settings=settings) as toy:
        await toy.wait_until_ready(READY_S)
        saved = json.loads(toy.saved_settings)
        assert saved["age"] == 6
        assert saved["relay_certificate"] == home.certificate_for_toy
        assert "pairing_code" not in saved
        assert made.code not in toy.saved_settings
    assert await state_of(home.relay.store, made.digest) is OfferState.PAIRED
    (known,) = [toy for toy in await home.relay.store.toys() if toy.name == "Bear"]
    assert known.last_seen is not None


async def test_a_code_typed_on_a_phone_makes_a_toy_of_the_house(home):
    made = await offer(home.relay.store, None, "Fox", 6)
    async with VirtualToy(relay_url=home.url, token="unused", settings="") as toy:
        await toy.wait_for_look(Look.SET_UP, READY_S)
        page = await send_form(toy, code="K7QF-2M9D-X4TZ", relay=home.url)
        assert "slip of the pen" in page
        address = home.url.removeprefix("wss://").removesuffix("/toy")
        page = await send_form(toy, code=made.code.lower().replace("-", " "), relay=address)
        assert 'id="done"' in page, page
        await toy.wait_until_ready(READY_S)
        assert json.loads(toy.saved_settings)["age"] == 7


@pytest.mark.timeout(120)
async def test_each_way_in_which_a_code_fails_is_told_apart(tmp_path, monkeypatch):
    async with (
        Desk(tmp_path) as house,
        VirtualToy(relay_url=house.url, token="unused", settings="") as toy,
    ):
        await toy.wait_for_look(Look.SET_UP, READY_S)
        page = await send_form(toy, code="K7QF-2M9D-X4TQ", relay=house.url)
        assert "The code was wrong" in page
        used = await offer(house.store, None, "Bear", 6)
        newer = await offer(house.store, None, "Bear", 6)
        assert "has been used" in await send_form(toy, code=used.code, relay=house.url)
        monkeypatch.setattr(offers, "VALID_S", -1)
        expired = await offer(house.store, None, "Fox", 6)
        assert "good for 10 minutes" in await send_form(toy, code=expired.code, relay=house.url)
        assert toy.saved_settings is None
        assert 'id="done"' in await send_form(toy, code=newer.code, relay=house.url)
        assert "token" in json.loads(toy.saved_settings)


async def test_somebody_in_between_gets_no_token_and_is_named(tmp_path):
    async with Desk(tmp_path / "relay") as house:
        made = await offer(house.store, None, "Bear", 6)
        async with (
            somebody_between(house.url, tmp_path / "stranger") as url,
            VirtualToy(relay_url=url, token="unused", settings="") as toy,
        ):
            await toy.wait_for_look(Look.SET_UP, READY_S)
            page = await send_form(toy, code=made.code, relay=url)
            assert "cannot be used again" in page
            assert toy.saved_settings is None
        assert await state_of(house.store, made.digest) is OfferState.SPOILT
        assert await house.store.toys() == []


async def test_who_only_pretends_to_be_the_relay_is_found_out(tmp_path):
    # It knows no code: whatever it answers, its proof does not fit.
    own = load_identity(tmp_path, [])
    proofs = []

    async def pretend(connection):
        with contextlib.suppress(ConnectionClosed):
            await connection.send(json.dumps({"type": "house", "certificate": own.for_toy}))
            share = json.loads(await connection.recv())
            other = share["share"][:-8] + "AAAAAA=="
            await connection.send(json.dumps({"type": "share", "share": other}))
            proofs.append(json.loads(await connection.recv()))
            paired = {"type": "paired", "proof": proofs[-1]["proof"], "token": "a.b", "age": 6}
            await connection.send(json.dumps(paired))
            await connection.recv()

    server = await listen(own, pretend)
    url = f"wss://127.0.0.1:{port_of(server)}/toy"
    async with VirtualToy(relay_url=url, token="unused", settings="") as toy:
        await toy.wait_for_look(Look.SET_UP, READY_S)
        page = await send_form(toy, code="K7QF-2M9D-X4TQ", relay=url)
        assert "may pretend to be the relay" in page
        assert proofs and toy.saved_settings is None
    server.close()


async def test_without_an_address_every_relay_that_answers_is_asked(tmp_path):
    async with Desk(tmp_path / "first") as neighbour, Desk(tmp_path / "second") as own:
        made = await offer(own.store, None, "Bear", 6)
        known = [(house.identity.fingerprint[:16], house.port) for house in (neighbour, own)]
        async with (
            Responder(*known) as responder,
            VirtualToy(
                relay_url=own.url,
                token="unused",
                settings=flashed(made.code),
                firmware=responder.firmware(tmp_path),
            ) as toy,
        ):
            assert await toy.wait_for(lambda: '"token"' in (toy.saved_settings or ""), READY_S)
            assert json.loads(toy.saved_settings)["relay"] == own.url
        assert await neighbour.store.toys() == []
        assert [toy.name for toy in await own.store.toys()] == ["Bear"]


async def test_a_code_that_does_not_work_opens_the_set_up(tmp_path):
    async with Desk(tmp_path) as house:
        settings = flashed("K7QF-2M9D-X4TQ", house.url)
        async with VirtualToy(relay_url=house.url, token="unused", settings=settings) as toy:
            await toy.wait_for_look(Look.SET_UP, READY_S)
            made = await offer(house.store, None, "Bear", 6)
            page = await send_form(toy, code=made.code, relay=house.url)
            assert 'id="done"' in page
