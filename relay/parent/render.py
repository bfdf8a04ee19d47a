"""Templates to HTML. Every value is escaped; a name that is not given is an error."""

import time

import jinja2

from relay.parent.assets import asset_url
from relay.parent.texts import t

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("relay.parent"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(template: str, **values: object) -> str:
    """Return a page; raises jinja2.UndefinedError for a missing value."""
    return _environment.get_template(template).render(values)


def _when(unix_s: int) -> str:
    """Return a time as people at home read it; the month by name, so that nobody mixes them up."""
    return f"{_day(unix_s)}, {_hour(unix_s)}"


def _day(unix_s: int) -> str:
    """Return the day at home."""
    then = time.localtime(unix_s)
    return t(f"months.m{then.tm_mon}", day=then.tm_mday, year=then.tm_year)


def _hour(unix_s: int) -> str:
    """Return the time of the day at home."""
    then = time.localtime(unix_s)
    return f"{then.tm_hour}:{then.tm_min:02d}"


def _ago(unix_s: int) -> str:
    """Return how long ago a time is, roughly."""
    seconds = max(0, int(time.time()) - unix_s)
    if seconds < _MINUTE:
        return t("ago.now")
    for unit, length in (("days", _DAY), ("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= length:
            return t(f"ago.{unit}", count=seconds // length)
    raise AssertionError("a minute or more is at least a minute")


def _clock(minutes: int | None) -> str:
    """Return minutes after midnight as time fields have them: 07:30."""
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"


_environment.globals.update(t=t, asset_url=asset_url)
_environment.filters.update(when=_when, day=_day, hour=_hour, ago=_ago, clock=_clock, zip=zip)
