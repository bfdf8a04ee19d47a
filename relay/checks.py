"""The safety gate as the pipeline asks it: whatever the gate does, there is an answer in time.

The gate fails closed by itself. This is the bolt behind it: should the gate raise or hang, the
child hears a kind line, the parent is told, and no unchecked word passes.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from relay.age import AgeBand
from relay.lines import Situation
from relay.safety.parent import NO_RULES, ParentRules
from relay.safety.verdict import Action, Alert, Verdict
from relay.services import Safety
from relay.streams import within
from relay.stt import Transcript
from relay.telemetry import log

_logger = logging.getLogger(__name__)

# The gate answers within its own time-out; this one is for a gate that does not.
_GRACE_S = 1.0


class Checks:
    """Asks the gate about one child's words and the toy's answers; `judged` hears every verdict."""

    def __init__(
        self,
        gate: Safety,
        timeout_ms: int,
        band: AgeBand,
        judged: Callable[[Verdict], None],
        rules: ParentRules = NO_RULES,
    ) -> None:
        self._gate = gate
        self._judged = judged
        self._timeout_s = timeout_ms / 1000 + _GRACE_S
        self._band = band
        self._rules = rules

    async def heard(
        self, transcript: Transcript, earlier: Sequence[str], lately: frozenset[Alert]
    ) -> Verdict:
        """Judge what the child said, knowing the turns before and its cries for help `lately`."""
        return await self._closed(
            self._gate.check_heard(
                transcript.text,
                self._band,
                alternatives=transcript.alternatives,
                earlier=earlier,
                rules=self._rules,
                lately=lately,
            )
        )

    async def said(self, sentence: str, before: str) -> Verdict:
        """Judge a sentence of the model, knowing the sentences before it."""
        return await self._closed(
            self._gate.check_said(sentence, self._band, before=before, rules=self._rules)
        )

    async def _closed(self, check: Awaitable[Verdict]) -> Verdict:
        verdict = await self._asked(check)
        self._judged(verdict)
        return verdict

    async def _asked(self, check: Awaitable[Verdict]) -> Verdict:
        try:
            return await within(check, self._timeout_s)
        except Exception as error:
            log(_logger, logging.ERROR, "safety check failed", error=type(error).__name__)
            return Verdict(
                Action.BLOCK,
                category="check_failed",
                rule=type(error).__name__,
                reply=Situation.CHECK_FAILED.value,
                alert=Alert.CHECK_FAILED,
            )
