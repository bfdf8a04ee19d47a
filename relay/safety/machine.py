"""The arrays of a classifier: a small network on the states of tokens, and what single words weigh.

`python -m tools.train_safety` makes them; here they are only looked up and multiplied, so the same
text gets the same answer every time.
"""

import io
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from relay.age import AgeBand
from relay.safety.embedding import DIMENSIONS, States
from relay.safety.errors import SafetyError
from relay.safety.finding import ALERTS, Category, Side
from relay.safety.verdict import Action

WORD_SLOTS = 2**15

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """What a stopped text can be about. `until` is the last age in years at which it counts."""

    category: Category
    topic: str
    action: Action
    until: int


@dataclass(frozen=True)
class Network:
    """A network that looks at every token, and at those most that decide.

    Each token is read by `token_*`; every query is a way of weighing the tokens against each other
    (attention pooling), beside their plain mean; `hidden_*` reads what comes of it. Activations
    are GELU in its tanh form (Hendrycks and Gimpel, 2016). Trained from several seeds, whose
    scores are averaged.
    """

    token_weights: Array  # seeds, width, DIMENSIONS
    token_offsets: Array  # seeds, width
    queries: Array  # seeds, queries, width
    hidden_weights: Array  # seeds, hidden, (queries + 1) * width
    hidden_offsets: Array  # seeds, hidden
    stop_weights: Array  # seeds, hidden
    stop_offsets: Array  # seeds
    kind_weights: Array  # seeds, kinds, hidden
    kind_offsets: Array  # seeds, kinds

    def __call__(self, states: States) -> tuple[float, Array]:
        """Return how sure it is that a text must be stopped, and how like each kind it is.

        `states` are those of the text's tokens. Both are the means of the seeds' logits.
        """
        if states.ndim != 2:
            raise ValueError("states are a row for each token")
        read = _gelu(states @ self.token_weights.swapaxes(1, 2) + self.token_offsets[:, None])
        heed = self.queries @ read.swapaxes(1, 2)
        heed = np.exp(heed - heed.max(axis=2, keepdims=True))
        heed /= heed.sum(axis=2, keepdims=True)
        pooled = heed @ read
        seeds = len(pooled)
        pooled = np.concatenate([pooled.reshape(seeds, -1), read.mean(axis=1)], axis=1)
        hidden = _gelu(np.einsum("shp,sp->sh", self.hidden_weights, pooled) + self.hidden_offsets)
        stop = np.einsum("sh,sh->s", self.stop_weights, hidden) + self.stop_offsets
        kinds = np.einsum("skh,sh->sk", self.kind_weights, hidden) + self.kind_offsets
        return float(stop.mean()), kinds.mean(axis=0)

    def check(self, kinds: int) -> None:
        """Raise ValueError if the arrays do not fit together."""
        seeds, width, _ = self.token_weights.shape
        queries, hidden = self.queries.shape[1], self.hidden_weights.shape[1]
        wanted = {
            "token_weights": (seeds, width, DIMENSIONS),
            "token_offsets": (seeds, width),
            "queries": (seeds, queries, width),
            "hidden_weights": (seeds, hidden, (queries + 1) * width),
            "hidden_offsets": (seeds, hidden),
            "stop_weights": (seeds, hidden),
            "stop_offsets": (seeds,),
            "kind_weights": (seeds, kinds, hidden),
            "kind_offsets": (seeds, kinds),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape or 0 in shape:
                raise ValueError(f"{name} does not fit")


@dataclass(frozen=True)
class Machine:
    """The trained arrays of one side.

    A text is stopped when what the network says of its states, plus what its words weigh (a linear
    support vector machine; Cortes and Vapnik, Support-Vector Networks, 1995), reaches the threshold
    of the band, which lies lower by `grave` for what a parent is told about.
    """

    network: Network
    word_weights: Array  # WORD_SLOTS
    word_offset: float
    thresholds: Mapping[AgeBand, float]
    grave: float
    margin: float  # added to the threshold for parts of a text, and for texts joined
    clear: float  # a text below this lies far from what must be stopped
    kinds: tuple[Kind, ...]

    def judge(self, text: str, states: States) -> tuple[float, Kind]:
        """Return how far inside what must be stopped `text` lies, and what it is then about.

        For what a parent is told about, `grave` is in the score.
        """
        score, likeness = self.network(states)
        slots = word_slots(text)
        words = float(self.word_weights[slots].sum()) / math.sqrt(max(len(slots), 1))
        kind = self.kinds[int(np.argmax(likeness))]
        grave = self.grave if kind.category in ALERTS else 0.0
        return score + words + self.word_offset + grave, kind


def word_slots(text: str) -> list[int]:
    """Return the slots of the words of `text` and of its pairs of words, each once.

    Which slot a word falls into is its CRC-32.
    """
    words = text.split()
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return sorted({zlib.crc32(feature.encode()) % WORD_SLOTS for feature in words + pairs})


def file_name(side: Side) -> str:
    """Return the name of the data file that holds the machine of `side`."""
    return f"classifier_{side.value}.npz"


def read_machine(content: bytes, name: str) -> Machine:
    """Return the machine in the .npz file `name`; SafetyError if there is none in `content`."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _machine({key: arrays[key] for key in arrays.files})
    except Exception as error:
        # numpy and zipfile raise what they like at damaged input.
        raise SafetyError(f"{name} cannot be read ({type(error).__name__})") from None


def _machine(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Machine:
    numbers = {
        key: value.astype(np.float32) for key, value in arrays.items() if value.dtype.kind == "f"
    }
    if not all(np.isfinite(value).all() for value in numbers.values()):
        raise ValueError("not a number")  # every comparison with it would say: not stopped
    machine = Machine(
        network=Network(**{name: numbers[name] for name in Network.__dataclass_fields__}),
        word_weights=numbers["word_weights"],
        word_offset=float(numbers["word_offset"]),
        thresholds=dict(zip(AgeBand, map(float, numbers["thresholds"]), strict=True)),
        grave=float(numbers["grave"]),
        margin=float(numbers["margin"]),
        clear=float(numbers["clear"]),
        kinds=_kinds(arrays["kinds"].tolist()),
    )
    machine.network.check(len(machine.kinds))
    if machine.word_weights.shape != (WORD_SLOTS,):
        raise ValueError("word weights do not fit")
    return machine


def _kinds(rows: Sequence[Sequence[str]]) -> tuple[Kind, ...]:
    return tuple(
        Kind(Category(category), topic, Action(action), int(until))
        for category, topic, action, until in rows
    )


def _gelu(x: Array) -> Array:
    y: Array = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return y
