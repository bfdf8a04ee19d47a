"""A real server, everything around it, and what a test may look at or break."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from relay.age import AgeBand
from relay.lines import Situation
from relay.record import TurnRecord
from relay.safety.verdict import Alert
from relay.server import Server
from tests.relay.scripted_engines import ScriptedEngines, ScriptedSafety
from tests.relay.scripted_guardian import ScriptedGuardian
from tests.relay.scripted_toy import PATIENCE_S, Toy, open_toy


@dataclass(frozen=True)
class PairedToy:
    id: str
    name: str
    age: int
    child: str | None = None


@dataclass
class House:
    """A server and everything around it that a test may look at or break."""

    server: Server
    engines: ScriptedEngines
    safety: ScriptedSafety
    guardian: ScriptedGuardian = field(default_factory=ScriptedGuardian)
    records: list[TurnRecord] = field(default_factory=list)
    alerts: list[tuple[Alert, str, str, AgeBand]] = field(default_factory=list)
    toys: dict[str, PairedToy] = field(default_factory=dict)
    opened: list[Toy] = field(default_factory=list)

    async def authenticate(self, token: str) -> PairedToy | None:
        return self.toys.get(token)

    async def alert(
        self, alert: Alert, *, toy: str, session: str, category: str, band: AgeBand
    ) -> None:
        self.alerts.append((alert, toy, category, band))

    async def toy(self, token: str | None = "bear", **hello: Any) -> Toy:
        """Return a connected toy that has been welcomed."""
        toy = await self.open(token)
        await toy.say_hello(**hello)
        return toy

    async def open(self, token: str | None = "bear", **options: Any) -> Toy:
        """Return a connected toy that has not said hello."""
        toy = await open_toy(self.server.port, token, **options)
        self.opened.append(toy)
        return toy

    async def record(self, number: int = 1) -> TurnRecord:
        """Return the `number`th finished turn."""
        await until(lambda: len(self.records) >= number)
        return self.records[number - 1]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came about"
        await asyncio.sleep(0.005)


# One length for each line, so that a test can tell from the sound which one was spoken.
LINE_MS = {situation: 40 + 20 * number for number, situation in enumerate(Situation)}
