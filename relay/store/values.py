"""What may be stored: names and ages that are checked, and the ids and times that are made here."""

import secrets
import time

from device.protocol import OLDEST_AGE, YOUNGEST_AGE, is_allowed_age
from relay.database import StoreError
from relay.schema import LONGEST_NAME


class NotFound(StoreError):
    """There is no such thing, or it belongs to another household: nobody can tell which."""


class NameTaken(StoreError):
    """Another one has this name already."""


def clean_name(name: str, whose: str = "a toy's") -> str:
    """Return a name without outer blanks; StoreError if it is empty, long or unprintable."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise StoreError(f"{whose} name has 1 to {LONGEST_NAME} printable characters")
    return name


def allowed_age(age: int) -> int:
    """Return `age`; StoreError outside 3 to 13."""
    if not is_allowed_age(age):
        raise StoreError(f"the age must be a whole number from {YOUNGEST_AGE} to {OLDEST_AGE}")
    return age


def new_id() -> str:
    """Return a fresh id: 16 hex digits."""
    return secrets.token_hex(8)


def now() -> int:
    """Return the time in whole seconds of Unix time."""
    return int(time.time())
