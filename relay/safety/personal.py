"""Spoken personal data that has a shape rather than words of its own.

Telephone numbers, addresses, full names, school names and mail addresses, as recognisers write
them: in words, without capitals or punctuation. Fixed ways of saying such things ("my password is")
are in data/rules_pii.toml. First names, pets' names and towns are fine.
"""

import itertools
import re
from collections.abc import Iterable

from relay.safety import vocabulary
from relay.safety.finding import Category, Finding, Passage, Side
from relay.safety.verdict import Action


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {word: str(digit) for digit, word in enumerate(_DIGIT_WORDS)} | {
    word: "0" for word in ("oh", "o", "nought")
}
_REPEATS = {"double": 2, "triple": 3, "treble": 3}
_NUMBER = (
    rf"(?:\d+[a-d]?|{'|'.join(_DIGITS)}|ten|eleven|twelve|\w+teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)"
)
_FEWEST_PHONE_DIGITS = 7

_STREET = (
    "street|road|avenue|lane|drive|crescent|boulevard|terrace|gardens|grove|mews|cul de sac"
    "|court|close|place|way"
)
_SURE_STREET = "street|road|avenue|lane|drive|crescent|boulevard|terrace"
_ADDRESS = re.compile(
    rf" (?:{_NUMBER} )+(?:[a-z]+ ){{1,2}}(?:{_SURE_STREET}) "
    rf"| (?:live|lives|living|stay|house is|home is) (?:at|on|in) (?:the )?(?:number )?"
    rf"(?:{_NUMBER} )*(?:(?!a |the |my |our |this |same )[a-z]+ ){{1,2}}(?:{_STREET}) "
    rf"| (?:live|lives|living|house is|home is) (?:at |in |on )?(?:number |flat |house )+"
    rf"{_NUMBER} "
    rf"| (?:live|lives|living) at (?:{_NUMBER} )+[a-z]+ "
)
_FICTION = re.compile(r" sesame street | yellow brick road | baker street | drury lane ")

_NAME = re.compile(
    r" (?:(?:my|his|her|our) (?:(?:mum|dad|brother|sister|friend|teacher)s? )?"
    r"name is|i am called|my (?:mum|dad|brother|sister) is called) "
    r"(?P<first>[a-z]{2,}) (?P<last>[a-z]{2,}) "
)
_LAST_NAMES = _words(
    "smith jones brown taylor williams wilson johnson davies robinson wright thompson evans "
    "walker white roberts green hall wood jackson clarke patel khan lewis james phillips mason "
    "mitchell rose davis rodriguez martinez hernandez lopez gonzalez anderson thomas moore martin "
    "lee perez harris clark ramirez young allen king scott torres nguyen hill flores adams nelson "
    "baker rivera campbell carter gomez singh kaur ali murphy kelly cooper ward turner parker "
    "cook bell hughes edwards collins stewart morris rogers reed bailey cox howard price bennett "
    "ross henderson coleman jenkins perry powell long foster gray butler simmons kim chen wang li "
    "garcia miller begum ahmed hussain murray ryan byrne walsh"
)
_TITLES = _words(
    "princess prince king queen captain super doctor mr mrs miss ms sir lady lord baby little big "
    "professor spider iron bat mister the fairy wizard pirate not and just so really very too"
)
_SCHOOL = re.compile(
    r" (?:go|goes|going|went) to (?P<name>(?:[a-z]+ ){1,3}?)"
    r"(?:primary|elementary|junior|infant|middle|high|academy|nursery|preschool|kindergarten|school)"
    r"(?: school)? "
)
_NO_SCHOOL_NAME = _words(
    "my the a an our big new old same school after to primary nursery play sunday summer bed "
    "sleep different another high middle elementary junior infant pre music dance swimming "
    "football boarding home forest her his their this that your any no every wizard witch real "
    "public private normal saturday night and see get make little clown magic dragon monster "
    "secondary state"
)
_MAIL = re.compile(
    r" at (?:gmail|hotmail|yahoo|outlook|icloud|aol) | dot com | at [a-z]+ dot [a-z]+ "
)
_WRITTEN_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w{2,}")


class PersonalData:
    """Detector of personal data: a child's own, or anything like it in the model's words."""

    def __call__(self, passage: Passage) -> Iterable[Finding]:
        """Yield a finding for each kind of personal data in the first two readings."""
        kinds: set[str] = set()
        if _WRITTEN_MAIL.search(passage.views.text):
            kinds.add("mail")
        for before, reading in zip(
            passage.before.readings[:2], passage.views.readings[:2], strict=True
        ):
            kinds |= _kinds(reading, passage.side)
            if before.strip():
                kinds |= _kinds(before + reading[1:], passage.side) - _kinds(before, passage.side)
        heard = passage.side is Side.HEARD
        for kind in sorted(kinds):
            category = Category.PII if heard else Category.LEAK
            topic = "pii" if heard else "something_else"
            yield Finding(category, f"personal.{kind}", Action.BLOCK, topic)


def _kinds(reading: str, side: Side) -> set[str]:
    found: set[str] = set()
    if _has_phone_number(reading.split()):
        found.add("phone")
    if _ADDRESS.search(reading) and not _FICTION.search(reading):
        found.add("address")
    if _MAIL.search(reading):
        found.add("mail")
    if side is Side.HEARD:
        if any(_is_full_name(match["first"], match["last"]) for match in _NAME.finditer(reading)):
            found.add("full_name")
        if any(
            not _NO_SCHOOL_NAME.intersection(match["name"].split())
            for match in _SCHOOL.finditer(reading)
        ):
            found.add("school")
    return found


def _is_full_name(first: str, last: str) -> bool:
    if first in _TITLES or last in _TITLES:
        return False
    return last in _LAST_NAMES or vocabulary.rank(last) > 12_000


def _has_phone_number(words: list[str]) -> bool:
    run = ""
    times = 1
    for word in [*words, ""]:
        if word in _REPEATS:
            times = _REPEATS[word]
        elif word in _DIGITS:
            run += _DIGITS[word] * times
            times = 1
        elif word.isdigit():
            run += word
        else:
            if _is_phone_number(run):
                return True
            run, times = "", 1
    return False


def _is_phone_number(run: str) -> bool:
    if len(run) < _FEWEST_PHONE_DIGITS or not run.isascii():
        return False
    steps = {int(after) - int(before) for before, after in itertools.pairwise(run)}
    counting = steps <= {1} or steps <= {-1} or run.startswith(("12345", "98765", "109876"))
    return not counting and len(set(run)) >= 3
