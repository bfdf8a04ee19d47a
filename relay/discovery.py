"""The relay makes itself known in the home network by multicast DNS, so that toys find it.

`_bramble._tcp.local` with the port, and in the TXT record the beginning of the house's fingerprint,
by which a toy knows its own relay among several. Nothing rests on it: the toy checks the relay's
certificate, so that a false announcement costs it time and nothing else.
"""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence

from zeroconf import Error, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from device.mdns import KEY_NAME, house_key
from relay.address import own_hosts
from relay.certificate import Identity
from relay.config import ListenSettings
from relay.streams import within
from relay.telemetry import log

_logger = logging.getLogger(__name__)

TYPE = "_bramble._tcp.local."
# The addresses are looked at again so often: a laptop wanders, a router gives out another one.
WATCH_S = 15.0
_STOP_S = 3.0


Hosts = Callable[[], Sequence[str]]


def announced_hosts(listen: ListenSettings) -> Hosts:
    """Return what gives the addresses to announce: those that the settings listen on.

    What only this computer can reach is not announced.
    """

    def hosts() -> list[str]:
        given = own_hosts() if listen.host in ("", "0.0.0.0", "::") else [listen.host]  # noqa: S104
        found = []
        for host in given:
            with contextlib.suppress(ValueError):
                address = ipaddress.ip_address(host)
                if address.version == 4 and not address.is_loopback:  # toys read no others
                    found.append(str(address))
        return found

    return hosts


class Announcer:
    """Announces the relay on `port` from `start` to `stop`; a failure is a warning and no more.

    `hosts` gives the IPv4 addresses to announce; it is asked again and again.
    """

    def __init__(self, identity: Identity, port: int, hosts: Hosts) -> None:
        self._identity = identity
        self._port = port
        self._hosts = hosts
        self._zeroconf: AsyncZeroconf | None = None
        self._watcher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to announce, in the background."""
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Take the announcement back."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        await self._withdraw()

    async def _watch(self) -> None:
        announced: list[str] = []
        while True:
            addresses = list(await asyncio.to_thread(self._hosts))
            if addresses != announced:
                await self._withdraw()
                announced = addresses if await self._announce(addresses) else []
            await asyncio.sleep(WATCH_S)

    async def _announce(self, addresses: Sequence[str]) -> bool:
        if not addresses:
            return False
        short = house_key(self._identity.authority)
        info = AsyncServiceInfo(
            TYPE,
            f"Bramble {short}.{TYPE}",
            port=self._port,
            addresses=[socket.inet_aton(address) for address in addresses],
            properties={KEY_NAME.decode("ascii").rstrip("="): short},
            server=f"bramble-{short}.local.",
        )
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
            await self._zeroconf.async_register_service(info, allow_name_change=True)
        except (OSError, Error) as error:
            log(_logger, logging.WARNING, "not announced", reason=type(error).__name__)
            await self._withdraw()
            return False
        log(_logger, logging.INFO, "announced", addresses=", ".join(addresses), port=self._port)
        return True

    async def _withdraw(self) -> None:
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is None:
            return
        with contextlib.suppress(OSError, Error, TimeoutError):
            await within(zeroconf.async_unregister_all_services(), _STOP_S)
        with contextlib.suppress(OSError, Error):
            await zeroconf.async_close()
