"""A GGUF model in memory: llama.cpp's C functions in the order in which replies need them.

llama-cpp-python's `Llama` class is not used: it cannot switch off the weight buffers described at
`_has_amx`, and knows one conversation only. Everything here belongs to one thread.
"""

import ctypes
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from relay.errors import EngineError
from relay.llm import ChatMessage
from relay.llm.interrupt import Interrupt
from relay.llm.sampler import EMPTY_OPENINGS, Sampler

ENGINE = "llm.llama"

MOST_STEP_TOKENS = 96
"""Tokens that `read` takes at once: the largest chunk of a prompt, and its last ones."""

# llama.cpp tells of every tensor it loads and of every step that is interrupted. What fails raises.
logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)

_ABORTED = 2  # of llama_decode: by its abort callback


class CacheFull(EngineError):
    """There is no room for the tokens in the key-value cache; none of them was read."""


class Interrupted(EngineError):
    """The step was left in the middle, at the request of `Interrupt`; none of it was read."""


@dataclass(frozen=True)
class Part:
    """What one step reads of one sequence: `tokens`, the first of them at `position`.

    With `output` the token that follows the last one is to be chosen.
    """

    sequence: int
    position: int
    tokens: Sequence[int]
    output: bool


class GgufModel:
    """A model and its key-value cache of `cells` tokens, shared by `sequences` conversations."""

    def __init__(
        self, path: Path, *, cells: int, sequences: int, threads: int, interrupt: Interrupt
    ) -> None:
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = not _has_amx()
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise EngineError(ENGINE, f"{path.name} is not a GGUF model that llama.cpp can load")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_seq_max, context.kv_unified = cells, sequences, True
        context.n_batch = context.n_ubatch = MOST_STEP_TOKENS
        context.n_threads = context.n_threads_batch = threads
        if not llama_cpp.llama_supports_gpu_offload():
            # Made for long contexts and graphics cards: with ours, 16 tokens take 60 % longer.
            context.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        if not self._context:
            raise EngineError(ENGINE, f"no memory for a context of {cells} tokens")
        self._batch = llama_cpp.llama_batch_init(MOST_STEP_TOKENS, 0, 1)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._formatter = self._chat_formatter(path)
        self._never = [self._tokens(words) for words in EMPTY_OPENINGS]
        self.interrupt = interrupt
        if not self.whole_only:  # what a step left half done could not be forgotten alone
            interrupt.attach(self._context)

    def close(self) -> None:
        """Free all of it."""
        llama_cpp.llama_batch_free(self._batch)
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
        return self._tokens(rendered.prompt)

    def _tokens(self, rendered: str) -> list[int]:
        text = rendered.encode()
        room = len(text) + 8
        tokens = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(
            self._vocabulary, text, len(text), tokens, room, False, True
        )
        if count < 0:
            raise EngineError(ENGINE, "the prompt has too many tokens")
        return list(tokens[:count])

    def read(self, parts: Sequence["Part"]) -> list[int]:
        """Read more tokens of several sequences in one step.

        Raises EngineError: CacheFull and Interrupted leave the cache as it was.

        Returns where in the step each part ended, for `Sampler.next`.
        """
        batch, at = self._batch, 0
        ends = []
        for part in parts:
            for position, token in enumerate(part.tokens, start=part.position):
                batch.token[at], batch.pos[at] = token, position
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, part.sequence
                batch.logits[at] = False
                at += 1
            batch.logits[at - 1] = part.output
            ends.append(at - 1)
        batch.n_tokens = at
        code = llama_cpp.llama_decode(self._context, batch)
        if code == 1:
            raise CacheFull(ENGINE, "the key-value cache is full")
        if code == _ABORTED:
            raise Interrupted(ENGINE, "the step was interrupted")
        if code:
            raise EngineError(ENGINE, f"llama_decode failed with {code}")
        return ends

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the empty sequence `target` share the first `length` tokens of `source`."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def remove(self, sequence: int, start: int) -> bool:
        """Forget the tokens of a sequence from `start` on; False if only all can be forgotten."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, start, -1))

    def sampler(self, temperature: float) -> Sampler:
        """Return a fresh sampler for one reply."""
        return Sampler(self._context, self._vocabulary, temperature, self._never)

    @property
    def whole_only(self) -> bool:
        """A recurrent model: of what it has read, the end cannot be forgotten alone."""
        return bool(
            llama_cpp.llama_model_is_recurrent(self._model)
            or llama_cpp.llama_model_is_hybrid(self._model)
        )

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


def _has_amx() -> bool:
    """Tell whether the processor has Intel's AMX.

    llama.cpp would repack the weights for it, and crashes there (llama.cpp #20824, #26954). On
    other processors repacking is only good.
    """
    try:
        return "amx_tile" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
