"""What a toy says about rest: reviewed words, kind and plain. Pure.

Nothing here makes a child stay or feel missed: a toy that clings is no friend.
"""

import math

from relay.age import AgeBand
from relay.rules.leave import Leave, Rest

_YOUNG = (AgeBand.AGES_3_TO_5, AgeBand.AGES_6_TO_8)

_RESTING = {
    Rest.PAUSED: (
        "I am having a rest now. Your grown-up can wake me up again.",
        "I'm resting right now. A grown-up can wake me up on my page.",
    ),
    Rest.NO_CONSENT: (
        "First a grown-up has to say yes. Please ask them to look at my page.",
        "A grown-up has to agree before we can talk. Please ask them to look at my page.",
    ),
    Rest.QUIET_HOURS: (
        "It is quiet time now. We can talk again at {clock}.",
        "It's quiet time now. We can talk again at {clock}.",
    ),
    Rest.MINUTES_USED: (
        "That was all our talking time for today. We can talk again tomorrow.",
        "We have used up our talking time for today. We can talk again tomorrow.",
    ),
    Rest.BREAK: (
        "We talked for a long time! Now have a break: jump, drink some water, look out of the "
        "window. We can talk again in {minutes}.",
        "We have talked for a while. Take a break: move a bit, drink something, look out of the "
        "window. We can talk again in {minutes}.",
    ),
}
_SOON = {
    Rest.QUIET_HOURS: "In about two minutes it will be quiet time.",
    Rest.MINUTES_USED: "We have about two minutes of talking left for today.",
    Rest.BREAK: "In about two minutes we will have a break.",
}


def resting(leave: Leave, band: AgeBand) -> str:
    """Return what a child hears who squeezes a toy that rests; ValueError when it does not rest."""
    if leave.rest is None:
        raise ValueError("the toy does not rest")
    young, older = _RESTING[leave.rest]
    text = young if band in _YOUNG else older
    return text.format(clock=_clock(leave.until or 0), minutes=_minutes(leave.left_s or 0.0))


def soon(leave: Leave) -> str:
    """Return the warning that rest is near; ValueError where none is."""
    if leave.ending is None:
        raise ValueError("no rest is near")
    return _SOON[leave.ending]


def _clock(minute_of_day: int) -> str:
    """Return a time of the day as a voice says it: seven o'clock, half past seven."""
    hour, minute = divmod(minute_of_day, 60)
    spoken = hour % 12 or 12
    if minute == 0:
        return f"{spoken} o'clock"
    if minute == 30:
        return f"half past {spoken}"
    return f"{spoken} {minute}" if minute >= 10 else f"{spoken} oh {minute}"


def _minutes(seconds: float) -> str:
    count = max(1, math.ceil(seconds / 60))
    return "one minute" if count == 1 else f"{count} minutes"
