"""The answer to one transcript, in the making.

A draft may be begun before it is sure that the child has finished. Until `commit` nothing of it
leaves this object: no sound, no alert, no line of the record, nothing to remember.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, Callable

from relay.checks import Checks
from relay.farewell import farewell
from relay.lines import Situation
from relay.llm import ChatMessage, Role
from relay.persona import most_words
from relay.record import Outcome, Stage, TurnRecord
from relay.reply import Reply
from relay.safety.verdict import Action, Alert, Verdict
from relay.services import Services
from relay.speech import Utterance
from relay.streams import ReadAhead
from relay.stt import Transcript
from relay.talk import Talk
from relay.terms import Terms
from relay.trace import Trace
from relay.trouble import NoAnswer
from relay.urgency import Urgency
from relay.warming import read_ahead

SOUNDS_AHEAD = 2
"""Sound is 32 KB a second: two sentences ready are enough to leave no gap."""

_WORD = re.compile(r"[^\W_]+")


class Draft:
    """An async iterator of checked utterances, which works from the start until it is closed.

    Reading it raises EngineError, or NoAnswer when a canned line is to be spoken instead.
    """

    def __init__(
        self,
        services: Services,
        talk: Talk,
        terms: Terms,
        transcript: Transcript,
        urgency: Urgency,
    ) -> None:
        self.transcript = transcript
        self._terms = terms
        self._services = services
        self._talk = talk
        self._trace = Trace()
        self._trace.reached(Stage.TEXT)
        now = time.monotonic()
        self._prompt = talk.prompt(now)
        self._earlier = talk.conversation.child_said(now)
        self._cries = talk.conversation.cries(now)
        safety_ms = services.settings.safety.timeout_ms
        self._checks = Checks(
            services.safety, safety_ms, talk.band, self._trace.judged, terms.topics
        )
        self._reply = Reply(services, self._checks, self._trace, urgency, terms.style)
        self._instead: Outcome | None = None  # other words than the model's were spoken
        self._utterances = ReadAhead(self._make(), SOUNDS_AHEAD)

    def __aiter__(self) -> "Draft":
        return self

    async def __anext__(self) -> Utterance:
        return await anext(self._utterances)

    @property
    def outcome(self) -> Outcome:
        """How the turn ended, once all of it has been spoken."""
        if self._instead is not None:
            return self._instead
        return Outcome.REVIEWED if self._reply.stopped_by else Outcome.ANSWERED

    @property
    def memorable(self) -> bool:
        """Whether every word of child and model was allowed so far."""
        return self._instead is None and self._reply.stopped_by is None

    def is_for(self, transcript: Transcript) -> bool:
        """Tell whether this answers the words of `transcript`, and has not failed on the way."""
        return not self._failed and _words(transcript.text) == _words(self.transcript.text)

    async def stands_for(self, final: Transcript) -> bool:
        """Tell whether this answers `final`, what the child turned out to have said.

        It does not when the words differ, when it failed on the way, or when what else the words
        may have been is not allowed.
        """
        if not self.is_for(final):
            return False
        least = self._services.settings.stt.min_confidence
        if (final.confidence < least) != (self.transcript.confidence < least):
            return False
        if set(final.alternatives) <= set(self.transcript.alternatives):
            return True
        verdict = await self._checks.heard(final, self._earlier, self._cries)
        return verdict.action is Action.ALLOW

    def commit(self, record: TurnRecord, tell: Callable[[Verdict], None]) -> None:
        """Make this the answer: `record` gets what has happened and will, `tell` the verdicts."""
        self._reply.hurry()
        self._trace.publish(record, tell)

    def close(self) -> None:
        """Stop, and free the engines; harmless when repeated."""
        self._utterances.close()

    async def aclose(self) -> None:
        """Stop, and wait until the engines are free."""
        await self._utterances.aclose()

    @property
    def _failed(self) -> bool:
        unchecked = any(each.alert is Alert.CHECK_FAILED for each in self._trace.verdicts)
        error = self._utterances.error
        return unchecked or (error is not None and not isinstance(error, NoAnswer))

    async def _make(self) -> AsyncGenerator[Utterance, None]:
        async with contextlib.aclosing(self._answer()) as utterances:
            async for utterance in utterances:
                self._trace.reached(Stage.FIRST_SPEECH)
                yield utterance

    async def _answer(self) -> AsyncGenerator[Utterance, None]:
        text = self.transcript.text
        # The model reads while the gate judges; it says nothing before the gate has allowed it.
        reading = asyncio.create_task(self._read_ahead(text))
        try:
            verdict = await self._checks.heard(self.transcript, self._earlier, self._cries)
            self._trace.reached(Stage.HEARD_CHECKED)
            reading.cancel()  # the reply goes on where it stands
            # A cry for help is answered at any time of the day.
            if self._terms.resting is not None and verdict.alert is None:
                self._instead = Outcome.RESTED
                answer = self._reply.reviewed(self._terms.resting)
            elif verdict.action is not Action.ALLOW:
                self._instead = Outcome.REVIEWED
                answer = self._reply.reviewed(verdict.reply)
            # Checked first all the same: a cry for help must not be lost for being hard to hear.
            elif self.transcript.confidence < self._services.settings.stt.min_confidence:
                raise NoAnswer(Situation.NOT_UNDERSTOOD, Outcome.NOT_UNDERSTOOD)
            elif (goodbye := farewell(text)) is not None:
                self._instead = Outcome.REVIEWED
                answer = self._reply.reviewed(goodbye)
            else:
                prompt = [*self._prompt, ChatMessage(Role.CHILD, text)]
                answer = self._reply.answer(prompt, most_words(self._talk.band, text))
            async with contextlib.aclosing(answer):
                async for utterance in answer:
                    yield utterance
        finally:
            reading.cancel()

    async def _read_ahead(self, text: str) -> None:
        if self._terms.resting is None:
            await read_ahead(self._services, self._talk, text, finished=True)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
