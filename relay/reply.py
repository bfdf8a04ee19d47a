"""From a question to sound: the model's pieces, whole sentences, each one checked, then spoken.

Each step works ahead of the next, so that the first sentence is heard while the model writes the
second.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Sequence

from relay.checks import Checks
from relay.errors import EngineError, EngineTimeout
from relay.llm import ChatMessage
from relay.record import Stage, TurnRecord
from relay.safety.verdict import Action, Verdict
from relay.sentences import SentenceSplitter, speakable
from relay.services import Services
from relay.speech import Utterance
from relay.streams import read_ahead, with_deadlines, within

SENTENCES_AHEAD = 512
"""Text may run far ahead of speech: a model held back by a slow talker would be lost to others.

The settings' longest reply bounds it; text is small.
"""

SOUNDS_AHEAD = 2
"""Sound is 32 KB a second: two sentences ready are enough to leave no gap."""


_ENDS = (".", "!", "?", '"', "”", "…")


class Reply:
    """One turn's answer in the making."""

    def __init__(self, services: Services, checks: Checks, record: TurnRecord) -> None:
        self._engines = services.engines
        self._settings = services.settings
        self._checks = checks
        self._record = record
        self.stopped_by: Verdict | None = None  # why a sentence of the model was not spoken

    async def answer(
        self, messages: Sequence[ChatMessage], most_words: int | None = None
    ) -> AsyncGenerator[Utterance, None]:
        """Yield the model's answer; EngineError if an engine fails or makes nothing at all.

        With the sentence that reaches `most_words` the model is stopped; None lets it finish.
        """
        sentences = self._sentences(messages)
        approved = read_ahead(self._approved(sentences, most_words), SENTENCES_AHEAD)
        spoken = read_ahead(self._spoken(approved), SOUNDS_AHEAD)
        empty = True
        async with contextlib.aclosing(spoken):
            async for utterance in spoken:
                empty = False
                yield utterance
        if empty:
            raise EngineError("llm", "the model said nothing")

    async def reviewed(self, text: str) -> AsyncGenerator[Utterance, None]:
        """Yield reviewed words, which need no check."""
        spoken = read_ahead(self._spoken(_each(_split(text))), SOUNDS_AHEAD)
        async with contextlib.aclosing(spoken):
            async for utterance in spoken:
                yield utterance

    async def _sentences(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[str, None]:
        llm = self._settings.llm
        pieces = with_deadlines(
            self._engines.llm.reply(messages, max_tokens=llm.max_tokens),
            first_s=llm.first_token_timeout_s,
            whole_s=llm.timeout_s,
            engine="llm",
        )
        splitter = SentenceSplitter()
        count = 0
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                count += 1
                self._reached(Stage.FIRST_TOKEN)
                for sentence in splitter.add(piece):
                    self._reached(Stage.FIRST_SENTENCE)
                    yield sentence
        rest = splitter.finish()
        # A piece is about a token: a reply that ran into its limit ends in half a sentence, which
        # is better left out than spoken, as long as something was said before it.
        cut_off = count >= llm.max_tokens * 0.9 and not rest.endswith(_ENDS)
        if rest and not (cut_off and Stage.FIRST_SENTENCE in self._record.at):
            self._reached(Stage.FIRST_SENTENCE)
            yield rest

    async def _approved(
        self, sentences: AsyncGenerator[str, None], most_words: int | None
    ) -> AsyncGenerator[str, None]:
        before: list[str] = []
        async with contextlib.aclosing(sentences):
            async for sentence in sentences:
                if not (words := speakable(sentence)):
                    continue
                verdict = await self._checks.said(words, " ".join(before))
                self._reached(Stage.SAID_CHECKED)
                if verdict.action is not Action.ALLOW:
                    # Leaving the loop closes the sentences, and with them the model.
                    self.stopped_by = verdict
                    for line in _split(verdict.reply):
                        yield line
                    return
                before.append(words)
                yield words
                # A clause let go at a comma is no place to end.
                whole = words.endswith(_ENDS)
                if whole and most_words is not None and len(" ".join(before).split()) >= most_words:
                    return

    async def _spoken(self, texts: AsyncGenerator[str, None]) -> AsyncGenerator[Utterance, None]:
        limit = self._settings.tts.timeout_s
        async with contextlib.aclosing(texts):
            async for text in texts:
                try:
                    pcm = await within(self._engines.tts.speak(text), limit)
                except TimeoutError:
                    raise EngineTimeout("tts", f"no sound within {limit:g} s") from None
                if not pcm:
                    raise EngineError("tts", "made no sound")
                self._reached(Stage.FIRST_SPEECH)
                yield Utterance(text, pcm)

    def _reached(self, stage: Stage) -> None:
        self._record.at.setdefault(stage, time.monotonic())


def _split(text: str) -> list[str]:
    splitter = SentenceSplitter()
    return [sentence for sentence in (*splitter.add(text), splitter.finish()) if sentence]


async def _each(texts: Iterable[str]) -> AsyncGenerator[str, None]:
    for text in texts:
        yield text
