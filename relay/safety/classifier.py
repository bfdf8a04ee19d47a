"""What a text means: a support vector machine on sentence vectors, one for each side.

Rules know words; this knows neighbourhoods: how near a text lies to the exemplars in
relay/safety/exemplars that must be stopped, against those that must not. `python -m
tools.train_safety` makes the arrays; here they are only looked up and multiplied, so the same text
gets the same answer every time. It adds findings of its own, and tells where a doubtful finding of
a rule does not count ("kill" in "that joke is killing me").
"""

import hashlib
import io
import itertools
import math
import secrets
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relay.age import AgeBand
from relay.safety.embedding import DIMENSIONS, Embedder, Vector
from relay.safety.errors import SafetyError
from relay.safety.finding import Category, Finding, Passage, Side
from relay.safety.pieces import TooManyPieces, joined, pieces
from relay.safety.verdict import Action

WORD_SLOTS = 2**15
_FEWEST_WORDS = 2  # one word alone ("so,") is for the rules: a vector of it says little
_DOUBT = 1.0  # below the threshold: where it is worth the time to look at the clauses too
_AFTER_A_CRY = 0.5  # how much less it takes soon after a cry for help, to be one again
_REMEMBERED = 512  # scores of texts, by keyed digest: earlier words and replies come again

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """What a stopped text can be about. `until` is the last age in years at which it counts."""

    category: Category
    topic: str
    action: Action
    until: int


@dataclass(frozen=True)
class Machine:
    """The trained arrays of one side.

    A text with vector x is stopped when sum(weights * exp(-gamma * |x - supports|^2)) + offset,
    plus what its words weigh, is above the threshold of the band (Cortes and Vapnik,
    Support-Vector Networks, 1995; RBF kernel, and a linear one for the words). What it is about is
    the kind with the largest kind_weights x + kind_offsets.
    """

    supports: Array  # number of support vectors, 384
    weights: Array  # number of support vectors
    word_weights: Array  # WORD_SLOTS
    offset: float
    gamma: float
    thresholds: Mapping[AgeBand, float]
    margin: float  # added to the threshold for parts of a text, and for texts joined
    clear: float  # a text below this lies far from what must be stopped
    kinds: tuple[Kind, ...]
    kind_weights: Array  # number of kinds, 384
    kind_offsets: Array  # number of kinds

    def score(self, text: str, vector: Vector) -> float:
        """Return how far inside what must be stopped `text` with its `vector` lies."""
        # |x - s|^2 = 2 - 2 x.s, both being of length 1
        # einsum and not "@": a BLAS hands this to threads, and waits for them on a busy machine.
        nearness = np.einsum("ij,j->i", self.supports, vector)
        kernel = np.exp(-2 * self.gamma * (1 - nearness))
        slots = word_slots(text)
        words = float(self.word_weights[slots].sum()) / math.sqrt(max(len(slots), 1))
        return float(np.einsum("i,i->", self.weights, kernel)) + words + self.offset

    def kind(self, vector: Vector) -> Kind:
        """Return what the text of `vector` is about, supposing that it must be stopped."""
        return self.kinds[int(np.argmax(self.kind_weights @ vector + self.kind_offsets))]


def word_slots(text: str) -> list[int]:
    """Return the slots of the words of `text` and of its pairs of words, each once.

    A vector blurs single words; these keep them. Which slot a word falls into is its CRC-32.
    """
    words = text.split()
    pairs = [f"{first} {second}" for first, second in itertools.pairwise(words)]
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
    machine = Machine(
        supports=numbers["supports"],
        weights=numbers["weights"],
        word_weights=numbers["word_weights"],
        offset=float(numbers["offset"]),
        gamma=float(numbers["gamma"]),
        thresholds=dict(zip(AgeBand, map(float, numbers["thresholds"]), strict=True)),
        margin=float(numbers["margin"]),
        clear=float(numbers["clear"]),
        kinds=tuple(
            Kind(Category(category), topic, Action(action), int(until))
            for category, topic, action, until in arrays["kinds"].tolist()
        ),
        kind_weights=numbers["kind_weights"],
        kind_offsets=numbers["kind_offsets"],
    )
    shapes = (machine.supports.shape, machine.weights.shape, machine.kind_weights.shape)
    count, kinds = len(machine.weights), len(machine.kinds)
    if shapes != ((count, DIMENSIONS), (count,), (kinds, DIMENSIONS)) or not count or not kinds:
        raise ValueError("arrays do not fit together")
    if machine.word_weights.shape != (WORD_SLOTS,) or machine.kind_offsets.shape != (kinds,):
        raise ValueError("word weights or offsets do not fit")
    if not all(np.isfinite(value).all() for value in numbers.values()):
        raise ValueError("not a number")  # every comparison with it would say: not stopped
    return machine


