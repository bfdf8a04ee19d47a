"""Wi-Fi as a station: scan, connect, signal strength, staying connected."""

import asyncio
import time

import network

from device.log import log

CONNECT_TIMEOUT_MS = 15000
POLL_MS = 100
SETTLE_MS = 100  # after disconnect() the driver needs a moment before it scans or connects again

# Give up on a network after this many tries of the driver's own. With its default, for ever, a
# wrong password shows as "connecting" and never as what it is.
DRIVER_RETRIES = 1

SECURITY = ("open", "wep", "wpa", "wpa2", "wpa/wpa2", "wpa2-enterprise", "wpa3", "wpa2/wpa3")

# wifi_err_reason_t of esp_wifi_types.h, as WLAN.status() gives it
_PASSWORD_REASONS = (2, 15, 202, 204, 205)  # a weak signal gives them, too
_ABSENT_REASONS = (201, 210, 211, 212)
_REFUSED_REASONS = (5, 17, 203)  # 5 and 17: the access point has too many stations


class Outcome:
    """How an attempt to connect ended."""

    CONNECTED = "connected"
    WRONG_PASSWORD = "wrong password"  # or a weak signal
    NOT_FOUND = "not found"
    REFUSED = "refused by the router"
    NO_ADDRESS = "no address from the router"
    TIMED_OUT = "timed out"
    RADIO_FAULT = "radio fault"


def outcome_of(status):
    """Return the Outcome that a value of WLAN.status() settles, or None while it is still open."""
    if status == network.STAT_GOT_IP:
        return Outcome.CONNECTED
    if status in _PASSWORD_REASONS:
        return Outcome.WRONG_PASSWORD
    if status in _ABSENT_REASONS:
        return Outcome.NOT_FOUND
    if status in _REFUSED_REASONS:
        return Outcome.REFUSED
    return None


def security_of(authmode):
    """Return the name of a scan's authmode; one this firmware does not know counts as secured."""
    return SECURITY[authmode] if 0 <= authmode < len(SECURITY) else "secured"


def tidy(found):
    """Turn the tuples of WLAN.scan() into dicts of ssid, rssi (dBm), security and channel.

    Strongest first; of a mesh, which answers once a node, only the strongest; hidden ones left out.
    """
    strongest = {}
    for ssid, _bssid, channel, rssi, authmode, _hidden in found:
        try:
            name = bytes(ssid).decode()
        except UnicodeError:
            continue  # no one could have typed it into the settings
        if not name.strip("\0"):
            continue
        if name not in strongest or rssi > strongest[name]["rssi"]:
            strongest[name] = {
                "ssid": name,
                "rssi": rssi,
                "security": security_of(authmode),
                "channel": channel,
            }
    return sorted(strongest.values(), key=lambda one: -one["rssi"])


class Wifi:
    """The station interface. `networks` is a list of (ssid, password); `wlan` a network.WLAN."""

    def __init__(self, wlan, networks, hostname):
        self._wlan = wlan
        self._networks = dict(networks)
        self._hostname = hostname
        self._ssid = None  # the network that worked last
        self._power_mode = None

    def start(self):
        """Switch the radio on. Early, for the driver takes about 28 KB of memory (#8940)."""
        self._wlan.active(True)
        network.hostname(self._hostname)
        # Not while connecting: each config() applies the interface's whole configuration again.
        self._wlan.config(reconnects=DRIVER_RETRIES)

    def is_connected(self):
        """Tell whether the toy has an address. A half-open link is for the heartbeat to notice."""
        return self._wlan.isconnected()

    async def connect(self):
        """Try the known networks until one works; return its Outcome, or that of the last try."""
        outcome = Outcome.NOT_FOUND
        # The network of last time first, unseen: a scan would stop everything for 2 to 3 s.
        if self._ssid is not None or len(self._networks) == 1:
            outcome = await self._try(self._ssid or next(iter(self._networks)))
            if outcome == Outcome.CONNECTED or len(self._networks) == 1:
                return outcome
        for ssid in await self._order():
            outcome = await self._try(ssid)
            if outcome == Outcome.CONNECTED:
                break
        return outcome

    async def _order(self):
        """Return the known networks, those in sight first and strongest first; others may hide."""
        seen = [one["ssid"] for one in await self.scan() if one["ssid"] in self._networks]
        return seen + [ssid for ssid in self._networks if ssid not in seen]

    async def _try(self, ssid):
        await self.disconnect()
        try:
            self._wlan.connect(ssid, self._networks[ssid] or None)
            outcome = await self._wait()
        except (OSError, RuntimeError) as error:  # the port raises both, with words for an errno
            log("wifi", "the driver failed", error=error)
            outcome = Outcome.RADIO_FAULT
        log("wifi", outcome, ssid=ssid, rssi=self.rssi())
        if outcome == Outcome.CONNECTED:
            self._ssid = ssid
            self._power_mode = None
        else:
            await self.disconnect()  # stop the driver's own tries (#17661)
        return outcome

    async def _wait(self):
        started_ms = time.ticks_ms()
        while time.ticks_diff(time.ticks_ms(), started_ms) < CONNECT_TIMEOUT_MS:
            if self._wlan.isconnected():
                return Outcome.CONNECTED
            outcome = outcome_of(self._wlan.status())
            if outcome is not None and outcome != Outcome.CONNECTED:
                return outcome
            await asyncio.sleep_ms(POLL_MS)
        # Associated but without an address, the access point can be heard.
        return Outcome.TIMED_OUT if self.rssi() is None else Outcome.NO_ADDRESS

    async def disconnect(self):
        """Leave the network, and stop trying."""
        try:
            self._wlan.disconnect()
        except (OSError, RuntimeError):
            pass  # there was nothing to leave
        await asyncio.sleep_ms(SETTLE_MS)

    async def scan(self):
        """Return the networks in sight, see `tidy`. Stops everything for 2 to 3 s.

        Only while connected or disconnected: the driver answers [] while it is connecting.
        """
        try:
            return tidy(self._wlan.scan())
        except (OSError, RuntimeError) as error:
            log("wifi", "the scan failed", error=error)
            return []

    def rssi(self):
        """Return the signal strength in dBm, or None when not associated."""
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):
            return None

    def status(self):
        """Return ssid, rssi, channel, ip and security, each None where unknown."""
        try:
            channel = self._wlan.config("channel")
        except (OSError, RuntimeError, ValueError):
            channel = None
        connected = self.is_connected()
        return {
            "ssid": self._ssid if connected else None,
            "rssi": self.rssi(),
            "channel": channel if connected else None,
            "ip": self._wlan.ifconfig()[0] if connected else None,
            "security": ("secured" if self._networks[self._ssid] else "open")
            if connected and self._ssid
            else None,
        }

    def set_awake(self, awake):
        """Keep the radio awake in a conversation; let it doze between beacons otherwise.

        Asleep, what the relay sends waits for the next beacon, up to 300 ms.
        """
        mode = self._wlan.PM_NONE if awake else self._wlan.PM_PERFORMANCE
        if mode == self._power_mode or not self.is_connected():
            return
        try:
            self._wlan.config(pm=mode)
            self._power_mode = mode
        except (OSError, RuntimeError) as error:
            log("wifi", "power mode not set", error=error)
