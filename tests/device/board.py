"""A whole toy on the virtual board, with a scripted relay: what the tests of the toy start from."""

import asyncio
import json

import _host
import _wire

from device import link
from device.backoff import Backoff
from device.boards import find_board
from device.settings import Settings
from device.toy import Toy
from tests.device.scripted_relay import ScriptedRelay

PAW = find_board().paw
FIELDS = {
    "networks": [{"ssid": "home", "password": "correct horse"}],
    "token": "toy.SECRET",
    "age": 7,
    "volume": 100,
}


class Bench:
    """Toy, relay, and what the board saw: `kinds` of happenings, colours, how much sound."""

    def __init__(self, board=None, safe=False):
        self._board = board
        self._safe = safe
        self.relay = ScriptedRelay()
        self.toy = None
        self.kinds = []
        self.colours = []
        self.sound_bytes = 0  # written to the speaker that are not silence

    @staticmethod
    def board():
        """Return a board of its own, to be changed."""
        return type("Board", (find_board(),), {})

    async def start(self, **fields):
        """Power up; return the toy's first connection, before its hello."""
        _host.listeners.append(self._listen)
        _host.world["wifi"]["connect_ms"] = 50
        _host.world["wifi"]["fail_ms"] = 50
        _host.world["wifi"]["scan_ms"] = 50
        _host.set_level(PAW, 1)
        for code in link.WAIT_S:
            link.WAIT_S[code] = 0
        link.Backoff = lambda *_: Backoff(first_ms=50, longest_ms=100)
        await self.relay.start()
        settings = dict(FIELDS, relay=f"ws://127.0.0.1:{self.relay.port}/toy")
        settings.update(fields)
        settings = Settings(json.loads(json.dumps(settings)))
        self.toy = Toy(settings, self._board or find_board(settings.board), self._safe)
        self.running = asyncio.create_task(self.toy.run())
        return await self.relay.next_connection()

    def _listen(self, kind, number, payload):
        self.kinds.append(kind)
        if kind == _wire.SPEAKER_DATA and any(payload):
            self.sound_bytes += len(payload)
        elif kind == _wire.LED:
            self.colours.append(tuple(payload))

    async def until(self, condition, about, timeout_ms=8000):
        """Wait until `condition()` holds."""
        for _ in range(timeout_ms // 10):
            if condition():
                return
            if self.toy._crash is not None:
                raise self.toy._crash
            await asyncio.sleep_ms(10)
        raise AssertionError(f"waited in vain until {about}; the toy is {self.toy.state}")

    async def until_state(self, state):
        """Wait until the toy is in `state`."""
        await self.until(lambda: self.toy.state == state, "the toy is " + state)

    async def squeeze(self, ms=500):
        """Press the paw for `ms`; under 300 it is a tap."""
        _host.set_level(PAW, 0)
        await asyncio.sleep_ms(ms)
        _host.set_level(PAW, 1)

    async def ask(self, connection):
        """Ask by holding the paw; return (turn, audio frames) as the relay got them."""
        await self.squeeze()
        listen = await connection.receive_message("listen")
        assert listen["mode"] == "hold", listen
        frames = []
        while True:
            message = await connection.receive()
            if isinstance(message, bytes):
                frames.append(message)
            elif message["type"] == "listen_end":
                assert message["frames"] == len(frames), (message, len(frames))
                return listen["turn"], frames
