"""`socket` as the toy sees it: names resolve and routes exist only while there is Wi-Fi.

The host stands between toy and relay as the air does: the address that the firmware asks for is
kept, but the connection goes by way of the host. Everything else is the real thing.
"""

import _access_point
import _host
import network
import usocket
from usocket import *  # noqa: F403

SOL_SOCKET = 1
SO_SNDBUF = 7  # Linux
NAME_UNKNOWN = -2  # EAI_NONAME; lwIP says -202


def getaddrinfo(host, port, *hints):
    """Resolve `host`; OSError while the toy is not on a network.

    The address of its own access point is there to be listened on, where the host lets phones in.
    """
    if host == _access_point.ADDRESS and network.WLAN(network.AP_IF).active():
        return usocket.getaddrinfo(*_access_point.real_address(port), *hints)
    if not network.WLAN(network.STA_IF).isconnected():
        raise OSError(NAME_UNKNOWN)
    for name, number, to_host, to_port in _host.world["routes"]:
        if host == name and port == number:
            return usocket.getaddrinfo(to_host, to_port, *hints)
    return usocket.getaddrinfo(host, port, *hints)


def socket(*arguments):
    """Make a socket, with a small send buffer where the host wants partial writes."""
    made = usocket.socket(*arguments)
    if _host.world["send_buffer"]:
        made.setsockopt(SOL_SOCKET, SO_SNDBUF, _host.world["send_buffer"])
    return made
