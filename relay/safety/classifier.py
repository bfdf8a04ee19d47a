"""What a text means: a small network on the states of a language model, one for each side.

Rules know words; this knows neighbourhoods: how near a text lies to the exemplars in
relay/safety/exemplars that must be stopped, against those that must not. It adds findings of its
own, and tells where a doubtful finding of a rule does not count ("kill" in "that joke is killing
me").
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Iterable

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

    def _judge(self, text: str) -> tuple[float, Kind]:
        """Return score and kind of `text`, remembered without its words."""
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest()
        judged = self._known.get(digest)
        if judged is None:
            judged = self.machine.judge(text, self._embed(text))
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
