"""The log: one line an event, tied to its session and turn, without words and secrets.

logger = logging.getLogger(__name__)
with correlated(session="3fa9c2d81b07", turn=7):
    log(logger, logging.INFO, "turn ended", outcome="answered")
"""

import contextlib
import json
import logging
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TextIO

from relay.config import LogSettings
from relay.record import Stage, TurnRecord
from relay.redaction import clean_field, clean_text, describe_traceback
from relay.safety.verdict import Action

# At DEBUG, websockets prints frames and the Authorization header, httpx and httpcore print
# requests, SQLAlchemy prints values. They are held here whatever level the relay logs at.
_QUIETED = {
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "faster_whisper": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "pyttsx3": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "uvicorn": logging.WARNING,
    "websockets": logging.WARNING,
}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Correlation:
    """What ties the lines of one conversation together: session id (12 hex digits) and turn."""

    session: str = ""
    turn: int = 0


correlation: ContextVar[Correlation] = ContextVar("correlation")


def current_correlation() -> Correlation:
    """Return the session and turn that this task works for; empty outside of any."""
    return correlation.get(Correlation())


def new_session_id() -> str:
    """Return a fresh session id: 12 hex digits."""
    return secrets.token_hex(6)


@contextlib.contextmanager
def correlated(*, session: str | None = None, turn: int | None = None) -> Iterator[Correlation]:
    """Log under this session and turn inside the block; what is not given stays as it was."""
    inside = current_correlation()
    if session is not None:
        inside = replace(inside, session=session)
    if turn is not None:
        inside = replace(inside, turn=turn)
    before = correlation.set(inside)
    try:
        yield inside
    finally:
        correlation.reset(before)


def log(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log `event` (fixed words) with its details; correlation ids are added by themselves.

    Inside an `except` block at ERROR and above, the place the exception came from is added.
    """
    if logger.isEnabledFor(level):
        with_exception = level >= logging.ERROR and sys.exc_info()[0] is not None
        logger.log(level, event, extra={"fields": fields}, exc_info=with_exception, stacklevel=2)


def log_turn(record: TurnRecord) -> None:
    """Log how a turn went: a turn observer. Times and verdict categories, no words.

    Times are milliseconds after the end of the child's speech, negative for what an answer begun
    early had reached before; a stage that was not reached is left out.
    """
    after_speech = {
        f"{stage.value}_ms": round(elapsed)
        for stage in Stage
        if stage not in (Stage.LISTEN, Stage.LAST_VOICE, Stage.END_OF_SPEECH)
        and (elapsed := record.between_ms(Stage.END_OF_SPEECH, stage)) is not None
    }
    stopped = [
        f"{verdict.action.value}:{verdict.category}"
        for verdict in record.verdicts
        if verdict.action is not Action.ALLOW
    ]
    with correlated(session=record.session, turn=record.turn):
        log(
            _logger,
            logging.INFO,
            "turn ended",
            toy=record.toy,
            outcome=record.outcome,
            audio_in_ms=record.audio_in_ms,
            audio_out_ms=record.audio_out_ms,
            speculations=record.speculations,
            speculation_kept=record.speculation_kept,
            **after_speech,
            **({"stopped": stopped} if stopped else {}),
        )


def _entry(record: logging.LogRecord) -> dict[str, object]:
    """Return what of a log record may be printed."""
    ids = current_correlation()
    entry: dict[str, object] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        + f".{int(record.msecs):03d}Z",
        "level": record.levelname,
        "logger": record.name,
        "event": clean_text(_message(record)),
    }
    if ids.session:
        entry["session"] = ids.session
    if ids.turn:
        entry["turn"] = ids.turn
    fields = getattr(record, "fields", None)
    if fields:
        entry["fields"] = {
            clean_text(name): clean_field(name, value) for name, value in fields.items()
        }
    if record.exc_info and record.exc_info[1] is not None:
        entry["exception"] = describe_traceback(record.exc_info[1])
    return entry


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    # asyncio quotes the exception, the arguments of callbacks and tasks: all that it says of what
    # nobody caught comes after the first bracket or line. The place is in the traceback.
    return re.split(r"[\n(<]", message)[0].strip() if record.name == "asyncio" else message


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its end."""
        return json.dumps(_entry(record), ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """One readable line an event; an exception adds indented lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, without the last end of line."""
        entry = _entry(record)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        ids = "".join(f" {name}={entry[name]}" for name in ("session", "turn") if name in entry)
        fields = entry.get("fields", {})
        assert isinstance(fields, dict)  # noqa: S101 - for the type checker; _entry made it
        details = "".join(f" {name}={_readable(value)}" for name, value in fields.items())
        lines = [f"{clock} {record.levelname:<7} {entry['event']}{ids}{details}"]
        trace = entry.get("exception", [])
        assert isinstance(trace, list)  # noqa: S101
        return "\n".join(lines + [f"    {line}" for line in trace])


def _readable(value: object) -> str:
    if isinstance(value, str) and value and not any(c.isspace() or c in '"=' for c in value):
        return value
    return json.dumps(value, ensure_ascii=False)


def set_up_logging(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send the log to `stream` (standard error) in the format set; repeating it is harmless."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name("bramble")
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in [h for h in root.handlers if h.get_name() == "bramble"]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for package in ("relay", "tools"):
        logging.getLogger(package).setLevel(settings.level)
    for name, least in _QUIETED.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(True)


def log_uncaught_exceptions() -> None:
    """Have what no code catches logged like the rest: Python would print its message and all."""

    def uncaught(kind: type[BaseException], error: BaseException | None, place: str) -> None:
        if error is not None and not issubclass(kind, KeyboardInterrupt | SystemExit):
            _logger.critical("uncaught exception in %s", place, exc_info=error)

    sys.excepthook = lambda kind, error, _: uncaught(kind, error, "the main thread")
    sys.unraisablehook = lambda args: uncaught(args.exc_type, args.exc_value, "a finaliser")
    threading.excepthook = lambda args: uncaught(args.exc_type, args.exc_value, "a thread")
