"""A child's rules as the fields of a form, and back. Pure: no page, no store."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from relay.parent.forms import Form
from relay.safety.parent import LONGEST_OWN_WORDS, MOST_OWN_WORDS, ParentRules, Topic
from relay.store.rules import ChildRules

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::\d\d)?")
_TICKED = "on"
# What may be chosen for a topic; "" is as fits the age.
OPEN = "allow"
BLOCKED = "block"


@dataclass(frozen=True)
class Span:
    """The whole numbers that a field takes."""

    least: int
    most: int


DAILY_MINUTES = Span(5, 600)
SESSION_MINUTES = Span(5, 120)
VOLUME = Span(10, 100)
WORDS_PER_MINUTE = Span(90, 220)
TRANSCRIPT_DAYS = Span(1, 90)

_NUMBERS: Mapping[str, Span] = {
    "daily_minutes": DAILY_MINUTES,
    "session_minutes": SESSION_MINUTES,
    "volume_ceiling": VOLUME,
    "night_volume": VOLUME,
    "words_per_minute": WORDS_PER_MINUTE,
}
_BOXES = ("keep_transcripts", "keep_memory", "keep_alerts")

# Every field, as text: what a browser would send, "" for nothing.
Fields = dict[str, str]


@dataclass(frozen=True)
class Choices:
    """Which voices and languages there are; "" stands for the relay's own."""

    voices: Sequence[str]
    languages: Sequence[str]


def fields_of(rules: ChildRules) -> Fields:
    """Return the fields that show these rules."""
    fields = {name: _number(getattr(rules, name)) for name in _NUMBERS}
    fields |= {name: _TICKED if getattr(rules, name) else "" for name in _BOXES}
    fields |= {f"topic_{topic.value}": "" for topic in Topic}
    fields |= {f"topic_{topic.value}": OPEN for topic in rules.open_topics}
    fields |= {f"topic_{topic.value}": BLOCKED for topic in rules.blocked_topics}
    return fields | {
        "quiet": "" if rules.quiet_from is None else _TICKED,
        "quiet_from": _clock(rules.quiet_from),
        "quiet_until": _clock(rules.quiet_until),
        "own_blocked": "\n".join(rules.own_blocked),
        "voice": rules.voice or "",
        "language": rules.language or "",
        "transcript_days": str(rules.transcript_days),
        "revision": str(rules.revision),
    }


def fields_sent(form: Form) -> Fields:
    """Return the fields as a browser has sent them."""
    boxes = {"quiet", *_BOXES}
    return {
        name: (_TICKED if form.is_ticked(name) else "") if name in boxes else form.text(name)
        for name in fields_of(ChildRules(""))
    }


def read_rules(
    child: str, fields: Fields, choices: Choices
) -> tuple[ChildRules | None, dict[str, str]]:
    """Return the rules that fields stand for, or None and what is wrong: field to text key."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, span in _NUMBERS.items():
        values[name] = _read_number(name, fields, span, errors)
    days = _read_number("transcript_days", fields, TRANSCRIPT_DAYS, errors)
    if days is None and "transcript_days" not in errors:
        errors["transcript_days"] = "errors.transcript_days"
    quiet = _read_quiet_hours(fields, errors)
    blocked = _read_words(fields["own_blocked"], errors)
    for name, known in (("voice", choices.voices), ("language", choices.languages)):
        values[name] = fields[name] or None
        if fields[name] and fields[name] not in known:
            errors[name] = "errors.choose"
    for topic in Topic:
        if fields[f"topic_{topic.value}"] not in ("", OPEN, BLOCKED):
            errors[f"topic_{topic.value}"] = "errors.choose"
    revision = fields["revision"]
    if not revision.isdecimal() or len(revision) > 9:
        errors["revision"] = "errors.choose"
    ticked: dict[str, Any] = {name: bool(fields[name]) for name in _BOXES}
    rules = replace(
        ChildRules(child),
        **ticked,
        open_topics=_chosen(fields, OPEN),
        blocked_topics=_chosen(fields, BLOCKED),
        quiet_from=quiet[0],
        quiet_until=quiet[1],
        own_blocked=blocked,
        **values,
    )
    ceiling, night = rules.volume_ceiling, rules.night_volume
    if ceiling is not None and night is not None and night > ceiling:
        errors["night_volume"] = "errors.night_volume_high"
    if errors:
        return None, errors
    return replace(rules, transcript_days=days or 1, revision=int(revision)), {}


def changed_meanwhile(sent: Fields, current: ChildRules) -> dict[str, str]:
    """Return the fields in which what is stored differs from what was sent, as they are stored."""
    return {
        name: stored
        for name, stored in fields_of(current).items()
        if name != "revision" and stored != sent[name]
    }


def _read_number(name: str, fields: Fields, span: Span, errors: dict[str, str]) -> int | None:
    text = fields[name]
    if not text:
        return None
    # isdecimal takes digits of every script, and so does int.
    if text.isdecimal() and len(text) < 5 and span.least <= int(text) <= span.most:
        return int(text)
    errors[name] = f"errors.{name}"
    return None


def _read_quiet_hours(fields: Fields, errors: dict[str, str]) -> tuple[int | None, int | None]:
    if not fields["quiet"]:
        return None, None
    times = []
    for name in ("quiet_from", "quiet_until"):
        if match := _TIME.fullmatch(fields[name]):
            times.append(int(match[1]) * 60 + int(match[2]))
        else:
            errors[name] = "errors.time"
    if len(times) < 2:
        return None, None
    if times[0] == times[1]:
        errors["quiet_until"] = "errors.quiet_same"
    return times[0], times[1]


def _read_words(text: str, errors: dict[str, str]) -> tuple[str, ...]:
    words = dict.fromkeys(" ".join(line.split()) for line in text.splitlines())
    words.pop("", None)
    if len(words) > MOST_OWN_WORDS:
        errors["own_blocked"] = "errors.words_many"
    elif any(len(word) > LONGEST_OWN_WORDS or not word.isprintable() for word in words):
        errors["own_blocked"] = "errors.words_long"
    else:
        try:
            ParentRules(own_blocked=tuple(words))
        except ValueError:
            errors["own_blocked"] = "errors.words_letters"
    return tuple(words)


def _chosen(fields: Fields, choice: str) -> frozenset[Topic]:
    return frozenset(topic for topic in Topic if fields[f"topic_{topic.value}"] == choice)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _clock(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"
