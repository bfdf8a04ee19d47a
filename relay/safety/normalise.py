"""One text, read in several ways, so that no way of writing it hides what it says.

A rule that matches any reading counts. `readings` are lower-case words between single spaces, with
a space at both ends (" i am here "); contractions are written out, since rules are too. `skeleton`
is for what was disguised on purpose: look `Skeleton` up.
"""

import itertools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.safety import vocabulary
from relay.safety.confusables import LOOKALIKES
from relay.safety.errors import SafetyError
from relay.safety.sounds import SoundTable

_SPLIT_FROM = 7  # letters: shorter unknown words are names more often than two words in one
_MAX_SPLIT = 200
_SOUNDED_FROM = 3  # letters

_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʹ`´＇", "'"))
_BLANKS = str.maketrans(dict.fromkeys("\u3164\u115f\u1160\u2800\uffa0", " "))
_SHORT_FORMS = (
    (re.compile(r"\b(can)'t\b"), "can not"),
    (re.compile(r"\b(won)'t\b"), "will not"),
    (re.compile(r"\b(\w+)n't\b"), r"\1 not"),
    (re.compile(r"\b(i)'m\b"), r"\1 am"),
    (re.compile(r"\b(let)'s\b"), r"\1 us"),
    (re.compile(r"\b(he|she|it|that|this|what|where|who|how|when|why|there|here)'s\b"), r"\1 is"),
    (re.compile(r"\b(\w+)'re\b"), r"\1 are"),
    (re.compile(r"\b(\w+)'ll\b"), r"\1 will"),
    (re.compile(r"\b(\w+)'ve\b"), r"\1 have"),
    (re.compile(r"\b(i|you|he|she|we|they)'d\b"), r"\1 would"),
)
_LEET = str.maketrans("0134567892@$€£!|+", "oieasgtbgzaselilt")
_AMBIGUOUS = "@$€£!|+*"  # a letter in disguise or a mark between letters: both are tried
_WITHOUT_MARKS = str.maketrans("", "", _AMBIGUOUS)


@dataclass(frozen=True)
class Skeleton:
    """The letters of a text without what separates, stretches or replaces them.

    Digits and symbols become the letters they stand for ("*" stays: it masks any vowel), l becomes
    i (both are written 1), repeated letters become one. `starts` and `ends` are where words begin
    and end in `letters`; `odd` says of each word whether it is no ordinary one. Ordinary texts
    have no odd words and are not looked at this way, or "pen is" would be a rude word.
    """

    letters: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    odd: tuple[bool, ...]


@dataclass(frozen=True)
class Views:
    """All readings of one text. `readings[0]` is the plain one."""

    text: str
    readings: tuple[str, ...]
    skeletons: tuple[Skeleton, ...]

    @property
    def is_disguised(self) -> bool:
        """Whether letters are replaced by marks or parted, as nobody writes and no one is heard.

        A word that is only unknown, a name or a slip, is no disguise.
        """
        chunks = [chunk.strip(_AROUND_WORDS) for chunk in fold(self.text).split()]
        single = [len(chunk) == 1 and chunk not in "aio" and chunk.isalpha() for chunk in chunks]
        return any(map(_is_mixed, chunks)) or any(a and b for a, b in itertools.pairwise(single))


def _is_mixed(chunk: str) -> bool:
    bare = chunk.replace("'", "").replace("-", "")
    return any(map(str.isalpha, bare)) and not bare.isalpha()


def fold(text: str) -> str:
    """Return `text` in lower case without accents, look-alikes and invisible characters."""
    text = unicodedata.normalize("NFKC", text.translate(_BLANKS))
    # Before case folding too, which makes the final sigma (an "s") a middle one (an "o").
    text = text.translate(LOOKALIKES).casefold().translate(LOOKALIKES)
    text = unicodedata.normalize("NFKD", text).translate(_APOSTROPHES).translate(LOOKALIKES)
    kept = [char for char in text if unicodedata.category(char) not in _INVISIBLE]
    return " ".join("".join(kept).split())


_AROUND_WORDS = '.,;:?!"()[]'
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_INVISIBLE = frozenset({"Cf", "Mn", "Me", "Co", "Cs", "Cn"})


class Normaliser:
    """Reads texts in several ways, with the word tables of data/words.toml."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        try:
            self._fillers = frozenset(map(str, words["fillers"]))
            self._full_forms = {k: tuple(v.split()) for k, v in words["full_forms"].items()}
            self._meant = {str(k): str(v) for k, v in words["homophones"].items()}
            self._sounds = SoundTable(words["sounds"])
            self._names = frozenset(map(str, words["names"]))
        except (KeyError, AttributeError) as error:
            raise SafetyError(f"words.toml: {error} is missing or of the wrong kind") from None
        heard = "|".join(sorted(self._meant, key=len, reverse=True))
        self._homophones = re.compile(rf"(?<= )(?:{heard})(?= )")

    def words(self, text: str) -> list[str]:
        """Return the words of `text` with short forms written out ("don't" is "do", "not")."""
        folded = fold(text)
        if "'" in folded:
            for pattern, full in _SHORT_FORMS:
                folded = pattern.sub(full, folded)
            folded = folded.replace("'", "")
        words = re.findall(r"[a-z0-9]+", folded)
        return [part for word in words for part in self._full_forms.get(word, (word,))]

    def views(self, text: str) -> Views:
        """Return all readings of `text`."""
        words = self.words(text)
        fluent = _fluent(self._tidy(words), self._fillers)
        readings = [_join(words), _join(fluent), _join(_split_long(fluent))]
        written = self._sounded(_fluent(self._tidy(self.words(_decoded(text))), self._fillers))
        meant = [self._homophones.sub(self._as_meant, r) for r in [*readings[1:], _join(written)]]
        # The last reading stays the one without guesses about letters and names: the classifier's.
        readings += [meant[0], meant[2], self._unnamed(meant[2]), meant[1]]
        return Views(text, tuple(readings), skeletons(fold(text)))

    def _tidy(self, words: list[str]) -> list[str]:
        """Shorten stretched words ("dieeee", "wannnna") to what they are without the stretch."""
        tidied: list[str] = []
        for word in words:
            if _STRETCHED.search(word):
                double, single = (_STRETCHED.sub(letters, word) for letters in (r"\1\1", r"\1"))
                known = double in self._full_forms or vocabulary.is_ordinary(double)
                short = double if known else single
                tidied.extend(self._full_forms.get(short, (short,)))
            else:
                tidied.append(word)
        return tidied

    def _sounded(self, words: list[str]) -> list[str]:
        """Read unknown words as what they sound like."""
        found = []
        for word in words:
            is_known = word in self._names or vocabulary.is_ordinary(word) or not word.isalpha()
            meant = None if is_known or len(word) < _SOUNDED_FROM else self._sounds.meant(word)
            found.append(meant or word)
        return found

    def _unnamed(self, reading: str) -> str:
        """Put "someone" for every first name."""
        words = ["someone" if word in self._names else word for word in reading.split()]
        return _join([re.sub(r"^(\w+)s$", self._whose, word) for word in words])

    def _whose(self, found: re.Match[str]) -> str:
        return "someones" if found[1] in self._names else found[0]

    def _as_meant(self, found: re.Match[str]) -> str:
        return self._meant[found.group()]


_IN_WORDS = {"2": "to", "4": "for", "r": "are", "b": "be", "n": "and"}


def _decoded(text: str) -> str:
    """Write letters for the digits and marks inside words ("k!ll", "d1e")."""
    tokens = []
    for written in fold(text).split():
        stem, apostrophe, ending = written.partition("'")
        # "ki'll" is no "ki will".
        token = stem + ending if apostrophe and not vocabulary.is_ordinary(stem) else written
        bare = token.rstrip("!?.,+|")
        is_mixed = any(map(str.isalpha, bare)) and not bare.isalpha()
        meant = bare.replace("*", "").translate(_LEET)
        if is_mixed and bare[0].isdigit() and not vocabulary.is_ordinary(meant):
            is_mixed = False  # "3rd", "4am"
        tokens.append(meant if is_mixed else _IN_WORDS.get(bare, token))
    return " ".join(tokens)


def _join(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else " "


def _fluent(words: list[str], fillers: frozenset[str]) -> list[str]:
    """Leave out fillers ("um"), stutters ("b b bomb") and words said twice in a row."""
    kept: list[str] = []
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        stutter = len(word) == 1 and word not in "aio" and following.startswith(word)
        if word in fillers or stutter or (kept and kept[-1] == word):
            continue
        kept.append(word)
    return kept


def _split_long(words: list[str]) -> list[str]:
    parts: list[str] = []
    for word in words:
        long = _SPLIT_FROM <= len(word) <= _MAX_SPLIT
        if long and not vocabulary.is_ordinary(word):
            parts.extend(vocabulary.split(word))
        else:
            parts.append(word)
    return parts


def skeletons(folded: str) -> tuple[Skeleton, ...]:
    """Return the skeletons of a folded text: none when every word of it is an ordinary one."""
    chunks = [chunk for chunk in re.split(r"[\s\-/,.;:?\"()]+", folded) if chunk]
    odd = [_is_odd(chunk) for chunk in chunks]
    if not any(odd):
        return ()
    found = [_skeleton([_letters(chunk) for chunk in chunks], odd)]
    if "*" in folded:  # between letters it masks none
        found.append(_skeleton([_letters(chunk.replace("*", "")) for chunk in chunks], odd))
    if any(mark in folded for mark in _AMBIGUOUS):
        without = [chunk.translate(_WITHOUT_MARKS) for chunk in chunks]
        found.append(_skeleton([_letters(chunk) for chunk in without], odd))
    return tuple(found)


_ENDINGS = frozenset({"m", "d", "s", "t", "ll", "re", "ve"})  # "i'm" and "he'd" are no odd words


def _is_odd(chunk: str) -> bool:
    chunk = chunk.strip("'!*_~")
    stem, apostrophe, ending = chunk.partition("'")
    word = stem if apostrophe and ending in _ENDINGS else chunk.replace("'", "")
    if word.isdigit() or not word:
        return False
    return not (word.isascii() and word.isalpha() and vocabulary.is_ordinary(word))


def _letters(chunk: str) -> str:
    chunk = chunk.rstrip("!+|").translate(_LEET)  # marks at the end are marks: "kill!"
    return re.sub(r"[^a-z*]", "", chunk)


def skeleton_of(letters: str) -> str:
    """Return `letters` with l written as i and repeated letters as one."""
    return re.sub(r"(.)\1+", r"\1", letters.replace("l", "i"))


def _skeleton(chunks: list[str], odd: list[bool]) -> Skeleton:
    letters = ""
    starts: list[int] = []
    ends: list[int] = []
    flags: list[bool] = []
    for chunk, is_odd in zip(chunks, odd, strict=True):
        if chunk:
            starts.append(len(letters))
            letters += skeleton_of(chunk)
            ends.append(len(letters))
            flags.append(is_odd)
    return Skeleton(letters, tuple(starts), tuple(ends), tuple(flags))
