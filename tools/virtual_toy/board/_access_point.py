"""The toy's own access point: what it is called, how it is locked, how many phones have joined.

Switching it on brings back the factory's name and no key, as ESP-IDF does: what was configured
before is lost. Phones are the host's affair; see `ports` in `_host.world` for how they get in.
"""

import _host
from _radio import tell

ADDRESS = "192.168.4.1"
LOOPBACK = "127.0.0.1"
# Old and new names of the same settings.
ALIASES = {"essid": "ssid", "authmode": "security", "password": "key"}
SETTINGS = ("ssid", "hidden", "security", "key", "max_clients")
_FACTORY = {"ssid": "ESP_A4B301", "security": 0, "key": "", "hidden": False, "max_clients": 4}


def switch(on, config):
    """Bring it up with the factory's `config`, or down."""
    config.update(_FACTORY)
    tell("access point on" if on else "access point off")


def set_up(active, config, key, value):
    """Take one setting; without effect while the interface is down."""
    if key in ("key", "password") and len(value) < 8:
        raise OSError("Wifi Invalid Password")
    if active:
        config[ALIASES.get(key, key)] = value


def announce(config):
    """Tell the host what phones see now."""
    tell("access point %s security %d" % (config["ssid"], config["security"]))


def phones():
    """Return how many have joined."""
    return _host.world["wifi"].get("phones", 0)


def real_address(port):
    """Return where the host lets phones in to `port` of the toy; 0 is any port of this machine."""
    return LOOPBACK, _host.world["ports"].get(str(port), 0)
