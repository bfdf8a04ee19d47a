"""Wi-Fi as a station: scan, connect, signal strength, staying connected, moving on."""

import asyncio
import time

import machine
import network

from device.log import log
from device.signal import Signal
from device.unload import unload

CONNECT_TIMEOUT_MS = 15000
POLL_MS = 25
SETTLE_MS = 100  # after disconnect() the driver needs a moment before it scans or connects again
# While nothing known answers: a scan stops everything for 2 to 3 s, and a squeeze must be answered.
SCAN_EVERY_MS = 20000

# Give up on a network after this many tries of the driver's own. With its default, for ever, a
# wrong password shows as "connecting" and never as what it is.
DRIVER_RETRIES = 1

# What a toy has better use for while it is connected: 5 KB.
JOINING = ("device.wifi_join", "device.wifi_outcome", "device.wifi_scan")
TOO_WEAK_DBM = -85  # below this, that a join fails says nothing about the password


def open_station(settings):
    """Return this board's Wifi with the networks of `settings`, switched on."""
    mac = machine.unique_id()
    hostname = "bramble-%02x%02x%02x" % (mac[-3], mac[-2], mac[-1])
    wlan = network.WLAN(network.STA_IF)
    wifi = Wifi(wlan, settings.networks, hostname, settings.allow_insecure_wifi)
    wifi.start()
    return wifi


class Wifi:
    """The station interface. `networks` is a list of (ssid, password); `wlan` a network.WLAN.

    Open and WEP networks are joined only with `allow_insecure`.
    """

    def __init__(self, wlan, networks, hostname, allow_insecure=False):
        self.wlan = wlan
        self._hostname = hostname
        self.allow_insecure = allow_insecure
        self.ssid = None  # the network that worked last, or is to be tried first
        self.bssid = None  # of the node to try first, for a mesh
        self.sighted = {}  # ssid to RSSI in dBm, of the last scan and of what we were on
        self.scanned_ms = None
        self.turn = 0  # which network that is not in sight is tried next
        self.is_idle = False  # neither connected nor trying to be, since disconnect()
        self._power_mode = None
        self.signal = Signal()
        self.know(networks)

    def know(self, networks):
        """Know these networks from now on, a list of (ssid, password); a connection stays."""
        self.networks = dict(networks)
        if self.ssid not in self.networks:
            self.ssid = None

    def start(self):
        """Switch the radio on. Early, for the driver takes about 28 KB of memory (#8940)."""
        self.wlan.active(True)
        network.hostname(self._hostname)
        # Not while connecting: each config() applies the interface's whole configuration again.
        self.wlan.config(reconnects=DRIVER_RETRIES)

    def is_connected(self):
        """Tell whether the toy has an address. A half-open link is for the heartbeat to notice."""
        return self.wlan.isconnected()

    async def connect(self):
        """Try the known networks once round; return the Outcome, see device.wifi_join.connect."""
        from device import wifi_join

        try:
            return await wifi_join.connect(self)
        finally:
            unload(*JOINING)

    def joined(self, ssid):
        """Note that the toy is on the network `ssid` now."""
        self.ssid = ssid
        self.scanned_ms = None
        self._power_mode = None
        self.signal = Signal()
        self.sample()

    async def disconnect(self):
        """Leave the network, and stop trying."""
        try:
            self.wlan.disconnect()
        except (OSError, RuntimeError):
            pass  # there was nothing to leave
        await asyncio.sleep_ms(SETTLE_MS)
        self.is_idle = True

    async def scan(self):
        """Return the networks in sight, see `tidy`. Stops everything for 2 to 3 s.

        Only while connected or disconnected: the driver answers [] while it is connecting. [] also
        when it fails.
        """
        from device.wifi_scan import tidy  # 1 KB that is not needed while connected

        self.scanned_ms = time.ticks_ms()
        try:
            seen = tidy(self.wlan.scan())
        except (OSError, RuntimeError) as error:
            log("wifi", "the scan failed", error=error)
            return []
        finally:
            unload("device.wifi_scan")
        self.sighted = {}
        for one in seen:
            if one["ssid"] in self.networks and one["ssid"] not in self.sighted:
                self.sighted[one["ssid"]] = one["rssi"]
        return seen

    async def roam(self):
        """Look for a known network that is clearly better, and leave for it; True if so.

        It is then tried first by `connect`. Stops everything for 2 to 3 s.
        """
        from device import wifi_join

        try:
            return await wifi_join.roam(self)
        finally:
            unload(*JOINING)

    def sample(self):
        """Take a sample of the signal strength; call it every second or so."""
        rssi = self.read_rssi()
        if self.signal.add(rssi):
            log("wifi", "weak signal" if self.signal.is_weak else "good signal", rssi=self.rssi())
        if rssi is not None and self.ssid is not None:
            self.sighted[self.ssid] = self.signal.dbm

    def rssi(self):
        """Return the smoothed signal strength in dBm, or None when not associated."""
        rssi = self.read_rssi()
        if rssi is None:
            return None
        return rssi if self.signal.dbm is None else self.signal.dbm

    def read_rssi(self):
        """Return the signal strength of this moment in dBm, or None when not associated."""
        try:
            return self.wlan.status("rssi")
        except (OSError, RuntimeError):
            return None

    def address(self):
        """Return the toy's IP address as text; it may change without a loss of the network."""
        return self.wlan.ifconfig()[0]

    def set_awake(self, awake):
        """Keep the radio awake in a conversation; let it doze between beacons otherwise.

        Asleep, what the relay sends waits for the next beacon, up to 300 ms.
        """
        mode = self.wlan.PM_NONE if awake else self.wlan.PM_PERFORMANCE
        if mode == self._power_mode or not self.is_connected():
            return
        try:
            self.wlan.config(pm=mode)
            self._power_mode = mode
        except (OSError, RuntimeError) as error:
            log("wifi", "power mode not set", error=error)
