"""The fields of settings.json, checked one by one; each raises ValueError that says what is wrong.

Loaded while settings are read, and unloaded then (device.settings).
"""

import binascii

from device.boards import BOARDS
from device.protocol import is_allowed_age
from device.settings import (
    DEFAULT_NIGHT_VOLUME,
    DEFAULT_VOLUME,
    LONGEST_SLEEP_MINUTES,
    MOST_NETWORKS,
    RelayAddress,
)

DEFAULT_PORTS = {"ws": 80, "wss": 443}


def read(settings, fields):
    """Set the attributes of `settings` from `fields`; return what is wrong, in plain words."""
    problems = []

    def take(name, read, default=None, required=False):
        value = fields.get(name)
        if value is None:
            if required:
                problems.append("%s is missing" % name)
            return default
        try:
            return read(value)
        except ValueError as error:
            problems.append("%s %s" % (name, error))
            return default

    settings.networks = take("networks", networks, [], required=True)
    # With one, the relay is yet to be met: it gives the token, the certificate and the age.
    settings.pairing_code = take("pairing_code", pairing_code)
    paired = settings.pairing_code is None
    settings.relay = take("relay", RelayAddress, required=paired)
    settings.token = take("token", token, required=paired)
    settings.age = take("age", age)
    settings.volume = take("volume", percent, DEFAULT_VOLUME)
    settings.volume_ceiling = take("volume_ceiling", percent, 100)
    certificate_der = take("relay_certificate", certificate)
    settings.board = take("board", board)
    settings.allow_insecure_wifi = take("allow_insecure_wifi", flag, False)
    settings.night_from = take("night_from", time)
    settings.night_until = take("night_until", time)
    settings.night_volume_ceiling = take("night_volume_ceiling", percent, DEFAULT_NIGHT_VOLUME)
    settings.has_night = settings.night_from is not None and settings.night_until is not None
    settings.sleep_minutes = take("sleep_minutes", minutes)
    if paired and settings.relay and settings.relay.secure and not certificate_der:
        problems.append("relay is a wss:// address, which needs relay_certificate")
    if not paired and settings.relay and not settings.relay.secure:
        problems.append("relay is a ws:// address, and a pairing code needs wss://")
    return problems


def take_apart(url):
    """Return (secure, host, port, path) of a relay's address."""
    scheme, separator, rest = _text(url, 1, 200).partition("://")
    if not separator or scheme not in DEFAULT_PORTS:
        raise ValueError("must begin with ws:// or wss://")
    authority, _, path = rest.partition("/")
    host, colon, port = authority.partition(":")
    if authority.startswith("[") or not host or "@" in authority or " " in url:
        raise ValueError("must look like ws://192.168.1.10:8765/toy")
    if not colon:
        return scheme == "wss", host, DEFAULT_PORTS[scheme], "/" + path
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError("has a port that is not from 1 to 65535")
    return scheme == "wss", host, int(port), "/" + path


def _text(value, shortest, longest):
    if not isinstance(value, str) or not shortest <= len(value.encode()) <= longest:
        raise ValueError("must be text of %d to %d bytes" % (shortest, longest))
    return value


def networks(value):
    """Return the networks as a list of (ssid, password)."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_NETWORKS:
        raise ValueError("must be a list of 1 to %d networks" % MOST_NETWORKS)
    known = []
    for network in value:
        if not isinstance(network, dict):
            raise ValueError('must hold objects like {"ssid": ..., "password": ...}')
        try:
            ssid = _text(network.get("ssid"), 1, 32)  # IEEE 802.11
        except ValueError:
            raise ValueError("has an ssid that is not text of 1 to 32 bytes")
        password = network.get("password") or ""
        if not isinstance(password, str) or (password and not 8 <= len(password) <= 64):
            raise ValueError("has a password that is not of 8 to 64 characters, or empty")
        known.append((ssid, password))
    return known


def token(value):
    """Return the token."""
    text = _text(value, 1, 200)
    if any(not 33 <= ord(letter) <= 126 for letter in text):  # it travels in an HTTP header
        raise ValueError("must be printable ASCII without spaces")
    return text


def pairing_code(value):
    """Return the letters of a pairing code."""
    from device.pairing_proof import clean_code  # rarely there, and unloaded with device.pairing

    return clean_code(_text(value, 1, 40))


def age(value):
    """Return the child's age."""
    if not is_allowed_age(value):
        raise ValueError("must be a whole number from 3 to 13, or null")
    return value


def percent(value):
    """Return a percentage."""
    if type(value) is not int or not 0 <= value <= 100:
        raise ValueError("must be a whole number from 0 to 100")
    return value


def time(value):
    """Return a time of day in minutes."""
    from device.night import minute_of  # not where no night is set

    return minute_of(_text(value, 4, 5))


def minutes(value):
    """Return a number of minutes."""
    if type(value) is not int or not 0 <= value <= LONGEST_SLEEP_MINUTES:
        raise ValueError("must be a whole number from 0 to %d" % LONGEST_SLEEP_MINUTES)
    return value


def flag(value):
    """Return a yes or no."""
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def certificate(value):
    """Return the relay's certificate as DER bytes."""
    try:
        der = binascii.a2b_base64(_text(value, 1, 6000))
    except ValueError:
        raise ValueError("must be a DER certificate in base64")
    from device.websocket import tls

    try:
        tls.make_context(der)
    except ValueError:
        raise ValueError("is not a certificate that the toy can read")
    return der


def board(value):
    """Return the name of a board."""
    if value not in BOARDS:
        raise ValueError("must be one of %s, or null" % ", ".join(sorted(BOARDS)))
    return value
