"""The last line of defence of the log: what must never be printed is cut out of every line.

The first line is not to log it at all. Here, values are judged by the name they are logged under,
free text is searched for what looks like a secret, and an unexpected exception is reduced to its
type and where it was raised, because its message may quote what a child said.
"""

import enum
import re
import traceback
from collections.abc import Mapping
from pathlib import Path

from relay.errors import RelayError

HIDDEN = "[hidden]"
LONGEST_TEXT = 300
_DEEPEST = 4

# One part of a field name (split at "_" and "-") is enough to hide what it holds.
_SECRET_PARTS = {"authorization", "bearer", "cookie", "credential"}
# A number is a count or a time, as in `first_token_ms`; only these names end in a numeric secret.
_NUMERIC_SECRETS = {"key", "passphrase", "password", "psk", "secret", "token"}
_WORD_PARTS = {"alternatives", "answer", "content", "heard", "prompt", "question", "reply"}
_MORE_WORD_PARTS = {"said", "sentence", "sentences", "text", "transcript", "words"}
_HIDING_PARTS = _SECRET_PARTS | _NUMERIC_SECRETS | _WORD_PARTS | _MORE_WORD_PARTS

_SECRETS_IN_TEXT = (
    # RFC 6750: credentials after "Bearer".
    (re.compile(r"(?i)\bbearer\s+\S+"), f"Bearer {HIDDEN}"),
    # A toy's token wherever it stands: anything, a dot, 43 characters of base64url.
    (re.compile(r"[\w-]*\.[A-Za-z0-9_-]{43,}"), HIDDEN),
    (re.compile(r"\b(?:sk|pk)-[\w-]{8,}"), HIDDEN),
    # user:password@ in an address.
    (re.compile(r"://[^\s/@]+@"), f"://{HIDDEN}@"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passphrase|secret|token|psk|api[_-]?key|authorization))"
            r"""(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|\S+)"""
        ),
        rf"\1\2{HIDDEN}",
    ),
)

# Messages of these are written by us, by the system or about code, and quote nothing a child said.
_SAFE_EXCEPTIONS = (RelayError, OSError, ImportError, TypeError, AttributeError, NameError)


def clean_text(text: str) -> str:
    """Return `text` without secrets, on one line, at most LONGEST_TEXT characters long."""
    for pattern, replacement in _SECRETS_IN_TEXT:
        text = pattern.sub(replacement, text)
    # Control characters could forge lines of the log or drive a terminal.
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "..."


def clean_field(name: str, value: object, depth: int = 0) -> object:
    """Return `value` as it may be logged under `name`: plain data, nothing private in it."""
    if isinstance(value, enum.Enum):
        value = value.value
    parts = re.split(r"[_\-.\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if value is None or isinstance(value, bool | int | float):
        return HIDDEN if parts[-1] in _NUMERIC_SECRETS and value is not None else value
    if not _HIDING_PARTS.isdisjoint(parts):
        return HIDDEN
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {clean_text(str(k)): clean_field(str(k), v, depth + 1) for k, v in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [clean_field(name, item, depth + 1) for item in value]
    return _clean_scalar(value)


def _clean_scalar(value: object) -> str:
    if isinstance(value, str | Path):
        return clean_text(str(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, BaseException):
        return describe_exception(value)
    # An object's repr may hold anything.
    return type(value).__name__


def describe_exception(error: BaseException) -> str:
    """Return the type of `error`, and its message only where that cannot quote a child."""
    kind = type(error).__name__
    # UnicodeError and JSON errors quote their input; so may any ValueError.
    if isinstance(error, _SAFE_EXCEPTIONS) and not isinstance(error, ValueError):
        return clean_text(f"{kind}: {error}")
    return kind


def describe_traceback(error: BaseException) -> list[str]:
    """Return where `error` and its causes were raised, one line each, without their values."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(describe_exception(current))
        lines += [
            f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(current.__traceback__)
        ]
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return lines
