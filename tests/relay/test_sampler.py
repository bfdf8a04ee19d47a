"""How replies begin."""

import os
from pathlib import Path

from relay.config import LlmSettings
from relay.llm import ChatMessage, Role
from relay.llm.llama_engine import LlamaEngine

MODELS = Path(os.environ["BRAMBLE_MODELS_DIR"])
HABIT = "The answer to that question is: I am a bear."


async def test_no_reply_begins_with_empty_words_out_of_habit():
    engine = await LlamaEngine.load(
        LlmSettings(temperature=0, first_token_timeout_s=120, timeout_s=300), MODELS
    )
    talk = []
    for question in ("Why is the sky blue?", "What do cats eat?", "How do birds fly?"):
        talk += [ChatMessage(Role.CHILD, question), ChatMessage(Role.TOY, HABIT)]
    try:
        asked = [*talk, ChatMessage(Role.CHILD, "What is the biggest animal?")]
        said = "".join([piece async for piece in engine.reply(asked, max_tokens=12)])
    finally:
        await engine.close()
    assert said.strip()
    assert not said.startswith("The answer")
