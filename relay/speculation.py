"""Answers begun in the pauses of a child's speech, before it is known whether it has finished.

At a short silence the words so far are recognised and an answer to them is begun; when the voice
comes again it is thrown away, and the engines are free at once. Whether an answer is spoken is not
decided here: `Turn` asks for it when the end of speech is confirmed.
"""

import asyncio
import enum
import logging
from collections.abc import Callable

from relay.completeness import Completeness, completeness
from relay.draft import Draft
from relay.endpoint import Endpoint
from relay.errors import EngineError
from relay.record import TurnRecord
from relay.stt import Recognition, Transcript
from relay.telemetry import correlated, log
from relay.voice_activity import WINDOW_MS

_logger = logging.getLogger(__name__)

BEGIN_AFTER_MS = 96
"""Silence at which an answer is begun. The pauses between words are mostly shorter."""

EVERY_MS = 250
"""Not more often than that: each costs a good part of a core's work."""

MOST = 12
"""In one utterance; who pauses more often tells a long tale."""

VOICE_MS = 64
"""Voice after which the child has gone on: a breath or the echo of a word is shorter."""


class Step(enum.Enum):
    """What to do after a window of sound."""

    BEGIN = "begin"
    ABANDON = "abandon"


class Pauses:
    """Decides when to speculate, one window of 32 ms after the other. Pure."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._began_ms = -EVERY_MS
        self._begun = 0
        self._under_way = False
        self._voice_ms = 0  # since it was begun; before the first, that there is something to say

    def hear(self, *, voiced: bool, silence_ms: int, free: bool) -> Step | None:
        """Take a window; `silence_ms` lasts the silence now, `free`: nobody needs the engines."""
        self._now_ms += WINDOW_MS
        if voiced:
            self._voice_ms += WINDOW_MS
            if self._under_way and self._voice_ms >= VOICE_MS:
                self._under_way = False
                return Step.ABANDON
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
        *,
        free: Callable[[], bool],
        language: str,
        record: TurnRecord,
    ) -> None:
        self._recognition = recognition
        self._make_draft = draft
        self._free = free
        self._language = language
        self._record = record
        self._pauses = Pauses()
        self._task: asyncio.Task[None] | None = None
        self._draft: Draft | None = None
        self.words = Completeness.UNKNOWN
        """What the words before the silence now under way tell."""

    def follow(self, endpoint: Endpoint) -> None:
        """Look at the window that `endpoint` has heard: begin an answer, or throw it away."""
        free = endpoint.speech and self._free()
        step = self._pauses.hear(voiced=endpoint.voiced, silence_ms=endpoint.silence_ms, free=free)
        if step is Step.ABANDON:
            self.close()
        elif step is Step.BEGIN:
            self._record.speculations += 1
            self._task = asyncio.create_task(self._begin())

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
            except EngineError as error:
                # Nothing is lost: the turn asks again at the end, and says what is wrong.
                log(_logger, logging.INFO, "nothing begun early", engine=error.engine)
                return
            except Exception as error:
                log(_logger, logging.WARNING, "nothing begun early", error=type(error).__name__)
                return
            if transcript.text.strip():
                self.words = completeness(transcript.text, self._language)
                self._draft = self._make_draft(transcript)
