"""Hand a parcel over to a toy, at its pace, while nobody talks to it."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from relay.toy_commands import CommandResult
from relay.update.errors import LinkBroken, UpdateError
from relay.update.parcel import Parcel

PIECE_BYTES = 1280  # in base64, with everything around it, below what a toy takes in a text frame
BUSY = "busy"
BUSY_S = 1.0
MOST_ROUNDS = 6  # a toy gives up after five damaged files by itself

Progress = Callable[[int], Awaitable[None]]


class Receiver(Protocol):
    """A connected toy: see relay.session.Session."""

    async def command(self, name: str, args: dict[str, Any] | None = None) -> CommandResult:
        """Have the toy do something, and return what came of it."""


async def send(toy: Receiver, parcel: Parcel, progress: Progress, pause_s: float) -> None:
    """Send all that the toy does not have yet; `progress` gets the bytes that it has.

    `pause_s` is between two pieces, for a toy may not send too many answers a second. Raises
    UpdateError when the toy refuses, LinkBroken when it has gone.
    """
    asked = await _ask(toy, "update_begin", {"mac": parcel.mac.hex(), "size": len(parcel.manifest)})
    pieces = 0
    while (path := _path(asked)) is not None:
        pieces += 1
        if pieces > MOST_ROUNDS * parcel.pieces(PIECE_BYTES):
            raise UpdateError("the toy asks for the same again and again")
        offset = _offset(asked)
        data = parcel.read(path, offset, PIECE_BYTES)
        await progress(parcel.done(path, offset))
        await asyncio.sleep(pause_s)
        text = base64.b64encode(data).decode("ascii")
        asked = await _ask(toy, "update_data", {"file": path, "offset": offset, "data": text})
    await progress(parcel.size)


async def apply(toy: Receiver) -> None:
    """Have the toy try what it was sent; it starts again. Raises as `send` does."""
    await _ask(toy, "update_apply", {})


async def _ask(toy: Receiver, name: str, args: dict[str, Any]) -> object:
    while True:
        result = await toy.command(name, args)
        if result.ok:
            return result.value
        if not result.answered:
            raise LinkBroken(result.error)
        if result.error == "unknown command":
            raise UpdateError(
                "the toy's firmware knows no updates yet: flash it once more by cable"
            )
        if result.error != BUSY:
            raise UpdateError(f"the toy refuses: {result.error}")
        await asyncio.sleep(BUSY_S)


def _path(asked: object) -> str | None:
    path = asked.get("file", 0) if isinstance(asked, dict) else 0
    if path is not None and not isinstance(path, str):
        raise UpdateError("the toy's answer cannot be understood")
    return path


def _offset(asked: object) -> int:
    offset = asked.get("offset") if isinstance(asked, dict) else None
    if type(offset) is not int:
        raise UpdateError("the toy's answer cannot be understood")
    return offset
