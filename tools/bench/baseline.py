"""A plain pipeline of the same models without our tricks, to hold the same questions against.

It waits until the question is over (hands-free: 800 ms of silence), has faster-whisper transcribe
the whole sound as that comes (beam search, the encoder on 30 s), has the model read the whole
prompt anew and write up to the first full stop, and then speaks. It checks nothing, has no network
and no toy, and is given what is cheap: int8 weights, the language told, the same threads, model,
prompt, sampling and voice.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from relay.age import AgeBand
from relay.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, samples_of
from relay.config import Settings
from relay.engines import load_llm, load_tts
from relay.llm import ChatMessage, LanguageModel, Role
from relay.models import find
from relay.persona import opening
from relay.tts import TextToSpeech
from tools.bench.questions import Question

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

BASELINE = "plain"
SILENCE_MS = 800.0  # what a fixed endpoint waits for, hands-free
RELEASE_S = 0.2  # from the last voiced sample to letting go of the paw, as the virtual toy does
SENTENCE_END = re.compile(r"[.!?](\s|$)")


@dataclass(frozen=True)
class Answer:
    """One question answered by the plain pipeline; times in ms after the end of speech."""

    question: Question
    heard: str
    said: str
    text_ms: float
    first_token_ms: float
    first_sentence_ms: float
    first_speech_ms: float
    tokens: int  # of the first sentence; each piece of text is about one

    @property
    def tokens_per_s(self) -> float | None:
        """How fast the model wrote, None for a sentence too short to tell."""
        took_s = (self.first_sentence_ms - self.first_token_ms) / 1000
        return (self.tokens - 1) / took_s if self.tokens > 4 and took_s > 0 else None

    @property
    def voice_to_voice_ms(self) -> float:
        """From the last voiced sample to sound that is ready to be sent, hands-free."""
        return SILENCE_MS + self.first_speech_ms


class Plain:
    """The pipeline with its models loaded."""

    def __init__(
        self, settings: Settings, whisper: "WhisperModel", llm: LanguageModel, tts: TextToSpeech
    ) -> None:
        self._settings = settings
        self._whisper = whisper
        self._llm = llm
        self._tts = tts
        self._asked = 0

    async def answer(self, question: Question, age: int) -> Answer:
        """Return one question's answer and its times; raises EngineError."""
        end = question.voiced_samples + int(RELEASE_S * SAMPLE_RATE)
        pcm = question.pcm[: end * BYTES_PER_SAMPLE]
        began = time.monotonic()
        heard = await asyncio.to_thread(self._transcribe, pcm)
        text_at = time.monotonic()
        said, tokens, token_at = await self._think(heard, AgeBand.of(age))
        sentence_at = time.monotonic()
        if said:
            await self._tts.speak(said)
        speech_at = time.monotonic()
        return Answer(
            question=question,
            heard=heard,
            said=said,
            text_ms=(text_at - began) * 1000,
            first_token_ms=(token_at - began) * 1000,
            first_sentence_ms=(sentence_at - began) * 1000,
            first_speech_ms=(speech_at - began) * 1000,
            tokens=tokens,
        )

    def _transcribe(self, pcm: bytes) -> str:
        sound = samples_of(pcm).astype(np.float32) / 32768
        segments, _ = self._whisper.transcribe(sound, language=self._settings.stt.language)
        return " ".join(segment.text.strip() for segment in segments)

    async def _think(self, heard: str, band: AgeBand) -> tuple[str, int, float]:
        """Return the first sentence, its tokens, and when the first of them came."""
        # Each prompt begins differently, so that nothing the model has read can be used again.
        self._asked += 1
        who, *examples = opening(band)
        first = ChatMessage(Role.SYSTEM, f"{self._asked}. {who.text}")
        pieces = self._llm.reply(
            [first, *examples, ChatMessage(Role.CHILD, heard)],
            max_tokens=self._settings.llm.max_tokens,
        )
        said, tokens, token_at = "", 0, 0.0
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                token_at = token_at or time.monotonic()
                said += piece
                tokens += 1
                if SENTENCE_END.search(said):
                    break
        return said.strip(), tokens, token_at or time.monotonic()


async def measure(
    settings: Settings, questions: Iterable[Question], age: int, note: Callable[[Answer], None]
) -> None:
    """Have each question answered; `note` gets each answer as soon as it is there.

    Raises EngineError, ModelMissing.
    """
    whisper = await asyncio.to_thread(load_whisper, settings)
    llm = await load_llm(settings.llm, settings.models_dir)
    try:
        tts = await load_tts(settings.tts, settings.models_dir)
        try:
            plain = Plain(settings, whisper, llm, tts)
            for question in questions:
                note(await plain.answer(question, age))
        finally:
            await tts.close()
    finally:
        await llm.close()


def load_whisper(settings: Settings) -> "WhisperModel":
    """Return faster-whisper's own engine with the relay's model; raises ModelMissing."""
    from faster_whisper import WhisperModel  # noqa: PLC0415 - takes seconds, and not always needed

    folder = find(settings.models_dir, settings.stt.whisper_model, engine="plain pipeline")
    return WhisperModel(
        str(folder),
        device="cpu",
        compute_type="int8",
        cpu_threads=settings.stt.threads,
        local_files_only=True,
    )
