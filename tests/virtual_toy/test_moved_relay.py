"""A relay that has moved, or renewed its certificate: toys that know the house come back."""

import asyncio
import datetime
import json
import ssl

import numpy as np
import pytest

from device.mdns import GROUP, PORT
from relay.certificate import load_identity, server_context
from tests.device.test_mdns import answer
from tests.virtual_toy.scripted_relay import ScriptedRelay
from tests.virtual_toy.test_staying_alive import firmware_with
from tools.virtual_toy import VirtualToy

pytestmark = pytest.mark.timeout(150)

BACK_S = 90  # on a busy machine; one try after the other, each with its own limit
GONE = "wss://127.0.0.1:9/toy"


class Responder(asyncio.DatagramProtocol):
    """Answers every question as a list of (house, port) says, as if by multicast."""

    def __init__(self, *relays):
        self._relays = relays
        self.asked = 0

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_):
        self._transport.close()

    def connection_made(self, transport):
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data, peer):
        self.asked += 1
        self._transport.sendto(b"\0noise", peer)
        number = int.from_bytes(data[:2], "big")
        for house, port in self._relays:
            packet = answer(number=number, house=house, port=port, addresses=())
            self._transport.sendto(packet, peer)

    def firmware(self, folder):
        """Return the firmware for a toy whose questions come here."""
        fault = f"""
            import socket

            resolve = socket.getaddrinfo

            def getaddrinfo(host, port, *hints):
                if (host, port) == ({GROUP!r}, {PORT}):
                    host, port = "127.0.0.1", {self.port}
                return resolve(host, port, *hints)

            socket.getaddrinfo = getaddrinfo
        """
        return firmware_with(folder, fault)


def hellos(relay):
    return [message for message in relay.messages if message["type"] == "hello"]


def port_of(relay):
    return int(relay.url.rpartition(":")[2].partition("/")[0])


def scripted(identity):
    return ScriptedRelay(np.zeros(320, np.int16), ssl=server_context(identity))


async def test_a_relay_with_another_address_is_found_and_remembered(tmp_path):
    own = load_identity(tmp_path / "own", [])
    other = load_identity(tmp_path / "other", [])
    async with scripted(own) as relay, scripted(other) as neighbour:
        known = [
            (other.fingerprint[:16], port_of(neighbour)),
            (own.fingerprint[:16], port_of(relay)),
        ]
        async with (
            Responder(*known) as responder,
            VirtualToy(
                relay_url=GONE,
                token="t",
                relay_certificate=own.authority,
                firmware=responder.firmware(tmp_path),
            ) as toy,
        ):
            await toy.wait_until_ready(BACK_S)
            assert len(hellos(relay)) == 1
            saved = json.loads(toy.saved_settings)
            assert saved["relay"] == relay.url
            assert saved["token"] == "t"
        assert neighbour.messages == []  # never spoken to


async def test_who_answers_falsely_gets_no_token_and_does_not_stop_the_toy(tmp_path):
    own = load_identity(tmp_path / "own", [])
    stranger = load_identity(tmp_path / "stranger", [])
    async with scripted(own) as relay, scripted(stranger) as liar:
        async with (
            Responder((own.fingerprint[:16], port_of(liar))) as responder,
            VirtualToy(
                relay_url=relay.url,
                token="t",
                relay_certificate=own.authority,
                firmware=responder.firmware(tmp_path),
            ) as toy,
        ):
            toy.air.block()
            assert await toy.wait_for(lambda: responder.asked > 0, BACK_S)
            await asyncio.sleep(3)  # it tries the liar
            toy.air.unblock()
            await toy.wait_until_ready(BACK_S)
            assert hellos(relay)
        assert liar.messages == []


async def shown_by(relay):
    """Return the certificate that the relay shows."""
    where = ("127.0.0.1", port_of(relay))
    return await asyncio.to_thread(ssl.get_server_certificate, where)


async def test_a_renewed_certificate_is_no_reason_to_be_a_stranger(tmp_path):
    made = load_identity(tmp_path, [])
    context = server_context(made)
    async with (
        ScriptedRelay(np.zeros(320, np.int16), ssl=context) as relay,
        VirtualToy(relay_url=relay.url, token="t", relay_certificate=made.authority) as toy,
    ):
        await toy.wait_until_ready(BACK_S)
        before = await shown_by(relay)
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=380)
        context.load_cert_chain(load_identity(tmp_path, [], later).certificate)
        assert await shown_by(relay) != before
        toy.air.cut()
        assert await toy.wait_for(lambda: len(hellos(relay)) == 2, BACK_S)
