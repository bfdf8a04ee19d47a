"""Do the words so far make a finished question? Pure.

Read from the words alone, as not every recogniser writes punctuation, and one that does ends
everything with a full stop. English only: in other languages nothing is known.
"""

import enum
import re


class Completeness(enum.Enum):
    """What the words tell of the end of speech."""

    UNKNOWN = "unknown"
    FINISHED = "finished"  # a whole question or request
    UNFINISHED = "unfinished"  # more must come: it ends in "and", "the", "um"


LEAST_WORDS = 3
"""A question of two words ("Why do", "What is") is hardly ever whole."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

# What a child says before the question itself.
_BEFORE = _set("um uh er hmm hey hi hello okay ok so well please bramble and but")

_ASKING = _set(
    """
    why what what's who who's whose where where's when how how's which
    is isn't are aren't am was were do don't does doesn't did didn't can can't could will won't
    would should may must has have
    tell sing read show teach say play count let's explain describe
    """
)

# Nobody stops after these: something must follow.
_DANGLING = _set(
    """
    a an the my your his its our their this these those every some any
    and or but because cause cuz if then than that when while so as like with without
    of to in on at for from by about into onto over under between behind through during
    is are am was were do does did can could will would should may might must has have had
    i he she we they very really too more most not what's who's i'm he's she's it's we're they're
    um uh er erm hmm
    """
)

# "What is it for?", "Who are you with?": a question may end in these.
_MAY_END_A_QUESTION = _set(
    """
    for from with about in on to is are am was were can could will would they he she we i
    over under of then so any some
    """
)

# "Where does the rain come from?", "What is a trunk made of?": whole, whatever is said of the rest.
_WHOLE = re.compile(
    r"^where .*\b(?:come|comes|came|get|gets|got) from$|^what.* (?:made (?:out )?of|used for)$"
)

# "How many legs does a spider have?": in these it does end, where the recogniser hears it so.
_OFTEN_END_A_QUESTION = _set("have had do does did like too more not that this these those")

# "Can you tell me", "Do you know": what is asked is yet to come.
_LEADS_IN = re.compile(
    r"\b(?:tell|show|teach|read|sing|explain(?: to)?) me$|^(?:do you|i want to|i'd like to) know$"
    r"|\bi wonder$"
)

_LEAST_WORDS_WITH_SUCH_AN_END = 4
"""Shorter ones go on: "What is the", "Do you like"."""


def completeness(text: str, language: str) -> Completeness:
    """Return what `text`, the words so far, tells about the end of speech."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    if language != "en" or not words:
        return Completeness.UNKNOWN
    if text.rstrip().endswith(("...", "…", ",", "-")):
        return Completeness.UNFINISHED
    while len(words) > 1 and words[0] in _BEFORE:
        del words[0]
    if _LEADS_IN.search(" ".join(words)):
        return Completeness.UNFINISHED
    asks = words[0] in _ASKING
    whole = _WHOLE.search(" ".join(words)) is not None
    if words[-1] in _DANGLING and not whole:
        return (
            _dangling(words, asked=text.rstrip().endswith("?")) if asks else Completeness.UNFINISHED
        )
    if whole or (asks and len(words) >= LEAST_WORDS):
        return Completeness.FINISHED
    return Completeness.UNKNOWN


def _dangling(words: list[str], *, asked: bool) -> Completeness:
    if len(words) < _LEAST_WORDS_WITH_SUCH_AN_END:
        return Completeness.UNFINISHED
    if words[-1] in _OFTEN_END_A_QUESTION:
        return Completeness.FINISHED if asked else Completeness.UNKNOWN
    # Whole or not: only more silence can tell.
    stranded = words[-1] in _MAY_END_A_QUESTION
    return Completeness.UNKNOWN if stranded else Completeness.UNFINISHED
