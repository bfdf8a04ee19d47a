"""The model's thread: takes jobs in, and works on all of them step by step.

In each step the model reads the next token of several replies and a piece of a prompt at once
(continuous batching); see `relay.llm.schedule` for who takes part, `relay.llm.kv_cache` for what
need not be read again.
"""

import codecs
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from relay.errors import EngineError
from relay.llm.gguf import ENGINE, CacheFull, GgufModel, Part
from relay.llm.job import Job
from relay.llm.kv_cache import CachedSequence, KvCache
from relay.llm.prompts import beginning
from relay.llm.sampler import Sampler
from relay.llm.schedule import Candidate, next_step
from relay.urgency import Urgency
from relay.worker import Cancelled

SEQUENCES = 32
"""Conversations in the cache, those that wait for their next turn included."""

CELLS_PER_CONTEXT = 2
IDLE_CELLS = 1024

MIN_REPLY_TOKENS = 16
"""A prompt that leaves less room than this is refused."""

CHUNK_TOKENS = (8, 64)
"""Fewest and most tokens of a prompt read at once; fewer than 8 would cost nearly as much time."""

STEP_S = 0.03
"""How long a step should take: whoever hangs up, or comes with something more urgent, waits for the
end of it."""

BEAT_S = 0.2
_FIRST_SENTENCE = re.compile(r"[.!?…]|.{60}", re.DOTALL)


@dataclass(eq=False)
class _Task:
    """A job that the model works on."""

    job: Job
    sequence: CachedSequence
    unread: list[int]
    room: int  # tokens that may still be made
    sampler: Sampler | None
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="ignore")
    )
    said: str = ""  # up to the end of the first sentence
    skipped: int = 0

    def candidate(self) -> Candidate:
        urgency = self.job.urgency
        if urgency is Urgency.FIRST_SENTENCE and _FIRST_SENTENCE.search(self.said):
            urgency = Urgency.LATER
        return Candidate(urgency, self.job.arrived, len(self.unread), self.skipped)


class Runner:
    """Works on the jobs of `inbox` with one model; everything but the inbox is the thread's own."""

    def __init__(self, model: GgufModel, *, context: int, temperature: float) -> None:
        self.read = 0  # tokens, since the model was loaded
        self._model = model
        self._context = context
        self._temperature = temperature
        self._cache = KvCache(
            model,
            sequences=SEQUENCES,
            cells=context * CELLS_PER_CONTEXT,
            idle=IDLE_CELLS,
            whole_only=model.whole_only,
        )
        self._waiting: list[tuple[Job, list[int]]] = []
        self._tasks: list[_Task] = []
        self._chunk = CHUNK_TOKENS[0]

    def close(self) -> None:
        """Free the model."""
        for task in [*self._tasks]:
            self._end(task)
        self._model.close()

    def run(self, inbox: "SimpleQueue[Job]", cancelled: Cancelled) -> Iterator[None]:
        """Work until nothing is left to do; yields now and then, as a sign of life."""
        yield
        beat = time.monotonic()
        while not cancelled.is_set():
            self._take_in(inbox)
            self._drop_cancelled()
            self._begin()
            if not self._tasks:
                return
            self._step()
            if time.monotonic() - beat > BEAT_S:
                yield
                beat = time.monotonic()

    def _take_in(self, inbox: "SimpleQueue[Job]") -> None:
        while True:
            try:
                job = inbox.get_nowait()
            except Empty:
                return
            if job.cancelled:
                job.end()
                continue
            try:
                self._accept(job)
            except Exception as error:
                # Its type only: the text may quote what was said.
                job.end(EngineError(ENGINE, f"no prompt could be made ({type(error).__name__})"))

    def _accept(self, job: Job) -> None:
        if job.is_reply:
            tokens = self._model.prompt(job.messages)
        else:
            tokens = beginning(self._model.prompt, job.messages)
        if len(tokens) > self._context - MIN_REPLY_TOKENS:
            job.end(EngineError(ENGINE, f"{len(tokens)} tokens are too long a conversation"))
        elif not job.is_reply and self._cache.covers(tokens):
            job.end()
        else:
            self._waiting.append((job, tokens))

    def _drop_cancelled(self) -> None:
        for job, _tokens in self._waiting:
            if job.cancelled:
                job.end()
        self._waiting = [each for each in self._waiting if not each[0].done]
        for task in [each for each in self._tasks if each.job.cancelled]:
            self._end(task)

    def _begin(self) -> None:
        """Give the waiting their sequences, the most urgent first, as far as there is room."""
        self._waiting.sort(key=lambda each: (each[0].urgency, each[0].arrived))
        while self._waiting:
            job, tokens = self._waiting[0]
            room = min(job.max_tokens, self._context - len(tokens))
            # What follows a prompt is computed by reading its last token, even if it is known.
            known = tokens[:-1] if job.is_reply else tokens
            sequence = self._cache.open(known, room + len(tokens) - len(known))
            if sequence is None:
                return
            del self._waiting[0]
            sampler = self._model.sampler(self._temperature) if job.is_reply else None
            unread = tokens[len(sequence.tokens) :]
            task = _Task(job, sequence, unread, room, sampler)
            job.started = True
            self._tasks.append(task)
            if not unread:
                self._end(task)

    def _step(self) -> None:
        step = next_step([task.candidate() for task in self._tasks], self._chunk)
        parts, taking_part = [], []
        for index, task in enumerate(self._tasks):
            count = step.get(index, 0)
            task.skipped = 0 if count else task.skipped + 1
            if count:
                output = task.sampler is not None and count == len(task.unread)
                at = len(task.sequence.tokens)
                parts.append(Part(task.sequence.number, at, task.unread[:count], output))
                taking_part.append(task)
        began = time.monotonic()
        try:
            ends = self._model.read(parts)
        except CacheFull:
            if self._cache.forget_idle():
                return  # and try again
            self._fail(taking_part)
        except EngineError:
            self._fail(taking_part)
        else:
            self._measure(sum(step.values()), time.monotonic() - began)
            for task, part, end in zip(taking_part, parts, ends, strict=True):
                self._has_read(task, part, end)

    def _measure(self, tokens: int, took_s: float) -> None:
        """Read less at once when a step takes long, as on a busy computer, else more."""
        self.read += tokens
        fewest, most = CHUNK_TOKENS
        if took_s > STEP_S:
            self._chunk = max(fewest, self._chunk // 2)
        elif tokens >= self._chunk and took_s < STEP_S / 2:
            self._chunk = min(most, self._chunk * 2)

    def _has_read(self, task: _Task, part: Part, end: int) -> None:
        self._cache.extend(task.sequence, part.tokens)
        del task.unread[: len(part.tokens)]
        if part.output and task.sampler is not None:
            token = task.sampler.next(end)
            task.room -= 1
            if self._model.ends(token):
                self._end(task)
                return
            if piece := task.decoder.decode(self._model.piece(token)):
                task.said = (task.said + piece)[:80]
                task.job.post(piece)
            task.unread.append(token)
            if task.room <= 0:
                self._end(task)
        elif not task.unread:
            self._end(task)

    def _end(self, task: _Task) -> None:
        self._tasks.remove(task)
        if task.sampler is not None:
            task.sampler.close()
        self._cache.release(task.sequence)
        task.job.end()

    def _fail(self, tasks: list[_Task]) -> None:
        for task in tasks:
            task.job.end(EngineError(ENGINE, "the model could not go on"))
            self._end(task)
            self._cache.drop(task.sequence)
