"""The networks around the toy: the family's own, and others that are better left alone."""

from __future__ import annotations

import itertools
from typing import Any

FAIL_MS = 2000  # until an attempt without a network or with a wrong password has failed
RSSI = 3


class Wifi:
    """The "wifi" part of the simulated world (see board/_host.py)."""

    def __init__(
        self,
        ssid: str,
        password: str,
        rssi: int,
        *,
        connect_ms: int | tuple[int, int],
        scan_ms: int,
    ) -> None:
        self._home: list[Any] = [ssid, "50c7bf010203", 6, rssi, 3, password, False]
        self._times = {"connect_ms": connect_ms, "scan_ms": scan_ms, "fail_ms": FAIL_MS}
        self._addresses = itertools.cycle(f"192.168.1.{number}" for number in range(57, 250))
        self._address = next(self._addresses)
        self.present = True
        self.phones = 0  # that have joined the toy's own access point

    def set_rssi(self, dbm: int) -> None:
        """Move the router; below -90 dBm it is out of reach."""
        self._home[RSSI] = dbm

    def change_address(self) -> dict[str, Any]:
        """Let the router give the toy another address; return the world with it."""
        self._address = next(self._addresses)
        return self.as_world()

    def as_world(self) -> dict[str, Any]:
        """Return it as JSON data: name, bssid, channel, rssi, authmode, password, hidden."""
        neighbours = [
            ["neighbours", "9c3dcf0a0b0c", 11, -71, 3, "not for toys", False],
            ["neighbours", "9c3dcf0a0b0d", 1, -80, 3, "not for toys", False],
            ["secret", "b827eb000001", 6, -66, 4, "hidden but here", True],
            ["cafe", "001122334455", 3, -84, 0, "", False],
        ]
        home = [self._home] if self.present else []
        return {
            "networks": [*home, *neighbours],
            "address": self._address,
            "phones": self.phones,
            **self._times,
        }
