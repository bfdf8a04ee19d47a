"""A small server that speaks the OpenAI chat protocol, and can be told to do it badly."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ChatServer:
    """Answers every question with `lines`; keeps what it was asked."""

    lines: list[str] = field(default_factory=list)
    status: str = "200 OK"
    stall_after: int | None = None  # lines after which it says nothing more
    address: str = ""
    questions: list[dict] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, *pieces: str) -> None:
        """Answer with `pieces`, in proper form."""
        deltas = [{"role": "assistant"}, *({"content": piece} for piece in pieces)]
        self.lines = [
            "data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": None}]})
            for delta in deltas
        ]
        last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
        self.lines += ["data: " + json.dumps(last), "data: [DONE]"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(
            line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line
        )
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.questions.append({"path": head.split(" ")[1], **body})
        self.authorizations.append(headers.get("authorization"))
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Type: text/event-stream\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        try:
            for sent, line in enumerate(self.lines):
                if sent == self.stall_after:
                    await reader.read()  # until the other side hangs up
                    return
                writer.write(line.encode() + b"\n\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.hung_up.set()
            writer.close()


@asynccontextmanager
async def chat_server() -> AsyncIterator[ChatServer]:
    server = ChatServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server.address = f"http://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        listener.close()
