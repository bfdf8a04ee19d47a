"""Answers begun in the pauses of a child's speech, before it is known whether it has finished.

At a short silence the words so far are recognised and an answer to them is begun; when the voice
comes again it is thrown away, and the engines are free at once. Whether an answer is spoken is not
decided here: `Turn` asks for it when the end of speech is confirmed.
"""

import asyncio
import enum
import logging
from collections.abc import Awaitable, Callable

from relay.completeness import Completeness, completeness
from relay.draft import Draft
from relay.endpoint import Endpoint
from relay.errors import EngineError
from relay.record import TurnRecord
from relay.stt import Recognition, Transcript
from relay.telemetry import correlated, log
from relay.voice_activity import WINDOW_MS

_logger = logging.getLogger(__name__)

BEGIN_AFTER_MS = 32
"""Silence at which an answer is begun: the first window of it. In 42 questions that was 1.2 times a
question, with 64 ms more 1.0 times; what is begun in vain costs nobody anything."""

EVERY_MS = 250
"""Not more often than that: each costs a good part of a core's work."""

READ_EVERY_MS = 480
"""Voice after which the words so far are recognised while the child speaks on, so that the model
has read most of them when the last one is known."""

MOST = 12
"""In one utterance; who pauses more often tells a long tale."""

VOICE_MS = 64
"""Voice after which the child has gone on: a breath or the echo of a word is shorter."""


class Step(enum.Enum):
    """What to do after a window of sound."""

    BEGIN = "begin"
    ABANDON = "abandon"
    READ = "read"  # what has been said so far, for it will be the beginning of the question


class Pauses:
    """Decides when to speculate, one window of 32 ms after the other. Pure."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._began_ms = -EVERY_MS
        self._begun = 0
        self._under_way = False
        self._voice_ms = 0  # since it was begun; before the first, that there is something to say
        self._unread_ms = 0  # of voice

    def hear(self, *, voiced: bool, silence_ms: int, free: bool) -> Step | None:
        """Take a window; `silence_ms` lasts the silence now, `free`: nobody needs the engines."""
        self._now_ms += WINDOW_MS
        if voiced:
            self._voice_ms += WINDOW_MS
            self._unread_ms += WINDOW_MS
            if self._under_way and self._voice_ms >= VOICE_MS:
                self._under_way = False
                return Step.ABANDON
            if free and not self._under_way and self._unread_ms >= READ_EVERY_MS:
                self._unread_ms = 0
                return Step.READ
            return None
        if (
            self._under_way
            or self._voice_ms < VOICE_MS
            or silence_ms < BEGIN_AFTER_MS
            or self._begun >= MOST
            or self._now_ms - self._began_ms < EVERY_MS
            or not free
        ):
            return None
        self._under_way = True
        self._begun += 1
        self._began_ms = self._now_ms
        self._voice_ms = 0
        return Step.BEGIN


class Speculation:
    """The answers to what one child may have finished saying, one at a time."""

    def __init__(
        self,
        recognition: Recognition,
        draft: Callable[[Transcript], Draft],
        read: Callable[[str], Awaitable[None]],
        *,
        free: Callable[[], bool],
        language: str,
        record: TurnRecord,
    ) -> None:
        self._recognition = recognition
        self._make_draft = draft
        self._read = read
        self._free = free
        self._language = language
        self._record = record
        self._pauses = Pauses()
        self._task: asyncio.Task[None] | None = None
        self._draft: Draft | None = None
        self._reading: asyncio.Task[None] | None = None
        self.words = Completeness.UNKNOWN
        """What the words before the silence now under way tell."""

    def follow(self, endpoint: Endpoint) -> None:
        """Look at the window that `endpoint` has heard: begin an answer, or throw it away."""
        free = endpoint.speech and self._free()
        step = self._pauses.hear(voiced=endpoint.voiced, silence_ms=endpoint.silence_ms, free=free)
        match step:
            case Step.ABANDON:
                self.close()
            case Step.BEGIN:
                self._stop_reading()
                self._record.speculations += 1
                self._task = asyncio.create_task(self._begin())
            case Step.READ:
                self._stop_reading()
                self._reading = asyncio.create_task(self._read_words())

    async def take(self, final: Transcript) -> Draft | None:
        """Return the answer that was begun, if it is one to `final`; throw it away otherwise."""
        draft, self._draft = self._draft, None
        self.close()
        if draft is None:
            return None
        try:
            if await draft.stands_for(final):
                self._record.speculation_kept = True
                return draft
        except BaseException:
            draft.close()
            raise
        await draft.aclose()
        return None

    def close(self) -> None:
        """Throw away what was begun, and free the engines; harmless when repeated."""
        self._stop_reading()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._draft is not None:
            self._draft.close()
            self._draft = None
        self.words = Completeness.UNKNOWN

    async def _begin(self) -> None:
        with correlated(turn=self._record.turn):
            try:
                transcript = await self._recognition.so_far()
            except Exception as error:
                _note(error)
                return
            if transcript.text.strip():
                self.words = completeness(transcript.text, self._language)
                self._draft = self._make_draft(transcript)

    async def _read_words(self) -> None:
        """Let the model read what the child has said so far; nothing of it is answered."""
        with correlated(turn=self._record.turn):
            try:
                words = (await self._recognition.partial()).text
            except Exception as error:
                _note(error)
                return
            if words:
                await self._read(words)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def _note(error: Exception) -> None:
    # Nothing is lost: the turn asks again at the end, and says what is wrong.
    if isinstance(error, EngineError):
        log(_logger, logging.INFO, "nothing begun early", engine=error.engine)
    else:
        log(_logger, logging.WARNING, "nothing begun early", error=type(error).__name__)
