"""Any server that speaks the OpenAI chat completions protocol: llama.cpp, Ollama, vLLM and others.

The address is the parent's choice; with a server outside the house, words leave the house.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx

from relay.config import LlmSettings
from relay.errors import EngineError, EngineTimeout
from relay.llm import ChatMessage, ReplyStream
from relay.llm.room import check_room
from relay.urgency import Urgency

ENGINE = "llm.openai"
CONNECT_TIMEOUT_S = 5.0
MAX_LINE_CHARACTERS = 1_000_000
END = "[DONE]"


class OpenAiEngine:
    """Continues conversations on a server, as a stream of server-sent events."""

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        key = settings.api_key.get_secret_value()
        self._http = httpx.AsyncClient(
            base_url=settings.base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(settings.first_token_timeout_s, connect=CONNECT_TIMEOUT_S),
        )
        self._under_way: list[Urgency] = []

    @property
    def name(self) -> str:
        """Engine and model, as in "openai qwen2.5"; never the address, which may hold a secret."""
        return f"openai {self._settings.model}"

    async def warm(
        self, prefix: Sequence[ChatMessage], question: str = "", *, finished: bool = False
    ) -> None:
        """Let the server read the prefix: such servers keep what they have read.

        Not the question: a server cannot be told that it may wait, and that it grows.
        """
        if not question:
            async with contextlib.aclosing(self._reply(prefix, 1, Urgency.BACKGROUND)) as pieces:
                async for _piece in pieces:
                    pass

    def reply(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        urgency: Urgency = Urgency.FIRST_SENTENCE,
    ) -> ReplyStream:
        """Return the reply in pieces; see `LanguageModel.reply`. `aclose()` hangs up."""
        return ReplyStream(
            urgency, lambda stream: self._reply(messages, max_tokens, stream.urgency)
        )

    async def _reply(
        self, messages: Sequence[ChatMessage], max_tokens: int, urgency: Urgency
    ) -> AsyncGenerator[str, None]:
        check_room(ENGINE, self._under_way, self._settings.max_waiting, urgency)
        question = {
            "model": self._settings.model,
            "messages": [{"role": each.role.value, "content": each.text} for each in messages],
            "max_tokens": max_tokens,
            "temperature": self._settings.temperature,
            "stream": True,
        }
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._settings.first_token_timeout_s + self._settings.timeout_s
        self._under_way.append(urgency)
        try:
            async with self._http.stream("POST", "chat/completions", json=question) as response:
                if response.is_error:
                    raise EngineError(ENGINE, _refusal(response.status_code))
                async with contextlib.aclosing(_events(response)) as events:
                    ended = False
                    async for event in events:
                        if clock() > deadline:
                            raise EngineTimeout(ENGINE, "the reply took too long")
                        piece, ended = _piece(event)
                        if piece:
                            yield piece
                    if not ended:
                        raise EngineError(ENGINE, "the server broke off")
        except httpx.ConnectTimeout:
            raise EngineError(ENGINE, "the server cannot be reached") from None
        except httpx.TimeoutException:
            limit = f"{self._settings.first_token_timeout_s:g} s"
            raise EngineTimeout(ENGINE, f"the server said nothing for {limit}") from None
        except httpx.HTTPError as error:
            raise EngineError(
                ENGINE, f"the server cannot be used ({type(error).__name__})"
            ) from None
        finally:
            self._under_way.remove(urgency)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()


async def _events(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the JSON of the stream's `data:` lines up to its end."""
    line = ""
    async for text in response.aiter_text():
        line += text
        *whole, line = line.split("\n")
        if len(line) > MAX_LINE_CHARACTERS:
            raise EngineError(ENGINE, "the server sends lines without end")
        for each in whole:
            data = each.removeprefix("data:").strip()
            if data == each.strip():
                continue  # a comment, an empty line or a field that is not data
            if data == END:
                return
            yield _object(data)


def _object(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError:
        raise EngineError(ENGINE, "the server sends something that is not JSON") from None
    if not isinstance(event, dict):
        raise EngineError(ENGINE, "the server sends something that is not an object")
    if "error" in event:
        raise EngineError(ENGINE, "the server gave up on the reply")
    return event


def _piece(event: dict[str, Any]) -> tuple[str, bool]:
    """Return the text of one event, which may be none, and whether it is the reply's last."""
    try:
        if not event["choices"]:
            return "", True  # token counts, sent behind the reply
        choice = event["choices"][0]
        content, reason = choice["delta"].get("content"), choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise EngineError(ENGINE, "the server does not speak the chat protocol") from None
    return content if isinstance(content, str) else "", reason is not None


def _refusal(status: int) -> str:
    """Say in plain words what a status means. The body is not read: it may quote the question."""
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return f"the server refuses the key (HTTP {status}); check llm.api_key"
    if status == httpx.codes.NOT_FOUND:
        return "the server has no such address or model (HTTP 404); check llm.base_url, llm.model"
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return "the server has too much to do (HTTP 429)"
    return f"the server answers HTTP {status}"
