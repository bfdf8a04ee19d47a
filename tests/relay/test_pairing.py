"""Pairing by code: the offers, and the desk that a new toy comes to."""

import asyncio
import base64
import contextlib
import json
import secrets
import ssl
import time

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from device.pairing_proof import (
    SECRET_BYTES,
    Exchange,
    check_letter,
    clean_code,
    code_digest,
    hint_of,
)
from relay.certificate import load_identity, server_context
from relay.database import StoreError
from relay.link import ToyLink
from relay.pairing import OfferState, PairingDesk, desk, offer, offers, state_of
from relay.store import Store
from relay.store.pairings import Pairings
from relay.tokens import authenticate


@pytest.fixture
async def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'relay.db'}")
    await opened.open()
    yield opened
    await opened.close()


async def test_an_offer_is_kept_as_a_digest_and_replaced_by_a_newer_one(store, tmp_path):
    first = await offer(store, None, " Bear ", 6)
    assert len(first.code) == 14 and first.code.count("-") == 2
    assert 590 < first.expires - time.time() <= 600
    assert await state_of(store, first.digest) is OfferState.WAITING
    for file in tmp_path.iterdir():
        assert clean_code(first.code).encode() not in file.read_bytes()
    second = await offer(store, None, "Bear", 6)
    assert await state_of(store, first.digest) is OfferState.SPOILT
    assert await state_of(store, second.digest) is OfferState.WAITING


async def test_offers_have_bounds(store):
    hints = {hint_of((await offer(store, None, f"toy {n}", 6)).digest) for n in range(8)}
    assert len(hints) == 8  # told apart
    with pytest.raises(StoreError, match="too many codes"):
        await offer(store, None, "one more", 6)
    for name, age in (("", 6), ("x" * 41, 6), ("Fox", 2), ("Fox", 14)):
        with pytest.raises(StoreError):
            await offer(store, None, name, age)


async def test_a_name_that_is_in_use_is_refused_at_once(store):
    await store.add_toy("aaaa", "Bear", 6, b"x" * 32)
    with pytest.raises(StoreError, match="there already"):
        await offer(store, None, "Bear", 6)


# The desk


class Counter:
    """The desk behind a real listener, and toys that come to it."""

    def __init__(self, store, identity):
        self.identity = identity
        self._desk = PairingDesk(store, identity)
        self._context = server_context(identity)

    async def __aenter__(self):
        self._server = await serve(
            self._serve, "127.0.0.1", 0, ssl=self._context, subprotocols=["bramble.v1"]
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, connection):
        await self._desk.serve(ToyLink(connection), "192.0.2.1")

    @contextlib.asynccontextmanager
    async def toy(self):
        trusting = ssl.create_default_context(
            cadata=ssl.DER_cert_to_PEM_cert(self.identity.authority)
        )
        trusting.check_hostname = False
        url = f"wss://127.0.0.1:{self.port}/pair"
        async with connect(url, ssl=trusting, subprotocols=["bramble.v1"]) as socket:
            yield NewToy(socket)


class NewToy:
    """What a toy does, step by step, so that a test can do it wrong."""

    def __init__(self, socket):
        self.socket = socket

    async def receive(self):
        return json.loads(await asyncio.wait_for(self.socket.recv(), 20))

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    async def share(self, code, house=None, **changed):
        given = base64.b64decode((await self.receive())["certificate"])
        digest = code_digest(clean_code(code))
        self.exchange = Exchange(digest, house or given, secrets.token_bytes(SECRET_BYTES))
        share = base64.b64encode(self.exchange.share).decode()
        await self.send(**{"type": "share", "hint": hint_of(digest), "share": share, **changed})
        return await self.receive()

    async def prove(self, code, house=None):
        """Return (the relay's answer, the proof that it should hold)."""
        other = await self.share(code, house)
        if other["type"] != "share":
            return other, None
        share = base64.b64decode(other["share"])
        own, relays = self.exchange.finish(self.exchange.share, share)
        await self.send(type="proof", proof=base64.b64encode(own).decode())
        return await self.receive(), relays


@pytest.fixture
async def counter(store, tmp_path):
    async with Counter(store, load_identity(tmp_path / "identity", [])) as opened:
        yield opened


async def refusal(counter, code, **options):
    async with counter.toy() as toy:
        answer, _ = await toy.prove(code, **options)
    assert answer["type"] == "refused"
    return answer["reason"]


async def test_a_toy_with_the_code_gets_a_token_and_the_relay_s_proof(store, counter):
    made = await offer(store, None, "Bear", 6)
    async with counter.toy() as toy:
        paired, proof = await toy.prove(made.code)
        assert base64.b64decode(paired["proof"]) == proof
        assert paired["age"] == 6
        await toy.send(type="saved")
        with pytest.raises(ConnectionClosed):
            await toy.receive()
    known = await authenticate(store, paired["token"])
    assert known.name == "Bear"
    assert await state_of(store, made.digest) is OfferState.PAIRED
    assert await refusal(counter, made.code) == "used"


