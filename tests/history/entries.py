"""Entries of the diary as tests make them."""

from dataclasses import dataclass

from relay.store.transcripts import Transcript


@dataclass(frozen=True)
class Turn:
    child: str
    day: str
    stopped: bool = False
    words: Transcript | None = None
