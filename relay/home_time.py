"""What time it is at home, for a toy that has no clock and knows no time zone."""

import time


def home_time() -> tuple[int, int]:
    """Return Unix time and how far local time is ahead of UTC now, both in seconds."""
    now = time.time()
    return int(now), time.localtime(now).tm_gmtoff
