"""Words that are no ordinary ones and sound like one that matters ("murdurr", "brutha").

Recognisers and children who type write what they hear. Only unknown words are looked at: matching
ordinary words by sound makes "weed" of "what" and stops every other sentence.
"""

import re
from collections.abc import Iterable

_SPELLINGS = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"(?:tch|ch|sh)"), "x"),
    (re.compile(r"th"), "0"),
    (re.compile(r"mb$"), "m"),
    (re.compile(r"^kn"), "n"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"[cq]"), "k"),
    (re.compile(r"z"), "s"),
    (re.compile(r"(?:er|ur|or|ar|re|ah|uh|a)r*$"), ""),
)
_SILENT = re.compile(r"(?<=.)[aeiouyhw]")
_ALIKE = frozenset({"kc", "pf", "nk", "ck"})
_MOST_LETTERS_MORE = 2
_SHORT_KEY = 2  # consonants: so few are no proof, so the spelling must be close as well


def sound(word: str) -> str:
    """Return the consonants that are heard in `word`, each sound written one way."""
    for spelling, letters in _SPELLINGS:
        word = spelling.sub(letters, word)
    return re.sub(r"(.)\1+", r"\1", _SILENT.sub("", word))


class SoundTable:
    """The words that others are read as, by their sounds."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words: dict[str, list[str]] = {}
        for word in words:
            self._words.setdefault(sound(word), []).append(word)

    def meant(self, word: str) -> str | None:
        """Return the word that the unknown `word` sounds like, or None."""
        key = sound(word)
        for known in self._words.get(key, ()):
            is_same_start = word[0] == known[0] or word[0] + known[0] in _ALIKE
            if len(key) > _SHORT_KEY:
                is_near = abs(len(word) - len(known)) <= _MOST_LETTERS_MORE  # "pwincess"
            else:
                is_near = _is_one_letter_off(word, known)
            if is_same_start and is_near:
                return known
        return None


def _is_one_letter_off(one: str, other: str) -> bool:
    """Say whether one letter put in, left out or changed makes `other` of `one`."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    ends = (one[start + 1 :], other[start + 1 :]), (one[start:], other[start + 1 :])
    return any(a == b for a, b in (*ends, (one[start + 1 :], other[start:])))
