"""What the relay may ask about the Wi-Fi networks: how it is, look round, add one, forget one.

A password comes in here and goes into the settings; it is never answered, logged or sent back.
"""

import json

from device.commands import CommandError
from device.protocol import MAX_TEXT_BYTES
from device.settings import MOST_NETWORKS

MOST_SCAN_BYTES = MAX_TEXT_BYTES - 256  # the rest of the answer around it


def status(wifi):
    """Return ssid, rssi, channel, ip and security, each None where unknown; and the rest.

    `weak` tells of a weak signal, `known` are the names of the saved networks.
    """
    try:
        channel = wifi.wlan.config("channel")
    except (OSError, RuntimeError, ValueError):
        channel = None
    connected = wifi.is_connected()
    ssid = wifi.ssid if connected else None
    return {
        "ssid": ssid,
        "rssi": wifi.rssi(),
        "channel": channel if connected else None,
        "ip": wifi.address() if connected else None,
        "security": ("secured" if wifi.networks[ssid] else "open") if ssid else None,
        "weak": wifi.signal.is_weak,
        "known": list(wifi.networks),
    }


async def scan(toy):
    """Return the networks in sight, strongest first, as many as fit an answer."""
    seen = await toy.wifi.scan()
    if not seen:
        raise CommandError("the radio found nothing, not even its own network; try again")
    for one in seen:
        del one["bssid"]  # tells where a home is
    while len(json.dumps(seen)) > MOST_SCAN_BYTES:
        seen.pop()  # the weakest
    return seen


async def add(toy, args):
    """Save the network `ssid` with `password`; return the names of all saved ones."""
    ssid = args.get("ssid")
    password = args.get("password") or ""
    if not isinstance(ssid, str) or not isinstance(password, str):
        raise CommandError("ssid and password must be text")
    _refuse_in_use(toy, ssid)
    if not password and not toy.settings.allow_insecure_wifi:
        raise CommandError("a network without a password is not allowed by the toy's settings")
    others = [known for known in toy.settings.networks if known[0] != ssid]
    if len(others) >= MOST_NETWORKS:
        raise CommandError("%d networks are saved already: forget one first" % MOST_NETWORKS)
    others.append((ssid, password))
    return _save(toy, others)


async def forget(toy, args):
    """Forget the network `ssid`; return the names of those that are left."""
    ssid = args.get("ssid")
    left = [known for known in toy.settings.networks if known[0] != ssid]
    if len(left) == len(toy.settings.networks):
        raise CommandError("no network of this name is saved")
    _refuse_in_use(toy, ssid)
    return _save(toy, left)


def _refuse_in_use(toy, ssid):
    if ssid == toy.wifi.ssid:
        raise CommandError("the toy is on this network now, and a mistake would cut it off")


def _save(toy, networks):
    try:
        toy.settings.save_networks(networks)
    except ValueError as error:
        raise CommandError("the network %s" % error)  # the settings' words hold no secret
    except OSError:
        raise CommandError("the settings could not be written")
    toy.wifi.know(networks)
    return [ssid for ssid, _ in networks]
