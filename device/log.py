"""One line a happening on the serial console. Never a secret, never a child's words.

Lines look like `12.345 link: welcome session=1f0c...`; the time is seconds since the start.
"""

import time

_started_ms = time.ticks_ms()


def log(who, what, **details):
    """Print `what` happened in the part `who`, followed by the details as `name=value`."""
    elapsed_ms = time.ticks_diff(time.ticks_ms(), _started_ms)
    words = ["%d.%03d %s: %s" % (elapsed_ms // 1000, elapsed_ms % 1000, who, what)]
    for name in sorted(details):
        words.append("%s=%s" % (name, details[name]))
    print(" ".join(words))
