"""The station's side of the radio: attempts to join, their outcome, and loss, as time goes by.

Nothing happens between calls: each call of `live()` goes through the time that has passed. The
rules are those of the disconnect handler in ports/esp32/network_wlan.c: it tries again by itself,
for ever or for a number of attempts, and only when these are used up does the reason show.
"""

import _host
import _wire
from utime import ticks_diff, ticks_ms

BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
ASSOCIATION_LEAVE = 8
# What a wrong password looks like from outside: one of these, once the attempts are used up.
WRONG_PASSWORD_REASONS = (15, 202, 2)

WEAKEST_RSSI = -90
NAME, BSSID, CHANNEL, RSSI, AUTHMODE, PASSWORD, HIDDEN = range(7)
AUTH_OPEN = 0


def networks_in_reach():
    """Return what the antenna hears, each a list of the fields above."""
    return [n for n in _host.world["wifi"]["networks"] if n[RSSI] >= WEAKEST_RSSI]


def tell(event):
    """Tell the host what the radio does."""
    _host.send(_wire.WIFI, 0, event.encode())


class Station:
    """Joins one network at a time."""

    def __init__(self):
        self.ssid = b""
        self.key = ""
        self.requested = False  # the program wants to be connected
        self.trying = False  # an attempt is under way
        self.network = None  # the one we are on
        self.reason = 0  # why the last attempt or connection ended
        self.attempts = 0
        self.attempts_allowed = 0  # 0 is for ever
        self._began_ms = 0

    def begin(self):
        """Start the first attempt."""
        self.attempts = 0
        self.requested = self.trying = True
        self._began_ms = ticks_ms()
        tell("connect")

    def leave(self):
        """Leave the network, or end the attempt to join one."""
        if self.network or self.trying:
            self.reason = ASSOCIATION_LEAVE
            tell("disconnect")
        self.switch_off()

    def switch_off(self):
        """Forget what was wanted."""
        self.requested = self.trying = False
        self.network = None

    def gives_up(self):
        """Tell whether the program wants no connection or all attempts are used up."""
        used_up = self.attempts_allowed and self.attempts >= self.attempts_allowed
        return not self.requested or used_up

    def find(self):
        """Return the strongest network of our name in reach (hidden ones answer too), or None."""
        best = None
        for network in networks_in_reach():
            if network[NAME].encode() == self.ssid and (not best or network[RSSI] > best[RSSI]):
                best = network
        return best

    def live(self):
        """Go through the time since the last call."""
        _host.poll()
        if self.network and self.find() is None:
            self.network = None
            self._began_ms = ticks_ms()
            self._disconnected(BEACON_TIMEOUT)
        times = _host.world["wifi"]
        while self.trying:
            network = self.find()
            good = network and (network[AUTHMODE] == AUTH_OPEN or network[PASSWORD] == self.key)
            needed_ms = times["connect_ms"] if good else times["fail_ms"]
            if ticks_diff(ticks_ms(), self._began_ms) < needed_ms:
                return
            self.trying = False
            if good:
                self.network = network
                self.reason = 0
                tell("connected")
                return
            self._began_ms += needed_ms  # a next attempt follows without a pause
            wrong_password = WRONG_PASSWORD_REASONS[self.attempts % len(WRONG_PASSWORD_REASONS)]
            self._disconnected(NO_AP_FOUND if network is None else wrong_password)

    def _disconnected(self, reason):
        tell("disconnected %d" % reason)
        self.reason = reason
        self.attempts += 1
        self.trying = not self.gives_up()
