"""From a question to sound: the model's pieces, whole sentences, each one checked and spoken.

Each step works ahead of the next, so that the first sentence is heard while the model writes the
second. A sentence is checked and turned into sound at the same time; it is given out after both.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from relay.checks import Checks
from relay.errors import EngineError
from relay.llm import ChatMessage, ReplyStream
from relay.record import Stage
from relay.safety.verdict import Action, Verdict
from relay.sentences import SentenceSplitter, speakable, split
from relay.services import Services
from relay.speech import Utterance
from relay.streams import ReadAhead, with_deadlines
from relay.trace import Trace
from relay.tts import USUAL, Style
from relay.urgency import Urgency
from relay.utter import utter

SENTENCES_AHEAD = 512
"""Text may run far ahead of speech: a model held back by a slow talker would be lost to others.

The settings' longest reply bounds it; text is small.
"""

_ENDS = (".", "!", "?", '"', "”", "…")


class Reply:
    """One question's answer in the making."""

    def __init__(
        self,
        services: Services,
        checks: Checks,
        trace: Trace,
        urgency: Urgency,
        style: Style = USUAL,
    ) -> None:
        self._style = style
        self._services = services
        self._engines = services.engines
        self._settings = services.settings
        self._checks = checks
        self._trace = trace
        self._urgency = urgency
        self._pieces: ReplyStream | None = None
        self.stopped_by: Verdict | None = None  # why a sentence of the model was not spoken

    def hurry(self) -> None:
        """Let the engines treat what was speculative as what a child waits for."""
        self._urgency = Urgency.FIRST_SENTENCE
        if self._pieces is not None:
            self._pieces.urgency = Urgency.FIRST_SENTENCE

    async def answer(
        self, messages: Sequence[ChatMessage], most_words: int | None = None
    ) -> AsyncGenerator[Utterance, None]:
        """Yield the model's answer; EngineError if an engine fails or makes nothing at all.

        With the sentence that reaches `most_words` the model is stopped; None lets it finish.
        """
        sentences = ReadAhead(self._sentences(messages, most_words), SENTENCES_AHEAD)
        before: list[str] = []
        async with contextlib.aclosing(sentences):
            async for words in sentences:
                urgency = Urgency.LATER if before else self._urgency
                speaking = asyncio.ensure_future(self._speak(words, urgency))
                try:
                    verdict = await self._checks.said(words, " ".join(before))
                    self._trace.reached(Stage.SAID_CHECKED)
                    if verdict.action is Action.ALLOW:
                        yield await speaking
                        before.append(words)
                        continue
                finally:
                    await _let_go(speaking)
                self.stopped_by = verdict
                await sentences.aclose()  # and with them the model
                async for utterance in self.reviewed(verdict.reply):
                    yield utterance
                return
        if not before:
            raise EngineError("llm", "the model said nothing")

    async def reviewed(self, text: str) -> AsyncGenerator[Utterance, None]:
        """Yield reviewed words, which need no check."""
        urgency = self._urgency
        for sentence in split(text):
            yield await self._speak(sentence, urgency)
            urgency = Urgency.LATER

    async def _sentences(
        self, messages: Sequence[ChatMessage], most_words: int | None
    ) -> AsyncGenerator[str, None]:
        """Yield what can be spoken of the model's sentences, up to the one that is enough."""
        count = 0
        async with contextlib.aclosing(self._whole_sentences(messages)) as sentences:
            async for sentence in sentences:
                if not (words := speakable(sentence)):
                    continue
                self._trace.reached(Stage.FIRST_SENTENCE)
                yield words
                count += len(words.split())
                # A clause let go at a comma is no place to end.
                if words.endswith(_ENDS) and most_words is not None and count >= most_words:
                    return

    async def _whole_sentences(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[str, None]:
        llm = self._settings.llm
        self._pieces = self._engines.llm.reply(
            messages, max_tokens=llm.max_tokens, urgency=self._urgency
        )
        pieces = with_deadlines(
            self._pieces,
            first_s=llm.first_token_timeout_s,
            whole_s=llm.timeout_s,
            engine="llm",
        )
        splitter = SentenceSplitter()
        count = 0
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                count += 1
                self._trace.reached(Stage.FIRST_TOKEN)
                for sentence in splitter.add(piece):
                    yield sentence
        rest = splitter.finish()
        # A piece is about a token: a reply that ran into its limit ends in half a sentence, which
        # is better left out than spoken, as long as something was said before it.
        cut_off = count >= llm.max_tokens * 0.9 and not rest.endswith(_ENDS)
        if rest and not (cut_off and self._trace.has_reached(Stage.FIRST_SENTENCE)):
            yield rest

    async def _speak(self, text: str, urgency: Urgency) -> Utterance:
        return await utter(self._services, text, urgency=urgency, style=self._style)


async def _let_go(speaking: "asyncio.Future[Utterance]") -> None:
    """End a synthesis that is not wanted; its error, if any, is nobody's any more."""
    if not speaking.done():
        speaking.cancel()
        await asyncio.wait([speaking])
    if not speaking.cancelled():
        speaking.exception()
