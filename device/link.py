"""The link to the relay: connect, greet, listen, keep alive, and come back whatever happens.

One task reads, one writes (device.outbox), and this module's own loop watches: a heartbeat when it
is due, and the end of the connection when nothing came for too long, the Wi-Fi went away, or the
router gave the toy another address. There is no time-out per frame, for each would cost an
allocation. docs/protocol.md has the rules.
"""

import asyncio
import gc
import json
import socket
import time

from device import messages
from device.backoff import Backoff
from device.log import log
from device.protocol import MAX_TEXT_BYTES_TO_TOY, RELAY_NAME, SUBPROTOCOL, Close, Message
from device.signal import Roaming
from device.states import State
from device.unload import unload
from device.websocket.errors import ConnectionClosed, WebSocketError
from device.websocket.frames import Opcode
from device.wifi_outcome import Outcome

# To open a connection, and again for the welcome; one for each try in turn. While the relay's host
# is away every try hangs, and the next one finds it sooner than TCP does, which sends the first
# packet again after 3, 6, 12 s (RFC 6298). Now and then a longer one, for a relay that is slow.
PATIENCE_S = (3, 3, 3, 10)
TRANSMIT_BYTES = 256  # a frame of sound fits; what is longer goes out in pieces
RESOLVE_EVERY = 3  # failures; getaddrinfo() of a .local name blocks everything for up to 5 s
WATCH_MS = 100
SAMPLE_MS = 1000  # of the signal and of the toy's address
STABLE_MS = 10000  # a link that held this long was a good one: the next try comes quickly
# Joining takes the driver seconds, with a pause of its own making: no need for longer ones. Where
# nothing is found there is nobody to be spared either, and a pause is when a network comes back
# unnoticed: then it is always the first.
WIFI_FIRST_MS = 100
WIFI_LONGEST_MS = 1000

# What only opening a connection needs: 5 KB that a conversation has better use for.
OPENING = ("device.websocket.client", "device.websocket.handshake", "device.websocket.tls")

# How the connection ended where there was no close code.
UNREACHABLE = 0
LOST = 1006
MOVED = 1  # the toy has another address: no reason for anyone to wait

NEEDS_GROWN_UP = (Close.NOT_AUTHORISED, Close.AGE_GATE)
# Seconds to wait after these codes; after all others the backoff decides.
WAIT_S = {
    MOVED: 0,
    Close.NOT_AUTHORISED: 60,
    Close.AGE_GATE: 60,
    Close.REPLACED: 30,
    Close.TOO_MANY: 30,
    Close.FULL: 30,
}


def wait_ms(code, backoff):
    """Return how long to wait after a connection that ended with `code`."""
    return WAIT_S[code] * 1000 if code in WAIT_S else backoff.next_ms()


