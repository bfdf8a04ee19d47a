"""Train the network of relay.safety.machine, with JAX, on one thread: the same arrays every time.

Both sides are learned together, since much of what is bad to say is bad to hear; each gets an
output of its own. What a sentence is about is learned beside whether it must be stopped, which
keeps the network from learning by heart.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# Before JAX is imported: sums in another order would be other numbers.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from relay.safety.embedding import DIMENSIONS

SEEDS = (0, 1, 2)
EPOCHS = 8
BATCH = 64
WIDTH = 128  # numbers that a token is read into
QUERIES = 8
HIDDEN = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.02
KIND_SHARE = 0.3  # of what a sentence is about in the loss
DROPPED = {"tokens": 0.15, "numbers": 0.2, "pooled": 0.3, "hidden": 0.3}
SMOOTHING = 0.03  # how little sure of a label it may be
_LENGTHS = (8, 12, 16, 32, 128)  # tokens; each length is compiled once

Parameters = dict[str, jax.Array]
Numbers = npt.NDArray[np.floating[Any]]


class Batch(NamedTuple):
    """BATCH sentences of about one length; rows that are none count nothing."""

    states: Numbers  # BATCH, length, DIMENSIONS
    mask: Numbers  # BATCH, length: 1 where there is a token
    stopped: Numbers
    side: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]
    counts: Numbers


@dataclass(frozen=True)
class Lessons:
    """What to learn from, a place in every sequence for each sentence."""

    states: Sequence[npt.NDArray[np.float16]]  # tokens, DIMENSIONS
    stopped: npt.NDArray[np.bool_]
    side: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]  # -1 where it is not known
    kinds: int  # of both sides

    def weights(self) -> npt.NDArray[np.float32]:
        """Return how much each sentence counts: bad and good of a side alike in sum."""
        found = np.zeros(len(self.side), np.float32)
        for side in np.unique(self.side):
            for stopped in (False, True):
                members = (self.side == side) & (self.stopped == stopped)
                found[members] = (self.side == side).sum() / 2 / max(members.sum(), 1)
        return found


def train(lessons: Lessons, progress: Callable[[str], None]) -> dict[str, Numbers]:
    """Return the arrays of relay.safety.machine.Network, with stop and kinds of both sides.

    `stop_weights` are seeds, sides, hidden; `stop_offsets` seeds, sides.
    """
    sample = np.concatenate(lessons.states[::50]).astype(np.float32)
    middle, scale = sample.mean(axis=0), 1 / (sample.std(axis=0) + 0.02)
    optimiser, step = _step(sum(1 for _ in _batches(lessons, np.random.default_rng(0))))
    weights = lessons.weights()
    trained = []
    for seed in SEEDS:
        random, key = np.random.default_rng(seed), jax.random.PRNGKey(seed)
        parameters = _begin(random, lessons.kinds)
        state = optimiser.init(parameters)
        for epoch in range(EPOCHS):
            for length, members in _batches(lessons, random):
                batch = _batch(lessons, weights, length, members)
                centred = (batch.states - middle) * scale * batch.mask[:, :, None]
                key, drawn = jax.random.split(key)
                parameters, state = step(parameters, state, batch._replace(states=centred), drawn)
            progress(f"network {seed + 1} of {len(SEEDS)}, round {epoch + 1} of {EPOCHS}")
        learned = {name: np.asarray(value) for name, value in parameters.items()}
        # Reading centred and scaled states is the same as other weights and offsets.
        shift = learned["token_weights"] @ (middle * scale)
        learned["token_offsets"] = learned["token_offsets"] - shift
        learned["token_weights"] = learned["token_weights"] * scale
        trained.append(learned)
    return {name: np.stack([each[name] for each in trained]) for name in trained[0]}


def _step(batches: int) -> tuple[optax.GradientTransformation, Callable[..., Any]]:
    """Return the optimiser, and what takes a step with it; one round has `batches` steps."""
    steps = EPOCHS * batches
    rate = optax.warmup_cosine_decay_schedule(
        0.0, LEARNING_RATE, steps // 20, steps, LEARNING_RATE / 100
    )
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=WEIGHT_DECAY)
    )

    def step(
        parameters: Parameters, state: optax.OptState, batch: Batch, key: jax.Array
    ) -> tuple[Parameters, optax.OptState]:
        gradients = jax.grad(_loss)(parameters, batch, key)
        updates, state = optimiser.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    return optimiser, jax.jit(step)


def _batch(
    lessons: Lessons,
    weights: npt.NDArray[np.float32],
    length: int,
    members: npt.NDArray[np.int64],
) -> Batch:
    states = np.zeros((BATCH, length, DIMENSIONS), np.float32)
    mask = np.zeros((BATCH, length), np.float32)
    for row, member in enumerate(members):
        found = lessons.states[member][:length]
        states[row, : len(found)] = found
        mask[row, : len(found)] = 1
    is_one = np.arange(BATCH) < len(members)
    places = np.zeros(BATCH, np.int64)
    places[: len(members)] = members
    return Batch(
        states,
        mask,
        lessons.stopped[places].astype(np.float32),
        lessons.side[places],
        np.where(is_one, lessons.kind[places], -1).astype(np.int32),
        np.where(is_one, weights[places], 0).astype(np.float32),
    )


def _batches(
    lessons: Lessons, random: np.random.Generator
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield batches of sentences of about one length, in random order, and that length."""
    lengths = np.array([len(each) for each in lessons.states])
    of_length = np.searchsorted(_LENGTHS[:-1], lengths)
    batches = []
    for place, length in enumerate(_LENGTHS):
        members = random.permutation(np.flatnonzero(of_length == place))
        batches += [(length, members[i : i + BATCH]) for i in range(0, len(members), BATCH)]
    for place in random.permutation(len(batches)):
        yield batches[place]


