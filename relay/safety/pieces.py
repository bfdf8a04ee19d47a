"""What the classifier looks at: a text, its clauses, and it joined with what came before."""

import re
from collections.abc import Iterator

from relay.safety.normalise import Views

_WINDOW_WORDS = 32  # longer texts are looked at in windows: a vector is a mean and blurs
_MAX_PIECES = 12  # half a minute of speech has about 90 words
_SHORTEST_CLAUSE = 3  # words; shorter ones say nothing by themselves
_CLAUSES_FROM = 9  # words; shorter texts are one thought
_BEFORE_WORDS = 16
_CONTINUES_WORDS = 12  # a longer text says by itself what it is about

# Recognisers write no commas: a clause begins at a word that starts one, or with what is asked for
# ("we learned about fire today how do i light a match").
_CLAUSE = re.compile(
    r" (?:and|but|so|then|because|cos|or|if|when|while|after|before) "
    r"| (?=(?:how|where) (?:do|can|could|would|should) (?:i|we) |(?:can|could|may) (?:i|we) "
    r"|(?:let|show|help|teach) me |tell me how )"
)


class TooManyPieces(ValueError):
    """The text is too long to be looked at in time."""


def pieces(views: Views) -> tuple[list[str], list[str]]:
    """Return the readings of a text, or their windows, and its clauses; TooManyPieces.

    Readings that say the same, as those of ordinary texts do, are returned once.
    """
    fluent, meant = views.readings[1].strip(), views.readings[-1].strip()
    wholes = [window for text in dict.fromkeys((fluent, meant)) for window in _windows(text)]
    parts = [clause for clause in _clauses(meant) if clause not in wholes]
    if len(wholes) + len(parts) > _MAX_PIECES:
        raise TooManyPieces
    return wholes, parts


def joined(before: Views, views: Views) -> tuple[str, str] | None:
    """Return the end of what came before, and that with the text.

    None if nothing came before, or the text is too long to need it.
    """
    earlier = " ".join(before.readings[-1].split()[-_BEFORE_WORDS:])
    text = views.readings[-1].strip()
    if not earlier or not text or len(text.split()) > _CONTINUES_WORDS:
        return None
    return earlier, f"{earlier} {text}"


def _windows(text: str) -> Iterator[str]:
    words = text.split()
    step = _WINDOW_WORDS // 2
    for start in range(0, max(len(words) - step, 1), step):
        if window := " ".join(words[start : start + _WINDOW_WORDS]):
            yield window


def _clauses(text: str) -> Iterator[str]:
    words = text.split()
    if len(words) < _CLAUSES_FROM or len(words) > _WINDOW_WORDS:
        return
    for clause in dict.fromkeys(_CLAUSE.split(f" {text} ")):
        if len(clause.split()) >= _SHORTEST_CLAUSE:
            yield clause.strip()
