"""`time` as on the ESP32: the epoch is 2000, `time()` is whole seconds, the clock starts unset."""

import _host
import utime
from utime import *  # noqa: F403

UNIX_2000 = 946684800  # 2000-01-01 00:00:00 UTC in Unix time

_started_ms = utime.ticks_ms()
_clock_s = _host.world["clock_s"]


def time():
    """Return whole seconds since 2000, as far as the clock has been set."""
    return _clock_s + utime.ticks_diff(utime.ticks_ms(), _started_ms) // 1000


def set_clock(seconds):
    """Set the clock to `seconds` since 2000 (what machine.RTC().datetime does)."""
    global _clock_s, _started_ms
    _clock_s = seconds
    _started_ms = utime.ticks_ms()


def gmtime(seconds=None):
    """Return year, month, day, hour, minute, second, weekday, day of the year."""
    return utime.gmtime((time() if seconds is None else seconds) + UNIX_2000)[:8]


localtime = gmtime  # the board knows no time zone


def mktime(fields):
    """Return seconds since 2000 of a date and time."""
    return int(utime.mktime(tuple(fields[:8]) + (0,))) - UNIX_2000
