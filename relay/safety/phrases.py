"""Phrases of rule files as patterns, and the index that finds the few that could match a text.

Patterns are made so that matching takes linear time in practice: no repetition stands inside
another, and gaps are short. `re` holds Python's global lock while it runs, so a pattern that ran
away would stop the whole relay and no time-out could help.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.safety.errors import SafetyError
from relay.safety.normalise import Skeleton, skeleton_of
from relay.safety.notation import Lists, Mark, Node, Sequence_, Word, anchors, parse

_GAP_WORDS = 4
_GAP_LETTERS = 32
_ENDING_LETTERS = 8


@dataclass(frozen=True)
class Match:
    """Where a phrase matched, in characters of the reading."""

    start: int
    end: int


class Phrase:
    """One phrase of a rule file, ready to be looked for."""

    def __init__(self, source: str, lists: Lists) -> None:
        self.source = source
        self._nodes = parse(source, lists)
        self.anchors = anchors(self._nodes)
        if not self.anchors:
            raise SafetyError(f"{source!r}: a phrase needs a word that must be there")
        at_start = self._nodes[0] == Mark("^")
        self._pattern = re.compile(("" if at_start else r"(?<= )") + _plain(self._nodes))

    @functools.cached_property
    def disguise(self) -> re.Pattern[str]:
        """The pattern on skeletons. Exceptions never need theirs."""
        return re.compile(_squeezed(self._nodes))

    def matches(self, reading: str) -> Iterable[Match]:
        """Yield every place of `reading` where the phrase begins, shortest gaps first."""
        found = self._pattern.search(reading)
        while found:
            yield Match(found.start(), found.end())
            found = self._pattern.search(reading, found.start() + 1)

    def is_in(self, reading: str) -> bool:
        """Say whether the phrase is in `reading`."""
        return self._pattern.search(reading) is not None

    def is_disguised_in(self, skeleton: Skeleton) -> bool:
        """Say whether the phrase is there in disguise: from word to word, over an odd word."""
        for first, start in enumerate(skeleton.starts):
            if not self.disguise.match(skeleton.letters, start):
                continue
            for last in range(first, len(skeleton.ends)):
                if any(skeleton.odd[first : last + 1]) and self.disguise.fullmatch(
                    skeleton.letters, start, skeleton.ends[last]
                ):
                    return True
        return False


def _plain(nodes: Sequence_) -> str:
    """The regular expression of `nodes` on a reading, each word with the space behind it."""
    return "".join(map(_plain_part, nodes))


def _plain_part(node: Node) -> str:
    if isinstance(node, Word):
        return node.letters + (r"\S* " if node.is_beginning else " ")
    if isinstance(node, Mark):
        return {"^": r"(?<=^ )", "$": r"$", "...": rf"(?:\S+ ){{0,{_GAP_WORDS}}}?"}[node.sign]
    return f"(?:{'|'.join(map(_plain, node.ways))}){'?' if node.optional else ''}"


def _squeezed(nodes: Sequence_) -> str:
    """The regular expression of `nodes` on a skeleton; "*" masks a vowel."""
    return "".join(map(_squeezed_part, nodes))


def _squeezed_part(node: Node) -> str:
    if isinstance(node, Word):
        letters = skeleton_of(node.letters)
        pattern = "".join(f"[{char}*]+" if char in "aeiou" else f"{char}+" for char in letters)
        return pattern + (f".{{0,{_ENDING_LETTERS}}}?" if node.is_beginning else "")
    if isinstance(node, Mark):
        return {"^": r"\A", "$": r"\Z", "...": rf".{{0,{_GAP_LETTERS}}}?"}[node.sign]
    ways = dict.fromkeys(map(_squeezed, node.ways))
    return f"(?:{'|'.join(ways)}){'?' if node.optional else ''}"


class PhraseIndex:
    """Finds the phrases of a large collection that could match at all, by one word of each."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._by_word: dict[str, list[Phrase]] = {}
        self._by_beginning: dict[str, list[Phrase]] = {}
        self._by_skeleton: dict[str, list[Phrase]] = {}
        for phrase in phrases:
            _ = phrase.disguise  # made now, not while a child waits
            for word in phrase.anchors:
                if word.is_beginning:
                    self._by_beginning.setdefault(" " + word.letters, []).append(phrase)
                else:
                    self._by_word.setdefault(word.letters, []).append(phrase)
            for letters in {skeleton_of(word.letters) for word in phrase.anchors}:
                self._by_skeleton.setdefault(letters, []).append(phrase)

    def candidates(self, reading: str) -> list[Phrase]:
        """Return every phrase that could match `reading`."""
        found: dict[Phrase, None] = {}
        for word in set(reading.split()):
            found.update(dict.fromkeys(self._by_word.get(word, ())))
        for beginning, phrases in self._by_beginning.items():
            if beginning in reading:
                found.update(dict.fromkeys(phrases))
        return list(found)

    def disguised(self, skeletons: Iterable[Skeleton]) -> list[Phrase]:
        """Return the phrases that are in one of `skeletons`."""
        found: dict[Phrase, None] = {}
        for skeleton in skeletons:
            letters = skeleton_of(skeleton.letters)
            masked = "*" in letters  # "f*ck": compare without the vowels
            bare = _consonants(letters) if masked else letters
            candidates: dict[Phrase, None] = {}
            for anchor, phrases in self._by_skeleton.items():
                if (_consonants(anchor) if masked else anchor) in bare:
                    candidates.update(dict.fromkeys(phrases))
            found.update(
                dict.fromkeys(phrase for phrase in candidates if phrase.is_disguised_in(skeleton))
            )
        return list(found)


def _consonants(letters: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiou*]", "", letters))
