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
from relay.llm.gguf import ENGINE, CacheFull, GgufModel, Interrupted, Part
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
IDLE_CELLS = 512
"""Every 100 tokens that are kept make every step 0.6 ms longer (135M model, 20 ms a step)."""


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
    """A job, and how far the model has come with it."""

    job: Job
    unread: list[int]
    room: int  # tokens that may still be made
    sequence: CachedSequence | None = None  # None until its turn comes for the first time
    sampler: Sampler | None = None
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
        self._tasks: list[_Task] = []
        self._chunk = CHUNK_TOKENS[0]

    def close(self) -> None:
        """Free the model."""
        for task in self._tasks:
            if task.sampler is not None:
                task.sampler.close()
            task.job.end(EngineError(ENGINE, "is closed"))
        self._model.close()

    def run(self, inbox: "SimpleQueue[Job]", cancelled: Cancelled) -> Iterator[None]:
        """Work until nothing is left to do; yields now and then, as a sign of life."""
        yield
        beat = time.monotonic()
        while not cancelled.is_set():
            self._take_in(inbox)
            # Before looking who has hung up: who does so from now on ends the coming step.
            self._model.interrupt.clear()
            for task in [each for each in self._tasks if each.job.cancelled]:
                # A conversation may go on from a reply that was broken off, but not from a guess.
                guess = task.job.is_reply and task.job.urgency is Urgency.SPECULATIVE
                self._end(task, keep=not guess)
            if parts := self._next_parts():
                self._step(parts)
            elif not self._tasks:
                return
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
        elif job.finished:
            tokens = self._model.prompt(job.messages)[:-1]  # the reply reads the last one itself
        else:
            tokens = beginning(self._model.prompt, job.messages)
        if len(tokens) > self._context - MIN_REPLY_TOKENS:
            job.end(EngineError(ENGINE, f"{len(tokens)} tokens are too long a conversation"))
        elif not tokens:
            job.end()
        else:
            room = min(job.max_tokens, self._context - len(tokens))
            self._tasks.append(_Task(job, tokens, room))

    def _next_parts(self) -> dict[_Task, Part]:
        """Choose who takes part in the next step, and with what."""
        tasks = [*self._tasks]
        while step := next_step([task.candidate() for task in tasks], self._chunk):
            parts = {}
            for index, count in step.items():
                if (sequence := tasks[index].sequence) is not None:
                    unread = tasks[index].unread
                    output = tasks[index].sampler is not None and count == len(unread)
                    at = len(sequence.tokens)
                    parts[tasks[index]] = Part(sequence.number, at, unread[:count], output)
            if len(parts) == len(step):
                for task in self._tasks:
                    task.skipped = 0 if task in parts else task.skipped + 1
                return parts
            # Given its sequence only now: meanwhile others have read more of what it shares.
            for task in [tasks[index] for index in step if tasks[index].sequence is None]:
                if not self._open(task):
                    tasks.remove(task)
        for task in [*self._tasks]:  # each of them alone finds no room
            self._end(task, EngineError(ENGINE, "the key-value cache is too small"))
        return {}

    def _open(self, task: _Task) -> bool:
        """Give a task its sequence; False if there is no room for it now, or nothing to do."""
        # What follows a prompt is computed by reading its last token, even if it is known.
        last = 1 if task.job.is_reply else 0
        known = task.unread[: len(task.unread) - last]
        if not task.job.is_reply and self._cache.covers(known):
            self._end(task)
            return False
        task.sequence = self._cache.open(known, task.room + last)
        if task.sequence is None:
            return False
        del task.unread[: len(task.sequence.tokens)]
        if task.job.is_reply:
            task.sampler = self._model.sampler(self._temperature)
        task.job.started = True
        return True

    def _step(self, parts: dict[_Task, Part]) -> None:
        began = time.monotonic()
        for task, part in parts.items():
            # Others lose little when such a step is left; what is read ahead is of use to others.
            task.job.holds = task.job.is_reply and (len(part.tokens) > 1 or len(parts) == 1)
        try:
            if any(task.job.holds and task.job.cancelled for task in parts):
                return  # hung up before it could be seen that this step is its own
            ends = self._model.read([*parts.values()])
        except Interrupted:
            return
        except EngineError as error:
            # Room that the books show and llama.cpp does not find may be there without the idle.
            if not (isinstance(error, CacheFull) and self._cache.forget_idle()):
                for task in parts:
                    self._end(task, error)
            return
        finally:
            for task in parts:
                task.job.holds = False
        self._measure(sum(len(part.tokens) for part in parts.values()), time.monotonic() - began)
        for (task, part), end in zip(parts.items(), ends, strict=True):
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
        if task.sequence is not None:
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

    def _end(self, task: _Task, error: EngineError | None = None, *, keep: bool = True) -> None:
        self._tasks.remove(task)
        if task.sampler is not None:
            task.sampler.close()
        if task.sequence is not None:
            if keep and error is None:
                self._cache.release(task.sequence)
            else:  # after a failure nobody knows what its cells hold
                self._cache.drop(task.sequence)
        task.job.end(error)
