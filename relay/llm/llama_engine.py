"""The default language model: any GGUF file, run by llama.cpp in this process.

Conversations wait for the one model in a fair queue. What it has read of a prompt is kept: the
cache still holds the conversation that spoke last, and the beginnings given to `warm` are kept as
bytes, so that a reply in any of them reads only what is new.
"""

import asyncio
import codecs
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

from relay.config import LlmSettings
from relay.errors import EngineError, EngineTimeout, ModelMissing
from relay.llm import ChatMessage, ReplyStream, Role
from relay.llm.cores import spare_cores
from relay.llm.gguf import ENGINE, GgufModel, shared_length
from relay.models import find
from relay.urgency import Urgency
from relay.worker import Cancelled, Worker

LOAD_TIMEOUT_S = 300.0
MAX_WARM = 8
"""Prompt beginnings kept: 23 kB a token with SmolLM2-135M, 115 kB with Llama 3.2 3B."""

MIN_REPLY_TOKENS = 16
"""A prompt that leaves less room than this is refused."""


class LlamaEngine:
    """Continues conversations with a GGUF model."""

    def __init__(self, settings: LlmSettings, models_dir: Path) -> None:
        self._settings = settings
        self._worker = Worker(
            ENGINE,
            lambda: _load(settings, models_dir),
            max_waiting=settings.max_waiting,
            dispose=_Loaded.close,
        )

    @classmethod
    async def load(cls, settings: LlmSettings, models_dir: Path) -> "LlamaEngine":
        """Return the engine with its model loaded; raises ModelMissing, EngineError."""
        engine = cls(settings, models_dir)
        try:
            await engine._worker.start(timeout_s=LOAD_TIMEOUT_S)
        except EngineError:
            await engine.close()
            raise
        return engine

    @property
    def name(self) -> str:
        """Engine and model, as in "llama smollm2-135m-instruct"."""
        return f"llama {self._settings.model}"

    async def warm(self, prefix: Sequence[ChatMessage], question: str = "") -> None:
        """Read a prompt prefix ahead of time; the last MAX_WARM of them are kept."""
        messages = list(prefix)

        def run(loaded: "_Loaded", cancelled: Cancelled) -> None:
            loaded.warm(messages, cancelled)

        await self._worker.call(run, timeout_s=self._settings.timeout_s)

    def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> ReplyStream:
        """Return the reply in pieces; see `LanguageModel.reply`."""
        return ReplyStream(urgency, lambda _stream: self._reply(list(messages), max_tokens))

    async def _reply(self, asked: list[ChatMessage], max_tokens: int) -> AsyncGenerator[str, None]:

        def run(loaded: "_Loaded", cancelled: Cancelled) -> Iterator[str]:
            return loaded.reply(asked, max_tokens, self._settings.temperature, cancelled)

        pieces = self._worker.stream(
            run,
            first_timeout_s=self._settings.first_token_timeout_s,
            timeout_s=self._settings.first_token_timeout_s,
        )
        clock = asyncio.get_running_loop().time
        begun: float | None = None
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                begun = begun or clock()
                if clock() - begun > self._settings.timeout_s:
                    limit = f"{self._settings.timeout_s:g} s"
                    raise EngineTimeout(ENGINE, f"the reply took longer than {limit}")
                yield piece

    async def tokens_read(self) -> int:
        """Return how many tokens the model has read since it was loaded, for measurements."""
        return await self._worker.call(
            lambda loaded, _cancelled: loaded.model.read, timeout_s=self._settings.timeout_s
        )

    async def close(self) -> None:
        """Free the model and stop the thread."""
        await self._worker.close()


class _Loaded:
    """The model and the prompt beginnings that are kept, in the engine's thread."""

    def __init__(self, model: GgufModel) -> None:
        self.model = model
        self._warm: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def close(self) -> None:
        self.model.close()

    def warm(self, prefix: list[ChatMessage], cancelled: Cancelled) -> None:
        # What any two conversations that begin with it share; templates differ in what follows it.
        one, other = (
            self.model.prompt([*prefix, ChatMessage(Role.CHILD, text)]) for text in ("a", "b")
        )
        tokens = tuple(one[: shared_length(one, other)])
        if tokens in self._warm or not tokens:
            return
        self._use_warm(tokens)
        if self.model.read_prompt(tokens, cancelled):
            self._warm[tokens] = self.model.save()
            while len(self._warm) > MAX_WARM:
                self._warm.popitem(last=False)

    def reply(
        self, messages: list[ChatMessage], max_tokens: int, temperature: float, cancelled: Cancelled
    ) -> Iterator[str]:
        tokens = self.model.prompt(messages)
        room = self.model.context - len(tokens)
        if room < MIN_REPLY_TOKENS:
            raise EngineError(ENGINE, f"{len(tokens)} tokens are too long a conversation")
        self._use_warm(tokens)
        if not self.model.read_prompt(tokens, cancelled):
            return
        decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        sampler = self.model.sampler(temperature)
        try:
            for _ in range(min(max_tokens, room)):
                token = sampler.next()
                if self.model.ends(token):
                    break
                if piece := decoder.decode(self.model.piece(token)):
                    yield piece
                if cancelled.is_set():
                    return
                self.model.append([token])
        finally:
            sampler.close()

    def _use_warm(self, tokens: Sequence[int]) -> None:
        """Restore the kept beginning that has most in common with `tokens`, if it is worth it."""
        if not self._warm:
            return
        best = max(self._warm, key=lambda kept: shared_length(kept, tokens))
        if shared_length(best, tokens) > shared_length(self.model.cached, tokens):
            self._warm.move_to_end(best)
            self.model.restore(best, self._warm[best])


def _load(settings: LlmSettings, models_dir: Path) -> _Loaded:
    folder = find(models_dir, settings.model, engine=ENGINE)
    files = sorted(folder.glob("*.gguf"))
    if not files:
        raise ModelMissing(ENGINE, f'the model "{settings.model}" holds no GGUF file')
    threads = settings.threads or spare_cores()
    return _Loaded(GgufModel(files[0], context=settings.context, threads=threads))
