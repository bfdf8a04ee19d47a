"""A real server on a loopback port, with scripted engines behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from relay.config import Settings
from relay.lines import Lines, Situation
from relay.record import TurnObserver
from relay.server import Server
from tests.relay.house import LINE_MS, House, PairedToy
from tests.relay.scripted_engines import ScriptedEngines, ScriptedSafety, tone

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def open_house() -> AsyncIterator[OpenHouse]:
    """Return a function that starts a server; its arguments replace groups of settings."""
    houses: list[House] = []

    async def start(
        engines: ScriptedEngines | None = None,
        safety: ScriptedSafety | None = None,
        observers: Sequence[TurnObserver] = (),
        safety_settings: dict[str, Any] | None = None,
        **groups: dict[str, Any],
    ) -> House:
        groups["safety"] = safety_settings or {}
        groups["listen"] = {"host": "127.0.0.1", "port": 0}
        engines = engines or ScriptedEngines()
        house = House(server=None, engines=engines, safety=safety or ScriptedSafety())
        house.toys = {
            "bear": PairedToy("toy-bear", "Bear", 6),
            "fox": PairedToy("toy-fox", "Fox", 10),
            "owl": PairedToy("toy-owl", "Owl", 12),
        }
        house.server = Server(
            settings=Settings(**groups),
            engines=engines,
            safety=house.safety,
            authenticate=house.authenticate,
            lines=Lines({situation: tone(LINE_MS[situation]) for situation in Situation}),
            alerts=house.alert,
            guardian=house.guardian,
            observers=[*observers, house.records.append],
        )
        await house.server.start()
        houses.append(house)
        return house

    yield start
    for house in houses:
        for toy in house.opened:
            toy.socket.transport.abort()
        await house.server.stop()


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """Return a server with default settings."""
    return await open_house()
