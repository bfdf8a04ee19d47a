"""One question and its answer: listen, understand, check, think, check again, speak.

A turn ends by being answered, or by a kind line, or by being cancelled; whatever happens the toy
gets its `speech_stop` and the observers get the record.
"""

import asyncio
import contextlib
import enum
import logging
import time
from dataclasses import dataclass

from device.protocol import EndpointReason, StopReason
from relay import messages
from relay.age import AgeBand
from relay.checks import Checks
from relay.conversation import Conversation
from relay.endpoint import EndpointRules
from relay.errors import EngineBusy, EngineError, EngineTimeout
from relay.lines import Situation
from relay.link import LinkClosed, ToyLink
from relay.listening import End, Listening
from relay.llm import ChatMessage, Role
from relay.pacer import PlayoutClock
from relay.persona import most_words, opening
from relay.record import Outcome, Stage, TurnRecord
from relay.reply import Reply
from relay.safety.verdict import Action, Verdict
from relay.services import Services
from relay.speech import Speech, Utterance
from relay.streams import within
from relay.stt import Transcript
from relay.telemetry import correlated, log

_logger = logging.getLogger(__name__)

_PLAYED_GRACE_S = 10.0
_ENDPOINTS = {
    End.SILENCE: EndpointReason.SILENCE,
    End.TOO_LONG: EndpointReason.TOO_LONG,
    End.NOTHING_HEARD: EndpointReason.NOTHING_HEARD,
    End.STALLED: EndpointReason.NOTHING_HEARD,
}


@dataclass(frozen=True)
class Talk:
    """What the turns of one session have in common."""

    session: str
    toy: str
    band: AgeBand
    link: ToyLink
    codec: int
    lead_ms: int
    prebuffer_ms: int
    conversation: Conversation


class Phase(enum.Enum):
    """Where a turn stands."""

    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    PLAYING = "playing"  # everything was sent; the toy plays the rest
    ENDED = "ended"


class _NoAnswer(Exception):
    """There is nothing to answer; a canned line is spoken instead."""

    def __init__(self, situation: Situation, outcome: Outcome) -> None:
        super().__init__(situation.name)
        self.situation = situation
        self.outcome = outcome


