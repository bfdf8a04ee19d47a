"""Ways to break a virtual toy's connection, and a toy whose way back is watched.

Wi-Fi takes as long as a real driver does: it looks channel by channel, 2 s for all 13, and notices
that a network is back only when it comes by. One that is there is joined within 1.0 to 2.5 s.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from relay.app import Relay
from tools.talk.home import Home
from tools.virtual_toy import VirtualToy

JOIN_MS = (1000, 2500)
SCAN_MS = 2500
READY_S = 60
WELCOME = "link: welcome"


@dataclass
class Watched:
    """A toy, and when each of its hellos was answered (seconds of time.monotonic())."""

    toy: VirtualToy
    welcomed: list[float] = field(default_factory=list)

    def back_since(self, at: float) -> float | None:
        """Return when the last hello was answered, if it was after `at`."""
        return self.welcomed[-1] if self.welcomed and self.welcomed[-1] >= at else None


# Breaks something for a while, and returns when it worked again.
Scenario = Callable[[Home, Sequence[Watched], float], Awaitable[float]]


async def restart_relay(home: Home, toys: Sequence[Watched], outage_s: float) -> float:
    """Stop the relay, start it again; it is away for as long as it takes to load its models."""
    await home.relay.stop()
    await asyncio.sleep(outage_s)
    home.relay = Relay(home.relay.settings)
    await home.relay.start()
    return time.monotonic()


async def restart_access_point(home: Home, toys: Sequence[Watched], outage_s: float) -> float:
    """Take the Wi-Fi away and give it back."""
    for watched in toys:
        watched.toy.lose_wifi()
        watched.toy.air.cut()
    await asyncio.sleep(outage_s)
    for watched in toys:
        watched.toy.restore_wifi()
    return time.monotonic()


async def half_open(home: Home, toys: Sequence[Watched], outage_s: float) -> float:
    """Let everything go dead without a sign; afterwards new connections pass, old ones do not."""
    for watched in toys:
        watched.toy.lose_wifi(silently=True)
        watched.toy.air.drop()
    await asyncio.sleep(outage_s)
    for watched in toys:
        watched.toy.air.drop()  # nor do those that were opened meanwhile
        watched.toy.restore_wifi()
    return time.monotonic()


async def change_address(home: Home, toys: Sequence[Watched], outage_s: float) -> float:
    """Give every toy a new address."""
    for watched in toys:
        watched.toy.change_address()
    return time.monotonic()


async def watched_toy(home: Home, stack: AsyncExitStack) -> Watched:
    """Start a toy that is connected and ready."""
    welcomed: list[float] = []

    def read(line: str) -> None:
        if WELCOME in line:
            welcomed.append(time.monotonic())

    token = await home.pair(name=f"toy {len(await home.relay.store.toys())}")
    toy = VirtualToy(
        relay_url=home.url,
        token=token,
        relay_certificate=home.certificate,
        connect_ms=JOIN_MS,
        scan_ms=SCAN_MS,
        on_console=read,
    )
    await stack.enter_async_context(toy)
    await toy.wait_until_ready(READY_S)
    return Watched(toy, welcomed)


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
