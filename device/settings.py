"""What the grown-up has set: settings.json, checked field by field, never half-written.

Fields, all but `networks`, `relay` and `token` optional (and of these the latter two where
`pairing_code` is what a relay showed: at its next start the toy pairs by it, see device.pairing):
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

from device.unload import unload

PATH = "settings.json"
BACKUP = "settings.bak"
UNFINISHED = "settings.new"

MOST_NETWORKS = 5
MOST_BYTES = 8192  # a certificate takes most of it
DEFAULT_VOLUME = 60
DEFAULT_NIGHT_VOLUME = 30
LONGEST_SLEEP_MINUTES = 1440


class SettingsError(Exception):
    """The settings cannot be used. `problems` lists each of them in plain words, no secrets."""

    def __init__(self, problems):
        super().__init__("; ".join(problems))
        self.problems = problems


class Settings:
    """The checked settings. `fields` is what json.load gave; SettingsError names every problem."""

    def __init__(self, fields):
        if not isinstance(fields, dict):
            raise SettingsError(["the settings are not a JSON object"])
        from device import settings_check as check  # 5 KB, needed at the start and rarely after

        self._fields = dict(fields)
        self._fields.pop("networks", None)  # kept once, in self.networks
        self.volume = DEFAULT_VOLUME
        self.age = self.board = self.pairing_code = None
        problems = check.read(self, fields)  # sets these and all the others
        unload("device.settings_check")
        if problems:
            raise SettingsError(problems)

    @property
    def relay_certificate(self):
        """The relay's certificate in DER bytes, None where there is none: made anew each time."""
        text = self._fields.get("relay_certificate")
        return binascii.a2b_base64(text) if text else None

    def copy_fields(self):
        """Return a copy of what settings.json says."""
        fields = dict(self._fields)
        fields["networks"] = _written(self.networks)
        return fields

    def save(self, directory="."):
        """Write the settings with the volume as it is now, the only one that changes by itself."""
        fields = self.copy_fields()
        fields["volume"] = self.volume
        save(fields, directory)

    def save_relay(self, host, port, directory="."):
        """Replace the relay's address, its path stays, and write the settings if that can be."""
        scheme = "wss" if self.relay.secure else "ws"
        url = "%s://%s:%d%s" % (scheme, host, port, self.relay.path)
        self.relay = RelayAddress(url)
        unload("device.settings_check")
        self._fields["relay"] = url
        try:
            self.save(directory)
        except OSError:
            pass  # a full flash: it will be found again

    def save_networks(self, networks, directory="."):
        """Replace the known networks, a list of (ssid, password), and write the settings.

        Raises ValueError for networks that cannot be, OSError if they cannot be written; either
        way the settings are as before.
        """
        from device import settings_check as check

        fields = self.copy_fields()
        fields["networks"] = _written(networks)
        try:
            networks = check.networks(fields["networks"])
        finally:
            unload("device.settings_check")
        fields["volume"] = self.volume
        save(fields, directory)
        self.networks = networks


class RelayAddress:
    """A relay's address taken apart: `secure`, `host`, `port`, `path`. ValueError if it is none."""

    def __init__(self, url):
        from device import settings_check

        self.secure, self.host, self.port, self.path = settings_check.take_apart(url)


def _written(networks):
    return [{"ssid": ssid, "password": password} for ssid, password in networks]


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
