"""The default language model: any GGUF file, run by llama.cpp in this process.

All conversations share one model, in a thread of its own; see `relay.llm.runner`. Here is the side
of the event loop: what may wait, for how long, and what happens when the thread hangs.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from queue import SimpleQueue

from relay.config import LlmSettings
from relay.errors import EngineBusy, EngineError, EngineTimeout, ModelMissing
from relay.llm import ChatMessage, ReplyStream, Role
from relay.llm.cores import spare_cores
from relay.llm.gguf import ENGINE, GgufModel
from relay.llm.interrupt import Interrupt
from relay.llm.job import Job
from relay.llm.room import check_room
from relay.llm.runner import CELLS_PER_CONTEXT, SEQUENCES, Runner
from relay.models import find
from relay.streams import within
from relay.urgency import Urgency
from relay.worker import Worker

LOAD_TIMEOUT_S = 300.0

HANGS_AFTER_S = 30.0
"""A step takes 10 to 500 ms; a thread that shows no sign of life for this long is given up."""


class LlamaEngine:
    """Continues conversations with a GGUF model."""

    def __init__(self, settings: LlmSettings, models_dir: Path) -> None:
        self._settings = settings
        self._interrupt = Interrupt()
        self._worker = Worker(
            ENGINE,
            lambda: _load(settings, models_dir, self._interrupt),
            max_waiting=settings.max_waiting,
            dispose=Runner.close,
        )
        self._jobs: set[Job] = set()
        self._inbox: SimpleQueue[Job] = SimpleQueue()
        self._running: asyncio.Task[None] | None = None

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

    async def warm(
        self, prefix: Sequence[ChatMessage], question: str = "", *, finished: bool = False
    ) -> None:
        """Read what is known of a prompt ahead of time; see `LanguageModel.warm`."""
        child = [ChatMessage(Role.CHILD, question)] if question else []
        reading = Job([*prefix, *child], stream=None, finished=finished)
        async with self._submitted(reading) as job:
            await self._next(job, self._settings.timeout_s)

    def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> ReplyStream:
        """Return the reply in pieces; see `LanguageModel.reply`."""
        return ReplyStream(urgency, lambda stream: self._reply(stream, list(messages), max_tokens))

    async def _reply(
        self, stream: ReplyStream, messages: list[ChatMessage], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        clock = asyncio.get_running_loop().time
        begun: float | None = None
        job = Job(messages, stream=stream, max_tokens=max_tokens)
        async with self._submitted(job):
            while (
                piece := await self._next(job, self._settings.first_token_timeout_s)
            ) is not None:
                begun = begun or clock()
                if clock() - begun > self._settings.timeout_s:
                    limit = f"{self._settings.timeout_s:g} s"
                    raise EngineTimeout(ENGINE, f"the reply took longer than {limit}")
                yield piece

    async def tokens_read(self) -> int:
        """Return how many tokens the model has read, once it is idle, for measurements."""
        return await self._worker.call(
            lambda runner, _cancelled: runner.read, timeout_s=self._settings.timeout_s
        )

    async def close(self) -> None:
        """Free the model and stop the thread."""
        closing = EngineError(ENGINE, "is closing")
        for job in self._jobs:
            job.cancelled = True
            job.end(closing)
        await self._worker.close()
        if self._running is not None:
            await asyncio.wait([self._running])

    @contextlib.asynccontextmanager
    async def _submitted(self, job: Job) -> AsyncIterator[Job]:
        """Let the model work on `job` until this is left; raises EngineBusy."""
        under_way = [each.urgency for each in self._jobs]
        check_room(ENGINE, under_way, self._settings.max_waiting, job.urgency)
        self._jobs.add(job)
        self._inbox.put(job)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        try:
            yield job
        finally:
            job.cancelled = True
            if job.holds:
                self._interrupt.set()
            self._jobs.discard(job)

    async def _run(self) -> None:
        """Keep the thread working while there are jobs."""
        while waiting := [job for job in self._jobs if not job.done]:
            beats = self._worker.stream(
                lambda runner, cancelled: runner.run(self._inbox, cancelled),
                first_timeout_s=LOAD_TIMEOUT_S,
                timeout_s=HANGS_AFTER_S,
            )
            try:
                async with contextlib.aclosing(beats):
                    async for _beat in beats:
                        pass
            except EngineError as error:
                for job in waiting:
                    job.end(error)

    async def _next(self, job: Job, limit_s: float) -> str | None:
        try:
            event = await within(job.events.get(), limit_s)
        except TimeoutError:
            if job.started:
                raise EngineTimeout(ENGINE, f"did not answer within {limit_s:g} s") from None
            raise EngineBusy(ENGINE, f"its turn did not come within {limit_s:g} s") from None
        if isinstance(event, EngineError):
            raise event
        return event


def _load(settings: LlmSettings, models_dir: Path, interrupt: Interrupt) -> Runner:
    folder = find(models_dir, settings.model, engine=ENGINE)
    files = sorted(folder.glob("*.gguf"))
    if not files:
        raise ModelMissing(ENGINE, f'the model "{settings.model}" holds no GGUF file')
    model = GgufModel(
        files[0],
        cells=settings.context * CELLS_PER_CONTEXT,
        sequences=SEQUENCES,
        threads=settings.threads or spare_cores(),
        interrupt=interrupt,
    )
    return Runner(model, context=settings.context, temperature=settings.temperature)
