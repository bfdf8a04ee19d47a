"""What every session shares: settings, engines, the safety gate, canned lines, and who is told.

The engines and the gate are taken by what they can do, so that this core knows no engine by name.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from relay.age import AgeBand
from relay.config import Settings
from relay.lines import Lines
from relay.llm import LanguageModel
from relay.record import TurnObserver, TurnRecord
from relay.safety.parent import ParentRules
from relay.safety.verdict import Alert, Verdict
from relay.stt import SpeechToText
from relay.telemetry import log
from relay.terms import Guardian
from relay.tts import TextToSpeech

_logger = logging.getLogger(__name__)


class Toy(Protocol):
    """A paired toy, as the store knows it."""

    @property
    def id(self) -> str:
        """Stable identifier, not secret."""

    @property
    def name(self) -> str:
        """What the family calls it."""

    @property
    def age(self) -> int:
        """The child's age in years as the parent set it at the relay."""

    @property
    def child(self) -> str | None:
        """The id of the child whose it is, if it is one's."""


class Authenticate(Protocol):
    """Finds the toy that a token belongs to; None if it belongs to none or was revoked."""

    async def __call__(self, token: str, /) -> Toy | None:
        """Look the token up in constant time."""


class AlertSink(Protocol):
    """Keeps an alert for the parent. It gets no words of the child."""

    async def __call__(
        self, alert: Alert, *, toy: str, session: str, category: str, band: AgeBand
    ) -> None:
        """Store the alert; `toy` is the toy's id."""


class Safety(Protocol):
    """The safety gate: see relay.safety."""

    async def check_heard(
        self,
        text: str,
        band: AgeBand,
        *,
        alternatives: Sequence[str] = (),
        earlier: Sequence[str] = (),
        rules: ParentRules | None = None,
        lately: frozenset[Alert] = frozenset(),
    ) -> Verdict:
        """Judge what a child said, under the parent's `rules` and after its `lately` cries."""

    async def check_said(
        self, sentence: str, band: AgeBand, *, before: str = "", rules: ParentRules | None = None
    ) -> Verdict:
        """Judge a sentence that the toy is about to say, under the parent's `rules` too."""


class Engines(Protocol):
    """The three engines, ready to work."""

    @property
    def stt(self) -> SpeechToText:
        """What listens."""

    @property
    def llm(self) -> LanguageModel:
        """What thinks."""

    @property
    def tts(self) -> TextToSpeech:
        """What speaks."""


@dataclass
class Services:
    """Everything a session needs and none of them owns."""

    settings: Settings
    engines: Engines
    safety: Safety
    lines: Lines
    alerts: AlertSink
    guardian: Guardian
    observers: Sequence[TurnObserver] = ()
    _pending: set["asyncio.Task[None]"] = field(default_factory=set)
    _under_way: list[TurnRecord] = field(default_factory=list)

    def raise_alert(self, verdict: Verdict, *, toy: str, session: str, band: AgeBand) -> None:
        """Tell the parent, if the verdict asks for it, without keeping the child waiting.

        The task is kept here and not in the turn: an alert must reach the store even when the
        child interrupts the toy or walks away.
        """
        if verdict.alert is None:
            return
        task = asyncio.create_task(self._deliver(verdict.alert, verdict, toy, session, band))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _deliver(
        self, alert: Alert, verdict: Verdict, toy: str, session: str, band: AgeBand
    ) -> None:
        log(_logger, logging.WARNING, "alert", kind=alert, category=verdict.category, toy=toy)
        try:
            await self.alerts(alert, toy=toy, session=session, category=verdict.category, band=band)
        except Exception:
            log(_logger, logging.ERROR, "alert could not be stored", kind=alert, toy=toy)

    async def alerts_delivered(self, timeout_s: float) -> None:
        """Wait until every alert has been stored, at most `timeout_s`."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=timeout_s)

    def begin(self, record: TurnRecord) -> None:
        """Note that a turn is under way, until it is observed."""
        self._under_way.append(record)

    @property
    def under_way(self) -> Sequence[TurnRecord]:
        """The turns that go on."""
        return tuple(self._under_way)

    def children_waiting(self) -> int:
        """Return how many children have spoken and have heard nothing of the answer yet."""
        return sum(record.waits for record in self._under_way)

    def observe(self, record: TurnRecord) -> None:
        """Hand a finished turn to every observer; a broken one does not harm the others."""
        self._under_way = [each for each in self._under_way if each is not record]
        for observer in self.observers:
            try:
                observer(record)
            except Exception:
                log(_logger, logging.ERROR, "turn observer failed")
