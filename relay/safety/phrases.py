"""Phrases of rule files as patterns, and the index that finds the few that could match a text.

There are thousands of phrases, and a text holds all the words that one cannot do without only when
it is nearly that phrase. So a pattern is compiled when its words are first met, or by
`RuleBook.compile_all` in the background: compiling all of them takes seconds.

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
from relay.safety.notation import Lists, Mark, Node, Sequence_, Word, parse, required

_GAP_WORDS = 4
_GAP_LETTERS = 32
_ENDING_LETTERS = 8
_SHORT = 2  # letters


@dataclass(frozen=True)
class Match:
    """Where a phrase matched, in characters of the reading."""

    start: int
    end: int


@dataclass(frozen=True)
class _Needed:
    """A set of words of which a text must hold one, as pieces of a reading and of a skeleton."""

    in_reading: tuple[str, ...]
    in_skeleton: tuple[str, ...]
    in_masked: tuple[str, ...]  # the same without vowels

    @classmethod
    def of(cls, words: Iterable[Word]) -> "_Needed":
        """Return the set of `words`."""
        pieces = {f" {word.letters}{'' if word.is_beginning else ' '}" for word in words}
        squeezed_words = {skeleton_of(word.letters) for word in words}
        return cls(tuple(pieces), tuple(squeezed_words), tuple(map(_consonants, squeezed_words)))

    def is_in(self, reading: str) -> bool:
        """Say whether one of the words is in `reading`."""
        return any(piece in reading for piece in self.in_reading)

    def is_squeezed_in(self, letters: str, masked: bool) -> bool:
        """Say whether one is in the letters of a skeleton; see `squeezed`."""
        return any(piece in letters for piece in (self.in_masked if masked else self.in_skeleton))


class Phrase:
    """One phrase of a rule file, ready to be looked for."""

    def __init__(self, source: str, lists: Lists) -> None:
        self.source = source
        self._nodes = parse(source, lists)
        needed = required(self._nodes)
        if not needed:
            raise SafetyError(f"{source!r}: a phrase needs a word that must be there")
        self.anchors = needed[0]
        self._needed = tuple(map(_Needed.of, needed))

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        at_start = self._nodes[0] == Mark("^")
        return re.compile(("" if at_start else r"(?<= )") + _plain(self._nodes))

    @functools.cached_property
    def _disguise(self) -> re.Pattern[str]:
        return re.compile(_squeezed(self._nodes))

    def compile(self, *, disguised: bool) -> None:
        """Compile its pattern, and with `disguised` the one on skeletons, before a text asks."""
        _ = self._pattern
        if disguised:
            _ = self._disguise

    def matches(self, reading: str) -> Iterable[Match]:
        """Yield every place of `reading` where the phrase begins, shortest gaps first."""
        if not self._could_be_in(reading):
            return
        found = self._pattern.search(reading)
        while found:
            yield Match(found.start(), found.end())
            found = self._pattern.search(reading, found.start() + 1)

    def is_in(self, reading: str) -> bool:
        """Say whether the phrase is in `reading`."""
        return self._could_be_in(reading) and self._pattern.search(reading) is not None

    def _could_be_in(self, reading: str) -> bool:
        return all(needed.is_in(reading) for needed in self._needed)

    def is_disguised_in(self, skeleton: Skeleton) -> bool:
        """Say whether the phrase is there in disguise: from word to word, over an odd word."""
        letters, masked = squeezed(skeleton)
        if not all(needed.is_squeezed_in(letters, masked) for needed in self._needed):
            return False
        for first, start in enumerate(skeleton.starts):
            if not self._disguise.match(skeleton.letters, start):
                continue
            for last in range(first, len(skeleton.ends)):
                if not any(skeleton.odd[first : last + 1]):
                    continue
                found = self._disguise.fullmatch(skeleton.letters, start, skeleton.ends[last])
                if found and _holds_disguise(found, skeleton, first, last):
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
        # A group, so that what lies in a gap can be told from the words themselves.
        return {"^": r"\A", "$": r"\Z", "...": rf"(.{{0,{_GAP_LETTERS}}}?)"}[node.sign]
    ways = dict.fromkeys(map(_squeezed, node.ways))
    return f"(?:{'|'.join(ways)}){'?' if node.optional else ''}"


def _holds_disguise(found: re.Match[str], skeleton: Skeleton, first: int, last: int) -> bool:
    """Say whether a word in disguise is part of what was found, and not only of its gaps.

    One word of a letter or two is none: it is what it looks like ("the letter k"), or a longer one
    stretched, which readings undo.
    """
    if first == last and skeleton.ends[last] - skeleton.starts[first] <= _SHORT:
        return False
    gaps = found.regs[1:]
    return any(
        skeleton.odd[word]
        and not any(
            start <= skeleton.starts[word] and skeleton.ends[word] <= end for start, end in gaps
        )
        for word in range(first, last + 1)
    )


class PhraseIndex:
    """Finds the phrases of a large collection that could match at all, by one word of each."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._by_word: dict[str, list[Phrase]] = {}
        self._by_beginning: dict[str, list[Phrase]] = {}
        self._by_skeleton: dict[str, list[Phrase]] = {}
        for phrase in phrases:
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
            bare, masked = squeezed(skeleton)
            candidates: dict[Phrase, None] = {}
            for anchor, phrases in self._by_skeleton.items():
                if (_consonants(anchor) if masked else anchor) in bare:
                    candidates.update(dict.fromkeys(phrases))
            found.update(
                dict.fromkeys(phrase for phrase in candidates if phrase.is_disguised_in(skeleton))
            )
        return list(found)


def squeezed(skeleton: Skeleton) -> tuple[str, bool]:
    """Return the letters that words are looked for in, and whether without their vowels.

    "*" masks any vowel ("f*ck"), so with one in it a skeleton is compared by its consonants.
    """
    letters = skeleton_of(skeleton.letters)
    masked = "*" in letters
    return (_consonants(letters) if masked else letters), masked


def _consonants(letters: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiou*]", "", letters))
