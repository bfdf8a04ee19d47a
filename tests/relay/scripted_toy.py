"""A toy for tests: a plain websockets client that speaks bramble.v1."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from device.protocol import FRAME_MS, PCM_FRAME_BYTES, SUBPROTOCOL, Codec
from relay.frames import FramePacker, unpack
from tests.relay.scripted_engines import tone

PATIENCE_S = 20.0


@dataclass
class Heard:
    """What the toy was given in one turn."""

    turn: int
    messages: list[dict[str, Any]] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)

    @property
    def stop(self) -> dict[str, Any]:
        return next(m for m in self.messages if m["type"] == "speech_stop")

    @property
    def pcm(self) -> bytes:
        return b"".join(unpack(frame).pcm for frame in self.frames)

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]


class Toy:
    """One connection. Everything that waits gives up after `PATIENCE_S`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self) -> Any:
        """Return the next message as a dict, or an audio frame as bytes."""
        frame = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        return json.loads(frame) if isinstance(frame, str) else frame

    async def expect(self, kind: str) -> dict[str, Any]:
        """Return the next message of this kind, passing over others and audio."""
        while True:
            message = await self.receive()
            if isinstance(message, dict) and message["type"] == kind:
                return message

    async def say_hello(self, **changes: Any) -> dict[str, Any]:
        hello = {
            "type": "hello",
            "protocol": 1,
            "age": 6,
            "firmware": "test",
            "board": "test",
            "codecs": ["pcm"],
            "buffer_ms": 500,
        }
        await self.send(**{**hello, **changes})
        self.welcome = await self.expect("welcome")
        return self.welcome

    async def speak(self, turn: int, ms: int = 400, *, silent: bool = False) -> int:
        """Send a tone or silence as fast as the line allows; return the number of frames."""
        return await self.send_pcm(turn, bytes(ms * 32) if silent else tone(ms))

    async def send_pcm(self, turn: int, pcm: bytes) -> int:
        """Send sound as fast as the line allows; return the number of frames."""
        packer = FramePacker(Codec.PCM, turn)
        for start in range(0, len(pcm), PCM_FRAME_BYTES):
            frame = pcm[start : start + PCM_FRAME_BYTES]
            await self.socket.send(packer.pack(frame.ljust(PCM_FRAME_BYTES, b"\0")))
        return packer.count

    async def ask(self, turn: int, ms: int = 400, *, silent: bool = False) -> None:
        """Squeeze, speak, release."""
        await self.send(type="listen", turn=turn, mode="hold")
        frames = await self.speak(turn, ms, silent=silent)
        await self.send(type="listen_end", turn=turn, frames=frames)

    async def hear(self, turn: int) -> Heard:
        """Collect a turn's messages and sound up to its `speech_stop`."""
        heard = Heard(turn)
        while True:
            message = await self.receive()
            if isinstance(message, bytes):
                if unpack(message).turn == turn & 0xFF:
                    heard.frames.append(message)
                    heard.arrived.append(asyncio.get_running_loop().time())
            elif message.get("turn") == turn:
                heard.messages.append(message)
                if message["type"] == "speech_stop":
                    return heard

    async def converse(self, turn: int, ms: int = 400, *, silent: bool = False) -> Heard:
        """Ask, hear the reply, and say that it was played."""
        await self.ask(turn, ms, silent=silent)
        heard = await self.hear(turn)
        played_ms = len(heard.frames) * FRAME_MS
        await self.send(type="played", turn=turn, played_ms=played_ms, underruns=0)
        return heard

    async def closed(self) -> tuple[int, str]:
        """Wait until the relay closes; return code and reason."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        except ConnectionClosed:
            return self.socket.close_code or 0, self.socket.close_reason or ""


async def open_toy(
    port: int, token: str | None = "bear", more_headers: Sequence[tuple[str, str]] = ()
) -> Toy:
    """Connect without saying hello."""
    headers = [*more_headers]
    if token is not None:
        headers.append(("Authorization", f"Bearer {token}"))
    socket = await connect(
        f"ws://127.0.0.1:{port}/toy",
        additional_headers=headers,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        ping_interval=None,
        open_timeout=PATIENCE_S,
    )
    return Toy(socket)
