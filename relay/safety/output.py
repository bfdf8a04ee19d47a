"""What is wrong with a sentence as writing: loops, gibberish, markup, leaked prompts.

What a sentence says is for the rules; this is for what small models do when they lose the thread.
"""

import re
from collections import Counter
from collections.abc import Iterable

from relay.safety import vocabulary
from relay.safety.finding import Category, Finding, Passage
from relay.safety.verdict import Action

_MAX_WORDS = 60
_MAX_SAME_TRIPLE = 3
_MAX_SAME_WORD = 8
_MOST_UNKNOWN = 0.5
_FEWEST_FOR_SHARES = 4

_MARKUP = re.compile(
    r"<\|?\w+|\|>|```|\[/?INST\]|https?://|www\.|\bhttp\b|[{}\\]|^\s*#{1,6}\s|==|</|\w\(\)|=>",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"^\s*(?:system|assistant|user|human|child|toy|instructions?|prompt|question|answer)\s*:",
    re.IGNORECASE,
)
_GARBLED = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}")


def find_bad_writing(passage: Passage) -> Iterable[Finding]:
    """Yield what is wrong with the writing of a model's sentence: a detector."""
    text = passage.views.text
    words = passage.views.readings[0].split()
    if _MARKUP.search(text):
        yield _finding(Category.LEAK, "markup")
    if _PROMPT.search(text):
        yield _finding(Category.LEAK, "prompt")
    if len(words) > _MAX_WORDS:
        yield _finding(Category.NONSENSE, "too_long")
    if is_looping(words) or _was_said(passage):
        yield _finding(Category.NONSENSE, "repetition")
    if is_gibberish(words) or (text.strip() and not words):
        yield _finding(Category.NONSENSE, "gibberish")


def is_looping(words: list[str]) -> bool:
    """Say whether the same few words come again and again, laughter and songs apart."""
    triples = Counter(zip(words, words[1:], words[2:], strict=False))
    looping = any(
        count > _MAX_SAME_TRIPLE and len(set(triple)) > 1 for triple, count in triples.items()
    )
    return looping or any(
        len(set(words[i : i + _MAX_SAME_WORD])) == 1 for i in range(len(words) - _MAX_SAME_WORD + 1)
    )


def is_gibberish(words: list[str]) -> bool:
    """Say whether most words are none, or one is no word that a mouth can say."""
    if any(_GARBLED.search(word) or len(word) > 30 for word in words):
        return True
    letters = [word for word in words if word.isalpha()]
    if len(letters) < _FEWEST_FOR_SHARES:
        return False
    unknown = sum(not vocabulary.is_word(word) for word in letters)
    single = sum(len(word) == 1 and word not in "aio" for word in letters)
    return unknown > len(letters) * _MOST_UNKNOWN or single > len(letters) * _MOST_UNKNOWN


def _was_said(passage: Passage) -> bool:
    sentence = passage.views.readings[0]
    before = passage.before.readings[0]
    return len(sentence.split()) >= 5 and before.count(sentence.strip()) >= 2


def _finding(category: Category, name: str) -> Finding:
    return Finding(category, f"output.{name}", Action.BLOCK, "something_else")
