"""Thinking on a server that speaks the OpenAI chat protocol."""

import asyncio
import contextlib

import pytest

from relay.config import LlmSettings
from relay.errors import EngineBusy, EngineError, EngineTimeout
from relay.llm import ChatMessage, Role
from relay.llm.openai_engine import OpenAiEngine
from relay.urgency import Urgency
from tests.relay.chat_server import chat_server

QUESTION = [
    ChatMessage(Role.SYSTEM, "You are a bear."),
    ChatMessage(Role.CHILD, "What is my secret?"),
]


@contextlib.asynccontextmanager
async def engine_of(address, **settings):
    settings = {"first_token_timeout_s": 30, **settings}
    engine = OpenAiEngine(
        LlmSettings(engine="openai", base_url=address, model="any-model", **settings)
    )
    try:
        yield engine
    finally:
        await engine.close()


async def ask(engine) -> list[str]:
    return [piece async for piece in engine.reply(QUESTION, max_tokens=50)]


async def test_it_asks_in_the_protocol_and_streams_the_answer():
    async with (
        chat_server() as server,
        engine_of(server.address, api_key="k-123", temperature=0.7) as engine,
    ):
        server.says("Hel", "lo ", "bär 🐻")
        assert await ask(engine) == ["Hel", "lo ", "bär 🐻"]
        assert engine.name == "openai any-model"
        (asked,) = server.questions
        assert asked == {
            "path": "/v1/chat/completions",
            "model": "any-model",
            "messages": [
                {"role": "system", "content": "You are a bear."},
                {"role": "user", "content": "What is my secret?"},
            ],
            "max_tokens": 50,
            "temperature": 0.7,
            "stream": True,
        }
        assert server.authorizations == ["bearer k-123"]


async def test_comments_odd_lines_and_a_stream_without_done_are_understood():
    async with chat_server() as server, engine_of(server.address + "/") as engine:
        server.says("Hello")
        server.lines = [": keep alive", "event: message", *server.lines[:-1]]
        server.lines.append('data: {"choices": [], "usage": {"total_tokens": 9}}')
        assert await ask(engine) == ["Hello"]
        assert server.authorizations == [None]


async def test_warming_asks_for_the_least_and_not_for_every_word():
    async with chat_server() as server, engine_of(server.address) as engine:
        server.says("x")
        await engine.warm(QUESTION[:1])
        await engine.warm(QUESTION[:1], "What is")
        await engine.warm(QUESTION[:1], "What is my")
        assert [question["max_tokens"] for question in server.questions] == [1]


async def test_work_that_may_be_in_vain_leaves_room_for_those_who_wait():
    async with chat_server() as server, engine_of(server.address, max_waiting=2) as engine:
        server.says("one", "two")
        server.stall_after = 2
        early = [
            engine.reply(QUESTION, max_tokens=50, urgency=Urgency.SPECULATIVE) for _ in range(3)
        ]
        for reply in early[:2]:
            assert await anext(reply) == "one"
        with pytest.raises(EngineBusy):
            await anext(early[2])
        wanted = engine.reply(QUESTION, max_tokens=50)
        assert await anext(wanted) == "one"
        for reply in [*early, wanted]:
            await reply.aclose()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401 Unauthorized", "refuses the key"),
        ("404 Not Found", "no such address or model"),
        ("429 Too Many Requests", "too much to do"),
        ("500 Internal Server Error", "HTTP 500"),
    ],
)
async def test_a_refusal_is_told_in_plain_words_and_quotes_nothing(status, words):
    async with chat_server() as server, engine_of(server.address) as engine:
        server.status = status
        server.lines = ['{"error": "what is my secret?"}']
        with pytest.raises(EngineError, match=words) as raised:
            await ask(engine)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "lines",
    [
        ["data: not json"],
        ["data: 7"],
        ['data: {"error": {"message": "secret"}}'],
        ['data: {"choices": [7]}'],
        ['data: {"choices": [{"delta": 7}]}'],
        ['data: {"nothing": 1}'],
        ['data: {"choices": [{"delta": {"content": "Hel"}}]}'],  # and it breaks off
        [],
        ["x" * 2_000_000],
    ],
)
async def test_a_server_that_talks_nonsense_is_an_engine_error(lines):
    async with chat_server() as server, engine_of(server.address) as engine:
        server.lines = lines
        with pytest.raises(EngineError) as raised:
            await ask(engine)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("after", [0, 2])
async def test_a_server_that_stalls_is_a_timeout(after):
    async with (
        chat_server() as server,
        engine_of(server.address, first_token_timeout_s=0.2) as engine,
    ):
        server.says("Hello", "there")
        server.stall_after = after
        with pytest.raises(EngineTimeout):
            await ask(engine)


async def test_nobody_there_is_an_engine_error():
    async with chat_server() as server:
        address = server.address
    async with engine_of(address) as engine:
        with pytest.raises(EngineError, match="server"):
            await ask(engine)


async def test_closing_the_reply_hangs_up_and_makes_room():
    async with chat_server() as server, engine_of(server.address, max_waiting=1) as engine:
        server.says("one", "two", "three")
        server.stall_after = 2
        replies = [engine.reply(QUESTION, max_tokens=50) for _ in range(2)]
        for reply in replies:
            assert await anext(reply) == "one"
        with pytest.raises(EngineBusy):
            await ask(engine)
        for reply in replies:
            await reply.aclose()
        await asyncio.wait_for(server.hung_up.wait(), 30)
        server.stall_after = None
        assert await ask(engine) == ["one", "two", "three"]
