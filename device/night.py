"""When it is night at home, as the relay tells the time. Pure; loaded if a night has been set.

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


class Night:
    """From minute `first` of the day on and before minute `last`, also over midnight.

    It counts on from what the relay last said, in seconds of the toy's up-time.
    """

    def __init__(self, first, last):
        self._first = first
        self._last = last
        self._midnight_s = None  # of home, in up-time; it may be negative

    def take(self, message, uptime_s):
        """Take the time from a message's `time_s` (Unix) and `utc_offset_s`, if it has both."""
        time_s, offset_s = message.get("time_s"), message.get("utc_offset_s")
        if type(time_s) is int and type(offset_s) is int and abs(offset_s) <= FARTHEST_S:
            self._midnight_s = uptime_s - (time_s + offset_s) % (DAY_MINUTES * 60)

    def is_now(self, uptime_s):
        """Tell whether it is night; while nobody has told the time, it may be."""
        if self._midnight_s is None:
            return True
        minute = (uptime_s - self._midnight_s) // 60 % DAY_MINUTES
        if self._first <= self._last:
            return self._first <= minute < self._last
        return minute >= self._first or minute < self._last