class Link:
    """Keeps the toy connected. `toy` has on_welcome, on_message, on_audio and on_lost(code)."""

    def __init__(self, settings, board, wifi, outbox, counters, toy):
        self._settings = settings
        self._board = board
        self._wifi = wifi
        self._outbox = outbox
        self._counters = counters
        self._toy = toy
        self._tls = None
        if settings.relay.secure:
            from device.websocket import tls

            self._tls = tls.make_context(settings.relay_certificate)
        self._address = None  # of the relay, as getaddrinfo() gave it
        self._moved_to = None  # (host, port) where it was found, until it proves itself there
        self._address_ssid = None  # where: another network may know it by another address
        self._failures = 0  # to open a connection, in a row
        self._websocket = None
        self._code = None  # how the connection ended
        self._silent_ms = 0  # since something came from the relay
        self._backoff = Backoff()
        self._roaming = Roaming()
        self.progress = 0  # changes as long as this module is not stuck, modulo 65536

    async def run(self):
        """Stay connected for ever."""
        wifi_backoff = Backoff(WIFI_FIRST_MS, WIFI_LONGEST_MS)
        while True:
            self._get_on()
            if not self._wifi.is_connected():
                outcome = await self._wifi.connect()
                if outcome != Outcome.CONNECTED:
                    self._toy.on_lost(UNREACHABLE)
                    if outcome == Outcome.NOT_FOUND:
                        wifi_backoff.reset()
                    await asyncio.sleep_ms(wifi_backoff.next_ms())
                    continue
                wifi_backoff.reset()
                self._backoff.reset()
            began_ms = time.ticks_ms()
            code = await self._connect_once()
            log("link", "ended", code=code)
            self._toy.on_lost(code)
            self._counters.reconnects += 1
            delay_ms = wait_ms(code, self._backoff)
            if code == UNREACHABLE:
                delay_ms -= time.ticks_diff(time.ticks_ms(), began_ms)  # a try that hung has waited
            await self._wait(delay_ms)

    def _get_on(self):
        self.progress = (self.progress + 1) & 0xFFFF

    async def close(self, code):
        """Say goodbye and close, for a restart or sleep; the connection is not opened again."""
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            await websocket.close(code, "goodbye")

    async def _wait(self, delay_ms):
        """Wait, but no longer when the Wi-Fi has gone: then there is something to do."""
        end_ms = time.ticks_add(time.ticks_ms(), delay_ms)
        left_ms = delay_ms
        while left_ms > 0 and self._wifi.is_connected():
            self._get_on()
            await asyncio.sleep_ms(min(left_ms, WATCH_MS))
            left_ms = time.ticks_diff(end_ms, time.ticks_ms())

    async def _connect_once(self):
        """Open a connection, stay in it, return the code it ended with."""
        gc.collect()  # a connection needs 4 KB in one piece, TLS far more
        try:
            websocket = await self._open()
        except (OSError, WebSocketError, ValueError) as error:
            log("link", "cannot reach the relay", error=error)
            self._failures += 1
            return UNREACHABLE
        self._websocket = websocket
        self._code = None
        tasks = []
        try:
            welcome = await asyncio.wait_for(self._greet(websocket), self._patience_s())
            self._failures = 0
            self._counters.crash_is_told()
            log("link", "welcome", session=welcome["session"], codec=welcome["codec"])
            self._toy.on_welcome(welcome)
            if self._moved_to is not None:
                self._settings.save_relay(*self._moved_to)
                self._moved_to = None
            for work in (self._read(websocket), self._outbox.run(websocket)):
                tasks.append(asyncio.create_task(self._guard(websocket, work)))
            await self._watch(welcome)
        except asyncio.TimeoutError:
            self._failures += 1
            self._end(LOST)
        except (OSError, ConnectionClosed, messages.BadMessage) as error:
            await self._end_with(websocket, error)
        finally:
            self._websocket = None
            for task in tasks:
                task.cancel()
            websocket.abort()
            self._outbox.reset()
        return self._code

    async def _open(self):
        relay = self._settings.relay
        moved = self._failures % RESOLVE_EVERY == RESOLVE_EVERY - 1  # the relay has, perhaps
        if self._address is None or moved or self._address_ssid != self._wifi.ssid:
            host, port = await self._find(moved) or (relay.host, relay.port)
            self._address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
            self._address_ssid = self._wifi.ssid
        from device.websocket.client import connect

        websocket = await connect(
            relay.host,
            relay.port,
            relay.path,
            headers=(("Authorization", "Bearer " + self._settings.token),),
            subprotocol=SUBPROTOCOL,
            tls=self._tls,
            server_name=RELAY_NAME,
            address=self._address,
            max_message_bytes=MAX_TEXT_BYTES_TO_TOY,
            transmit_bytes=TRANSMIT_BYTES,
            timeout_s=self._patience_s(),
        )
        unload(*OPENING)
        return websocket

    async def _find(self, moved):
        """Return the relay's new host and port, if it has moved and answers from there, or None.

        Asked every other time: who answers falsely must not keep the toy from the old address.
        """
        self._moved_to = None
        if moved and self._tls is not None and self._failures // RESOLVE_EVERY % 2 == 0:
            from device import discovery

            self._moved_to = await discovery.find_house(self._settings.relay_certificate)
            unload("device.discovery", "device.mdns")
        return self._moved_to

    def _patience_s(self):
        return PATIENCE_S[self._failures % len(PATIENCE_S)]

    async def _greet(self, websocket):
        """Send hello, return the welcome."""
        await websocket.send_text(self._hello())
        opcode, payload = await websocket.receive()
        message = messages.parse(payload) if opcode == Opcode.TEXT else {"type": "audio"}
        if message["type"] != Message.WELCOME:
            raise messages.BadMessage("%s before welcome" % message["type"])
        return message

    def _hello(self):
        from device import hello

        told = hello.make(self._settings, self._board, self._counters, self._toy.safe)
        unload("device.hello")
        return json.dumps(told)

    async def _read(self, websocket):
        while True:
            opcode = websocket.receive_now()
            if opcode is None:
                opcode, _ = await websocket.receive()
            self._silent_ms = 0
            payload = websocket.payload
            if opcode == Opcode.TEXT:
                await self._toy.on_message(messages.parse(payload))
            elif not self._toy.on_audio(payload):
                await self._toy.on_audio_later(payload)

    async def _watch(self, welcome):
        """Send heartbeats until the connection has ended, and end it when it is dead."""
        heartbeat_ms = int(welcome["heartbeat_s"] * 1000)
        timeout_ms = int(welcome["timeout_s"] * 1000)
        address = self._wifi.address()
        seen_ms = time.ticks_ms()
        self._silent_ms = beat_ms = sample_ms = up_ms = 0
        while self._code is None:
            await asyncio.sleep_ms(WATCH_MS)
            self._get_on()
            elapsed_ms = time.ticks_diff(time.ticks_ms(), seen_ms)
            seen_ms = time.ticks_add(seen_ms, elapsed_ms)
            # After a standstill (a scan) what has come meanwhile is still to be read: no silence.
            self._silent_ms += min(elapsed_ms, 2 * WATCH_MS)
            beat_ms += elapsed_ms
            sample_ms += elapsed_ms
            up_ms += elapsed_ms
            if not self._wifi.is_connected():
                self._end(LOST)
                return
            if self._silent_ms > timeout_ms:
                log("link", "nothing heard for too long")
                self._end(LOST)
            if beat_ms >= heartbeat_ms:
                beat_ms = 0
                self._outbox.post(self._counters.heartbeat(self._toy))
            if sample_ms >= SAMPLE_MS:
                sample_ms = 0
                self._wifi.sample()
                if self._wifi.address() != address:
                    self._end(MOVED)
            if up_ms >= STABLE_MS:
                up_ms = 0
                self._backoff.reset()
            idle = self._toy.state == State.IDLE
            if self._roaming.is_due(elapsed_ms, idle, self._wifi.signal.is_weak):
                await self._wifi.roam()

    async def _guard(self, websocket, work):
        """Run the reader or the writer; whatever ends it ends the connection."""
        try:
            await work
        except (OSError, ConnectionClosed, messages.BadMessage) as error:
            await self._end_with(websocket, error)
        except Exception as error:
            self._toy.on_crash(error)

    async def _end_with(self, websocket, error):
        if isinstance(error, messages.BadMessage):
            log("link", "bad message", error=error)
            self._counters.bad_messages += 1
            self._end(Close.BAD_MESSAGE)
            await websocket.close(Close.BAD_MESSAGE, str(error))
        else:
            log("link", "closed", error=error)
            self._end(error.code if isinstance(error, ConnectionClosed) else LOST)

    def _end(self, code):
        if self._code is None:
            self._code = code
