"""How a station joins a network: which ones it tries, in what order, and what came of it.

Loaded while the toy is not connected; `wifi` is the device.wifi.Wifi that it works for.
"""

import asyncio
import time

from device.log import log
from device.signal import clearly_better
from device.wifi import CONNECT_TIMEOUT_MS, POLL_MS, SCAN_EVERY_MS, TOO_WEAK_DBM
from device.wifi_outcome import Outcome, outcome_of
from device.wifi_scan import joinable


async def connect(wifi):
    """Try the known networks once round; return the Outcome, of the last try if none worked.

    First the one of last time, unseen, for a scan stops everything; then, with a scan at most
    every SCAN_EVERY_MS, those in sight, strongest first, and of the others, which may hide.
    """
    outcome = Outcome.NOT_FOUND
    first = wifi.ssid
    if first is None and len(wifi.networks) == 1:
        first = next(iter(wifi.networks))
    if first is not None:
        outcome = await _try(wifi, first, wifi.bssid)
        wifi.bssid = None
        if outcome == Outcome.CONNECTED or len(wifi.networks) == 1:
            return outcome
        if not _is_scan_due(wifi):
            return outcome  # soon again: it is the one most likely to come back
    for ssid, bssid in await _candidates(wifi, first, outcome == Outcome.NOT_FOUND):
        outcome = await _try(wifi, ssid, bssid)
        if outcome == Outcome.CONNECTED:
            break
    return outcome


def _is_scan_due(wifi):
    scanned_ms = wifi.scanned_ms
    if scanned_ms is None:
        return True
    return time.ticks_diff(time.ticks_ms(), scanned_ms) >= SCAN_EVERY_MS


async def _candidates(wifi, tried, again):
    """Return (ssid, bssid) of each network to try now that `tried` has failed.

    With `again`, for it was not there, that one, too, if the scan finds it: it has come back.
    """
    seen = await wifi.scan() if _is_scan_due(wifi) else []
    seen = joinable(seen, wifi.networks, wifi.allow_insecure)
    # The driver takes the first node of a mesh that it meets: name the strongest.
    found = [(one["ssid"], one["bssid"]) for one in seen if again or one["ssid"] != tried]
    names = [one["ssid"] for one in seen]
    unseen = [ssid for ssid in wifi.networks if ssid != tried and ssid not in names]
    if unseen and tried is not None:
        # One a round: `tried` is the most likely to come back and must not wait for all.
        wifi.turn += 1
        unseen = [unseen[wifi.turn % len(unseen)]]
    return found + [(ssid, None) for ssid in unseen]


async def _try(wifi, ssid, bssid=None):
    password = wifi.networks[ssid]
    if not password and not wifi.allow_insecure:
        log("wifi", "an open network is not allowed", ssid=ssid)
        return Outcome.INSECURE
    if not wifi.is_idle:
        await wifi.disconnect()
    wifi.is_idle = False
    try:
        wifi.wlan.connect(ssid, password or None, bssid=bssid)
        outcome = await _wait(wifi)
    except (OSError, RuntimeError) as error:  # the port raises both, with words for an errno
        log("wifi", "the driver failed", error=error)
        outcome = Outcome.RADIO_FAULT
    if outcome == Outcome.CONNECTED:
        wifi.joined(ssid)
    else:
        await wifi.disconnect()  # stop the driver's own tries (#17661)
        outcome = await _explain(wifi, ssid, outcome)
    log("wifi", outcome, ssid=ssid, rssi=wifi.rssi())
    return outcome


async def _explain(wifi, ssid, outcome):
    """Tell a wrong password from a weak signal, which fails in the same way."""
    if outcome == Outcome.WRONG_PASSWORD and ssid not in wifi.sighted:
        await wifi.scan()
    if outcome in (Outcome.WRONG_PASSWORD, Outcome.NOT_FOUND):
        if wifi.sighted.get(ssid, 0) < TOO_WEAK_DBM:
            return Outcome.TOO_WEAK
    return outcome


async def _wait(wifi):
    started_ms = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), started_ms) < CONNECT_TIMEOUT_MS:
        if wifi.wlan.isconnected():
            return Outcome.CONNECTED
        outcome = outcome_of(wifi.wlan.status())
        if outcome is not None and outcome != Outcome.CONNECTED:
            return outcome
        await asyncio.sleep_ms(POLL_MS)
    # Associated but without an address, the access point can be heard.
    return Outcome.TIMED_OUT if wifi.read_rssi() is None else Outcome.NO_ADDRESS


async def roam(wifi):
    """Look for a known network that is clearly better, and leave for it; True if so."""
    rssi = wifi.rssi()
    if rssi is None:
        return False
    seen = joinable(await wifi.scan(), wifi.networks, wifi.allow_insecure)
    better = clearly_better(seen, rssi)
    if better is None:
        return False
    log("wifi", "moving on", ssid=better["ssid"], rssi=better["rssi"], was=rssi)
    wifi.ssid = better["ssid"]
    wifi.bssid = better["bssid"]
    wifi.scanned_ms = None  # should it fail, all are looked at again at once
    await wifi.disconnect()
    return True
