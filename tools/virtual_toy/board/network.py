"""A simulated `network`: the ESP32's Wi-Fi driver in a world of networks that the host describes.

States, errors and their wording follow ports/esp32/network_wlan.c and network_common.c. As there,
nothing happens between calls: each call first lives through the time that has passed.
"""

import binascii

import _access_point
import _host
from _radio import AUTHMODE, BSSID, CHANNEL, HIDDEN, NAME, RSSI, Station, networks_in_reach, tell
from utime import sleep_ms

STA_IF = 0
AP_IF = 1

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_CONNECT_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204
STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY = 210
STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211
STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD = 212
AUTH_OPEN = 0
AUTH_WEP = 1
AUTH_WPA_PSK = 2
AUTH_WPA2_PSK = 3
AUTH_WPA_WPA2_PSK = 4
AUTH_WPA2_ENTERPRISE = 5
AUTH_WPA3_PSK = 6
AUTH_WPA2_WPA3_PSK = 7

NO_ADDRESS = "0.0.0.0"

_settings = {"hostname": "mpy-esp32", "country": "XX"}


def hostname(name=None):
    """Read or set the name that the router sees; ValueError above 32 characters."""
    if name is None:
        return _settings["hostname"]
    if len(name) > 32:
        raise ValueError("hostname too long")
    _settings["hostname"] = name
    return None


def country(code=None):
    """Read or set the two letters of the country."""
    if code is None:
        return _settings["country"]
    if len(code) != 2:
        raise ValueError("country code must be 2 characters")
    _settings["country"] = code
    return None


