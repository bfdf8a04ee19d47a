"""How soon the language model is free again when a child interrupts: while it reads, and writes.

From hanging up until another request could begin, in this process, with nobody else at the model.
"""

import asyncio
import random
import time

from relay.config import Settings
from relay.llm import ChatMessage, ReplyStream, Role
from relay.llm.llama_engine import LlamaEngine
from tools.bench.report import p50_p95

LONG_PROMPT = "and then the bear went on to the next tree " * 60
LONGEST_READ_S = 0.4  # of the prompt, before hanging up


async def measure_cancelling(times: int) -> dict[str, float]:
    """Return the figures of `times` interruptions, by name; none without llama.cpp.

    Raises EngineError.
    """
    settings = Settings()
    if settings.llm.engine != "llama":
        return {}
    engine = await LlamaEngine.load(settings.llm, settings.models_dir)
    after = random.Random(0)  # noqa: S311 - the same in every run
    reading, writing = list[float](), list[float]()
    try:
        for number in range(times):
            reply = _ask(engine, f"{number} {LONG_PROMPT}")
            waiting = asyncio.ensure_future(anext(reply))
            await asyncio.sleep(after.uniform(0.0, LONGEST_READ_S))
            reading.append(await _hang_up(engine, reply, waiting))
            reply = _ask(engine, f"{number} Tell me a very long story.")
            await anext(reply)
            await asyncio.sleep(after.uniform(0.0, LONGEST_READ_S))
            writing.append(await _hang_up(engine, reply))
    finally:
        await engine.close()
    return {
        **p50_p95("cancel_reading_ms", reading),
        "cancel_reading_ms_max": round(max(reading), 1),
        **p50_p95("cancel_writing_ms", writing),
        "cancel_writing_ms_max": round(max(writing), 1),
    }


def _ask(engine: LlamaEngine, question: str) -> ReplyStream:
    return engine.reply([ChatMessage(Role.CHILD, question)], max_tokens=200)


async def _hang_up(
    engine: LlamaEngine, reply: ReplyStream, waiting: "asyncio.Future[str] | None" = None
) -> float:
    """Return the milliseconds until the model does something else."""
    began = time.monotonic()
    if waiting is not None:
        waiting.cancel()
        await asyncio.wait([waiting])
    await reply.aclose()
    await engine.tokens_read()
    return (time.monotonic() - began) * 1000
