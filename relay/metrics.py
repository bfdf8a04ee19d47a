"""Figures of a running relay for Prometheus: times, outcomes and load; no names, ids or words.

`GET /metrics` on the toys' port shows them, to the addresses in the settings only. The times are
those of `python -m tools.bench latency`, counted over real conversations.
"""

import asyncio
import http
import ipaddress
from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response

from relay.config import MetricsSettings
from relay.record import Stage, TurnRecord
from relay.safety.verdict import Action
from relay.session import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# What takes a child's time. What comes later depends on how long the answer is.
_STAGES = (
    Stage.TEXT,
    Stage.HEARD_CHECKED,
    Stage.FIRST_TOKEN,
    Stage.FIRST_SENTENCE,
    Stage.SAID_CHECKED,
    Stage.FIRST_SPEECH,
    Stage.FIRST_FRAME,
)
_TURN_BUCKETS_S = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.2, 1.6, 2, 3, 5, 10)
_LAG_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)
_LAG_EVERY_S = 0.25
_KEPT, _THROWN_AWAY = "kept", "thrown_away"


class Connected(Protocol):
    """A connected toy, as far as it is counted."""

    @property
    def state(self) -> State:
        """Where its session stands."""


class Metrics:
    """Counts what the relay does; `observe` is a turn observer, `watch_loop` a task."""

    def __init__(self, settings: MetricsSettings) -> None:
        self._allowed = [ipaddress.ip_network(each) for each in settings.allow]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # memory, processor time, open files
        self._stages = Histogram(
            "bramble_turn_stage_seconds",
            "From the end of a question to a stage of its answer; 0 if it was reached before",
            ["stage"],
            buckets=_TURN_BUCKETS_S,
            registry=registry,
        )
        self._after_voice = Histogram(
            "bramble_turn_after_voice_seconds",
            "From the last voice heard to the first sound of the answer",
            buckets=_TURN_BUCKETS_S,
            registry=registry,
        )
        self._turns = Counter("bramble_turns", "Turns by outcome", ["outcome"], registry=registry)
        self._verdicts = Counter(
            "bramble_verdicts", "Answers of the safety filter", ["action"], registry=registry
        )
        self._early = Counter(
            "bramble_speculations",
            "Answers begun before the end of a question was certain: spoken, or thrown away",
            ["result"],
            registry=registry,
        )
        self._lost = Counter(
            "bramble_history_lost",
            "Turns that could not be written for the parents",
            registry=registry,
        )
        self._lag = Histogram(
            "bramble_event_loop_lag_seconds",
            "How much later than asked for the event loop woke up",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self._toys = Gauge(
            "bramble_toys", "Connected toys by what they do", ["state"], registry=registry
        )
        for action in Action:
            self._verdicts.labels(action.value)
        for result in (_KEPT, _THROWN_AWAY):
            self._early.labels(result)

    def observe(self, record: TurnRecord) -> None:
        """Count a turn that has ended."""
        for stage in _STAGES:
            elapsed_ms = record.between_ms(Stage.END_OF_SPEECH, stage)
            if elapsed_ms is not None:
                self._stages.labels(stage.value).observe(max(0.0, elapsed_ms / 1000))
        after_voice_ms = record.between_ms(Stage.LAST_VOICE, Stage.FIRST_FRAME)
        if after_voice_ms is not None:
            self._after_voice.observe(after_voice_ms / 1000)
        if record.outcome is not None:
            self._turns.labels(record.outcome.value).inc()
        for verdict in record.verdicts:
            self._verdicts.labels(verdict.action.value).inc()
        self._early.labels(_KEPT).inc(record.speculation_kept)
        self._early.labels(_THROWN_AWAY).inc(record.speculations - record.speculation_kept)

    def lose(self, count: int) -> None:
        """Count turns that could not be written for the parents."""
        self._lost.inc(count)

    async def watch_loop(self) -> None:
        """Measure how late the event loop wakes up, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            self._lag.observe(max(0.0, clock() - due))

    def page(self, sessions: Iterable[Connected]) -> str:
        """Return all figures in Prometheus' text format, those of now for `sessions`."""
        counts = Tally(session.state for session in sessions)
        for state in State:
            self._toys.labels(state.value).set(counts[state])
        return generate_latest(self._registry).decode("utf-8")

    def respond(
        self, connection: ServerConnection, sessions: Mapping[str, Connected]
    ) -> Response | None:
        """Return the answer to a request for the figures, None to whom they are not shown."""
        address = str(connection.remote_address[0]) if connection.remote_address else ""
        if not self.allows(address):
            return None
        response = connection.respond(http.HTTPStatus.OK, self.page(sessions.values()))
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = CONTENT_TYPE
        return response

    def allows(self, address: str) -> bool:
        """Tell whether a computer with this address may see the figures."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        # A listener on "::" sees IPv4 addresses as ::ffff:a.b.c.d.
        plain = getattr(ip, "ipv4_mapped", None) or ip
        return any(plain in network for network in self._allowed)
