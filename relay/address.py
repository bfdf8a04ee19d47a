"""Where the relay is reached: the names and addresses of this computer, and the port it takes."""

import re
import socket

from relay.config import ListenSettings, ParentSettings
from relay.errors import RelayError

HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*\.?")


class ListenError(RelayError):
    """The address to listen on cannot be had; the message says what to do."""


def own_hosts() -> list[str]:
    """Return the names and addresses under which this computer is likely to be reached."""
    name = socket.gethostname().split(".")[0]
    found = [name, f"{name}.local", "localhost", "127.0.0.1"]
    for family, somewhere in (
        # Documentation addresses (RFC 5737, RFC 3849): connecting a UDP socket sends nothing, it
        # only asks which of our addresses would be used.
        (socket.AF_INET, "192.0.2.1"),
        (socket.AF_INET6, "2001:db8::1"),
    ):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((somewhere, 9))
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue  # no network of this family
    usable = (host for host in found if HOST_NAME.fullmatch(host) or ":" in host)
    return list(dict.fromkeys(usable))


def toy_address(listen: ListenSettings, port: int) -> str:
    """Return the address to give to a toy: ws:// or wss://, with an IPv4 address or a name."""
    host = listen.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        # own_hosts ends with the addresses; the toy's firmware reads no IPv6 ones.
        host = [name for name in own_hosts() if ":" not in name][-1]
    scheme = "wss" if listen.tls else "ws"
    return f"{scheme}://{host}:{port}/toy"


def page_address(settings: ParentSettings, port: int) -> str:
    """Return the address of the parent's page, as a browser wants it."""
    host = settings.host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not listened on
        host = [name for name in own_hosts() if ":" not in name][-1]
    scheme = "https" if settings.tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def check_address(listen: ListenSettings | ParentSettings) -> None:
    """Raise ListenError if the address cannot be listened on."""
    try:
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                # As asyncio's servers do: a port that was used a moment ago is no obstacle.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
                probe.listen(1)
    except OSError as error:
        raise cannot_listen(listen, error) from error


def cannot_listen(listen: ListenSettings | ParentSettings, error: OSError) -> ListenError:
    """Return the error to raise when listening failed with `error`."""
    group = "parent" if isinstance(listen, ParentSettings) else "listen"
    return ListenError(
        f"cannot listen on {listen.host} port {listen.port}: {(error.strerror or '?').lower()}. "
        f"Stop the other program (perhaps another relay), or set {group}.host and {group}.port"
    )
