"""The notation of rule files.

    word          this word                     (a|b c)   one of these
    word*         a word that begins so         [a|b]     one of these, or nothing
    {family}      an entry of that list         ...       up to four words of any kind
    ^             the utterance begins here     $         the utterance ends here

Brackets may stand in brackets.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.safety import vocabulary
from relay.safety.errors import SafetyError

_TOKEN = re.compile(r"\.\.\.|[()\[\]|^$]|\{[a-z_]+\}|[a-z0-9]+\*?|\s+|(?P<bad>.)")

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Word:
    """A word, or with `is_beginning` any word that begins so."""

    letters: str
    is_beginning: bool = False


@dataclass(frozen=True)
class Mark:
    """A gap ("...") or an end ("^", "$")."""

    sign: str


@dataclass(frozen=True)
class Choice:
    """One of several sequences, or nothing if `optional`."""

    ways: tuple["Sequence_", ...]
    optional: bool = False


Node = Word | Mark | Choice
Sequence_ = tuple[Node, ...]


def parse(source: str, lists: Lists) -> Sequence_:
    """Return the parts of a phrase; SafetyError names what is wrong with it."""
    tokens: list[str] = []
    for found in _TOKEN.finditer(source):
        if found["bad"]:
            raise SafetyError(f"{source!r}: {found['bad']!r} is not part of the notation")
        if not found.group().isspace():
            tokens.append(found.group())
    ways, left = _ways(source, tokens, lists, closing="")
    if left or len(ways) != 1:
        raise SafetyError(f"{source!r}: a bracket or a bar too many")
    return ways[0]


def _ways(
    source: str, tokens: list[str], lists: Lists, closing: str
) -> tuple[tuple[Sequence_, ...], list[str]]:
    """Return the alternatives up to `closing`, and the tokens behind it."""
    ways: list[Sequence_] = []
    way: list[Node] = []
    while tokens:
        sign, tokens = tokens[0], tokens[1:]
        if sign == closing:
            break
        if sign == "|":
            ways.append(tuple(way))
            way = []
        elif sign in ("(", "["):
            inner, tokens = _ways(source, tokens, lists, ")" if sign == "(" else "]")
            way.append(Choice(inner, optional=sign == "["))
        elif sign in (")", "]"):
            raise SafetyError(f"{source!r}: {sign!r} closes nothing")
        elif sign in ("...", "^", "$"):
            way.append(Mark(sign))
        elif sign.startswith("{"):
            way.append(_list(source, sign.strip("{}"), lists))
        else:
            way.append(Word(sign.rstrip("*"), sign.endswith("*")))
    else:
        if closing:
            raise SafetyError(f"{source!r}: {closing!r} is missing")
    ways.append(tuple(way))
    if not all(ways):
        raise SafetyError(f"{source!r}: nothing between two signs")
    return tuple(dict.fromkeys(ways)), tokens


def _list(source: str, name: str, lists: Lists) -> Choice:
    if name not in lists:
        raise SafetyError(f"{source!r}: there is no list {name!r}")
    return Choice(tuple(map(_entry, dict.fromkeys(lists[name]))))


@functools.lru_cache(maxsize=4096)  # the same lists stand in hundreds of phrases
def _entry(source: str) -> Sequence_:
    return parse(source, {})


def required(sequence: Sequence_) -> tuple[frozenset[Word], ...]:
    """Return sets of words, the rarest first: every text that matches holds one of each set."""
    found: list[frozenset[Word]] = []
    for node in sequence:
        if isinstance(node, Word):
            found.append(frozenset({node}))
        elif isinstance(node, Choice) and not node.optional:
            inner = [required(way) for way in node.ways]
            if all(inner):
                found.append(frozenset().union(*(words[0] for words in inner)))
    return tuple(sorted(dict.fromkeys(found), key=_rarity, reverse=True))


def _rarity(words: frozenset[Word]) -> int:
    return min(vocabulary.rank(word.letters) for word in words)
