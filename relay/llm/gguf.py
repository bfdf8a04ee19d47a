"""A GGUF model in memory: llama.cpp's C functions in the order in which a reply needs them.

llama-cpp-python's `Llama` class is not used: it cannot switch off the weight buffers described at
`_has_amx`, cannot stop while it reads a long prompt, and keeps one prompt prefix only.
Everything here belongs to one thread.
"""

import ctypes
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from relay.errors import EngineError
from relay.llm import ChatMessage
from relay.worker import Cancelled

ENGINE = "llm.llama"

CHUNK_TOKENS = 16
"""Tokens of a prompt read at once. Reading 64 at once is 15 % quicker, but holds up a barge-in for
0.35 s instead of 0.1 s (135M model, one core)."""

REPEAT_WINDOW = 64
REPEAT_PENALTY = 1.1
TOP_K = 40
TOP_P = 0.95
MIN_P = 0.05
SEQUENCE = 0

# llama.cpp tells of every tensor it loads; errors still show.
logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)


class GgufModel:
    """A model and its key-value cache; `cached` is what the cache holds, `read` counts tokens."""

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = not _has_amx()
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise EngineError(ENGINE, f"{path.name} is not a GGUF model that llama.cpp can load")
        context_parameters = llama_cpp.llama_context_default_params()
        context_parameters.n_ctx = context
        context_parameters.n_batch = context_parameters.n_ubatch = CHUNK_TOKENS
        context_parameters.n_threads = context_parameters.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, context_parameters)
        if not self._context:
            raise EngineError(ENGINE, f"no memory for a context of {context} tokens")
        self.context = context
        self.cached: list[int] = []
        self.read = 0
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._formatter = self._chat_formatter(path)

    def close(self) -> None:
        """Free all of it."""
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def prompt(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return the tokens of a conversation in the model's own format, ready for the reply."""
        # What somebody said must not look like the format's own marks, as in <|im_end|>.
        plain: Any = [
            {"role": each.role.value, "content": each.text.replace("<|", "< |")}
            for each in messages
        ]
        rendered = self._formatter(messages=plain)
        # The template writes the beginning-of-text token itself where the model wants one.
        text = rendered.prompt.encode()
        room = len(text) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self._vocabulary, text, len(text), tokens, room, False, True
        )
        if count < 0:
            raise EngineError(ENGINE, "the prompt has too many tokens")
        return list(tokens[:count])

    def read_prompt(self, tokens: Sequence[int], cancelled: Cancelled) -> bool:
        """Bring the cache to `tokens`, reusing what it shares with them; False if cancelled."""
        # The last token is always read again: what comes next is computed by reading it.
        shared = min(shared_length(self.cached, tokens), len(tokens) - 1)
        if not llama_cpp.llama_memory_seq_rm(self._memory, SEQUENCE, shared, -1):
            llama_cpp.llama_memory_clear(self._memory, True)  # a recurrent model: all or nothing
            shared = 0
        del self.cached[shared:]
        for start in range(shared, len(tokens), CHUNK_TOKENS):
            if cancelled.is_set():
                return False
            self.append(tokens[start : start + CHUNK_TOKENS])
        return True

    def append(self, tokens: Sequence[int]) -> None:
        """Read at most CHUNK_TOKENS more tokens."""
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(
            self._context, llama_cpp.llama_batch_get_one(batch, len(tokens))
        )
        if code:
            raise EngineError(ENGINE, f"llama_decode failed with {code}")
        self.cached.extend(tokens)
        self.read += len(tokens)

    def save(self) -> bytes:
        """Return the cache as bytes, for `restore`."""
        size = llama_cpp.llama_state_seq_get_size(self._context, SEQUENCE)
        buffer = (ctypes.c_uint8 * size)()
        used = llama_cpp.llama_state_seq_get_data(self._context, buffer, size, SEQUENCE)
        return bytes(memoryview(buffer)[:used])

    def restore(self, tokens: Sequence[int], saved: bytes) -> None:
        """Replace the cache by `saved`, which holds `tokens`."""
        llama_cpp.llama_memory_clear(self._memory, False)
        self.cached.clear()
        buffer = (ctypes.c_uint8 * len(saved)).from_buffer_copy(saved)
        if not llama_cpp.llama_state_seq_set_data(self._context, buffer, len(saved), SEQUENCE):
            raise EngineError(ENGINE, "a saved prompt could not be restored")
        self.cached.extend(tokens)

    def sampler(self, temperature: float) -> "Sampler":
        """Return a fresh sampler for one reply."""
        return Sampler(self._context, self._vocabulary, temperature)

    def ends(self, token: int) -> bool:
        """Tell whether `token` ends a reply."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary, token))

    def piece(self, token: int) -> bytes:
        """Return the bytes of text that `token` stands for; perhaps part of a character."""
        buffer = ctypes.create_string_buffer(256)
        used = llama_cpp.llama_token_to_piece(
            self._vocabulary, token, buffer, len(buffer), 0, False
        )
        return buffer.raw[: max(0, used)]

    def _chat_formatter(self, path: Path) -> Jinja2ChatFormatter:
        template = llama_cpp.llama_model_chat_template(self._model, None)
        if not template:
            raise EngineError(
                ENGINE, f'{path.name} has no chat template; choose an "Instruct" model'
            )
        return Jinja2ChatFormatter(
            template=template.decode(),
            eos_token=self._text(llama_cpp.llama_vocab_eos(self._vocabulary)),
            bos_token=self._text(llama_cpp.llama_vocab_bos(self._vocabulary)),
        )

    def _text(self, token: int) -> str:
        if token < 0:
            return ""
        return bytes(llama_cpp.llama_vocab_get_text(self._vocabulary, token)).decode()


class Sampler:
    """Chooses the tokens of one reply. Only what the reply itself repeats is penalised."""

    def __init__(
        self,
        context: llama_cpp.llama_context_p,
        vocabulary: llama_cpp.llama_vocab_p,
        temperature: float,
    ) -> None:
        self._context = context
        self._chain = llama_cpp.llama_sampler_chain_init(
            llama_cpp.llama_sampler_chain_default_params()
        )
        # Few candidates first: penalties look at each.
        links = [
            llama_cpp.llama_sampler_init_top_k(TOP_K),
            llama_cpp.llama_sampler_init_penalties(
                llama_cpp.llama_vocab_n_tokens(vocabulary), REPEAT_WINDOW, REPEAT_PENALTY, 0.0, 0.0
            ),
        ]
        if temperature == 0:
            links.append(llama_cpp.llama_sampler_init_greedy())
        else:
            links += [
                llama_cpp.llama_sampler_init_top_p(TOP_P, 1),
                llama_cpp.llama_sampler_init_min_p(MIN_P, 1),
                llama_cpp.llama_sampler_init_temp(temperature),
                llama_cpp.llama_sampler_init_dist(llama_cpp.LLAMA_DEFAULT_SEED),
            ]
        for link in links:
            llama_cpp.llama_sampler_chain_add(self._chain, link)

    def next(self) -> int:
        """Return the next token."""
        return int(llama_cpp.llama_sampler_sample(self._chain, self._context, -1))

    def close(self) -> None:
        """Free it."""
        llama_cpp.llama_sampler_free(self._chain)


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens the two begin with in common."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _has_amx() -> bool:
    """Tell whether the processor has Intel's AMX.

    llama.cpp would repack the weights for it, and crashes there (llama.cpp #20824, #26954). On
    other processors repacking is only good.
    """
    try:
        return "amx_tile" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
