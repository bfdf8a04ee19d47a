"""Long texts in overlapping windows, so that the time to check one grows only with its length."""

MAX_CHARACTERS = 4000
"""Longer texts are refused: half a minute of speech has about 500."""

_WINDOW = 400  # characters
_OVERLAP = 150


def windows(text: str) -> list[str]:
    """Return `text` in overlapping pieces, cut at spaces where there are any.

    ValueError when it is longer than `MAX_CHARACTERS`.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a text of {len(text)} characters is not checked")
    if len(text) <= _WINDOW:
        return [text]
    pieces = []
    start = 0
    while start + _OVERLAP < len(text):
        end = _space_at(text, start + _WINDOW)
        pieces.append(text[start:end])
        start = max(start + 1, _space_at(text, end - _OVERLAP)) if end < len(text) else end
    return pieces


def _space_at(text: str, position: int) -> int:
    """Return the place of the last space before `position`, or `position` if none is near."""
    if position >= len(text):
        return len(text)
    space = text.rfind(" ", position - _OVERLAP // 2, position)
    return position if space < 0 else space
