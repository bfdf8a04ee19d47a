"""Pair with a relay by a code: learn whom to trust, prove the code, get a token. Loaded only then.

First the relay says who it is, which nobody believes yet. Then the toy comes again over TLS that
trusts exactly that, and both sides prove that they know the code over it (device.pairing_proof):
somebody in between would have to show another certificate, and the proofs would not fit.
"""

import asyncio
import binascii
import json
import os
import socket

from device import discovery
from device import settings as settings_file
from device.log import log
from device.pairing_proof import PATH, SECRET_BYTES, Exchange, Refusal, code_digest, hint_of
from device.portal.verdict import Verdict
from device.protocol import RELAY_NAME, SUBPROTOCOL
from device.settings import RelayAddress, SettingsError
from device.update.authentic import same
from device.websocket import tls
from device.websocket.client import connect
from device.websocket.errors import CertificateError, HandshakeError, WebSocketError
from device.websocket.frames import Opcode

ANSWER_TIMEOUT_S = 15

_VERDICTS = {
    Refusal.UNKNOWN: Verdict.CODE_WRONG,
    Refusal.WRONG: Verdict.CODE_WRONG,
    Refusal.USED: Verdict.CODE_USED,
    Refusal.EXPIRED: Verdict.CODE_EXPIRED,
    Refusal.BUSY: Verdict.BUSY,
}


class PairingError(Exception):
    """Pairing came to nothing; `verdict` says why."""

    def __init__(self, verdict):
        super().__init__(verdict)
        self.verdict = verdict


async def pair(settings, keep):
    """Pair by `settings.pairing_code`; return Verdict.GOOD, or what is wrong.

    `keep(fields)` writes what settings.json is to say from then on. Where the settings have no
    address, every relay of the network is asked. The Wi-Fi must be connected.
    """
    relays = [(None, settings.relay)] if settings.relay else await _look_around()
    verdict = Verdict.NO_RELAY
    asked = []  # houses; one may be reached at several addresses
    for house, relay in relays:
        if house in asked:
            continue
        try:
            verdict = await _pair_with(relay, settings, keep)
        except PairingError as error:
            verdict = error.verdict
        log("pairing", verdict, host=relay.host, port=relay.port)
        if verdict == Verdict.CODE_WRONG:
            asked.append(house)
        elif verdict not in (Verdict.UNREACHABLE, Verdict.NOT_A_RELAY):
            break  # it knows this code
    return verdict


async def _look_around():
    try:
        found = await discovery.find()
    except OSError:
        return []
    return [
        (house, RelayAddress("wss://%s:%d/toy" % (address, port))) for house, address, port in found
    ]


async def _pair_with(relay, settings, keep):
    try:
        address = socket.getaddrinfo(relay.host, relay.port, 0, socket.SOCK_STREAM)[0]
    except OSError:
        raise PairingError(Verdict.UNKNOWN_NAME)
    websocket = await _open(relay, address, None)
    try:
        house = _bytes_of(await _receive(websocket, "house"), "certificate")
    finally:
        websocket.abort()
    websocket = await _open(relay, address, house)
    try:
        given = await _prove(websocket, house, settings.pairing_code)
        _save(settings, relay, house, given, keep)
        await _send(websocket, {"type": "saved"})
        # Aborting at once could overtake it: the relay closes when it has read it.
        await asyncio.wait_for(_closed(websocket), ANSWER_TIMEOUT_S)
    except (OSError, WebSocketError, asyncio.TimeoutError):
        raise PairingError(Verdict.NO_WELCOME)
    finally:
        websocket.abort()
    return Verdict.GOOD


async def _open(relay, address, certificate):
    try:
        return await connect(
            relay.host,
            relay.port,
            PATH,
            subprotocol=SUBPROTOCOL,
            tls=tls.make_context(certificate),
            server_name=RELAY_NAME,
            address=address,
        )
    except CertificateError:
        raise PairingError(Verdict.CERTIFICATE)
    except (HandshakeError, ValueError):
        raise PairingError(Verdict.NOT_A_RELAY)
    except OSError:
        raise PairingError(Verdict.UNREACHABLE)


async def _prove(websocket, house, code):
    """Prove the code, have it proven, and return the relay's last message."""
    digest = code_digest(code)
    await _receive(websocket, "house")
    exchange = Exchange(digest, house, os.urandom(SECRET_BYTES))
    share = _text_of(exchange.share)
    await _send(websocket, {"type": "share", "hint": hint_of(digest), "share": share})
    try:
        other = _bytes_of(await _receive(websocket, "share"), "share")
        own_proof, relay_proof = exchange.finish(exchange.share, other)
    except ValueError:
        raise PairingError(Verdict.NOT_A_RELAY)
    await _send(websocket, {"type": "proof", "proof": _text_of(own_proof)})
    given = await _receive(websocket, "paired")
    if not same(_bytes_of(given, "proof"), relay_proof):
        raise PairingError(Verdict.CERTIFICATE)
    return given


def _save(settings, relay, house, given, keep):
    fields = settings.copy_fields()
    del fields["pairing_code"]
    fields["relay"] = "wss://%s:%d/toy" % (relay.host, relay.port)
    fields["relay_certificate"] = _text_of(house)
    fields["token"] = given.get("token")
    if settings.age is None:
        fields["age"] = given.get("age")
    try:
        settings_file.Settings(dict(fields))
        keep(fields)
    except SettingsError:
        raise PairingError(Verdict.NOT_A_RELAY)
    except OSError:
        raise PairingError(Verdict.NOT_SAVED)


async def _send(websocket, message):
    await websocket.send_text(json.dumps(message))


async def _receive(websocket, kind):
    """Return the next message, which must be of `kind`."""
    try:
        opcode, payload = await asyncio.wait_for(websocket.receive(), ANSWER_TIMEOUT_S)
        message = json.loads(payload) if opcode == Opcode.TEXT else None
    except (OSError, WebSocketError, asyncio.TimeoutError):
        raise PairingError(Verdict.NO_WELCOME)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise PairingError(Verdict.NOT_A_RELAY)
    if message.get("type") == "refused":
        raise PairingError(_VERDICTS.get(message.get("reason"), Verdict.PAIRING_FAILED))
    if message.get("type") != kind:
        raise PairingError(Verdict.NOT_A_RELAY)
    return message


async def _closed(websocket):
    try:
        await websocket.receive()
    except WebSocketError:
        pass  # as it should be


def _text_of(content):
    return binascii.b2a_base64(content).strip().decode()


def _bytes_of(message, name):
    value = message.get(name)
    try:
        return binascii.a2b_base64(value)
    except (TypeError, ValueError):
        raise PairingError(Verdict.NOT_A_RELAY)
