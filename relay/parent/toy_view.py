"""How a toy is doing now, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from relay.parent.services import ConnectedToy
from relay.session import State
from relay.store.children import Child
from relay.store.toy import Toy

# dBm; what 2.4 GHz networks need for a stream of speech without gaps.
_GOOD_DBM = -67
_WEAK_DBM = -75
_LOW_PERCENT = 15

_WORDS = {
    State.OPENING: "offline",
    State.IDLE: "ready",
    State.LISTENING: "listening",
    State.THINKING: "thinking",
    State.SPEAKING: "speaking",
    State.CLOSED: "offline",
}


@dataclass(frozen=True)
class ToyView:
    """A toy for the page. `state` and `signal` are keys below texts "state" and "signal"."""

    toy: Toy
    child: Child | None
    state: str
    signal: str | None = None
    battery_percent: int | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the toy can hear the relay now."""
        return self.state not in ("offline", "never")

    @property
    def battery_is_low(self) -> bool:
        """Whether it should be charged soon."""
        return self.battery_percent is not None and self.battery_percent <= _LOW_PERCENT


def view_of(
    toy: Toy, children: Mapping[str, Child], sessions: Mapping[str, ConnectedToy]
) -> ToyView:
    """Return how a toy is doing; `sessions` are the connected ones."""
    child = children.get(toy.child or "")
    session = sessions.get(toy.id)
    state = "offline" if session is None else _WORDS[session.state]
    if state == "offline":
        return ToyView(toy, child, "offline" if toy.last_seen else "never")
    if toy.paused and state == "ready":
        state = "resting"
    health = session.health if session else None
    return ToyView(
        toy,
        child,
        state,
        None if health is None or health.rssi is None else signal_word(health.rssi),
        None if health is None else health.battery_percent,
    )


def signal_word(rssi: int) -> str:
    """Return the key below texts "signal" for a signal in dBm."""
    if rssi >= _GOOD_DBM:
        return "good"
    return "fair" if rssi > _WEAK_DBM else "weak"
