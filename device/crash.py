"""What outlives a restart: how often in a row the toy failed to start, and what it died of.

Kept in the RTC's memory, which a reset leaves alone and a power cut does not: pulling the plug
gives the toy a fresh start. A report holds the type of the error and where it was, never its
message, which may quote a secret. Loaded when it is needed.
"""

import io
import sys

import machine

from device.log import log

MOST_FAILURES = 3  # in a row; then the toy starts in safe mode
DEEPEST = 3  # places of a traceback that a report holds
MOST_BYTES = 120

_MARK = b"Br1"
# The bytes behind the mark.
_FAILURES = 3
_PLANNED = 4
_REPORT = 5


def _read():
    kept = bytearray(machine.RTC().memory())
    if len(kept) < _REPORT or kept[: len(_MARK)] != _MARK:
        return bytearray(_MARK + b"\0\0")
    return kept


def begin():
    """Note a start of the toy; return how many failed in a row before it.

    A failed start is one that ended in a reset nobody asked for before `well` was reached.
    """
    kept = _read()
    fresh = machine.reset_cause() not in (machine.HARD_RESET, machine.WDT_RESET)
    failures = 0 if fresh or kept[_PLANNED] else kept[_FAILURES]
    kept[_FAILURES] = min(failures + 1, 255)  # until it is well, this start has failed
    kept[_PLANNED] = 0
    machine.RTC().memory(kept)
    return failures


def well():
    """The toy is well: no start has failed."""
    kept = _read()
    kept[_FAILURES] = 0
    machine.RTC().memory(kept)


def restart():
    """Start again, on purpose: this is not a failed start. Returns never."""
    kept = _read()
    kept[_PLANNED] = 1
    machine.RTC().memory(kept)
    machine.reset()


def keep(error):
    """Keep what the toy dies of, for the next hello."""
    kept = _read()[:_REPORT]
    try:
        text = describe(error)
    except MemoryError:
        text = "MemoryError"
    machine.RTC().memory(kept + text.encode()[:MOST_BYTES])
    log("crash", text)


def report():
    """Return what the toy died of last, or None."""
    text = bytes(_read()[_REPORT:])
    try:
        return text.decode() or None
    except UnicodeError:
        return None


def forget():
    """The report has been delivered."""
    kept = _read()
    if len(kept) > _REPORT:
        machine.RTC().memory(kept[:_REPORT])


def describe(error):
    """Return the error's type and the innermost places: "MemoryError ring.py:pop toy.py:run".

    Lines instead of functions where the firmware was not compiled without their numbers.
    """
    traceback = io.StringIO()
    sys.print_exception(error, traceback)
    places = []
    for line in traceback.getvalue().split("\n"):
        # '  File "device/audio/ring.py", line 22, in __init__'
        parts = line.split('"')
        if len(parts) == 3 and line.startswith("  File "):
            words = parts[2].replace(",", "").split(" ")  # "", "line", "22", "in", "__init__"
            place = words[-1] if words[2] == "1" else words[2]
            places.append("%s:%s" % (parts[1].split("/")[-1], place))
    return "%s %s" % (type(error).__name__, " ".join(places[: -DEEPEST - 1 : -1]))
