"""Language models: what the relay asks of an engine that thinks of an answer. One engine a file."""

import enum
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.urgency import Urgency


class Role(enum.Enum):
    """Who says a message of the conversation."""

    SYSTEM = "system"
    CHILD = "user"
    TOY = "assistant"


@dataclass(frozen=True)
class ChatMessage:
    """One message of the conversation that a reply is asked for."""

    role: Role
    text: str


class ReplyStream:
    """A reply in the making: an async iterator of its pieces, begun by the first `anext`.

    `urgency` may be changed at any time, as when a speculative reply turns out to be wanted: the
    engine looks at it again before every token. `aclose()` stops the model and frees it for others
    within 50 ms; harmless when repeated, or when nothing was begun.
    """

    def __init__(
        self, urgency: Urgency, make: Callable[["ReplyStream"], AsyncGenerator[str, None]]
    ) -> None:
        self.urgency = urgency
        self._pieces = make(self)

    def __aiter__(self) -> "ReplyStream":
        return self

    async def __anext__(self) -> str:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Stop the reply."""
        await self._pieces.aclose()


class LanguageModel(Protocol):
    """An engine that continues a conversation; safe to use from many sessions at once."""

    @property
    def name(self) -> str:
        """Engine and model, as in "llama SmolLM2-135M-Instruct"."""

    async def warm(
        self, prefix: Sequence[ChatMessage], question: str = "", *, finished: bool = False
    ) -> None:
        """Read a prompt prefix ahead of time, so that replies that begin with it come sooner.

        `question` is the beginning of what the child is saying, as far as it is known, or all of it
        when that is `finished`. It may be called again and again as that grows: only what is new is
        read, after all replies. Cancel it when it is no longer of use.
        """

    def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> ReplyStream:
        """Return the reply as a stream of pieces of text; reading it raises EngineError.

        Once a FIRST_SENTENCE reply has given its first sentence the engine itself treats it as
        LATER.
        """

    async def close(self) -> None:
        """Free the model and stop the engine's threads."""
