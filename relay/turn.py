"""One question and its answer: listen, understand, check, think, check again, speak.

A turn ends by being answered, or by a kind line, or by being cancelled; whatever happens the toy
gets its `speech_stop` and the observers get the record.
"""

import asyncio
import contextlib
import enum
import logging
import time

from device.protocol import EndpointReason, StopReason
from relay import messages
from relay.draft import Draft
from relay.endpoint import Endpoint, EndpointRules
from relay.errors import EngineError, EngineTimeout
from relay.lines import Situation
from relay.link import LinkClosed
from relay.listening import End, Listening
from relay.pacer import PlayoutClock
from relay.record import Outcome, Stage, TurnRecord
from relay.safety.verdict import Verdict
from relay.services import Services
from relay.speculation import Speculation
from relay.speech import Speech, Utterance
from relay.streams import within
from relay.stt import Transcript
from relay.talk import Talk
from relay.telemetry import correlated, log
from relay.terms import Terms
from relay.trouble import NoAnswer, situation_of
from relay.urgency import Urgency
from relay.utter import utter
from relay.warming import read_ahead

_logger = logging.getLogger(__name__)

_PLAYED_GRACE_S = 10.0
_ENDPOINTS = {
    End.SILENCE: EndpointReason.SILENCE,
    End.TOO_LONG: EndpointReason.TOO_LONG,
    End.NOTHING_HEARD: EndpointReason.NOTHING_HEARD,
    End.STALLED: EndpointReason.NOTHING_HEARD,
}


class Phase(enum.Enum):
    """Where a turn stands."""

    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    PLAYING = "playing"  # everything was sent; the toy plays the rest
    ENDED = "ended"


