"""What the toy is to do when it starts next: kept in NVS, so that even a power cut forgets nothing.

Set-up and a factory reset begin with a restart: what the running toy holds in memory is gone then,
and nothing of it can write the settings once more after they were erased.
"""

import os

import esp32

from device import settings

_NAMESPACE = "bramble"
_NAME = "next_start"


class Start:
    """Kinds of a start, as stored."""

    NORMAL = 0
    SET_UP = 1
    FORGET = 2  # the factory reset: erase the settings, the token among them, then set up


def ask_for(start):
    """Remember the kind of the next start, a value of Start."""
    store = esp32.NVS(_NAMESPACE)
    store.set_i32(_NAME, start)
    store.commit()


def take():
    """Return the kind of this start, once; for FORGET the settings are gone then.

    The wish is crossed out only after that: a factory reset that loses power is done again.
    """
    try:
        start = esp32.NVS(_NAMESPACE).get_i32(_NAME)
    except OSError:  # there is none
        return Start.NORMAL
    if start == Start.FORGET:
        erase_settings()
    if start != Start.NORMAL:
        ask_for(Start.NORMAL)
    return start


def erase_settings(directory="."):
    """Remove the settings and their backup: networks, token, age.

    The key of the toy's own Wi-Fi stays, for it may be written on the toy.
    """
    for name in (settings.PATH, settings.BACKUP, settings.UNFINISHED):
        try:
            os.remove(directory + "/" + name)
        except OSError:
            pass  # not there
    if hasattr(os, "sync"):  # not on the unix port
        os.sync()
