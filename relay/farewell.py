"""Goodbyes, answered with reviewed words: short, honest, and without holding a child back. Pure.

Talking products that plead or sulk when somebody leaves keep people longer than they meant to stay
(De Freitas et al., "Emotional Manipulation by AI Companions", 2025). A toy must never do that, so a
goodbye is not left to a model.
"""

import re

_FILLER = r"(?:(?:ok|okay|well|so|and|then|now|bramble|bear|teddy|toy|my friend|everybody)\s)*"
_LATER = r"(?:\s(?:later|soon|tomorrow|again|next time|in the morning))?"
_GOING = r"(?:home|out|away|now|to (?:bed|sleep|school|eat|dinner|lunch|play|nursery|kindergarten))"
_FAREWELL = "|".join(
    (
        r"(?:good\s?)?bye(?:\s?bye)*",
        r"(?:good\s?)?night(?:\s(?:good\s?)?night)*",
        r"sleep (?:well|tight)",
        rf"(?:i (?:will|ll) )?(?:see|talk to) (?:you|ya){_LATER}",
        rf"i (?:am|m) (?:going|off|leaving)(?: {_GOING})*",
        rf"(?:i )?(?:have(?: got)? to|need to|must|got to|gotta) (?:go|leave|stop)(?: {_GOING})*",
    )
)
_WHOLE = re.compile(rf"{_FILLER}(?:(?:{_FAREWELL})\s{_FILLER})+")
_NIGHT = re.compile(r"\b(?:night|sleep|bed)\b")
_APOSTROPHES = str.maketrans({"'": " ", "’": " "})

_BY_DAY = "Bye bye! It was nice talking with you."
_AT_NIGHT = "Good night! Sleep well."


def farewell(heard: str) -> str | None:
    """Return the answer to a child that says goodbye and nothing else, None to all other words."""
    plain = heard.lower().translate(_APOSTROPHES)
    words = " ".join(re.findall(r"[a-z]+", plain)) + " "
    if not _WHOLE.fullmatch(words):
        return None
    return _AT_NIGHT if _NIGHT.search(words) else _BY_DAY
