"""A connected toy as the page knows it: what it says of itself, and what it answers to commands."""

from relay.messages import Heartbeat, Hello
from relay.session import State
from relay.toy_commands import CommandResult

SILENT = CommandResult(False, error="no answer within 15 s")


def answer(value):
    return CommandResult(True, value, answered=True)


def refusal(error):
    return CommandResult(False, error=error, answered=True)


class Connected:
    """A toy that is there. `answers` are its answers by command, `asked` what it was asked."""

    def __init__(self, state=State.IDLE, firmware="0.0.9", answers=None, **health):
        self.state = state
        self.asked = []
        self.answers = {
            "chirp": answer(True),
            "wifi_status": answer({"ssid": "Home", "known": ["Home", "Grandma"]}),
            **(answers or {}),
        }
        self.health = Heartbeat.model_validate(
            {"type": "heartbeat", "rssi": -58, "heap_free": 1, "uptime_s": 1, **health}
        )
        self.hello = Hello.model_validate(
            {"type": "hello", "protocol": 1, "age": 6, "firmware": firmware, "board": "devkit"}
            | {"codecs": ("pcm",), "buffer_ms": 300}
        )

    async def command(self, name, args=None):
        self.asked.append((name, args))
        return self.answers.get(name, SILENT)
