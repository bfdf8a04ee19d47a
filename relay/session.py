"""One connected toy: from hello to goodbye, its reader, its watchdog and its turns."""

import asyncio
import enum
import logging
import time
from typing import Any

from device.protocol import FRAME_MS, MAX_AUDIO_BYTES, Close, Codec, Message, is_allowed_age
from relay import complaints, frames, messages
from relay.age import AgeBand
from relay.guards import RealTimeGuard, TokenBucket
from relay.home_time import home_time
from relay.link import LinkClosed, ToyLink
from relay.services import Services, Toy
from relay.talk import Talk
from relay.telemetry import log
from relay.toy_commands import CommandResult, ToyCommands
from relay.turn import Phase, Turn
from relay.warming import read_ahead

_logger = logging.getLogger(__name__)

_NOT_READING = "the toy does not read"
_WIND_UP_S = 5.0  # for a cancelled turn to free its engines


class State(enum.Enum):
    """Where a session stands."""

    OPENING = "opening"  # waits for hello
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    CLOSED = "closed"


_STATE_OF_PHASE = {
    Phase.LISTENING: State.LISTENING,
    Phase.THINKING: State.THINKING,
    Phase.SPEAKING: State.SPEAKING,
    Phase.PLAYING: State.SPEAKING,
    Phase.ENDED: State.IDLE,
}