class WLAN:
    """One of the two interfaces of the one radio. `WLAN(n)` is the same object each time."""

    IF_STA = 0
    IF_AP = 1
    SEC_OPEN = 0
    SEC_WEP = 1
    SEC_WPA = 2
    SEC_WPA2 = 3
    SEC_WPA_WPA2 = 4
    SEC_WPA2_ENT = 5
    SEC_WPA3 = 6
    SEC_WPA2_WPA3 = 7
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _made = {}

    def __new__(cls, interface_id=STA_IF):
        """Return the one object of an interface."""
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        wlan = cls._made.get(interface_id)
        if wlan is None:
            wlan = object.__new__(cls)
            wlan._station = interface_id == STA_IF
            wlan._active = False
            wlan._radio = Station()
            wlan._config = {"txpower": 20.0, "pm": 1, "channel": 1, "hidden": False, "security": 0}
            cls._made[interface_id] = wlan
        return wlan

    def __init__(self, interface_id=STA_IF):
        pass

    def active(self, on=None):
        """Read or set whether the interface is up."""
        _host.poll()
        if on is not None and bool(on) != self._active:
            self._active = bool(on)
            self._radio.switch_off()
            if self._station:
                tell("active" if on else "inactive")
            else:
                _access_point.switch(on, self._config)
        return self._active

    def _require_started(self):
        if not self._active:
            raise OSError("Wifi Not Started")

    def _require(self, station):
        if self._station != station:
            raise OSError("STA required" if station else "AP required")

    def connect(self, ssid=None, key=None, *, bssid=None):
        """Begin to connect and return; OSError while another attempt is under way (#17661)."""
        self._radio.live()
        self._require(True)
        self._require_started()
        if self._radio.trying:
            raise OSError("Wifi Internal Error")
        if self._radio.network:
            raise OSError("Wifi Internal State Error")
        if bssid is not None and len(bssid) != 6:
            raise ValueError
        if ssid is not None:
            if isinstance(key, bytes):
                key = key.decode()
            if key and not 8 <= len(key) <= 64:
                raise OSError("Wifi Invalid Password")
            self._radio.ssid = (ssid.encode() if isinstance(ssid, str) else bytes(ssid))[:32]
            self._radio.key = key or ""
            self._radio.bssid = None if bssid is None else binascii.hexlify(bssid).decode()
        self._radio.begin()

    def disconnect(self):
        """Leave the network, or end the attempt to join it."""
        self._radio.live()
        self._require_started()
        self._radio.leave()

    def isconnected(self):
        """Tell whether the station has an address; a dead link behind it goes unnoticed.

        Of the access point: whether a phone has joined.
        """
        self._radio.live()
        if not self._station:
            return self._active and _access_point.phones() > 0
        return self._radio.network is not None

    def status(self, name=None):
        """Return a STAT value or an ESP-IDF reason, or "rssi" (OSError while not associated)."""
        self._radio.live()
        if name == "rssi":
            self._require(True)
            if not self._radio.network:
                raise OSError("Wifi Not Connected")
            return self._radio.find()[RSSI]
        if name == "stations":
            self._require(False)
            return [(bytes([2, 0, 0, 0, 0, number]),) for number in range(_access_point.phones())]
        if name is not None:
            raise ValueError("unknown status param")
        if not self._station:
            return None
        if self._radio.network:
            return STAT_GOT_IP
        if not self._radio.gives_up():
            return STAT_CONNECTING
        return self._radio.reason or STAT_IDLE

    def scan(self):
        """Return (ssid, bssid, channel, rssi, authmode, hidden) of each network in reach.

        Nothing else runs for seconds, and while the station is connecting the list is just empty.
        """
        self._radio.live()
        if not self._station or not self._active:
            raise OSError("STA must be active")
        if self._radio.trying:
            return []
        tell("scan")
        sleep_ms(_host.world["wifi"]["scan_ms"])
        return [
            (
                b"" if network[HIDDEN] else network[NAME].encode(),
                binascii.unhexlify(network[BSSID]),
                network[CHANNEL],
                network[RSSI],
                network[AUTHMODE],
                False,  # the driver never says so
            )
            for network in networks_in_reach()
        ]

    def config(self, name=None, **settings):
        """Read one setting or set several; setting raises while connecting."""
        if name is not None and settings:
            raise TypeError("either pos or kw args are allowed")
        self._radio.live()
        if name is not None:
            return self._read(name)
        if not settings:
            raise TypeError("can query only one param")
        for key, value in settings.items():
            self._set(key, value)
        if self._radio.trying:
            raise OSError("Wifi Internal State Error")
        if self._active and not self._station:
            _access_point.announce(self._config)
        return None

    def _set(self, key, value):
        if key in _access_point.SETTINGS or key in _access_point.ALIASES:
            self._require(False)
            _access_point.set_up(self._active, self._config, key, value)
        elif key == "reconnects":
            self._require(True)
            self._radio.attempts_allowed = 0 if value == -1 else value + 1
        elif key in ("hostname", "dhcp_hostname"):
            hostname(value)
        elif key == "pm":
            if value not in (WLAN.PM_NONE, WLAN.PM_PERFORMANCE, WLAN.PM_POWERSAVE):
                raise ValueError("invalid pm")
            self._config[key] = value
            tell("pm %d" % value)
        elif key in ("txpower", "channel", "protocol", "mac"):
            self._config[key] = value
        else:
            raise ValueError("unknown config param")

    def _read(self, key):
        if key == "mac":
            return binascii.unhexlify(_host.world["unique_id"])
        if key in ("ssid", "essid") and self._station:
            return self._radio.ssid.decode()
        if key in ("hidden", "security", "authmode"):
            self._require(False)
        if key == "reconnects":
            self._require(True)
            return self._radio.attempts_allowed - 1
        if key in ("hostname", "dhcp_hostname"):
            return hostname()
        if key == "channel" and self._radio.network:
            return self._radio.network[CHANNEL]
        if key not in self._config:
            raise ValueError("unknown config param")
        return self._config[key]

    def ifconfig(self, addresses=None):
        """Return address, mask, gateway and name server; zeros while not connected."""
        self._radio.live()
        if addresses is not None:
            return None
        if not self._station:
            return (_access_point.ADDRESS, "255.255.255.0", _access_point.ADDRESS, NO_ADDRESS)
        if not self._radio.network:
            return (NO_ADDRESS,) * 4
        address = _host.world["wifi"].get("address", "192.168.1.57")
        return (address, "255.255.255.0", "192.168.1.1", "192.168.1.1")

    def ipconfig(self, name=None, **settings):
        """Return one address setting, "addr4" or "gw4"."""
        address, mask, gateway, _ = self.ifconfig()
        if name == "addr4":
            return (address, mask)
        if name == "gw4":
            return gateway
        if name in ("has_dhcp4", "dhcp4"):
            return address != NO_ADDRESS
        raise ValueError("unknown config param")
