"""Commands to a toy: sent over the link, answered by a `result`, or counted as failed."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from relay import messages
from relay.streams import within

MOST_WAITING = 16


@dataclass(frozen=True)
class CommandResult:
    """What became of a command: `value` if it went well, otherwise `error` in plain words.

    `answered` tells the toy's own refusal from one that never reached it, or never came back.
    """

    ok: bool
    value: Any = None
    error: str = ""
    answered: bool = field(default=False, compare=False)


class ToyCommands:
    """The commands of one session that wait for their answers."""

    def __init__(self, send: Callable[[str], Awaitable[None]], timeout_s: float) -> None:
        self._send = send
        self._timeout_s = timeout_s
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[CommandResult]] = {}
        self._closed = False

    async def run(self, name: str, args: dict[str, Any]) -> CommandResult:
        """Send a command and return its result; a missing answer is a result that says so.

        Raises ValueError if the command is too large to send, LinkClosed if the link breaks.
        """
        if self._closed:
            return CommandResult(False, error="the toy has gone")
        if len(self._waiting) >= MOST_WAITING:
            return CommandResult(False, error="too many commands are waiting for this toy")
        identifier = str(next(self._numbers))
        text = messages.command(identifier, name, args)
        answer = self._waiting[identifier] = asyncio.get_running_loop().create_future()
        try:
            await self._send(text)
            return await within(answer, self._timeout_s)
        except TimeoutError:
            return CommandResult(False, error=f"no answer within {self._timeout_s:g} s")
        finally:
            del self._waiting[identifier]

    def answered(self, result: messages.Result) -> None:
        """Take a toy's answer; one that nobody waits for is ignored."""
        waiting = self._waiting.get(result.id)
        if waiting is not None and not waiting.done():
            error = result.error or ""
            waiting.set_result(CommandResult(result.ok, result.value, error, answered=True))

    def close(self) -> None:
        """Answer every waiting command: the toy has gone."""
        self._closed = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(CommandResult(False, error="the toy has gone"))
