"""Engines that do as a test says: quick, slow, failing, hanging. They live in tests only."""

import asyncio
import math
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace

from relay.age import AgeBand
from relay.errors import EngineError
from relay.llm import ChatMessage, ReplyStream, Role
from relay.safety.parent import ParentRules
from relay.safety.verdict import Action, Alert, Verdict
from relay.stt import Transcript
from relay.tts import USUAL, Style
from relay.urgency import Urgency

SAMPLES_PER_MS = 16


def tone(ms: int, hz: int = 440) -> bytes:
    """Return a tone: 16 kHz mono signed 16-bit little-endian."""
    samples = [
        round(8000 * math.sin(2 * math.pi * hz * n / 16000)) for n in range(ms * SAMPLES_PER_MS)
    ]
    return struct.pack(f"<{len(samples)}h", *samples)


class ScriptedRecognition:
    def __init__(self, ears: "ScriptedEars") -> None:
        self._ears = ears
        self.pcm = bytearray()
        self.cancelled = False
        self.finished = False
        self.looks = 0
        self.glances = 0

    def accept(self, pcm: bytes) -> None:
        if self._ears.accept_raises:
            raise self._ears.accept_raises
        self.pcm += pcm

    async def so_far(self) -> Transcript:
        self.looks += 1
        if self._ears.hangs_so_far:
            await asyncio.Event().wait()
        if self._ears.so_far_raises:
            raise self._ears.so_far_raises
        await asyncio.sleep(self._ears.so_far_s)
        transcript = self._ears.transcript(bytes(self.pcm))
        return replace(transcript, text=self._ears.text_so_far or transcript.text)

    async def partial(self) -> Transcript:
        self.glances += 1
        if self._ears.partial_waits is not None:
            await self._ears.partial_waits.wait()
        return Transcript(self._ears.text_so_far)

    async def finish(self) -> Transcript:
        if self._ears.hangs:
            await asyncio.Event().wait()
        if self._ears.raises:
            raise self._ears.raises
        self.finished = True
        return self._ears.transcript(bytes(self.pcm))

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class ScriptedEars:
    """Hears `text` whatever was said; nothing in pure silence.

    While the child still speaks it hears `text_so_far`, if given.
    """

    text: str = "why is the sky blue"
    text_so_far: str = ""
    so_far_s: float = 0.0
    so_far_raises: Exception | None = None
    hangs_so_far: bool = False
    partial_waits: asyncio.Event | None = None
    confidence: float = 1.0
    hangs: bool = False
    raises: Exception | None = None
    start_raises: Exception | None = None
    accept_raises: Exception | None = None
    utterances: list[ScriptedRecognition] = field(default_factory=list)
    name: str = "scripted ears"

    def start(self) -> ScriptedRecognition:
        if self.start_raises:
            raise self.start_raises
        self.utterances.append(ScriptedRecognition(self))
        return self.utterances[-1]

    def transcript(self, pcm: bytes) -> Transcript:
        return Transcript(self.text if any(pcm) else "", self.confidence)

    async def close(self) -> None:
        pass


@dataclass
class ScriptedMind:
    """Replies with `pieces`; counts how many replies are under way, to see them freed."""

    pieces: Sequence[str] = ("The sky ", "is blue. ", "It is ", "very big.")
    piece_s: float = 0.0
    hangs_after: int | None = None
    raises_after: int | None = None
    error: Exception = field(default_factory=lambda: EngineError("llm.scripted", "broken"))
    hangs_if: Callable[[str], bool] = lambda question: False
    prompts: list[list[ChatMessage]] = field(default_factory=list)
    warmed: list[list[ChatMessage]] = field(default_factory=list)
    replies: list[ReplyStream] = field(default_factory=list)
    under_way: int = 0
    made: int = 0
    name: str = "scripted mind"

    async def warm(
        self, prefix: Sequence[ChatMessage], question: str = "", *, finished: bool = False
    ) -> None:
        asked = [ChatMessage(Role.CHILD, question)] if question else []
        self.warmed.append([*prefix, *asked])

    def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> ReplyStream:
        stream = ReplyStream(urgency, lambda _stream: self._reply(messages, max_tokens))
        self.replies.append(stream)
        return stream

    async def _reply(
        self, messages: Sequence[ChatMessage], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        self.prompts.append(list(messages))
        self.under_way += 1
        try:
            if self.hangs_if(messages[-1].text):
                await asyncio.Event().wait()
            for number, piece in enumerate(self.pieces[:max_tokens]):
                if number == self.raises_after:
                    raise self.error
                if number == self.hangs_after:
                    await asyncio.Event().wait()
                await asyncio.sleep(self.piece_s)
                self.made += 1
                yield piece
            if self.raises_after == len(self.pieces):
                raise self.error
        finally:
            self.under_way -= 1

    async def close(self) -> None:
        pass


@dataclass
class ScriptedVoice:
    """Speaks `ms_per_sentence` of tone for every sentence."""

    ms_per_sentence: int = 60
    hangs_after: int | None = None
    raises_after: int | None = None
    texts: list[str] = field(default_factory=list)
    urgencies: list[Urgency] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)
    name: str = "scripted voice"

    async def speak(
        self, text: str, *, urgency: Urgency = Urgency.FIRST_SENTENCE, style: Style = USUAL
    ) -> bytes:
        if self.raises_after is not None and len(self.texts) >= self.raises_after:
            raise EngineError("tts.scripted", "hoarse")
        if self.hangs_after is not None and len(self.texts) >= self.hangs_after:
            await asyncio.Event().wait()
        self.texts.append(text)
        self.urgencies.append(urgency)
        self.styles.append(style)
        return tone(self.ms_per_sentence)

    async def close(self) -> None:
        pass


@dataclass
class ScriptedEngines:
    stt: ScriptedEars = field(default_factory=ScriptedEars)
    llm: ScriptedMind = field(default_factory=ScriptedMind)
    tts: ScriptedVoice = field(default_factory=ScriptedVoice)


@dataclass
class ScriptedSafety:
    """Blocks what holds a word of `blocked`; cautions words of `delicate`."""

    blocked: frozenset[str] = frozenset({"dangerous"})
    delicate: frozenset[str] = frozenset({"ghost"})
    alarming: frozenset[str] = frozenset({"hurts"})
    raises: bool = False
    hangs: bool = False
    earlier: list[tuple[str, ...]] = field(default_factory=list)
    lately: list[frozenset[Alert]] = field(default_factory=list)
    rules: ParentRules | None = None  # those that were asked about last
    said_before: list[tuple[str, str]] = field(default_factory=list)

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
        self.earlier.append(tuple(earlier))
        self.lately.append(lately)
        self.rules = rules
        return await self._judge(text)

    async def check_said(
        self, sentence: str, band: AgeBand, *, before: str = "", rules: ParentRules | None = None
    ) -> Verdict:
        self.said_before.append((sentence, before))
        return await self._judge(sentence)

    async def _judge(self, text: str) -> Verdict:
        if self.raises:
            raise RuntimeError("the gate is broken")
        if self.hangs:
            await asyncio.Event().wait()
        words = set(text.lower().replace(".", "").split())
        if words & self.alarming:
            reply = "I'm glad you told me."
            return Verdict(Action.BLOCK, "self_harm", "test", reply, Alert.SELF_HARM)
        if words & self.blocked:
            return Verdict(Action.BLOCK, "danger", "test", "Let's talk about something else.")
        if words & self.delicate:
            return Verdict(Action.CAUTION, "fear", "test", "Ghosts are only in stories.")
        return Verdict(Action.ALLOW)
