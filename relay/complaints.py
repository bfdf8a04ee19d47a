"""What toys tell about themselves that whoever looks after the relay should read in the log."""

import logging

from relay.messages import Heartbeat, Hello
from relay.telemetry import log

_logger = logging.getLogger(__name__)


def of_hello(toy: str, hello: Hello) -> None:
    """Log a toy that comes back after a failure; `toy` is its id."""
    if hello.crash or hello.reset == "watchdog":
        what = "the toy started again after a failure"
        log(_logger, logging.WARNING, what, toy=toy, crash=hello.crash)
    if hello.safe_mode:
        log(_logger, logging.WARNING, "the toy is in safe mode and does not listen", toy=toy)


def of_heartbeat(toy: str, before: Heartbeat | None, beat: Heartbeat) -> None:
    """Log a Wi-Fi signal that has become weak, or good again."""
    was_weak = before is not None and bool(before.weak_signal)
    if bool(beat.weak_signal) != was_weak:
        what = "the toy's Wi-Fi is good again" if was_weak else "the toy's Wi-Fi is weak"
        log(_logger, logging.WARNING, what, toy=toy, rssi=beat.rssi)
