"""Language models: what the relay asks of an engine that thinks of an answer. One engine a file."""

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


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


class LanguageModel(Protocol):
    """An engine that continues a conversation; safe to use from many sessions at once."""

    @property
    def name(self) -> str:
        """Engine and model, as in "llama SmolLM2-135M-Instruct"."""

    async def warm(self, prefix: Sequence[ChatMessage]) -> None:
        """Read a prompt prefix ahead of time, so that replies that begin with it come sooner."""

    def reply(self, messages: Sequence[ChatMessage], *, max_tokens: int) -> AsyncIterator[str]:
        """Yield the reply in pieces as they are made; raises EngineError.

        The result is an async generator: `aclose()` on it stops the model and frees it for others
        within about one token.
        """

    async def close(self) -> None:
        """Free the model and stop the engine's threads."""