class Turn:
    """One turn. `run` is its task; the session's reader calls `hear`, `release` and `played`."""

    def __init__(
        self, services: Services, talk: Talk, number: int, mode: str, *, refused: bool = False
    ) -> None:
        self.number = number
        self._phase = Phase.LISTENING
        self.record = TurnRecord(session=talk.session, toy=talk.toy, turn=number)
        self.record.at[Stage.LISTEN] = time.monotonic()
        self._services = services
        self._settings = services.settings
        self._talk = talk
        self._mode = mode
        self._refused = refused
        clock = PlayoutClock(lead_ms=talk.lead_ms, prebuffer_ms=talk.prebuffer_ms)
        self._speech = Speech(talk.link, talk.codec, clock, number, self.record)
        safety_ms = self._settings.safety.timeout_ms
        self._checks = Checks(services.safety, safety_ms, talk.band, self._judged)
        self._reply = Reply(services, self._checks, self.record)
        self._listening: Listening | None = None
        self._trouble: EngineError | None = None  # the recogniser would not even begin
        self._memorable = False  # what is being said may become part of the conversation
        self._played = asyncio.Event()
        if not refused:
            self._open_ears()

    def _open_ears(self) -> None:
        # Here and not in `run`: the first sound may arrive before the task first runs.
        rules = EndpointRules.for_band(self._settings.endpoint, self._talk.band)
        try:
            recognition = self._services.engines.stt.start()
        except EngineError as error:
            self._trouble = error
            return
        self._listening = Listening(
            recognition,
            rules=rules,
            limits=self._settings.limits,
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
            warming = asyncio.create_task(self._warm())
            try:
                await self._live()
            finally:
                warming.cancel()
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
            transcript = await self._understand()
            return await self._answer(transcript)
        except _NoAnswer as nothing:
            return await self._say_line(nothing.situation, nothing.outcome)
        except EngineError as error:
            log(_logger, logging.WARNING, "engine failed", engine=error.engine, reason=str(error))
            return await self._say_line(self._situation(error), Outcome.FAILED)
        except LinkClosed:
            raise
        except Exception:
            log(_logger, logging.ERROR, "turn failed, saying so")
            return await self._say_line(Situation.WORDS_LOST, Outcome.FAILED)

    async def _understand(self) -> Transcript:
        """Listen to the end and return what was said; _NoAnswer if that was nothing."""
        if self._refused or self._listening is None:
            await self._talk.link.send(messages.endpoint(self.number, EndpointReason.REFUSED))
            if self._trouble is not None:
                raise self._trouble
            raise _NoAnswer(Situation.REST, Outcome.REFUSED)
        try:
            return await self._listen(self._listening)
        finally:
            self._listening.close()

    async def _listen(self, listening: Listening) -> Transcript:
        end = await listening.ended()
        self._phase = Phase.THINKING
        if end is not End.RELEASED:
            await self._talk.link.send(messages.endpoint(self.number, _ENDPOINTS[end]))
        if end in (End.NOTHING_HEARD, End.STALLED) or self.record.audio_in_ms == 0:
            raise _NoAnswer(Situation.NOTHING_HEARD, Outcome.NOT_UNDERSTOOD)
        limit = self._settings.stt.timeout_s
        try:
            transcript = await within(listening.transcript(), limit)
        except TimeoutError:
            raise EngineTimeout("stt", f"no transcript within {limit:g} s") from None
        self._reached(Stage.TEXT)
        self._reached(Stage.CONFIRMED)
        self.record.heard = transcript.text
        if not transcript.text.strip():
            raise _NoAnswer(Situation.NOT_UNDERSTOOD, Outcome.NOT_UNDERSTOOD)
        return transcript

    async def _answer(self, transcript: Transcript) -> Outcome:
        now = time.monotonic()
        conversation = self._talk.conversation
        verdict = await self._checks.heard(transcript, conversation.child_said(now))
        self._reached(Stage.HEARD_CHECKED)
        if verdict.action is not Action.ALLOW:
            await self._speech.say_all(self._reply.reviewed(verdict.reply))
            return Outcome.REVIEWED
        # Checked first all the same: a cry for help must not be lost for being hard to hear.
        if transcript.confidence < self._settings.stt.min_confidence:
            raise _NoAnswer(Situation.NOT_UNDERSTOOD, Outcome.NOT_UNDERSTOOD)
        question = ChatMessage(Role.CHILD, transcript.text)
        prompt = [*opening(self._talk.band), *conversation.messages(now), question]
        self._memorable = True
        most = most_words(self._talk.band, transcript.text)
        await self._speech.say_all(self._reply.answer(prompt, most))
        return Outcome.REVIEWED if self._reply.stopped_by else Outcome.ANSWERED

    def _judged(self, verdict: Verdict) -> None:
        talk = self._talk
        self.record.verdicts.append(verdict)
        self._services.raise_alert(verdict, toy=talk.toy, session=talk.session, band=talk.band)

    async def _say_line(self, situation: Situation, outcome: Outcome) -> Outcome:
        self._memorable = False
        await self._speech.say(Utterance(situation.value, self._services.lines.sound(situation)))
        return outcome

    def _situation(self, error: EngineError) -> Situation:
        if isinstance(error, EngineBusy):
            return Situation.BUSY
        if self._speech.started or error.engine.startswith("tts"):
            return Situation.WORDS_LOST
        if error.engine.startswith("stt"):
            return Situation.EARS_FAILED
        return Situation.MIND_SLOW if isinstance(error, EngineTimeout) else Situation.MIND_FAILED

    def _remember(self) -> None:
        if self._memorable and self._reply.stopped_by is None and self.record.said:
            said = " ".join(self.record.said)
            self._talk.conversation.add(self.record.heard, said, time.monotonic())

    async def _warm(self) -> None:
        """Let the model read what is known of the prompt while the child still speaks."""
        if self._listening is None:
            return
        known = [
            *opening(self._talk.band),
            *self._talk.conversation.messages(time.monotonic()),
        ]
        try:
            await self._services.engines.llm.warm(known)
        except Exception as error:
            # Only time is lost; the reply itself will say what is wrong.
            log(_logger, logging.INFO, "model not warmed", error=type(error).__name__)

    def _reached(self, stage: Stage) -> None:
        self.record.at.setdefault(stage, time.monotonic())
