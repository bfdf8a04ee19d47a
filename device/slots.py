"""Which application runs, and whether it may stay: slot.json, which boot.py explains.

boot.py of the toy may be years older than this file, so nothing is imported from it: the two share
the format of slot.json and nothing else.
"""

import asyncio
import json
import os
import sys
import time

import machine

from device.log import log
from device.states import IN_CONVERSATION, State

MARKER = "slot.json"
UNFINISHED = "slot.new"
UPDATES = ("a", "b")
# For a new version to reach home; the network may be slow, or the relay restarting.
TRIAL_MS = 180000
LOOK_MS = 200


def running():
    """Return the slot that runs: "a", "b", or "" for what was flashed by hand."""
    for slot in UPDATES:
        if slot in sys.path:
            return slot
    return ""


def free():
    """Return the slot that an update may be written to."""
    return "b" if running() == "a" else "a"


def read():
    """Return what slot.json says, {} where there is none."""
    for name in (MARKER, UNFINISHED):
        try:
            with open(name) as file:
                return json.load(file)
        except (OSError, ValueError):
            pass
    return {}


def _write(marker):
    with open(UNFINISHED, "w") as file:
        json.dump(marker, file)
    os.rename(UNFINISHED, MARKER)
    if hasattr(os, "sync"):  # not on the unix port
        os.sync()


def on_trial():
    """Tell whether slot.json names a version that has not proved itself yet."""
    return read().get("state") in ("new", "tried")


def start_next(slot, version):
    """Have the application in `slot` tried at the next start; OSError if that cannot be noted."""
    _write({"slot": slot, "state": "new", "before": running(), "version": version})


def keep():
    """The running application is good."""
    marker = read()
    _write({"slot": running(), "state": "good", "version": marker.get("version")})


def watch(toy):
    """Try the running application out, if it is on trial; return the task, or None."""
    return asyncio.create_task(try_out(toy)) if on_trial() else None


async def try_out(toy, trial_ms=TRIAL_MS):
    """Keep the running application once the relay has welcomed it; start again if it does not."""
    began_ms = time.ticks_ms()
    while toy.state != State.IDLE and toy.state not in IN_CONVERSATION:
        if time.ticks_diff(time.ticks_ms(), began_ms) > trial_ms:
            log("slots", "the new version has not reached home: back to the one before")
            machine.reset()
        await asyncio.sleep_ms(LOOK_MS)
    keep()
    log("slots", "the new version stays", slot=running())