class Turn:
    """One turn. `run` is its task; the session's reader calls `hear`, `release` and `played`."""

    def __init__(
        self,
        services: Services,
        talk: Talk,
        number: int,
        mode: str,
        *,
        terms: Terms | None = None,
        refused: bool = False,
    ) -> None:
        self.number = number
        self._phase = Phase.LISTENING
        self.record = TurnRecord(session=talk.session, toy=talk.toy, turn=number)
        self.record.at[Stage.LISTEN] = time.monotonic()
        self._services = services
        self._settings = services.settings
        self._talk = talk
        self._mode = mode
        self._terms = terms or Terms()
        self._refused = refused
        clock = PlayoutClock(lead_ms=talk.lead_ms, prebuffer_ms=talk.prebuffer_ms)
        self._speech = Speech(talk.link, talk.codec, clock, number, self.record)
        self._speculation: Speculation | None = None
        self._listening: Listening | None = None
        self._trouble: EngineError | None = None  # the recogniser would not even begin
        self._draft: Draft | None = None  # what is being said, unless it is a canned line
        self._answer_count = 0  # of what was said, before closing words
        self._played = asyncio.Event()
        services.begin(self.record)
        if not refused and self._terms.silent is None:
            self._open_ears()

    def _open_ears(self) -> None:
        # Here and not in `run`: the first sound may arrive before the task first runs.
        settings = self._settings
        try:
            recognition = self._services.engines.stt.start()
        except EngineError as error:
            self._trouble = error
            return
        if settings.endpoint.speculate and not self._terms.rests:
            self._speculation = Speculation(
                recognition,
                lambda transcript: self._draft_of(transcript, Urgency.SPECULATIVE),
                lambda words: read_ahead(self._services, self._talk, words),
                free=lambda: self._services.children_waiting() == 0,
                language=settings.stt.language,
                record=self.record,
            )
        rules = EndpointRules.for_band(settings.endpoint, self._talk.band)
        self._listening = Listening(
            recognition,
            endpoint=Endpoint(rules, self._talk.pace),
            speculation=self._speculation,
            limits=settings.limits,
            mode=self._mode,
            record=self.record,
        )

    @property
    def phase(self) -> Phase:
        """Where the turn stands."""
        speaking = self._phase is Phase.THINKING and self._speech.started
        return Phase.SPEAKING if speaking else self._phase

    def hear(self, pcm: bytes) -> None:
        """Add sound of the child; ignored once listening has ended."""
        if self._phase is Phase.LISTENING and self._listening is not None:
            self._listening.accept(pcm)

    def release(self) -> None:
        """The paw was released."""
        if self._listening is not None:
            self._listening.release()

    def played(self) -> None:
        """The toy has played everything."""
        if self._phase is Phase.PLAYING:
            self.record.at[Stage.PLAYED] = time.monotonic()
            self._played.set()

    async def run(self) -> None:
        """Live through the turn. Cancel the task to interrupt it."""
        with correlated(turn=self.number):
            reading = None
            if self._listening is not None and not self._terms.rests:
                reading = asyncio.create_task(read_ahead(self._services, self._talk))
            try:
                await self._live()
            finally:
                if reading is not None:
                    reading.cancel()
                self.finish()

    def finish(self) -> None:
        """Free everything and tell the observers; harmless when repeated.

        `run` does so itself, but a task that is cancelled before its first step never runs at all.
        """
        if self._phase is Phase.ENDED:
            return
        self._phase = Phase.ENDED
        self.record.outcome = self.record.outcome or Outcome.CANCELLED
        if self._listening is not None:
            self._listening.close()
        self._remember()
        self._services.observe(self.record)

    async def _live(self) -> None:
        try:
            outcome = await self._respond()
            await self._speech.stop(StopReason.DONE)
            self.record.outcome = outcome
            self._phase = Phase.PLAYING
            with contextlib.suppress(TimeoutError):
                await within(self._played.wait(), self._speech.held_s() + _PLAYED_GRACE_S)
        except asyncio.CancelledError:
            self.record.outcome = self.record.outcome or Outcome.CANCELLED
            if self._speech.started:
                with contextlib.suppress(LinkClosed):
                    await self._speech.stop(StopReason.CANCELLED)
            raise
        except LinkClosed:
            self.record.outcome = self.record.outcome or Outcome.CANCELLED
        except Exception:
            # Even the canned line failed: end the turn so that the toy does not wait.
            log(_logger, logging.ERROR, "turn failed")
            self.record.outcome = Outcome.FAILED
            with contextlib.suppress(LinkClosed):
                await self._speech.stop(StopReason.FAILED)

    async def _respond(self) -> Outcome:
        try:
            async with contextlib.aclosing(await self._drafted()) as draft:
                self._draft = draft
                draft.commit(self.record, self._judged)
                await self._speech.say_all(draft)
            self._answer_count = len(self.record.said)
            await self._close_talk()
            return draft.outcome
        except NoAnswer as nothing:
            return await self._say_line(nothing.situation, nothing.outcome, nothing.words)
        except EngineError as error:
            log(_logger, logging.WARNING, "engine failed", engine=error.engine, reason=str(error))
            situation = situation_of(error, speaking=self._speech.started)
            return await self._say_line(situation, Outcome.FAILED)
        except LinkClosed:
            raise
        except Exception:
            log(_logger, logging.ERROR, "turn failed, saying so")
            return await self._say_line(Situation.WORDS_LOST, Outcome.FAILED)

    async def _drafted(self) -> Draft:
        """Listen to the end, and return the answer in the making; NoAnswer if there is none."""
        if self._listening is None:
            await self._talk.link.send(messages.endpoint(self.number, EndpointReason.REFUSED))
            if self._trouble is not None:
                raise self._trouble
            if self._refused:
                raise NoAnswer(Situation.REST, Outcome.REFUSED)
            raise NoAnswer(Situation.RESTING, Outcome.RESTED, self._terms.silent)
        try:
            try:
                transcript = await self._listen(self._listening)
            except NoAnswer:
                if self._terms.resting is None:
                    raise
                words = self._terms.resting
                raise NoAnswer(Situation.RESTING, Outcome.RESTED, words) from None
            draft = await self._speculation.take(transcript) if self._speculation else None
            draft = draft or self._draft_of(transcript, Urgency.FIRST_SENTENCE)
            self.record.heard = draft.transcript.text
            self.record.at[Stage.CONFIRMED] = time.monotonic()
            return draft
        finally:
            self._listening.close()

    async def _listen(self, listening: Listening) -> Transcript:
        """Return what was said; NoAnswer if that was nothing."""
        end = await listening.ended()
        self._phase = Phase.THINKING
        if end is not End.RELEASED:
            await self._talk.link.send(messages.endpoint(self.number, _ENDPOINTS[end]))
        if end in (End.NOTHING_HEARD, End.STALLED) or self.record.audio_in_ms == 0:
            raise NoAnswer(Situation.NOTHING_HEARD, Outcome.NOT_UNDERSTOOD)
        limit = self._settings.stt.timeout_s
        try:
            transcript = await within(listening.transcript(), limit)
        except TimeoutError:
            raise EngineTimeout("stt", f"no transcript within {limit:g} s") from None
        if not transcript.text.strip():
            raise NoAnswer(Situation.NOT_UNDERSTOOD, Outcome.NOT_UNDERSTOOD)
        return transcript

    def _draft_of(self, transcript: Transcript, urgency: Urgency) -> Draft:
        return Draft(self._services, self._talk, self._terms, transcript, urgency)

    def _judged(self, verdict: Verdict) -> None:
        talk = self._talk
        if verdict.alert is not None:
            talk.conversation.alerted(verdict.alert, time.monotonic())
        self._services.raise_alert(verdict, toy=talk.toy, session=talk.session, band=talk.band)

    async def _say_line(
        self, situation: Situation, outcome: Outcome, words: str | None = None
    ) -> Outcome:
        self._draft = None
        better = None if words is None else await self._uttered(words)
        line = Utterance(situation.value, self._services.lines.sound(situation))
        await self._speech.say(better or line)
        return outcome

    async def _close_talk(self) -> None:
        """Say after an answer that rest begins now, or soon."""
        if self._terms.rests:
            return
        words = self._services.guardian.closing_words(self._talk.toy, self._talk.band)
        if words is not None and (utterance := await self._uttered(words)) is not None:
            await self._speech.say(utterance)

    async def _uttered(self, words: str) -> Utterance | None:
        """Return reviewed words as sound; None if the voice fails."""
        style = self._terms.style
        try:
            return await utter(self._services, words, urgency=Urgency.LATER, style=style)
        except EngineError as error:
            log(_logger, logging.WARNING, "engine failed", engine=error.engine, reason=str(error))
            return None

    def _remember(self) -> None:
        if self._draft is not None and self._draft.memorable and self.record.said:
            said = " ".join(self.record.said[: self._answer_count or None])
            self._talk.conversation.add(self.record.heard, said, time.monotonic())
