"""What every voice does to a sentence before it is spoken."""

from relay.errors import EngineError

MAX_CHARACTERS = 2000
"""A sentence is far shorter; more would hold the voice for minutes."""


def speakable(text: str, *, engine: str) -> str:
    """Return `text` without control characters and extra blanks; empty if nothing can be said.

    Raises EngineError for a text that is far too long to be a sentence.
    """
    if len(text) > MAX_CHARACTERS:
        raise EngineError(engine, f"{len(text)} characters are too many for one sentence")
    printable = "".join(each if each.isprintable() else " " for each in text)
    cleaned = " ".join(printable.split())
    return cleaned if any(each.isalnum() for each in cleaned) else ""
