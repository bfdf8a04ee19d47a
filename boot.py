"""Pick the application that main.py starts: that of an update, or the one flashed by hand.

What was flashed by hand lies in the root of the flash, updates lie in the slots `a` and `b`, and
slot.json says which one to start. A new one is started once, under a watchdog, and stays only if
it says so itself after the relay's welcome (device/slots.py); otherwise the next start is that of
the version before. This file is never updated over the air: all that it and an application have
to agree upon, for ever, is slot.json:

`slot` "", "a" or "b"; `state` "good", "new" (never started) or "tried" (started, not yet good);
`before` the slot to go back to; `version` that of the update; `failed` the version gone back from.
"""

import json
import os
import sys

MARKER = "slot.json"
# Written first and renamed then. LittleFS puts it in place of the old one in a single step; FAT
# removes the old one before, so between the two this one counts.
UNFINISHED = "slot.new"
SLOTS = ("", "a", "b")  # "" is the current directory, which is the root of the flash
TRIAL_MS = 300000  # for an application that does not even feed the watchdog


def read_marker():
    """Return what slot.json says; the application in the root where nothing usable is there."""
    for name in (MARKER, UNFINISHED):
        try:
            with open(name) as file:
                marker = json.load(file)
        except (OSError, ValueError):
            continue
        if isinstance(marker, dict) and marker.get("slot") in SLOTS:
            return marker
    return {"slot": "", "state": "good"}


def write_marker(marker):
    """Put `marker` in slot.json, whole or not at all."""
    with open(UNFINISHED, "w") as file:
        json.dump(marker, file)
    os.rename(UNFINISHED, MARKER)
    if hasattr(os, "sync"):  # not on the unix port
        os.sync()


def choose():
    """Return the slot to start, and whether it is on trial; note in slot.json what follows."""
    marker = read_marker()
    state = marker.get("state")
    if state in ("new", "tried"):
        before = marker.get("before")
        back = {"slot": before if before in SLOTS else "", "state": "good"}
        back["failed"] = marker.get("version")
        # What is about to start is noted first: a new version never gets a second chance.
        marker = back if state == "tried" else dict(marker, state="tried")
        try:
            write_marker(marker)
        except OSError:  # the flash is worn out or full
            marker = back
    slot = marker["slot"]
    try:
        os.stat(slot + "/device" if slot else "device")
    except OSError:
        return "", False
    return slot, marker.get("state") == "tried"


def start_trial():
    """Load the new application under a watchdog; one that cannot be loaded is given up at once."""
    import machine

    machine.WDT(timeout=TRIAL_MS)  # the application asks for a shorter one, and feeds it
    try:
        import device.app  # noqa: F401
    except Exception as error:  # Ctrl-C is a developer's
        sys.print_exception(error)
        machine.reset()


if __name__ == "__main__":
    slot, on_trial = choose()
    if slot not in sys.path:
        sys.path.insert(0, slot)
    if on_trial:
        start_trial()
