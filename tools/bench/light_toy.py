"""A toy without a body: speaks `bramble.v1` as docs/protocol.md has it, heartbeats and all.

A hundred of them fit into one process, where a virtual toy is a MicroPython each.
"""

import asyncio
import contextlib
import json
import ssl
import time
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from device.protocol import (
    AUDIO_HEADER_BYTES,
    FRAME_MS,
    LAST_TURN,
    PCM_FRAME_BYTES,
    SUBPROTOCOL,
    VERSION,
    Codec,
    Message,
    Mode,
    pack_audio_header,
    unpack_audio_header,
)
from tools.bench.websocket import BenchError

OPEN_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 150.0
FRAME_S = FRAME_MS / 1000


@dataclass
class Heard:
    """What came back for one question; times in seconds of time.monotonic()."""

    turn: int
    asked_at: float = 0.0  # the question was over
    first_at: float | None = None
    frames: int = 0
    reason: str = ""  # of speech_stop

    @property
    def first_speech_ms(self) -> float | None:
        """From the end of the question to the first frame of the answer."""
        return None if self.first_at is None else (self.first_at - self.asked_at) * 1000


class LightToy:
    """One connection. Use it as `async with LightToy(...)`; raises BenchError when it is refused.

    `lost` tells whether the relay has gone.
    """

    def __init__(self, url: str, token: str, tls: ssl.SSLContext | None, age: int) -> None:
        self._url, self._token, self._tls, self._age = url, token, tls, age
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._turn = 0
        self._heard: Heard | None = None
        self._over = asyncio.Event()
        self._first = asyncio.Event()
        self.lost = False

    async def __aenter__(self) -> "LightToy":
        try:
            self._socket = await connect(
                self._url,
                ssl=self._tls,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                ping_interval=None,
                open_timeout=OPEN_TIMEOUT_S,
                proxy=None,
            )
            await self._send(
                Message.HELLO,
                protocol=VERSION,
                age=self._age,
                firmware="bench",
                board="none",
                codecs=["pcm"],
                buffer_ms=1000,
            )
            welcome = json.loads(await asyncio.wait_for(self._socket.recv(), OPEN_TIMEOUT_S))
        except (OSError, WebSocketException, TimeoutError, asyncio.TimeoutError) as error:
            raise BenchError(f"A toy was not let in: {error or type(error).__name__}") from error
        self._tasks = [
            asyncio.create_task(self._listen(self._socket)),
            asyncio.create_task(self._beat(float(welcome["heartbeat_s"]))),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    async def ask(self, pcm: bytes, *, over_at: float | None = None, whole: bool = True) -> Heard:
        """Hold the paw and speak `pcm`; return what came back once all of it was "played".

        With `over_at` (monotonic) the sound is sent in real time so that it ends then, else at
        once, which the relay allows for 3 s of sound. Unless `whole`, the answer is cancelled as
        soon as it begins. Raises BenchError if nothing comes, or the relay goes.
        """
        self._turn = self._turn % LAST_TURN + 1
        self._heard = heard = Heard(self._turn)
        self._over.clear()
        self._first.clear()
        try:
            await self._speak(heard, pcm, over_at)
            await asyncio.wait_for(self._wait(heard, whole), ANSWER_TIMEOUT_S)
        except WebSocketException as error:
            raise BenchError(f"The relay closed the connection: {error}") from error
        except asyncio.TimeoutError:
            raise BenchError(f"No answer within {ANSWER_TIMEOUT_S:.0f} s.") from None
        if self.lost:
            raise BenchError("The relay closed the connection.")
        return heard

    async def _speak(self, heard: Heard, pcm: bytes, over_at: float | None) -> None:
        frames = [pcm[at : at + PCM_FRAME_BYTES] for at in range(0, len(pcm), PCM_FRAME_BYTES)]
        starts_at = None if over_at is None else over_at - len(frames) * FRAME_S
        if starts_at is not None:
            await asyncio.sleep(max(0.0, starts_at - time.monotonic()))
        await self._send(Message.LISTEN, turn=heard.turn, mode=Mode.HOLD)
        header = bytearray(AUDIO_HEADER_BYTES)
        for number, frame in enumerate(frames):
            if starts_at is not None:
                # A frame is sent when it has been recorded.
                due = starts_at + (number + 1) * FRAME_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            pack_audio_header(header, Codec.PCM, heard.turn, number)
            await self._connection.send(bytes(header) + frame.ljust(PCM_FRAME_BYTES, b"\0"))
        heard.asked_at = time.monotonic()
        await self._send(Message.LISTEN_END, turn=heard.turn, frames=len(frames))

    async def _wait(self, heard: Heard, whole: bool) -> None:
        if not whole:
            await self._first.wait()
            await self._send(Message.CANCEL, turn=heard.turn)
        await self._over.wait()
        if whole and not self.lost:
            # The toy plays what it was sent, and says when it has.
            length_s = heard.frames * FRAME_S
            left_s = (heard.first_at or 0.0) + length_s - time.monotonic()
            await asyncio.sleep(max(0.0, left_s))
            await self._send(
                Message.PLAYED, turn=heard.turn, played_ms=heard.frames * FRAME_MS, underruns=0
            )

    async def _listen(self, socket: ClientConnection) -> None:
        with contextlib.suppress(WebSocketException):
            async for frame in socket:
                if isinstance(frame, bytes):
                    self._take_sound(frame)
                else:
                    self._take(json.loads(frame))
        self.lost = True
        self._over.set()
        self._first.set()

    def _take_sound(self, frame: bytes) -> None:
        heard = self._heard
        _, turn, _ = unpack_audio_header(frame)
        if heard is not None and turn == heard.turn & 0xFF:
            heard.frames += 1
            if heard.first_at is None:
                heard.first_at = time.monotonic()
                self._first.set()

    def _take(self, message: dict[str, Any]) -> None:
        heard = self._heard
        if (
            message["type"] == Message.SPEECH_STOP
            and heard is not None
            and message["turn"] == heard.turn
        ):
            heard.reason = message["reason"]
            self._over.set()
            self._first.set()

    async def _beat(self, every_s: float) -> None:
        began = time.monotonic()
        with contextlib.suppress(WebSocketException):
            while True:
                await asyncio.sleep(every_s)
                uptime_s = int(time.monotonic() - began)
                await self._send(Message.HEARTBEAT, rssi=-55, heap_free=60_000, uptime_s=uptime_s)

    async def _send(self, kind: str, **fields: object) -> None:
        await self._connection.send(json.dumps({"type": kind, **fields}))

    @property
    def _connection(self) -> ClientConnection:
        if self._socket is None:
            raise RuntimeError("the toy has not been connected")
        return self._socket
