"""Try settings out before they are kept: join the Wi-Fi, greet the relay, leave both again."""

import asyncio
import json
import socket

import network

from device import health, messages
from device.log import log
from device.portal.verdict import Verdict, of_close
from device.protocol import RELAY_NAME, SUBPROTOCOL, TOY_CODEC, VERSION, Close, Message
from device.websocket import tls
from device.websocket.client import connect
from device.websocket.errors import (
    CertificateError,
    ConnectionClosed,
    HandshakeError,
    WebSocketError,
)
from device.websocket.frames import Opcode
from device.wifi import Wifi
from device.wifi_outcome import Outcome

WELCOME_TIMEOUT_S = 10
BUFFER_MS = 500  # the relay wants to know; nothing is played now


async def attempt(settings, board, hostname, keep=None):
    """Return Verdict.GOOD, or what is wrong: an Outcome of the Wi-Fi or a Verdict of the relay.

    With a pairing code the toy is paired, for good: `keep(fields)` writes what comes of it.

    Only the first of the networks is tried: the one that was just chosen. While the station looks
    for it the toy's own access point is deaf, and then follows to the router's channel.
    """
    station = Wifi(
        network.WLAN(network.STA_IF),
        settings.networks[:1],
        hostname,
        settings.allow_insecure_wifi,
    )
    station.start()
    outcome = await station.connect()
    if outcome != Outcome.CONNECTED:
        return outcome
    try:
        if settings.pairing_code:
            from device.pairing import pair

            verdict = await pair(settings, keep)
        else:
            verdict = await _greet(settings, board)
    finally:
        await station.disconnect()
    log("portal", "tried the relay", verdict=verdict)
    return verdict


async def _greet(settings, board):
    relay = settings.relay
    try:
        address = socket.getaddrinfo(relay.host, relay.port, 0, socket.SOCK_STREAM)[0]
    except OSError:
        return Verdict.UNKNOWN_NAME
    try:
        websocket = await connect(
            relay.host,
            relay.port,
            relay.path,
            headers=(("Authorization", "Bearer " + settings.token),),
            subprotocol=SUBPROTOCOL,
            tls=tls.make_context(settings.relay_certificate) if relay.secure else None,
            server_name=RELAY_NAME,
            address=address,
        )
    except CertificateError:
        return Verdict.CERTIFICATE
    except (HandshakeError, ValueError):
        return Verdict.NOT_A_RELAY
    except OSError:
        return Verdict.UNREACHABLE
    try:
        return await asyncio.wait_for(_hello(websocket, settings, board), WELCOME_TIMEOUT_S)
    except ConnectionClosed as error:
        return of_close(error.code)
    except (OSError, WebSocketError, messages.BadMessage, asyncio.TimeoutError):
        return Verdict.NO_WELCOME
    finally:
        websocket.abort()


async def _hello(websocket, settings, board):
    hello = {
        "type": Message.HELLO,
        "protocol": VERSION,
        "age": settings.age,
        "firmware": health.FIRMWARE,
        "board": board.name,
        "codecs": (TOY_CODEC,),
        "buffer_ms": BUFFER_MS,
    }
    await websocket.send_text(json.dumps(hello))
    opcode, payload = await websocket.receive()
    if opcode != Opcode.TEXT or messages.parse(payload)["type"] != Message.WELCOME:
        return Verdict.NO_WELCOME
    await websocket.close(Close.GOING_AWAY, "set up")
    return Verdict.GOOD
