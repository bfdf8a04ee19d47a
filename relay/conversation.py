"""What toy and child said lately: the model's memory of the talk. In RAM only, small, forgetful.

Only turns whose every word safety allowed come in here, so that a blocked subject cannot seep into
later answers.
"""

from relay.llm import ChatMessage, Role
from relay.safety.verdict import CRIES_FOR_HELP, Alert

MOST_EXCHANGES = 4
MOST_CHARACTERS = 1500
FORGET_AFTER_S = 300.0
REMEMBER_S = 24 * 3600.0
"""Where a parent lets the toy remember from one talk to the next."""
CARE_S = 15 * 60.0
"""How long after a cry for help what a child says is heard in its light."""


class Conversation:
    """The last few exchanges of one session. The caller brings the time (monotonic seconds)."""

    def __init__(self) -> None:
        self._forget_after_s = FORGET_AFTER_S
        self._exchanges: list[tuple[str, str]] = []
        self._last_at = 0.0
        self._cried_at: dict[Alert, float] = {}

    def add(self, heard: str, said: str, now: float) -> None:
        """Remember one allowed exchange.

        When there are too many the older half goes at once: a language model keeps what it has read
        as long as the beginning stays the same, so that dropping one each turn would cost a full
        reading each turn.
        """
        self._forget_old(now)
        self._exchanges.append((heard[:MOST_CHARACTERS], said[:MOST_CHARACTERS]))
        self._last_at = now
        while len(self._exchanges) > 1 and self._too_long():
            del self._exchanges[: (len(self._exchanges) + 1) // 2]

    def messages(self, now: float) -> list[ChatMessage]:
        """Return the exchanges as messages for a model, oldest first, each answer once."""
        self._forget_old(now)
        # A small model takes an answer that it finds twice for the pattern of every further one.
        first = {said: number for number, (_, said) in reversed([*enumerate(self._exchanges)])}
        return [
            message
            for number, (heard, said) in enumerate(self._exchanges)
            if first[said] == number
            for message in (ChatMessage(Role.CHILD, heard), ChatMessage(Role.TOY, said))
        ]

    def child_said(self, now: float) -> tuple[str, ...]:
        """Return what the child said in these exchanges, oldest first."""
        self._forget_old(now)
        return tuple(heard for heard, _ in self._exchanges)

    def alerted(self, alert: Alert, now: float) -> None:
        """Remember that the child cried for help, and not its words; other alerts do not count."""
        if alert in CRIES_FOR_HELP:
            self._cried_at[alert] = now

    def cries(self, now: float) -> frozenset[Alert]:
        """Return what the child cried for help about in the last CARE_S seconds."""
        return frozenset(alert for alert, at in self._cried_at.items() if now - at <= CARE_S)

    def remember_long(self, long: bool) -> None:
        """Keep what was said for a day, as a parent may allow, or until the talk is over."""
        self._forget_after_s = REMEMBER_S if long else FORGET_AFTER_S

    def _forget_old(self, now: float) -> None:
        if now - self._last_at > self._forget_after_s:
            self._exchanges.clear()

    def _too_long(self) -> bool:
        characters = sum(len(heard) + len(said) for heard, said in self._exchanges)
        return len(self._exchanges) > MOST_EXCHANGES or characters > MOST_CHARACTERS
