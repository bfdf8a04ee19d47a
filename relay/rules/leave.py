"""Whether a child may talk with its toy now, and for how much longer. Pure."""

import enum
from dataclasses import dataclass

from relay.age import AgeBand
from relay.house import Standing
from relay.store.rules import ChildRules

_DAY_MINUTES = 24 * 60

SESSION_MINUTES = {
    AgeBand.AGES_3_TO_5: 15,
    AgeBand.AGES_6_TO_8: 20,
    AgeBand.AGES_9_TO_11: 25,
    AgeBand.AGES_12_TO_13: 30,
}
"""After how long a talk a break comes, for toys whose child has no rules."""


class Rest(enum.Enum):
    """Why a toy does not talk."""

    PAUSED = "paused"  # a parent lets it rest
    NO_CONSENT = "no_consent"
    QUIET_HOURS = "quiet_hours"
    MINUTES_USED = "minutes_used"
    BREAK = "break"


@dataclass(frozen=True)
class Talked:
    """How long a child has talked, in seconds.

    `today`: on this day of the home's calendar. `stretch`: since the last break. `break_left`:
    until the break that is due has lasted long enough, were there silence from now on.
    """

    today: float = 0.0
    stretch: float = 0.0
    break_left: float = 0.0


@dataclass(frozen=True)
class Leave:
    """What a child may do now.

    `rest` is why the toy does not talk, None when it does. `until` is the minute of the day at
    which quiet hours end. `left_s` is how long the toy talks on or rests, in seconds, as far as
    that is known; None is without end. `ending` is the rest that comes when it has run out.
    """

    rest: Rest | None
    until: int | None = None
    left_s: float | None = None
    ending: Rest | None = None


def leave(standing: Standing, second_of_day: int, talked: Talked) -> Leave:
    """Return what the child of a toy may do; `second_of_day` is the home's local time."""
    rules = standing.rules
    if standing.toy.paused is not None:
        return Leave(Rest.PAUSED)
    if rules is None:
        minutes: int | None = SESSION_MINUTES[AgeBand.of(standing.toy.age)]
        return _until_first(_break(minutes, talked))
    if not standing.consented:
        return Leave(Rest.NO_CONSENT)
    daily = None if rules.daily_minutes is None else rules.daily_minutes * 60 - talked.today
    return _until_first(
        _quiet_hours(rules.quiet_from, rules.quiet_until, second_of_day),
        Leave(Rest.MINUTES_USED)
        if daily is not None and daily <= 0
        else Leave(None, left_s=daily, ending=Rest.MINUTES_USED),
        _break(rules.session_minutes, talked),
    )


def is_quiet(rules: ChildRules, second_of_day: int) -> bool:
    """Tell whether a child's quiet hours are now."""
    hours = _quiet_hours(rules.quiet_from, rules.quiet_until, second_of_day)
    return hours.rest is Rest.QUIET_HOURS


def _until_first(*limits: Leave) -> Leave:
    """Return the first limit that asks for rest, else the one that will be the first to."""
    for limit in limits:
        if limit.rest is not None:
            return limit
    known = [limit for limit in limits if limit.left_s is not None]
    return min(known, key=lambda limit: limit.left_s or 0.0, default=Leave(None))


def _quiet_hours(start: int | None, end: int | None, second_of_day: int) -> Leave:
    """Quiet hours reach over midnight where `start` is the later one."""
    if start is None or end is None or start == end:
        return Leave(None)
    minute = second_of_day // 60
    length = (end - start) % _DAY_MINUTES
    into = (minute - start) % _DAY_MINUTES
    seconds = second_of_day % 60
    if into < length:
        return Leave(Rest.QUIET_HOURS, until=end, left_s=(length - into) * 60 - seconds)
    left = (_DAY_MINUTES - into) * 60 - seconds
    return Leave(None, left_s=left, ending=Rest.QUIET_HOURS)


def _break(minutes: int | None, talked: Talked) -> Leave:
    if minutes is None:
        return Leave(None)
    left = minutes * 60 - talked.stretch
    if left <= 0:
        return Leave(Rest.BREAK, left_s=talked.break_left)
    return Leave(None, left_s=left, ending=Rest.BREAK)
