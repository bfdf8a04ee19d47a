"""A whole home in one process: a relay with a store of its own, and virtual toys that it knows."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

from relay.app import Relay
from relay.audio import samples_of
from relay.config import Settings
from relay.record import TurnRecord
from relay.tokens import issue_token
from tools.virtual_toy import Reply, VirtualToy

RECORD_TIMEOUT_S = 10
ANSWER_TIMEOUT_S = 120  # a long story is a minute of speech


class Home:
    """A running relay, the records of its turns, and how a toy reaches it."""

    def __init__(self, settings: Settings) -> None:
        self.records: list[TurnRecord] = []
        self._ended = asyncio.Event()
        self.relay = Relay(settings, observers=[self._note])
        self._scheme = "wss" if settings.listen.tls else "ws"

    def _note(self, record: TurnRecord) -> None:
        self.records.append(record)
        self._ended.set()

    @property
    def url(self) -> str:
        """The relay's address as a toy's settings want it."""
        return f"{self._scheme}://127.0.0.1:{self.relay.port}/toy"

    @property
    def certificate(self) -> bytes | None:
        """What a toy needs to trust the relay, None where the link is not TLS."""
        return self.relay.identity.authority if self.relay.identity else None

    @property
    def certificate_for_toy(self) -> str | None:
        """The same as settings.json has it."""
        return self.relay.identity.for_toy if self.relay.identity else None

    async def pair(self, name: str = "Bramble", age: int = 7) -> str:
        """Add a toy to the relay's store and return its token."""
        _, token = await issue_token(self.relay.store, name, age)
        return token

    async def ask(
        self, toy: VirtualToy, pcm: bytes, *, mode: Literal["hold", "tap"] = "hold"
    ) -> tuple[TurnRecord, Reply]:
        """Speak a question to the toy; return what the relay noted and what the speaker played."""
        turns_before = len(self.records)
        reply = await toy.ask(samples_of(pcm), mode=mode, timeout_s=ANSWER_TIMEOUT_S)
        return await self.record_after(turns_before), reply

    async def record_after(self, count: int, timeout_s: float = RECORD_TIMEOUT_S) -> TurnRecord:
        """Return the record after the first `count`, waiting for it; raises TimeoutError.

        The relay closes a turn's record when the toy has said that it played all of it.
        """
        deadline = time.monotonic() + timeout_s
        while len(self.records) <= count:
            self._ended.clear()
            await asyncio.wait_for(self._ended.wait(), max(0.0, deadline - time.monotonic()))
        return self.records[count]


@contextlib.asynccontextmanager
async def open_home(**overrides: Any) -> AsyncIterator[Home]:  # noqa: ANN401 - any setting
    """Start a relay on a free loopback port with an empty store; stop it and drop the store after.

    `overrides` are settings groups, as in `tts={"engine": "piper"}`; the environment counts too.
    Raises RelayError in plain words.
    """
    with tempfile.TemporaryDirectory(prefix="bramble-") as folder:
        # What never leaves this computer nobody can listen to: TLS only where it is asked for.
        listen = {"host": "127.0.0.1", "port": 0, "tls": False, **overrides.pop("listen", {})}
        groups = {"listen": listen, "parent": {"enabled": False}, **overrides}
        home = Home(Settings(**{"data_dir": Path(folder), **groups}))
        await home.relay.start()
        try:
            yield home
        finally:
            await home.relay.stop()
