"""Messages as the toy makes and reads them; docs/protocol.md says what each means. Pure."""

import json

from device.protocol import MAX_TEXT_BYTES, TOY_CODEC, Message

# Of each message that the toy understands, the fields it needs, each with the first letter of its
# type: s(tring), i(nteger), n(umber), d(ict). A text, for tuples would take 1 KB of the heap.
_FIELDS = {
    Message.WELCOME: "session:s codec:s heartbeat_s:n timeout_s:n prebuffer_ms:n max_listen_s:n",
    Message.ENDPOINT: "turn:i reason:s",
    Message.SPEECH_START: "turn:i",
    Message.SPEECH_STOP: "turn:i reason:s",
    Message.HEARTBEAT_ACK: "",
    Message.COMMAND: "id:s name:s args:d",
    Message.ERROR: "code:s message:s",
}
_TYPES = {"s": str, "i": int, "n": (int, float), "d": dict}


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
    for field in _FIELDS[kind].split():
        name, _, letter = field.partition(":")
        value = message.get(name)
        # A bool is an int to isinstance, but not to a reader of the protocol.
        if not isinstance(value, _TYPES[letter]) or isinstance(value, bool):
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
