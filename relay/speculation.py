"""Answers begun while a child still speaks, before it is known whether it has finished.

What has been said so far is recognised again and again, and read by the model. At the first silence
an answer to it is begun, so that it is ready, or nearly, when that turns out to be all. When other
words follow it is thrown away, and the engines are free at once. Whether an answer is spoken is not
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

READ_FIRST_MS = 480
"""Voice before the first look at the words: less than two words say nothing."""

READ_EVERY_MS = 160
"""Voice between two looks, one of which takes 100 to 200 ms: the next follows at once. Of 21
questions cut off 120 ms before their end 16 were recognised whole, and of 21 in noise 18; 240 ms
before it 8 and 13."""

BEGIN_AFTER_MS = 32
"""Silence at which what was said is taken for all of it: the first window. In 42 questions that was
1.2 times a question, with 64 ms more 1.0 times."""

EVERY_MS = 250
"""Not more often than that: each costs a good part of a core's work."""

MOST = 12
"""In one utterance; who pauses more often tells a long tale."""

VOICE_MS = 64
"""Voice after which the child has gone on: a breath or the echo of a word is shorter."""


class Step(enum.Enum):
    """What to do after a window of sound."""

    READ = "read"  # look at the words so far
    BEGIN = "begin"  # they may be all
    ABANDON = "abandon"  # they were not


class Pauses:
    """Decides when to speculate, one window of 32 ms after the other. Pure."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._began_ms = -EVERY_MS
        self._begun = 0
        self._under_way = False
        self._voice_ms = 0  # since it was begun; before the first, that there is something to say
        self._unread_ms = READ_EVERY_MS - READ_FIRST_MS  # of voice

    def hear(
        self, *, voiced: bool, silence_ms: int, free: bool, reading: bool = False
    ) -> Step | None:
        """Take a window; `silence_ms` lasts the silence now, `free`: nobody needs the engines.

        `reading`: the last look at the words is not over.
        """
        self._now_ms += WINDOW_MS
        if voiced:
            self._voice_ms += WINDOW_MS
            self._unread_ms += WINDOW_MS
            if self._under_way and self._voice_ms >= VOICE_MS:
                self._under_way = False
                return Step.ABANDON
            if free and not reading and not self._under_way and self._unread_ms >= READ_EVERY_MS:
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
        self._beginning: asyncio.Task[None] | None = None
        self._draft: Draft | None = None
        self._reading: asyncio.Task[None] | None = None
        self._silent = False
        self._looked = ""  # what the last look found
        self.words = Completeness.UNKNOWN
        """What the words before the silence now under way tell."""

    def follow(self, endpoint: Endpoint) -> None:
        """Look at the window that `endpoint` has heard: begin an answer, or throw it away."""
        step = self._pauses.hear(
            voiced=endpoint.voiced,
            silence_ms=endpoint.silence_ms,
            free=endpoint.speech and self._free(),
            reading=self._reading is not None and not self._reading.done(),
        )
        match step:
            case Step.READ:
                self._reading = asyncio.create_task(self._in_turn(self._read_on))
            case Step.BEGIN:
                self._silent = True
                self._beginning = asyncio.create_task(self._in_turn(self._begin))
            case Step.ABANDON:
                self._abandon()

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
        self._abandon()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _abandon(self) -> None:
        self._silent = False
        if self._beginning is not None:
            self._beginning.cancel()
            self._beginning = None
        if self._draft is not None:
            self._draft.close()
            self._draft = None
        self.words = Completeness.UNKNOWN

    async def _in_turn(self, work: Callable[[], Awaitable[None]]) -> None:
        with correlated(turn=self._record.turn):
            try:
                await work()
            # Nothing is lost: the turn asks again at the end, and says what is wrong.
            except EngineError as error:
                log(_logger, logging.INFO, "nothing begun early", engine=error.engine)
            except Exception as error:
                log(_logger, logging.WARNING, "nothing begun early", error=type(error).__name__)

    async def _begin(self) -> None:
        """Answer what was said before the silence under way."""
        transcript = await self._recognition.so_far()
        if transcript.text.strip():
            self.words = completeness(transcript.text, self._language)
            self._answer(transcript)

    async def _read_on(self) -> None:
        """Let the model read what was said so far; answer it if that is likely to be all.

        It is when silence has begun meanwhile: the last words were mostly recognised by a look that
        began shortly before, 100 to 200 ms sooner than by one that begins with the silence. So it
        is when no word has come since the look before: in noise silence is late to be heard. To
        answer every look would be right now and then, but costs the others more than that gains.
        """
        transcript = await self._recognition.partial()
        if not transcript.text.strip():
            return
        again, self._looked = transcript.text == self._looked, transcript.text
        if self._silent or again:
            self._answer(transcript)
        else:
            await self._read(transcript.text)

    def _answer(self, transcript: Transcript) -> None:
        if self._draft is not None:
            if self._draft.is_for(transcript):
                return
            self._draft.close()
        self._record.speculations += 1
        self._draft = self._make_draft(transcript)
