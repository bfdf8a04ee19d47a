"""The strength of the Wi-Fi signal: smoothed, judged, and when to look for a better one. Pure."""

# dBm; a gap between the two, so that a signal on the edge is not called weak and good by turns
WEAK_DBM = -75
GOOD_DBM = -70
# The weight of a new sample is 1/4, as RSSI jumps by several dB from one packet to the next; kept
# in sixteenths of a dB.
_SHIFT = 2
_SCALE = 16

# A scan stops everything for 2 to 3 s and may miss a squeeze: rarely, and only after some quiet.
ROAM_QUIET_MS = 60000
ROAM_EVERY_MS = 300000
ROAM_GAIN_DB = 12  # "clearly better": twice what RSSI sways by when nothing moves


class Signal:
    """Smooths RSSI samples in dBm. `dbm` is None while there is no signal."""

    def __init__(self):
        self._level = None
        self.is_weak = False

    @property
    def dbm(self):
        """The smoothed strength in whole dBm, or None."""
        return None if self._level is None else (self._level + _SCALE // 2) // _SCALE

    def add(self, rssi):
        """Take a sample in dBm, None when not associated; True if `is_weak` has changed."""
        if rssi is None:
            self._level = None
            return False
        if self._level is None:
            self._level = rssi * _SCALE
        else:
            self._level += (rssi * _SCALE - self._level) >> _SHIFT
        was_weak = self.is_weak
        self.is_weak = self.dbm < (GOOD_DBM if was_weak else WEAK_DBM)
        return self.is_weak != was_weak


class Roaming:
    """Decides when to look for a better network: while the toy is idle and the signal is weak."""

    def __init__(self):
        self._quiet_ms = 0
        self._rest_ms = 0

    def is_due(self, elapsed_ms, is_idle, is_weak):
        """Tell whether to look now, `elapsed_ms` after the last call."""
        self._quiet_ms = min(self._quiet_ms + elapsed_ms, ROAM_QUIET_MS) if is_idle else 0
        self._rest_ms = max(self._rest_ms - elapsed_ms, 0)
        if not is_weak or self._rest_ms or self._quiet_ms < ROAM_QUIET_MS:
            return False
        self._rest_ms = ROAM_EVERY_MS
        return True


def clearly_better(candidates, rssi):
    """Return the first of `candidates` (see wifi_scan.tidy) worth leaving `rssi` dBm for, or None.

    `candidates` come strongest first.
    """
    if candidates and candidates[0]["rssi"] >= rssi + ROAM_GAIN_DB:
        return candidates[0]
    return None
