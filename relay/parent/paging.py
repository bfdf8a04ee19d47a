"""Where the next page of a list begins, in an address: a time and an id, `1700000000-42`."""

import re

_MARK = re.compile(r"(\d{1,12})-(\d{1,9})")


def read_mark(text: str) -> tuple[int, int] | None:
    """Return time and id of the last row shown; None for the first page, or for nonsense."""
    found = _MARK.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def mark(at: int, row: int) -> str:
    """Return what `read_mark` reads."""
    return f"{at}-{row}"
