"""Tickets: how a page's script shows that a parent has opened the page. Pure.

A browser can give a WebSocket no header of its own. So a form, with all that forms are checked for,
gets a ticket: random, good once and for seconds, only with the cookie that it was asked for with.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LASTS_S = 30.0
MOST = 100


@dataclass(frozen=True)
class Trial:
    """A parent's browser as a toy. `login` is the digest of its session.

    `age` in years; `child` is the child whose rules hold, None for an age alone.
    """

    login: bytes
    household: str
    age: int
    child: str | None = None


class Tickets:
    """The tickets that wait to be used; `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: dict[bytes, tuple[float, Trial]] = {}

    def issue(self, trial: Trial) -> str:
        """Return a new ticket: 256 random bits. It replaces the one that the log-in had."""
        now = self._now()
        kept = {
            digest: (expires, other)
            for digest, (expires, other) in self._waiting.items()
            if expires > now and other.login != trial.login
        }
        self._waiting = dict(list(kept.items())[-(MOST - 1) :])
        ticket = secrets.token_urlsafe(32)
        self._waiting[_digest(ticket)] = (now + LASTS_S, trial)
        return ticket

    def redeem(self, ticket: str, login: bytes) -> Trial | None:
        """Use a ticket up and return what it is good for; None if that is nothing, or no more.

        `login` is the digest of the session of whoever brings it.
        """
        expires, trial = self._waiting.pop(_digest(ticket), (0.0, None))
        if trial is None or self._now() >= expires:
            return None
        return trial if hmac.compare_digest(trial.login, login) else None


def _digest(ticket: str) -> bytes:
    # Looked up by its digest, so that the time it takes tells nothing of those that wait.
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
