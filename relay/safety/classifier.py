"""What a text means: a small network on the states of a language model, one for each side.

Rules know words; this knows neighbourhoods: how near a text lies to the exemplars in
relay/safety/exemplars that must be stopped, against those that must not. It adds findings of its
own, and tells where a doubtful finding of a rule does not count ("kill" in "that joke is killing
me").
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Iterable, Sequence

from threadpoolctl import threadpool_limits

from relay.safety.embedding import Embedder
from relay.safety.errors import SafetyError
from relay.safety.finding import Category, Finding, Passage, Side
from relay.safety.machine import Kind, Machine, file_name, read_machine
from relay.safety.pieces import TooManyPieces, joined, pieces
from relay.safety.verdict import Action

_FEWEST_WORDS = 2  # one word alone ("so,") is for the rules: its meaning hangs on what it answers
_DOUBT = 2.5  # below the threshold: where it is worth the time to look at the clauses too
_AFTER_A_CRY = 0.8  # how much less it takes soon after a cry for help, to be one again
_REMEMBERED = 512  # scores of texts, by keyed digest: earlier words and replies come again

Judged = tuple[float, Kind]
"""How far inside what must be stopped a text lies, and what it is then about."""


class Classifier:
    """The machine of one side, as a detector."""

    def __init__(self, machine: Machine, embed: Embedder) -> None:
        self.machine = machine
        self._embed = embed
        self._key = secrets.token_bytes(16)
        self._known: dict[bytes, Judged] = {}

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
        together = joined(passage.before, passage.views)
        self._read([*wholes, *(together or ())[1:]])
        if found := self._look("whole", wholes, passage, threshold):
            return found
        # A part must win by more, the more harmless the whole is.
        lack = threshold - max((self._judge(text)[0] for text in wholes), default=-math.inf)
        if lack < _DOUBT:
            self._read(parts)
            if found := self._look("part", parts, passage, threshold + machine.margin + lack):
                return found
        if not together:
            return []
        before, both = together
        found = self._look("joined", [both], passage, threshold + machine.margin)
        return found if found and self._judge(before)[0] < threshold else []

    def clears(self, passage: Passage, lenience: float = 0.0) -> bool:
        """Say whether the text, its parts and it with what came before lie far from all bad.

        `lenience` is how much of the way from there to what must be stopped does as well, 0 to 1.
        """
        try:
            wholes, parts = pieces(passage.views)
        except TooManyPieces:
            return False
        together = joined(passage.before, passage.views)
        # A word that is none may stand for one that it sounds like: "kil my bruvver".
        sounded = [passage.views.readings[4].strip()] if passage.views.skeletons else []
        texts = [*wholes, *parts, *sounded, *(together or ())[1:]]
        machine = self.machine
        room = min(machine.thresholds.values()) - machine.clear
        limit = machine.clear + lenience * room
        self._read(texts)
        return bool(wholes) and all(self._judge(text)[0] < limit for text in texts)

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

    def _read(self, texts: Iterable[str]) -> None:
        """Judge those of `texts` that are not remembered, all in one run of the embedder."""
        new = [text for text in dict.fromkeys(texts) if self._digest(text) not in self._known]
        self._judge_anew(new)

    def _judge(self, text: str) -> Judged:
        """Return score and kind of `text`, remembered without its words."""
        return self._known.get(self._digest(text)) or self._judge_anew([text])[0]

    def _judge_anew(self, texts: Sequence[str]) -> list[Judged]:
        found = []
        for text, states in zip(texts, self._embed.of_each(texts), strict=True):
            judged = self.machine.judge(text, states)
            if not math.isfinite(judged[0]):  # every comparison with it would say: not stopped
                raise SafetyError("the score of a text is not a number")
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[self._digest(text)] = judged
            found.append(judged)
        return found

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest()


def load_classifiers(read: Callable[[str], bytes], embed: Embedder) -> dict[Side, Classifier]:
    """Return the classifier of each side; `read` gives a data file by name. SafetyError."""
    # A BLAS hands even small products to threads, and waits for them on a busy machine.
    threadpool_limits(1, "blas")
    names = {side: file_name(side) for side in Side}
    return {side: Classifier(read_machine(read(name), name), embed) for side, name in names.items()}
