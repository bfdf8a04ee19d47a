"""Wi-Fi as a station: scan, connect, signal strength, staying connected, moving on."""

import asyncio
import time

import machine
import network

from device.log import log
from device.signal import Signal, clearly_better
from device.wifi_outcome import Outcome, outcome_of
from device.wifi_scan import joinable, tidy

CONNECT_TIMEOUT_MS = 15000
POLL_MS = 100
SETTLE_MS = 100  # after disconnect() the driver needs a moment before it scans or connects again
# While nothing known answers: a scan stops everything for 2 to 3 s, and a squeeze must be answered.
SCAN_EVERY_MS = 20000

# Give up on a network after this many tries of the driver's own. With its default, for ever, a
# wrong password shows as "connecting" and never as what it is.
DRIVER_RETRIES = 1

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
        self._wlan = wlan
        self._hostname = hostname
        self._allow_insecure = allow_insecure
        self._ssid = None  # the network that worked last, or is to be tried first
        self._bssid = None  # of the node to try first, for a mesh
        self._sighted = {}  # ssid to RSSI in dBm, of the last scan and of what we were on
        self._scanned_ms = None
        self._turn = 0  # which network that is not in sight is tried next
        self._power_mode = None
        self.signal = Signal()
        self.know(networks)

    def know(self, networks):
        """Know these networks from now on, a list of (ssid, password); a connection stays."""
        self._networks = dict(networks)
        if self._ssid not in self._networks:
            self._ssid = None

    def start(self):
        """Switch the radio on. Early, for the driver takes about 28 KB of memory (#8940)."""
        self._wlan.active(True)
        network.hostname(self._hostname)
        # Not while connecting: each config() applies the interface's whole configuration again.
        self._wlan.config(reconnects=DRIVER_RETRIES)

    @property
    def ssid(self):
        """The network that worked last, None before there was one."""
        return self._ssid

    def is_connected(self):
        """Tell whether the toy has an address. A half-open link is for the heartbeat to notice."""
        return self._wlan.isconnected()

    async def connect(self):
        """Try the known networks once round; return the Outcome, of the last try if none worked.

        First the one of last time, unseen, for a scan stops everything; then, with a scan at most
        every SCAN_EVERY_MS, those in sight, strongest first, and of the others, which may hide.
        """
        outcome = Outcome.NOT_FOUND
        first = self._ssid
        if first is None and len(self._networks) == 1:
            first = next(iter(self._networks))
        if first is not None:
            outcome = await self._try(first, self._bssid)
            self._bssid = None
            if outcome == Outcome.CONNECTED or len(self._networks) == 1:
                return outcome
            if not self._is_scan_due():
                return outcome  # soon again: it is the one most likely to come back
        for ssid, bssid in await self._candidates(first):
            outcome = await self._try(ssid, bssid)
            if outcome == Outcome.CONNECTED:
                break
        return outcome

    def _is_scan_due(self):
        scanned_ms = self._scanned_ms
        if scanned_ms is None:
            return True
        return time.ticks_diff(time.ticks_ms(), scanned_ms) >= SCAN_EVERY_MS

    async def _candidates(self, tried):
        """Return (ssid, bssid) of each network to try now that `tried` has failed."""
        seen = await self.scan() if self._is_scan_due() else []
        seen = joinable(seen, self._networks, self._allow_insecure)
        # The driver takes the first node of a mesh that it meets: name the strongest.
        found = [(one["ssid"], one["bssid"]) for one in seen if one["ssid"] != tried]
        names = [one["ssid"] for one in seen]
        unseen = [ssid for ssid in self._networks if ssid != tried and ssid not in names]
        if unseen and tried is not None:
            # One a round: `tried` is the most likely to come back and must not wait for all.
            self._turn += 1
            unseen = [unseen[self._turn % len(unseen)]]
        return found + [(ssid, None) for ssid in unseen]

    async def _try(self, ssid, bssid=None):
        password = self._networks[ssid]
        if not password and not self._allow_insecure:
            log("wifi", "an open network is not allowed", ssid=ssid)
            return Outcome.INSECURE
        await self.disconnect()
        try:
            self._wlan.connect(ssid, password or None, bssid=bssid)
            outcome = await self._wait()
        except (OSError, RuntimeError) as error:  # the port raises both, with words for an errno
            log("wifi", "the driver failed", error=error)
            outcome = Outcome.RADIO_FAULT
        if outcome == Outcome.CONNECTED:
            self._ssid = ssid
            self._scanned_ms = None
            self._power_mode = None
            self.signal = Signal()
            self.sample()
        else:
            await self.disconnect()  # stop the driver's own tries (#17661)
            outcome = await self._explain(ssid, outcome)
        log("wifi", outcome, ssid=ssid, rssi=self.rssi())
        return outcome

    async def _explain(self, ssid, outcome):
        """Tell a wrong password from a weak signal, which fails in the same way."""
        if outcome == Outcome.WRONG_PASSWORD and ssid not in self._sighted:
            await self.scan()
        if outcome in (Outcome.WRONG_PASSWORD, Outcome.NOT_FOUND):
            if self._sighted.get(ssid, 0) < TOO_WEAK_DBM:
                return Outcome.TOO_WEAK
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
        return Outcome.TIMED_OUT if self._read_rssi() is None else Outcome.NO_ADDRESS

    async def disconnect(self):
        """Leave the network, and stop trying."""
        try:
            self._wlan.disconnect()
        except (OSError, RuntimeError):
            pass  # there was nothing to leave
        await asyncio.sleep_ms(SETTLE_MS)

    async def scan(self):
        """Return the networks in sight, see `tidy`. Stops everything for 2 to 3 s.

        Only while connected or disconnected: the driver answers [] while it is connecting. [] also
        when it fails.
        """
        self._scanned_ms = time.ticks_ms()
        try:
            seen = tidy(self._wlan.scan())
        except (OSError, RuntimeError) as error:
            log("wifi", "the scan failed", error=error)
            return []
        self._sighted = {}
        for one in seen:
            if one["ssid"] in self._networks and one["ssid"] not in self._sighted:
                self._sighted[one["ssid"]] = one["rssi"]
        return seen

    async def roam(self):
        """Look for a known network that is clearly better, and leave for it; True if so.

        It is then tried first by `connect`. Stops everything for 2 to 3 s.
        """
        rssi = self.rssi()
        if rssi is None:
            return False
        seen = joinable(await self.scan(), self._networks, self._allow_insecure)
        better = clearly_better(seen, rssi)
        if better is None:
            return False
        log("wifi", "moving on", ssid=better["ssid"], rssi=better["rssi"], was=rssi)
        self._ssid = better["ssid"]
        self._bssid = better["bssid"]
        self._scanned_ms = None  # should it fail, all are looked at again at once
        await self.disconnect()
        return True

    def sample(self):
        """Take a sample of the signal strength; call it every second or so."""
        rssi = self._read_rssi()
        if self.signal.add(rssi):
            log("wifi", "weak signal" if self.signal.is_weak else "good signal", rssi=self.rssi())
        if rssi is not None and self._ssid is not None:
            self._sighted[self._ssid] = self.signal.dbm

    def rssi(self):
        """Return the smoothed signal strength in dBm, or None when not associated."""
        rssi = self._read_rssi()
        if rssi is None:
            return None
        return rssi if self.signal.dbm is None else self.signal.dbm

    def _read_rssi(self):
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):
            return None

    def address(self):
        """Return the toy's IP address as text; it may change without a loss of the network."""
        return self._wlan.ifconfig()[0]

    def status(self):
        """Return ssid, rssi, channel, ip and security, each None where unknown; and the rest.

        `weak` tells of a weak signal, `known` are the names of the saved networks.
        """
        try:
            channel = self._wlan.config("channel")
        except (OSError, RuntimeError, ValueError):
            channel = None
        connected = self.is_connected()
        ssid = self._ssid if connected else None
        return {
            "ssid": ssid,
            "rssi": self.rssi(),
            "channel": channel if connected else None,
            "ip": self.address() if connected else None,
            "security": ("secured" if self._networks[ssid] else "open") if ssid else None,
            "weak": self.signal.is_weak,
            "known": list(self._networks),
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
