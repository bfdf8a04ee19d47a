"""The bench for the simulated board: the unmodified firmware, everything around it made up."""

import json
from typing import Any

from tools.talk.home import Home
from tools.virtual_toy import VirtualToy

FIVE = tuple((f"network {number}", f"password {number}") for number in range(1, 6))
STRONGEST_DBM = -50
STEP_DB = 6
HOME_FIELDS: dict[str, Any] = {
    "networks": [{"ssid": "home", "password": "correct horse"}],
    "volume": 100,
    "volume_ceiling": 100,
}
AGE = 7


def five_networks() -> dict[str, Any]:
    """Return a simulated world with five networks in it, each weaker than the one before.

    The fields of each are those of `tools/virtual_toy/board/_host.py`.
    """
    networks = [
        [name, f"50c7bf0102{n:02x}", 1 + 2 * n, STRONGEST_DBM - STEP_DB * n, 3, password, False]
        for n, (name, password) in enumerate(FIVE)
    ]
    return {"networks": networks, "scan_ms": 500, "connect_ms": 300, "fail_ms": 1000}


class VirtualBench:
    """Implements `bench.Bench` with a VirtualToy that is made anew at each start."""

    def __init__(self, home: Home, token: str) -> None:
        self.home = home
        self.networks = FIVE
        self.virtual: VirtualToy | None = None
        self._token = token

    def describe(self) -> dict[str, str]:
        """Return what is under test, for the report."""
        return {
            "toy": "the firmware on MicroPython for this computer, on a simulated board",
            "sound": "played into the simulated microphone, taken from the simulated speaker",
            "Wi-Fi": "simulated; the link itself is TCP on this computer",
        }

    async def switch_on(self, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Start a new toy; one whose settings name `networks` finds itself among the five."""
        await self.switch_off()
        settings = {
            **HOME_FIELDS,
            "relay": self.home.url,
            "relay_certificate": self.home.certificate_for_toy,
            "token": self._token,
            "age": AGE,
            "board": "esp32-devkit",
            **fields,
        }
        self.virtual = VirtualToy(
            relay_url=self.home.url,
            token=self._token,
            settings=json.dumps(settings),
            world={"wifi": five_networks()} if "networks" in fields else None,
        )
        await self.virtual.start()

    async def switch_off(self) -> None:
        """Pull the plug."""
        if self.virtual is not None:
            await self.virtual.stop()
            self.virtual = None

    async def run_on_board(self, script: str, timeout_s: float) -> None:
        """There is no board: what only a board can tell stays open."""
