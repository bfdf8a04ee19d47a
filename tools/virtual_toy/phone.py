"""The phone that joins the toy's own access point during set-up, by way of this machine's ports."""

from __future__ import annotations

import socket

PAGE_PORT = 80
NAMES_PORT = 53
LOOPBACK = "127.0.0.1"


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class PhoneWay:
    """Where the toy's page and its name server are found on this machine."""

    def __init__(self) -> None:
        self.page = _free_port(socket.SOCK_STREAM)
        self.names = _free_port(socket.SOCK_DGRAM)

    @property
    def url(self) -> str:
        """The address of the page, http://..."""
        return f"http://{LOOPBACK}:{self.page}/"

    def as_world(self) -> dict[str, int]:
        """Return the "ports" part of the simulated world (see board/_host.py)."""
        return {str(PAGE_PORT): self.page, str(NAMES_PORT): self.names}
