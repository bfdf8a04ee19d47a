"""A relay that answers every question with the same sound: enough to hear the firmware by."""

import asyncio
import json

import numpy as np
from websockets.asyncio.server import serve

from device.protocol import PCM_FRAME_BYTES, Codec
from relay.frames import FramePacker, unpack

PREBUFFER_MS = 120
AHEAD_FRAMES = 15  # 300 ms


class ScriptedRelay:
    """Say `answer` (16 kHz samples) to each question; `questions` collects what was heard."""

    def __init__(self, answer: np.ndarray, think_s: float = 0.4, **tls) -> None:
        self.answer = answer
        self.think_s = think_s
        self.questions: list[bytes] = []
        self.messages: list[dict] = []
        self._tls = tls
        self._speaking: asyncio.Task | None = None

    async def __aenter__(self):
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=["bramble.v1"],
            ping_interval=None,
            compression=None,
            **self._tls,
        )
        scheme = "wss" if self._tls else "ws"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/toy"
        return self

    async def __aexit__(self, *_):
        if self._speaking:
            self._speaking.cancel()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, connection):
        heard = bytearray()
        async for frame in connection:
            if isinstance(frame, bytes):
                heard += unpack(frame).pcm
                continue
            message = json.loads(frame)
            self.messages.append(message)
            kind = message["type"]
            if kind == "hello":
                await self._say(
                    connection,
                    "welcome",
                    session="0" * 12,
                    codec="adpcm",
                    heartbeat_s=10,
                    timeout_s=25,
                    prebuffer_ms=PREBUFFER_MS,
                    max_listen_s=30,
                )
            elif kind == "listen":
                heard.clear()
                await self._hush(connection)
            elif kind == "cancel":
                await self._hush(connection)
            elif kind == "listen_end":
                self.questions.append(bytes(heard))
                self._speaking = asyncio.create_task(self._speak(connection, message["turn"]))
            elif kind == "heartbeat":
                await self._say(connection, "heartbeat_ack", time_s=0)

    async def _hush(self, connection):
        if self._speaking is not None and not self._speaking.done():
            self._speaking.cancel()

    async def _say(self, connection, kind, **fields):
        await connection.send(json.dumps({"type": kind, **fields}))

    async def _speak(self, connection, turn):
        await asyncio.sleep(self.think_s)
        await self._say(connection, "speech_start", turn=turn)
        sound = self.answer.astype("<i2").tobytes()
        frames = -(-len(sound) // PCM_FRAME_BYTES)
        packer = FramePacker(Codec.ADPCM, turn)
        began = asyncio.get_running_loop().time()
        for number in range(frames):
            payload = sound[number * PCM_FRAME_BYTES : (number + 1) * PCM_FRAME_BYTES]
            await connection.send(packer.pack(payload.ljust(PCM_FRAME_BYTES, b"\0")))
            due = began + (number - AHEAD_FRAMES) * 0.02
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        await self._say(connection, "speech_stop", turn=turn, reason="done", frames=frames)
