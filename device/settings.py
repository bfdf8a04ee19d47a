"""What the grown-up has set: settings.json, checked field by field, never half-written.

Fields, all but `networks`, `relay` and `token` optional:
`networks` 1 to 5 of {"ssid", "password"}, `relay` ws:// or wss:// address, `token`, `age` 3 to 13
or null, `volume` and `volume_ceiling` 0 to 100 percent, `relay_certificate` base64 of a DER
certificate (wss only), `board` a name of device.boards or null for this chip's,
`allow_insecure_wifi` true to join open and WEP networks, `night_from` and `night_until` times like
"19:30" between which `night_volume_ceiling` holds, `sleep_minutes` of rest before the toy switches
itself off until it is squeezed: 0 is never, null 30 on a battery and never without.
"""

import binascii
import json
import os

from device.boards import BOARDS
from device.clock import minute_of
from device.protocol import is_allowed_age
from device.websocket import tls

PATH = "settings.json"
BACKUP = "settings.bak"
UNFINISHED = "settings.new"

MOST_NETWORKS = 5
MOST_BYTES = 8192  # a certificate takes most of it
DEFAULT_VOLUME = 60
DEFAULT_NIGHT_VOLUME = 30
LONGEST_SLEEP_MINUTES = 1440
DEFAULT_PORTS = {"ws": 80, "wss": 443}


class SettingsError(Exception):
    """The settings cannot be used. `problems` lists each of them in plain words, no secrets."""

    def __init__(self, problems):
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings:
    """The checked settings. `fields` is what json.load gave; SettingsError names every problem."""

    def __init__(self, fields):
        problems = []
        if not isinstance(fields, dict):
            raise SettingsError(["the settings are not a JSON object"])

        def take(name, check, default=None, required=False):
            value = fields.get(name)
            if value is None:
                if required:
                    problems.append("%s is missing" % name)
                return default
            try:
                return check(value)
            except ValueError as error:
                problems.append("%s %s" % (name, error))
                return default

        self.networks = take("networks", _check_networks, [], required=True)
        self.relay = take("relay", RelayAddress, required=True)
        self.token = take("token", _check_token, required=True)
        self.age = take("age", _check_age)
        self.volume = take("volume", _check_percent, DEFAULT_VOLUME)
        self.volume_ceiling = take("volume_ceiling", _check_percent, 100)
        self.relay_certificate = take("relay_certificate", _check_certificate)
        self.board = take("board", _check_board)
        self.allow_insecure_wifi = take("allow_insecure_wifi", _check_flag, False)
        self.night_from = take("night_from", _check_time)
        self.night_until = take("night_until", _check_time)
        self.night_volume_ceiling = take(
            "night_volume_ceiling", _check_percent, DEFAULT_NIGHT_VOLUME
        )
        self.sleep_minutes = take("sleep_minutes", _check_minutes)
        if self.relay and self.relay.secure and not self.relay_certificate:
            problems.append("relay is a wss:// address, which needs relay_certificate")
        if problems:
            raise SettingsError(problems)
        self._fields = fields

    def copy_fields(self):
        """Return a copy of what settings.json says."""
        return dict(self._fields)

    def save(self, directory="."):
        """Write the settings with the volume as it is now, the only one that changes by itself."""
        self._fields["volume"] = self.volume
        save(self._fields, directory)

    def save_networks(self, networks, directory="."):
        """Replace the known networks, a list of (ssid, password), and write the settings.

        Raises ValueError for networks that cannot be, OSError if they cannot be written; either
        way the settings are as before.
        """
        fields = dict(self._fields)
        fields["networks"] = [{"ssid": ssid, "password": key} for ssid, key in networks]
        networks = _check_networks(fields["networks"])
        fields["volume"] = self.volume
        save(fields, directory)
        self._fields = fields
        self.networks = networks


class RelayAddress:
    """A relay's address taken apart: `secure`, `host`, `port`, `path`. ValueError if it is none."""

    def __init__(self, url):
        scheme, separator, rest = _text(url, 1, 200).partition("://")
        if not separator or scheme not in DEFAULT_PORTS:
            raise ValueError("must begin with ws:// or wss://")
        authority, _, path = rest.partition("/")
        host, colon, port = authority.partition(":")
        if authority.startswith("[") or not host or "@" in authority or " " in url:
            raise ValueError("must look like ws://192.168.1.10:8765/toy")
        self.secure = scheme == "wss"
        self.host = host
        self.path = "/" + path
        self.port = DEFAULT_PORTS[scheme]
        if colon:
            if not port.isdigit() or not 1 <= int(port) <= 65535:
                raise ValueError("has a port that is not from 1 to 65535")
            self.port = int(port)


def _text(value, shortest, longest):
    if not isinstance(value, str) or not shortest <= len(value.encode()) <= longest:
        raise ValueError("must be text of %d to %d bytes" % (shortest, longest))
    return value


def _check_networks(value):
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_NETWORKS:
        raise ValueError("must be a list of 1 to %d networks" % MOST_NETWORKS)
    networks = []
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
        networks.append((ssid, password))
    return networks


def _check_token(value):
    token = _text(value, 1, 200)
    if any(not 33 <= ord(letter) <= 126 for letter in token):  # it travels in an HTTP header
        raise ValueError("must be printable ASCII without spaces")
    return token


def _check_age(value):
    if not is_allowed_age(value):
        raise ValueError("must be a whole number from 3 to 13, or null")
    return value


def _check_percent(value):
    if type(value) is not int or not 0 <= value <= 100:
        raise ValueError("must be a whole number from 0 to 100")
    return value


def _check_time(value):
    return minute_of(_text(value, 4, 5))


def _check_minutes(value):
    if type(value) is not int or not 0 <= value <= LONGEST_SLEEP_MINUTES:
        raise ValueError("must be a whole number from 0 to %d" % LONGEST_SLEEP_MINUTES)
    return value


def _check_flag(value):
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _check_certificate(value):
    try:
        der = binascii.a2b_base64(_text(value, 1, 6000))
    except ValueError:
        raise ValueError("must be a DER certificate in base64")
    try:
        tls.make_context(der)
    except ValueError:
        raise ValueError("is not a certificate that the toy can read")
    return der


def _check_board(value):
    if value not in BOARDS:
        raise ValueError("must be one of %s, or null" % ", ".join(sorted(BOARDS)))
    return value


def load(directory="."):
    """Read the settings; SettingsError if neither the file nor its backup can be used.

    A file that is torn or gone falls back to its backup. One that is whole but wrong does not: a
    grown-up's mistake should be shown, not hidden behind what was set before.
    """
    problem = "there is no %s" % PATH
    for name in (PATH, BACKUP):
        try:
            with open(directory + "/" + name, "rb") as file:
                text = file.read(MOST_BYTES + 1)
            if len(text) > MOST_BYTES:
                raise ValueError("too long")
            fields = json.loads(text)
        except OSError:
            continue
        except ValueError:
            problem = "%s is not whole JSON" % PATH
            continue
        return Settings(fields)
    raise SettingsError([problem])


def save(fields, directory="."):
    """Write `fields` so that a power cut at any moment leaves the old or the new settings whole."""
    unfinished = directory + "/" + UNFINISHED
    with open(unfinished, "w") as file:
        json.dump(fields, file)
        file.flush()
    if hasattr(os, "sync"):  # not on the unix port
        os.sync()
    try:
        os.rename(directory + "/" + PATH, directory + "/" + BACKUP)
    except OSError:
        pass  # no settings yet: nothing to keep
    os.rename(unfinished, directory + "/" + PATH)
