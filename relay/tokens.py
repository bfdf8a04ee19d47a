"""A toy's token: `<toy id>.<secret>`, the secret 32 random bytes as 43 characters of base64url.

The store keeps only the SHA-256 of the secret. A slow hash adds nothing here: 256 random bits
cannot be guessed, unlike a password.
"""

import hashlib
import hmac
import secrets

from relay.store import Store, Toy

SECRET_BYTES = 32
LONGEST_TOKEN = 128
_NOBODY = hashlib.sha256(b"no toy has this secret").digest()


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a token's secret half: 32 bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def issue_token(
    store: Store, name: str, age: int, *, household: str | None = None, child: str | None = None
) -> tuple[Toy, str]:
    """Add a toy and return it with its token, which is shown once and stored nowhere.

    It joins this home's household where none is named. Raises StoreError when name or age cannot be
    used.
    """
    toy_id = secrets.token_hex(4)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    toy = await store.add_toy(toy_id, name, age, digest(secret), household=household, child=child)
    return toy, f"{toy_id}.{secret}"


async def authenticate(store: Store, token: str) -> Toy | None:
    """Return the toy that `token` belongs to, or None; raises StoreError.

    The work is the same whether the toy is unknown, removed or the secret is wrong, and the
    comparison takes constant time, so that nothing can be learnt from how long it took.
    """
    toy_id, _, secret = token[:LONGEST_TOKEN].partition(".")
    # No database has to cope with what is no id at all (NUL bytes, half a surrogate pair).
    found = await store.toy_with_digest(toy_id if toy_id.isascii() and toy_id.isalnum() else "")
    toy, expected = found if found else (None, _NOBODY)
    matches = hmac.compare_digest(digest(secret), expected)
    return toy if matches and len(token) <= LONGEST_TOKEN else None
