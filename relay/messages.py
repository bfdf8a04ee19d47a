"""Messages as types: what a toy sends, parsed and checked; what the relay sends, built.

docs/protocol.md explains every message; the names come from device.protocol, which both share.
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from device.protocol import LAST_TURN, MAX_TEXT_BYTES, Message
from relay.errors import RelayError

_Turn = Annotated[int, Field(ge=1, le=LAST_TURN)]
_Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
_Name = Annotated[str, Field(max_length=64)]
_Rssi = Annotated[int, Field(ge=-128, le=20)]

_LONGEST_CRASH = 160


def _plain_crash(text: str) -> str:
    # Made plain rather than refused: a toy that has crashed must get in to tell of it.
    return re.sub(r"[^A-Za-z0-9_.: -]", "?", text[:_LONGEST_CRASH])


_Crash = Annotated[str, AfterValidator(_plain_crash)]


class BadMessage(RelayError):
    """A toy broke the protocol. The message names the field at fault and never quotes its value."""


class _FromToy(BaseModel):
    # Unknown fields are ignored, so that newer firmware can talk to an older relay.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Hello(_FromToy):
    """The toy says what it is. A missing age is for the age gate to refuse, not a bad message."""

    type: Literal["hello"]
    protocol: Literal[1]
    age: int | None = None
    firmware: _Name
    board: _Name
    codecs: Annotated[tuple[Literal["pcm", "adpcm"], ...], Field(min_length=1, max_length=8)]
    buffer_ms: Annotated[int, Field(ge=100, le=5000)]
    mpy: _Count | None = None  # sys.implementation._mpy: which compiled code the toy loads
    reset: _Name | None = None
    reconnects: _Count | None = None
    crash: _Crash | None = None
    safe_mode: bool | None = None


class Listen(_FromToy):
    """The paw was squeezed: sound of turn `turn` follows."""

    type: Literal["listen"]
    turn: _Turn
    mode: Literal["hold", "tap"]


class ListenEnd(_FromToy):
    """The paw was released after `frames` frames of sound."""

    type: Literal["listen_end"]
    turn: _Turn
    frames: _Count


class Cancel(_FromToy):
    """The child has changed its mind."""

    type: Literal["cancel"]
    turn: _Turn


class Played(_FromToy):
    """The last sample of the reply has left the speaker."""

    type: Literal["played"]
    turn: _Turn
    played_ms: _Count
    underruns: _Count


class Heartbeat(_FromToy):
    """The toy is alive; how it feels."""

    type: Literal["heartbeat"]
    rssi: _Rssi | None
    heap_free: _Count
    uptime_s: _Count
    heap_largest: _Count | None = None
    overruns: _Count | None = None
    underruns: _Count | None = None
    reconnects: _Count | None = None
    weak_signal: bool | None = None
    battery_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    temperature_c: Annotated[float, Field(ge=-100, le=200)] | None = None


class Result(_FromToy):
    """The toy's answer to a command."""

    type: Literal["result"]
    id: _Name
    ok: bool
    value: Any = None
    error: Annotated[str, Field(max_length=256)] | None = None


class Goodbye(_FromToy):
    """The toy is about to sleep or restart."""

    type: Literal["goodbye"]
    reason: Annotated[str, Field(max_length=128)]


FromToy = Hello | Listen | ListenEnd | Cancel | Played | Heartbeat | Result | Goodbye
_FROM_TOY: TypeAdapter[FromToy] = TypeAdapter(Annotated[FromToy, Field(discriminator="type")])


def parse(text: str) -> FromToy:
    """Return the message in a text frame; BadMessage says which field is wrong."""
    try:
        return _FROM_TOY.validate_json(text)
    except ValidationError as error:
        # Only our own names reach the reason: pydantic's own words may quote what was sent.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadMessage(_reason(first["type"], first["loc"])) from None
    except (ValueError, RecursionError):
        raise BadMessage("not valid JSON") from None


def _reason(kind: str, location: tuple[int | str, ...]) -> str:
    if kind == "json_invalid":
        return "not valid JSON"
    if kind == "union_tag_not_found":
        return "type is missing"
    if kind == "union_tag_invalid":
        return "type is unknown"
    if not location:
        return "not a JSON object"
    name = ".".join(str(part) for part in location)
    return f"{name} is missing" if kind == "missing" else f"{name} has a wrong type or range"


def _build(kind: str, **fields: Any) -> str:  # noqa: ANN401 - JSON is any type
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def welcome(
    *,
    session: str,
    codec: str,
    heartbeat_s: int,
    timeout_s: int,
    prebuffer_ms: int,
    max_listen_s: int,
    time_s: int,
    utc_offset_s: int,
) -> str:
    """Return the answer to a good hello; the time is as in `heartbeat_ack`."""
    return _build(
        Message.WELCOME,
        session=session,
        codec=codec,
        heartbeat_s=heartbeat_s,
        timeout_s=timeout_s,
        prebuffer_ms=prebuffer_ms,
        max_listen_s=max_listen_s,
        time_s=time_s,
        utc_offset_s=utc_offset_s,
    )


def endpoint(turn: int, reason: str) -> str:
    """Return "I have heard enough", with a reason of `EndpointReason`."""
    return _build(Message.ENDPOINT, turn=turn, reason=reason)


def speech_start(turn: int) -> str:
    """Return the announcement of a reply's sound."""
    return _build(Message.SPEECH_START, turn=turn)


def speech_stop(turn: int, reason: str, frames: int) -> str:
    """Return the end of a reply's sound, with a reason of `StopReason`."""
    return _build(Message.SPEECH_STOP, turn=turn, reason=reason, frames=frames)


def heartbeat_ack(time_s: int, utc_offset_s: int) -> str:
    """Return the answer to a heartbeat: Unix time, and how far local time is ahead of UTC."""
    return _build(Message.HEARTBEAT_ACK, time_s=time_s, utc_offset_s=utc_offset_s)


def command(identifier: str, name: str, args: dict[str, Any]) -> str:
    """Return a command; ValueError if it is too large for a toy."""
    text = _build(Message.COMMAND, id=identifier, name=name, args=args)
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise ValueError(f"command {name} is larger than {MAX_TEXT_BYTES} bytes")
    return text


def error(code: str, message: str, correlation: str) -> str:
    """Return a notice of something that went wrong and does not end the connection."""
    return _build(Message.ERROR, code=code, message=message, correlation=correlation)
