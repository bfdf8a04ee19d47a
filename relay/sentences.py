"""Sentences out of a stream of text pieces, as early as each is whole. Pure.

A sentence ends at . ! ? or ... (with closing quotes or brackets after it) once the next word has
begun, or at a line break. A clause that grows long is let go at a comma, so that speech need not
wait for a full stop that is far away. The very first clause goes as soon as it can be spoken alone:
a child waits for it.
"""

import re
import unicodedata

FIRST_CLAUSE = 20
"""Characters after which the first clause may go at a comma: about 1.6 s of speech, in which the
next one is made."""

FIRST_WORDS = 15  # characters after which it may go where "because" begins
FIRST_PART = 28  # characters after which it may go where "and" begins

LONG_CLAUSE = 140  # characters after which a comma will do; about 8 s of speech
LONGEST = 280  # characters after which a space must do

_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "mt", "prof", "vs", "e.g", "i.e"})
# These end a sentence when the next word has a capital letter.
_MAYBE_ABBREVIATIONS = frozenset({"etc", "a.m", "p.m", "u.s", "u.k", "jr", "sr", "approx"})
_CLOSERS = "\"')]}”’»*_"
# A possible end: the mark or marks, what may close after them, then white space.
_END = re.compile(rf"[.!?…]+[{re.escape(_CLOSERS)}]*(?=\s)|\n+")
_COMMA = re.compile(rf"[,;:–—][{re.escape(_CLOSERS)}]*(?=\s)")
# White space before a word with which a clause begins; "and" may also join two words.
_CLAUSE = re.compile(r"\s+(?=(?:because|but|when|which|while|where|until|unless)\s)")
_JOINED = re.compile(r"\s+(?=(?:and|or|so|if|that|who)\s)")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+$")
_INITIAL = re.compile(r"^[A-Z]$")
_LIST_NUMBER = re.compile(r"^\d{1,3}$")
_MARKUP = re.compile(r"[*_#`~|<>\[\]{}\\^=]+")
_WORD = re.compile(r"\w")


class SentenceSplitter:
    """Takes pieces of text and gives whole sentences; joined they are the text, but for spaces.

    The sentences are the same however the text was cut into pieces.
    """

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def add(self, piece: str) -> list[str]:
        """Return the sentences that `piece` completes, in order."""
        self._text = (self._text + piece).lstrip()
        sentences = []
        while (end := self._next_end()) is not None:
            sentences.append(self._text[:end].rstrip())
            self._text = self._text[end:].lstrip()
            self._first = False
        return sentences

    def finish(self) -> str:
        """Return what is left when the text has ended, or ""."""
        rest, self._text = self._text.strip(), ""
        return rest

    def _next_end(self) -> int | None:
        end, undecided = self._sentence_end()
        if self._first and (clause := self._first_clause()) is not None:
            end = clause if end is None else min(clause, end)
        if end is not None and end <= LONG_CLAUSE:
            return end
        waits = undecided is not None and undecided <= LONG_CLAUSE
        return None if waits or len(self._text) <= LONG_CLAUSE else self._forced_end(end, undecided)

    def _first_clause(self) -> int | None:
        """Return where the first clause ends that is long enough, if that is known."""
        commas = (match.end() for match in _COMMA.finditer(self._text))
        clauses = (match.start() for match in _CLAUSE.finditer(self._text))
        joined = (match.start() for match in _JOINED.finditer(self._text))
        ends = [
            next((end for end in found if end >= least), None)
            for found, least in (
                (commas, FIRST_CLAUSE),
                (clauses, FIRST_WORDS),
                (joined, FIRST_PART),
            )
        ]
        return min((end for end in ends if end is not None), default=None)

    def _forced_end(self, end: int | None, undecided: int | None) -> int | None:
        """Return where to cut a text that is too long for one breath, or None to wait."""
        commas = [match.end() for match in _COMMA.finditer(self._text)]
        early = [comma for comma in commas if LONG_CLAUSE // 2 <= comma < LONG_CLAUSE]
        if early:
            return early[-1]
        late = [comma for comma in commas if comma >= LONG_CLAUSE]
        stops = [stop for stop in (*late[:1], end) if stop is not None and stop < LONGEST]
        if stops:
            return min(stops)
        if len(self._text) <= LONGEST or (undecided is not None and undecided < LONGEST):
            return None
        space = self._text.rfind(" ", 0, LONGEST)
        return space if space > 0 else LONGEST

    def _sentence_end(self) -> tuple[int | None, int | None]:
        """Return where the first sentence ends, or where it may once the next word is known."""
        for match in _END.finditer(self._text):
            if "\n" in match.group():
                return match.end(), None
            following = self._text[match.end() :].lstrip()
            if not following:
                return None, match.end()
            if self._is_end(self._text[: match.start()], match.group(), following):
                return match.end(), None
        return None, None

    @staticmethod
    def _is_end(before: str, mark: str, following: str) -> bool:
        if not before.strip(_CLOSERS + " "):
            return False
        if mark != ".":
            # "Wow!" said Tom; "well... maybe": the sentence goes on in lower case.
            return not (following[0].islower() and (len(mark) > 1 or mark == "…"))
        word = _LAST_WORD.search(before)
        last = word.group() if word else ""
        if _INITIAL.match(last) and last != "I":
            return False
        if _LIST_NUMBER.match(last) and before.strip() == last:
            return False  # "1. Wash your hands": the number belongs to what follows
        if last.lower() in _MAYBE_ABBREVIATIONS:
            return not following[0].islower()
        return last.lower() not in _ABBREVIATIONS


def split(text: str) -> list[str]:
    """Return the sentences of a whole text."""
    splitter = SentenceSplitter()
    return [sentence for sentence in (*splitter.add(text), splitter.finish()) if sentence]


def speakable(sentence: str) -> str:
    """Return `sentence` as it should be checked and spoken, or "" if nothing in it can be said.

    Models decorate their words with markup and emoji that a voice would read out.
    """
    plain = _MARKUP.sub(" ", sentence)
    kept = "".join(c if not unicodedata.category(c).startswith(("So", "C")) else " " for c in plain)
    kept = re.sub(r"\s+([.,!?;:…])", r"\1", " ".join(kept.split()))
    kept = re.sub(r"^(?:[-–—•·](?!\d)\s*)+", "", kept).strip()
    return kept if _WORD.search(kept) else ""
