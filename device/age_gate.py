"""The age gate: no microphone before a grown-up has set the child's age.

The rule is kept in two places on purpose. `may_listen` decides, and `open_microphone` is the only
function in the firmware that makes a microphone object: without an allowed age it raises before the
hardware has been touched. A toy without an age does not join the network at home either, except to
try what a grown-up enters on the page of its set-up: there is nothing else for it to say there.
"""

from device.protocol import is_allowed_age


class AgeGateClosed(Exception):
    """The microphone was asked for although no age from 3 to 13 has been set."""


def may_listen(age):
    """Tell whether a toy whose child is `age` years old, or None, may open a microphone."""
    return is_allowed_age(age)


def open_microphone(age, make_microphone):
    """Return `make_microphone()` if `age` allows it; AgeGateClosed before it is called if not."""
    if not may_listen(age):
        raise AgeGateClosed("no age from 3 to 13 has been set")
    return make_microphone()
