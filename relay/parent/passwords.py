"""Passwords: which ones are taken, and how they are kept."""

import asyncio
from functools import cache
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 200
_FEWEST_DIFFERENT = 5
_COMMON = Path(__file__).with_name("common_passwords.txt")


class Passwords:
    """Hashes by argon2id with the parameters of RFC 9106 for little memory (64 MiB, 3 passes).

    At most two are worked on at a time, so that nobody can fill the memory by logging in often.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._free = asyncio.Semaphore(2)
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is the one; the same work where there is none (`kept` None)."""
        async with self._free:
            return await asyncio.to_thread(self._fits, password, kept)

    def _fits(self, password: str, kept: str | None) -> bool:
        if not self._nobody:
            self._nobody = self._hasher.hash("nobody's password")
        try:
            return self._hasher.verify(kept or self._nobody, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def weakness(password: str, name: str) -> str | None:
    """Return the key of what is wrong with a new password (texts, "errors"), None if it is good."""
    if len(password) < SHORTEST:
        return "errors.password_short"
    if len(password) > LONGEST:
        return "errors.password_long"
    folded = password.casefold()
    if len(set(folded)) < _FEWEST_DIFFERENT or _is_row(folded):
        return "errors.password_plain"
    if folded in _common_passwords() or folded.strip("0123456789!?.-_ ") == name.strip().casefold():
        return "errors.password_common"
    return None


def _is_row(text: str) -> bool:
    """Tell whether each character is the neighbour of the one before, as in 23456789ab."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1})


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())