class Classifier:
    """The machine of one side, as a detector."""

    def __init__(self, machine: Machine, embed: Embedder) -> None:
        self.machine = machine
        self._embed = embed
        self._key = secrets.token_bytes(16)
        self._known: dict[bytes, tuple[float, Kind]] = {}

    def __call__(self, passage: Passage) -> Iterable[Finding]:
        """Yield a finding if the text, a part of it, or it with what came before must be stopped.

        What came before and was stopped by itself is not held against the text.
        """
        try:
            wholes, parts = pieces(passage.views)
        except TooManyPieces:
            return [Finding(Category.UNREADABLE, "meaning.too_long", Action.CAUTION, "say_again")]
        machine = self.machine
        threshold = machine.thresholds[passage.band]
        wholes = [text for text in wholes if len(text.split()) >= _FEWEST_WORDS]
        if found := self._look("whole", wholes, passage, threshold):
            return found
        # A part must win by more, the more harmless the whole is.
        lack = threshold - max((self._judge(text)[0] for text in wholes), default=-math.inf)
        if lack < _DOUBT and (
            found := self._look("part", parts, passage, threshold + machine.margin + lack)
        ):
            return found
        together = joined(passage.before, passage.views)
        if not together:
            return []
        before, both = together
        found = self._look("joined", [both], passage, threshold + machine.margin)
        return found if found and self._judge(before)[0] < threshold else []

    def clears(self, passage: Passage) -> bool:
        """Say whether the text, its parts and it with what came before lie far from all bad."""
        try:
            wholes, parts = pieces(passage.views)
        except TooManyPieces:
            return False
        together = joined(passage.before, passage.views)
        # A word that is none may stand for one that it sounds like: "kil my bruvver".
        sounded = [passage.views.readings[4].strip()] if passage.views.skeletons else []
        texts = [*wholes, *parts, *sounded, *(together or ())[1:]]
        return bool(wholes) and all(self._judge(text)[0] < self.machine.clear for text in texts)

    def _look(
        self, name: str, texts: list[str], passage: Passage, threshold: float
    ) -> list[Finding]:
        """Return a finding for each of `texts` that must be stopped."""
        judged = [self._judge(text) for text in texts]
        youngest = int(passage.band.value.split("-")[0])
        return [
            Finding(kind.category, f"meaning.{name}.{kind.topic}", kind.action, kind.topic)
            for score, kind in judged
            if score >= threshold - _AFTER_A_CRY * (kind.category in passage.lately)
            and (kind.until >= youngest or kind.category in passage.always)
        ]

    def _judge(self, text: str) -> tuple[float, Kind]:
        """Return score and kind of `text`, remembered without its words."""
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest()
        judged = self._known.get(digest)
        if judged is None:
            vector = self._embed(text)
            judged = self.machine.score(text, vector), self.machine.kind(vector)
            if not math.isfinite(judged[0]):  # every comparison with it would say: not stopped
                raise SafetyError("the score of a text is not a number")
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[digest] = judged
        return judged


def load_classifiers(read: Callable[[str], bytes], embed: Embedder) -> dict[Side, Classifier]:
    """Return the classifier of each side; `read` gives a data file by name. SafetyError."""
    names = {side: file_name(side) for side in Side}
    return {side: Classifier(read_machine(read(name), name), embed) for side, name in names.items()}
