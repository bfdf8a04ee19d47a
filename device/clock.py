"""The time of day at home, as the relay tells it. Pure.

The toy has no clock of its own and knows no time zone; the relay's computer has both.
"""

DAY_MINUTES = 24 * 60
FARTHEST_S = 15 * 3600  # from UTC: UTC+14 is the farthest there is


def minute_of(text):
    """Return the minute of the day, 0 to 1439, of a text like "19:30"; ValueError if it is none."""
    hour, colon, minute = text.partition(":")
    if not (colon and hour.isdigit() and len(minute) == 2 and minute.isdigit()):
        raise ValueError("must be a time like 19:30")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError("must be a time from 0:00 to 23:59")
    return int(hour) * 60 + int(minute)


def is_between(minute, first, last):
    """Tell whether a minute of the day is from `first` on and before `last`, also over midnight."""
    if first <= last:
        return first <= minute < last
    return minute >= first or minute < last


class Clock:
    """Counts on from what the relay last said. Times are in seconds of the toy's up-time."""

    def __init__(self):
        self._midnight_s = None  # of home, in up-time; it may be negative

    def take(self, message, uptime_s):
        """Take the time from a message's `time_s` (Unix) and `utc_offset_s`, if it has both."""
        time_s, offset_s = message.get("time_s"), message.get("utc_offset_s")
        if type(time_s) is int and type(offset_s) is int and abs(offset_s) <= FARTHEST_S:
            self._midnight_s = uptime_s - (time_s + offset_s) % (DAY_MINUTES * 60)

    def minute(self, uptime_s):
        """Return the minute of the day at home, 0 to 1439, or None while nobody has said it."""
        if self._midnight_s is None:
            return None
        return (uptime_s - self._midnight_s) // 60 % DAY_MINUTES
