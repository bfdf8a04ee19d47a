"""How loud a toy may be now: told to it when it connects, and when that changes."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from relay.house import Standing
from relay.rules.leave import is_quiet
from relay.store.rules import ChildRules
from relay.toy_commands import CommandResult

_FULL = 100
_TRY_AGAIN_S = 30.0


class Toy(Protocol):
    """A connected toy."""

    @property
    def is_ready(self) -> bool:
        """Whether it has said hello."""

    async def command(self, name: str, args: dict[str, Any] | None = None) -> CommandResult:
        """Have the toy do something."""


def loudest(rules: ChildRules, *, quiet: bool) -> int | None:
    """Return the volume in per cent that a toy is set to, None where its parents leave it alone.

    The toy's own ceiling, which only a grown-up at the toy can change, holds all the same.
    """
    if rules.volume_ceiling is None and rules.night_volume is None:
        return None
    by_day = _FULL if rules.volume_ceiling is None else rules.volume_ceiling
    by_night = by_day if rules.night_volume is None else min(by_day, rules.night_volume)
    return by_night if quiet else by_day


class Loudness:
    """Remembers what each connection was told."""

    def __init__(self) -> None:
        self._told: dict[Toy, int] = {}
        self._retry_at: dict[Toy, float] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def apply(
        self, toys: Mapping[str, Toy], standings: Mapping[str, Standing], second_of_day: int
    ) -> None:
        """Tell every toy for which it has changed; waits for none of them."""
        here = set(toys.values())
        for memory in (self._told, self._retry_at):
            for gone in memory.keys() - here:
                del memory[gone]
        for identifier, toy in toys.items():
            standing = standings.get(identifier)
            if standing is None or standing.rules is None or not toy.is_ready:
                continue
            quiet = is_quiet(standing.rules, second_of_day)
            wanted = loudest(standing.rules, quiet=quiet)
            due = time.monotonic() >= self._retry_at.get(toy, 0.0)
            if wanted is not None and self._told.get(toy) != wanted and due:
                self._told[toy] = wanted
                task = asyncio.create_task(self._tell(toy, wanted))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

    async def _tell(self, toy: Toy, percent: int) -> None:
        result = await toy.command("volume", {"percent": percent})
        if not result.ok and self._told.get(toy) == percent:
            del self._told[toy]
            self._retry_at[toy] = time.monotonic() + _TRY_AGAIN_S
