"""Messages as the toy makes and reads them; docs/protocol.md says what each means. Pure."""

import json

from device.protocol import MAX_TEXT_BYTES, TOY_CODEC, Message

_NUMBER = (int, float)

# Of each message that the toy understands, the fields it needs and their types.
_FIELDS = {
    Message.WELCOME: (
        ("session", str),
        ("codec", str),
        ("heartbeat_s", _NUMBER),
        ("timeout_s", _NUMBER),
        ("prebuffer_ms", _NUMBER),
        ("max_listen_s", _NUMBER),
    ),
    Message.ENDPOINT: (("turn", int), ("reason", str)),
    Message.SPEECH_START: (("turn", int),),
    Message.SPEECH_STOP: (("turn", int), ("reason", str)),
    Message.HEARTBEAT_ACK: (),
    Message.COMMAND: (("id", str), ("name", str), ("args", dict)),
    Message.ERROR: (("code", str), ("message", str)),
}


class CommandError(Exception):
    """A command cannot be carried out; the message says why in plain words."""


class BadMessage(Exception):
    """The relay sent something that docs/protocol.md does not allow; says which field."""


def parse(payload):
    """Return the message, a dict, in the bytes of a text frame; BadMessage if it is none."""
    try:
        message = json.loads(payload)
    except ValueError:
        raise BadMessage("not JSON")
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise BadMessage("unknown type")
    for name, wanted in _FIELDS[kind]:
        value = message.get(name)
        # A bool is an int to isinstance, but not to a reader of the protocol.
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise BadMessage("%s: field %s" % (kind, name))
    if kind == Message.WELCOME:
        _check_welcome(message)
    return message


def _check_welcome(welcome):
    if welcome["codec"] != TOY_CODEC:
        raise BadMessage("welcome: field codec")
    for name, least, most in (
        ("heartbeat_s", 0.1, 300),
        ("timeout_s", 0.2, 600),
        ("prebuffer_ms", 0, 5000),
        ("max_listen_s", 1, 300),
    ):
        if not least <= welcome[name] <= most:
            raise BadMessage("welcome: field %s" % name)


def result(command_id, value=None, error=None):
    """Return the answer to a command; an answer too long for a frame becomes an error."""
    message = {"type": Message.RESULT, "id": command_id, "ok": error is None}
    if error is None:
        message["value"] = value
    else:
        message["error"] = error
    if len(json.dumps(message)) > MAX_TEXT_BYTES:
        return result(command_id, error="the answer is too long")
    return message