async def test_a_wrong_proof_spoils_the_code_and_nobody_is_let_in(store, counter):
    made = await offer(store, None, "Bear", 6)
    # Somebody in between: the toy believes in another certificate than the relay has.
    assert await refusal(counter, made.code, house=b"of a stranger") == "wrong"
    assert await state_of(store, made.digest) is OfferState.SPOILT
    assert await refusal(counter, made.code) == "used"
    assert await store.toys() == []


async def test_an_unknown_and_an_expired_code_have_their_own_answers(store, counter, monkeypatch):
    letters = "K7QF2M9DX4T"
    assert await refusal(counter, letters + check_letter(letters)) == "unknown"
    monkeypatch.setattr(offers, "VALID_S", -1)
    made = await offer(store, None, "Bear", 6)
    assert await state_of(store, made.digest) is OfferState.EXPIRED
    assert await refusal(counter, made.code) == "expired"


async def test_of_two_toys_with_one_code_one_is_let_in(store, counter):
    made = await offer(store, None, "Bear", 6)
    async with counter.toy() as first, counter.toy() as second:
        await asyncio.gather(first.share(made.code), second.share(made.code))
    async with counter.toy() as first, counter.toy() as second:
        answers = await asyncio.gather(first.prove(made.code), second.prove(made.code))
        kinds = sorted(answer["type"] for answer, _ in answers)
    assert kinds == ["paired", "refused"]


async def test_a_toy_that_did_not_keep_its_token_leaves_its_name_free(store, counter):
    made = await offer(store, None, "Bear", 6)
    async with counter.toy() as toy:
        paired, _ = await toy.prove(made.code)
        assert paired["type"] == "paired"
    for _ in range(100):
        if not await store.toys():
            break
        await asyncio.sleep(0.05)
    assert await store.toys() == []
    assert await authenticate(store, paired["token"]) is None
    await offer(store, None, "Bear", 6)


async def test_guessing_has_to_wait(store, counter):
    letters = "K7QF2M9DX4T"
    code = letters + check_letter(letters)
    found = [await refusal(counter, code) for _ in range(desk.TRIES_PER_MINUTE + 1)]
    assert found == ["unknown"] * desk.TRIES_PER_MINUTE + ["busy"]
    made = await offer(store, None, "Bear", 6)
    assert await refusal(counter, made.code) == "busy"
    assert await state_of(store, made.digest) is OfferState.WAITING


async def test_only_a_few_may_come_at_once_and_nobody_may_stay(store, counter, monkeypatch):
    async with contextlib.AsyncExitStack() as stack:
        toys = [await stack.enter_async_context(counter.toy()) for _ in range(desk.MOST_AT_ONCE)]
        assert {(await toy.receive())["type"] for toy in toys} == {"house"}
        async with counter.toy() as toy:
            assert await toy.receive() == {"type": "refused", "reason": "busy"}
    monkeypatch.setattr(desk, "EXCHANGE_S", 0.2)
    async with counter.toy() as toy:
        await toy.receive()
        with pytest.raises(ConnectionClosed) as closed:
            await toy.receive()
        assert closed.value.rcvd.code == 4408


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        "null",
        b"\xff\xfe",
        '{"type": "proof", "proof": ""}',
        '{"type": "share", "hint": 256, "share": ""}',
        '{"type": "share", "hint": true, "share": ""}',
        '{"type": "share", "hint": 1}',
        '{"type": "share", "hint": 1, "share": "%s"}' % ("A" * 401),
        "[" * 3000,
    ],
)
async def test_what_is_no_share_closes_the_connection(counter, frame):
    async with counter.toy() as toy:
        await toy.receive()
        await toy.socket.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            await toy.receive()
        assert closed.value.rcvd.code == 4400


@pytest.mark.parametrize("share", ["%%%", "", "AAAA", base64.b64encode(b"\0" * 256).decode()])
async def test_a_share_that_is_none_does_not_spoil_the_code(store, counter, share):
    made = await offer(store, None, "Bear", 6)
    async with counter.toy() as toy:
        with pytest.raises(ConnectionClosed) as closed:
            await toy.share(made.code, share=share)
            await toy.receive()
        assert closed.value.rcvd.code == 4400
    assert await state_of(store, made.digest) is OfferState.WAITING


async def test_an_offer_is_used_once_even_by_two_relays(store):
    made = await offer(store, None, "Bear", 6)
    pairings = Pairings(store.database)
    taken = await asyncio.gather(*(pairings.use(made.digest) for _ in range(8)))
    assert sum(one is not None for one in taken) == 1