def _begin(random: np.random.Generator, kinds: int) -> Parameters:
    def draw(*shape: int, by: float = 1.0) -> jax.Array:
        return jnp.asarray(random.normal(0, by * shape[-1] ** -0.5, shape), jnp.float32)

    return {
        "token_weights": draw(WIDTH, DIMENSIONS),
        "token_offsets": jnp.zeros(WIDTH),
        "queries": draw(QUERIES, WIDTH),
        "hidden_weights": draw(HIDDEN, (QUERIES + 1) * WIDTH),
        "hidden_offsets": jnp.zeros(HIDDEN),
        "stop_weights": draw(2, HIDDEN, by=0.1),
        "stop_offsets": jnp.zeros(2),
        "kind_weights": draw(kinds, HIDDEN, by=0.1),
        "kind_offsets": jnp.zeros(kinds),
    }


def _loss(p: Parameters, batch: Batch, key: jax.Array) -> jax.Array:
    """Cross-entropy of stopping and of kinds, with parts of the network dropped at random."""
    keys = jax.random.split(key, 4)

    def keep(name: str, place: int, shape: tuple[int, ...]) -> jax.Array:
        kept = 1 - DROPPED[name]
        return jax.random.bernoulli(keys[place], kept, shape) / kept

    mask = batch.mask * (keep("tokens", 0, batch.mask.shape) > 0).at[:, 0].set(True)
    states = batch.states * keep("numbers", 1, (BATCH, 1, DIMENSIONS))
    read = jax.nn.gelu(states @ p["token_weights"].T + p["token_offsets"])
    heed = jax.nn.softmax(read @ p["queries"].T + ((1 - mask) * -1e9)[:, :, None], axis=1)
    mean = (read * mask[:, :, None]).sum(1) / jnp.maximum(mask.sum(1, keepdims=True), 1)
    pooled = jnp.einsum("btq,btw->bqw", heed, read).reshape(BATCH, -1)
    pooled = jnp.concatenate([pooled, mean], axis=1)
    pooled = pooled * keep("pooled", 2, pooled.shape)
    hidden = jax.nn.gelu(pooled @ p["hidden_weights"].T + p["hidden_offsets"])
    hidden = hidden * keep("hidden", 3, hidden.shape)
    stop = hidden @ p["stop_weights"].T + p["stop_offsets"]
    stop = jnp.take_along_axis(stop, batch.side[:, None], axis=1)[:, 0]
    wanted = batch.stopped * (1 - 2 * SMOOTHING) + SMOOTHING
    of_stop = batch.counts * optax.sigmoid_binary_cross_entropy(stop, wanted)
    likeness = hidden @ p["kind_weights"].T + p["kind_offsets"]
    of_kind = optax.softmax_cross_entropy_with_integer_labels(likeness, jnp.maximum(batch.kind, 0))
    loss: jax.Array = (of_stop.sum() + KIND_SHARE * (of_kind * (batch.kind >= 0)).sum()) / BATCH
    return loss
