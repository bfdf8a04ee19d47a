"""Chooses the next token of a reply from what the model finds likely."""

import math
from collections.abc import Sequence

import llama_cpp

REPEAT_WINDOW = 64
REPEAT_PENALTY = 1.1
TOP_K = 40
TOP_P = 0.95
MIN_P = 0.05

EMPTY_OPENINGS = ("The answer",)
"""What no reply begins with: it says nothing, takes a child's time, and after "The answer to that
question is:" the starter model begins every later reply of the talk with it."""


class Sampler:
    """Chooses the tokens of one reply. Only what the reply itself repeats is penalised."""

    def __init__(
        self,
        context: llama_cpp.llama_context_p,
        vocabulary: llama_cpp.llama_vocab_p,
        temperature: float,
        never: Sequence[Sequence[int]] = (),
    ) -> None:
        """`never` are the tokens that no reply begins with."""
        self._context = context
        self._never = never
        self._begun: list[int] = []  # as much of the reply as `never` can be about
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

    def next(self, index: int) -> int:
        """Return the next token after the `index`th token of the step just read."""
        for *first, last in self._never:
            if self._begun == first:
                llama_cpp.llama_get_logits_ith(self._context, index)[last] = -math.inf
        token = int(llama_cpp.llama_sampler_sample(self._chain, self._context, index))
        if len(self._begun) < max(map(len, self._never), default=0):
            self._begun.append(token)
        return token

    def close(self) -> None:
        """Free it."""
        llama_cpp.llama_sampler_free(self._chain)
