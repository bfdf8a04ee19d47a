"""The station's side of the radio: attempts to join, their outcome, and loss, as time goes by.

Nothing happens between calls: each call of `live()` goes through the time that has passed. The
rules are those of the disconnect handler in ports/esp32/network_wlan.c: it tries again by itself,
for ever or for a number of attempts, and only when these are used up does the reason show.
"""

import random

import _host
import _wire
from utime import ticks_diff, ticks_ms

BEACON_TIMEOUT = 200
NO_AP_FOUND = 201
NO_AP_FOUND_IN_AUTHMODE_THRESHOLD = 211
ASSOCIATION_LEAVE = 8
# What a wrong password looks like from outside: one of these, once the attempts are used up.
WRONG_PASSWORD_REASONS = (15, 202, 2)

WEAKEST_RSSI = -90
CHANNELS = 13  # of 2.4 GHz; a look round takes as long as a try without a network
NAME, BSSID, CHANNEL, RSSI, AUTHMODE, PASSWORD, HIDDEN = range(7)
AUTH_OPEN, AUTH_WEP, AUTH_WPA = range(3)


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
        self.bssid = None  # of the only node to join, as text
        self.requested = False  # the program wants to be connected
        self.trying = False  # an attempt is under way
        self.network = None  # the one we are on
        self.reason = 0  # why the last attempt or connection ended
        self.attempts = 0
        self.attempts_allowed = 0  # 0 is for ever
        self._began_ms = 0
        self._met = False  # this attempt has met its network
        self._connect_ms = 0  # what this attempt takes if the network is there

    def begin(self):
        """Start the first attempt."""
        self.attempts = 0
        self.requested = True
        self._attempt(ticks_ms())
        tell("connect")

    def _attempt(self, now_ms):
        self.trying = True
        self._began_ms = now_ms
        self._met = self.find() is not None
        connect_ms = _host.world["wifi"]["connect_ms"]
        # [shortest, longest] is another time for each attempt
        one = isinstance(connect_ms, int)
        self._connect_ms = connect_ms if one else random.randint(*connect_ms)

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
        """Return what we are on or are to join (hidden ones answer too), None if out of reach.

        Without a BSSID the driver takes the first node of the name that it meets, weak or not.
        """
        bssid = self.network[BSSID] if self.network else self.bssid
        for network in networks_in_reach():
            if network[NAME].encode() == self.ssid and bssid in (None, network[BSSID]):
                return network
        return None

    def _is_known(self, network):
        return network[AUTHMODE] == AUTH_OPEN or network[PASSWORD] == self.key

    def _is_too_weakly_secured(self, network):
        # ESP-IDF: with a password of 8 characters and more nothing below WPA2 is joined
        return bool(self.key) and network[AUTHMODE] in (AUTH_OPEN, AUTH_WEP, AUTH_WPA)

    def live(self):
        """Go through the time since the last call."""
        _host.poll()
        if self.network and self.find() is None:
            self.network = None
            self._began_ms = ticks_ms()
            self._disconnected(BEACON_TIMEOUT)
        while self.trying:
            now_ms = ticks_ms()
            tried_ms = ticks_diff(now_ms, self._began_ms)
            fail_ms = _host.world["wifi"]["fail_ms"]
            network = self.find()
            if network is None:
                self._met = False
            elif not self._met:
                # It looks channel by channel: a network that appears after its turn was passed.
                turn_ms = min(fail_ms * network[CHANNEL] // CHANNELS, self._connect_ms)
                self._met = tried_ms <= turn_ms
                network = network if self._met else None
            reason = NO_AP_FOUND
            if network and self._is_too_weakly_secured(network):
                reason = NO_AP_FOUND_IN_AUTHMODE_THRESHOLD
            elif network and not self._is_known(network):
                reason = WRONG_PASSWORD_REASONS[self.attempts % len(WRONG_PASSWORD_REASONS)]
            elif network:
                if tried_ms < self._connect_ms:
                    return
                self.trying = False
                self.network = network
                self.reason = 0
                tell("connected")
                return
            if tried_ms < fail_ms:
                return
            self.trying = False
            self._began_ms += fail_ms  # a next attempt follows without a pause
            self._disconnected(reason)

    def _disconnected(self, reason):
        tell("disconnected %d" % reason)
        self.reason = reason
        self.attempts += 1
        if not self.gives_up():
            self._attempt(self._began_ms)
