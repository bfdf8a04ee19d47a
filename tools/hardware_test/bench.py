"""The bench a toy lies on while it is tried: what the checks may do with it."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from relay.session import Session, State
from tools.talk.home import Home
from tools.virtual_toy import VirtualToy

START_TIMEOUT_S = 60
POLL_S = 0.1


class BenchError(Exception):
    """The toy cannot be tried at all, or any more; the message says what to do."""


class ToyAwayError(BenchError):
    """The toy did not come to the relay, or left it."""


class Bench(Protocol):
    """A toy under test and the relay it talks to. One toy, one relay, one check at a time."""

    @property
    def home(self) -> Home:
        """The relay."""

    @property
    def networks(self) -> Sequence[tuple[str, str]]:
        """Name and password of the networks that the toy is to join, the strongest first."""

    @property
    def virtual(self) -> VirtualToy | None:
        """The simulated toy that is on now; None when a board is under test."""

    def describe(self) -> dict[str, str]:
        """Return what is under test, for the report."""

    async def switch_on(self, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Start the toy anew. `fields` replace those of settings.json that the bench makes."""

    async def switch_off(self) -> None:
        """Let the toy rest."""

    async def run_on_board(self, script: str, timeout_s: float) -> dict[str, Any] | None:
        """Run a file of `on_board/` on a real board; None where there is none."""


async def connected(bench: Bench, timeout_s: float = START_TIMEOUT_S) -> Session:
    """Return the toy's session once the relay has welcomed it; ToyAwayError."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        for session in list(bench.home.relay.sessions.values()):
            if session.state not in (State.OPENING, State.CLOSED):
                return session
        await asyncio.sleep(POLL_S)
    raise ToyAwayError(f"the toy did not reach the relay within {timeout_s:.0f} s")


async def start(bench: Bench, **fields: Any) -> Session:  # noqa: ANN401 - JSON
    """Start the toy anew and return its new session; ToyAwayError."""
    before = {session.id for session in bench.home.relay.sessions.values()}
    await bench.switch_on(**fields)
    end_s = time.monotonic() + START_TIMEOUT_S
    while True:
        session = await connected(bench, max(0.0, end_s - time.monotonic()))
        if session.id not in before:
            return session
        await asyncio.sleep(POLL_S)  # of the toy before its restart: the relay has yet to notice


async def ask_toy(session: Session, name: str, **args: Any) -> Any:  # noqa: ANN401 - JSON
    """Have the toy carry out a command; ToyAwayError when it does not."""
    result = await session.command(name, args)
    if not result.ok:
        raise ToyAwayError(f"the toy did not do {name!r}: {result.error}")
    return result.value