class HangUp(Exception):
    """The toy did something that ends the connection, with this close code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Session:
    """One toy's connection. `run` lives as long as it does and never raises."""

    def __init__(self, services: Services, link: ToyLink, toy: Toy, identifier: str) -> None:
        self.id = identifier
        self.toy = toy
        self.hello: messages.Hello | None = None
        self.health: messages.Heartbeat | None = None  # the latest heartbeat
        self._services = services
        self._limits = limits = services.settings.limits
        self._link = link
        self._commands = ToyCommands(link.send, limits.command_timeout_s)
        now = time.monotonic()
        self._opened_at = self._heard_at = now
        per_second = limits.messages_per_second
        self._texts = TokenBucket(per_second, per_second * 2, now)
        per_minute = limits.turns_per_minute
        self._questions = TokenBucket(per_minute / 60, per_minute, now)
        self._real_time = RealTimeGuard(limits.audio_ahead_s, now)
        self._talk: Talk | None = None
        self._turn: Turn | None = None
        self._turn_tasks: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def state(self) -> State:
        """Where the session stands now."""
        if self._closed:
            return State.CLOSED
        if self._talk is None:
            return State.OPENING
        return State.IDLE if self._turn is None else _STATE_OF_PHASE[self._turn.phase]

    @property
    def is_ready(self) -> bool:
        """Whether the toy has said hello, and can be asked to do something."""
        return self._talk is not None and not self._closed

    async def command(self, name: str, args: dict[str, Any] | None = None) -> CommandResult:
        """Have the toy do something of docs/protocol.md, "Commands", and return what came of it."""
        if self._talk is None:
            return CommandResult(False, error="the toy has not said hello yet")
        try:
            return await self._commands.run(name, args or {})
        except LinkClosed:
            return CommandResult(False, error="the toy has gone")

    async def close(self, code: int, reason: str) -> None:
        """Stop what the toy is doing and close the connection; `run` then ends."""
        self._interrupt()
        log(_logger, logging.INFO, "closing", toy=self.toy.id, code=code, reason=reason)
        await self._link.close(code, reason)

    def abort(self) -> None:
        """Cut the connection without a word; `run` then ends."""
        self._link.abort()

    async def run(self) -> None:
        """Serve the toy until the connection ends."""
        log(_logger, logging.INFO, "toy connected", toy=self.toy.id)
        watchdog = asyncio.create_task(self._watch())
        try:
            await self._read()
        except LinkClosed:
            pass
        except HangUp as end:
            await self.close(end.code, end.reason)
        except messages.BadMessage as error:
            await self.close(Close.BAD_MESSAGE, str(error))
        except Exception:
            log(_logger, logging.ERROR, "session failed", toy=self.toy.id)
            await self.close(Close.INTERNAL, "internal error")
        finally:
            watchdog.cancel()
            await self._wind_up()

    async def _wind_up(self) -> None:
        self._closed = True
        self._commands.close()
        if self._reading is not None:
            self._reading.cancel()
        for task in self._turn_tasks:
            task.cancel()
        if self._turn_tasks:
            _, stuck = await asyncio.wait(self._turn_tasks, timeout=_WIND_UP_S)
            if stuck:
                log(_logger, logging.ERROR, "turn does not end", toy=self.toy.id)
        self._pause_talk()
        log(_logger, logging.INFO, "toy gone", toy=self.toy.id)

    async def _read(self) -> None:
        while True:
            frame = await self._link.receive()
            self._heard_at = time.monotonic()
            if isinstance(frame, bytes):
                self._hear(frame)
                continue
            if not self._texts.take(self._heard_at):
                raise HangUp(Close.TOO_MANY, "too many messages")
            await self._obey(messages.parse(frame))

    async def _obey(self, message: messages.FromToy) -> None:
        if self._talk is None:
            if not isinstance(message, messages.Hello):
                raise HangUp(Close.BAD_MESSAGE, "hello must come first")
            await self._greet(message)
            return
        match message:
            case messages.Hello():
                raise HangUp(Close.BAD_MESSAGE, "hello came twice")
            case messages.Listen():
                self._begin_turn(self._talk, message)
            case messages.ListenEnd() if self._turn and self._turn.number == message.turn:
                self._turn.release()
            case messages.Cancel() if self._turn and self._turn.number == message.turn:
                self._interrupt()
            case messages.Played() if self._turn and self._turn.number == message.turn:
                self._turn.played()
            case messages.Heartbeat():
                complaints.of_heartbeat(self.toy.id, self.health, message)
                self.health = message
                await self._link.send(messages.heartbeat_ack(*home_time()))
            case messages.Result():
                self._commands.answered(message)
            case messages.Goodbye():
                log(_logger, logging.INFO, "toy says goodbye", toy=self.toy.id)
            case _:
                pass  # of a turn that is over: the messages crossed on the way

    async def _greet(self, hello: messages.Hello) -> None:
        ages = (hello.age, self.toy.age)
        if not all(is_allowed_age(age) for age in ages):
            raise HangUp(Close.AGE_GATE, "a parent must set an age from 3 to 13")
        # Relay and toy may disagree after one of them was changed: the younger is the safer.
        band = AgeBand.of(min(age for age in ages if age is not None))
        lead_ms = min(self._limits.lead_ms, hello.buffer_ms) // FRAME_MS * FRAME_MS
        prebuffer_ms = min(self._limits.prebuffer_ms, lead_ms)
        codec = hello.codecs[0]
        time_s, utc_offset_s = home_time()
        await self._link.send(
            messages.welcome(
                session=self.id,
                codec=codec,
                heartbeat_s=self._limits.heartbeat_s,
                timeout_s=self._limits.timeout_s,
                prebuffer_ms=prebuffer_ms,
                max_listen_s=self._limits.max_listen_s,
                time_s=time_s,
                utc_offset_s=utc_offset_s,
            )
        )
        self.hello = hello
        self._talk = Talk(
            session=self.id,
            toy=self.toy.id,
            band=band,
            link=self._link,
            codec=Codec.NAMES.index(codec),
            lead_ms=lead_ms,
            prebuffer_ms=prebuffer_ms,
            conversation=self._services.guardian.conversation(self.toy.id),
        )
        # The first question of all should not have to wait for this.
        self._reading = asyncio.create_task(read_ahead(self._services, self._talk))
        log(_logger, logging.INFO, Message.HELLO, toy=self.toy.id, band=band, codec=codec)
        complaints.of_hello(self.toy.id, hello)

    def _hear(self, frame: bytes) -> None:
        if len(frame) > MAX_AUDIO_BYTES:
            raise HangUp(Close.TOO_BIG, f"a binary frame holds at most {MAX_AUDIO_BYTES} bytes")
        if self._talk is None:
            raise HangUp(Close.BAD_MESSAGE, "audio before hello")
        audio = frames.unpack(frame)
        if not self._real_time.add(FRAME_MS / 1000, self._heard_at):
            raise HangUp(Close.TOO_MANY, "audio faster than real time")
        if self._turn is not None and self._turn.number & 0xFF == audio.turn:
            self._turn.hear(audio.pcm)

    def _begin_turn(self, talk: Talk, listen: messages.Listen) -> None:
        self._interrupt()
        self._real_time.restart(self._heard_at)
        refused = not self._questions.take(self._heard_at)
        guardian = self._services.guardian
        terms = guardian.terms(self.toy.id, talk.band)
        talk.conversation.remember_long(terms.remembers)
        if not refused and not terms.rests:
            guardian.begin(self.toy.id)
        self._turn = turn = Turn(
            self._services, talk, listen.turn, listen.mode, terms=terms, refused=refused
        )
        task = asyncio.create_task(turn.run())
        self._turn_tasks.add(task)
        task.add_done_callback(lambda done: self._turn_ended(turn, done))

    def _turn_ended(self, turn: Turn, task: "asyncio.Task[None]") -> None:
        self._turn_tasks.discard(task)
        turn.finish()
        if self._turn is turn:
            self._pause_talk()
        if not task.cancelled() and (error := task.exception()) is not None:
            log(_logger, logging.ERROR, "turn broke", error=type(error).__name__)

    def _interrupt(self) -> None:
        """Stop what the toy is doing for the child: thinking, speaking, listening."""
        self._pause_talk()
        for task in self._turn_tasks:
            task.cancel()

    def _pause_talk(self) -> None:
        if self._turn is not None:
            self._turn = None
            self._services.guardian.end(self.toy.id)

    def overdue(self, now: float) -> bool:
        """Tell whether the watchdog ought to have ended this session long ago."""
        return min(self._deadlines().values()) + 2 * _WIND_UP_S < now

    def _deadlines(self) -> dict[str, float]:
        """Return when (monotonic seconds) the session ends unless something happens, and why."""
        now = time.monotonic()
        limits = self._limits
        deadlines = {
            f"nothing heard for {limits.timeout_s} s": self._heard_at + limits.timeout_s,
            _NOT_READING: now - self._link.stuck_s(now) + limits.write_timeout_s,
        }
        if self._talk is None:
            deadlines["no hello in time"] = self._opened_at + limits.hello_timeout_s
        return deadlines

    async def _watch(self) -> None:
        while True:
            deadlines = self._deadlines()
            reason, earliest = min(deadlines.items(), key=lambda item: item[1])
            left = earliest - time.monotonic()
            if left <= 0:
                if reason == _NOT_READING:
                    # No close frame would get through either.
                    log(_logger, logging.WARNING, "cut", toy=self.toy.id, reason=reason)
                    self.abort()
                else:
                    await self.close(Close.TIME_OUT, reason)
                return
            await asyncio.sleep(left)
