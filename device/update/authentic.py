"""Is an update from home? HMAC-SHA-256 with a key that toy and relay have in common. Pure.

The relay keeps only the SHA-256 of the secret half of a toy's token, so the key comes from that:
the toy hashes its secret to get there, and neither has to store anything more. One toy's key says
nothing of another's, and it does not open the relay's door, which asks for the secret itself.
"""

import hashlib

PURPOSE = b"bramble update key 1"  # so that the digest itself is never used as a key
BLOCK_BYTES = 64  # of SHA-256, which HMAC (RFC 2104) is built on


class Hmac:
    """HMAC-SHA-256, fed piece by piece; MicroPython has none. `key` is at most 64 bytes."""

    def __init__(self, key):
        self._key = key + bytes(BLOCK_BYTES - len(key))
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in self._key))

    def update(self, data):
        """Take in more of the message."""
        self._inner.update(data)

    def digest(self):
        """Return the 32 bytes; to be called once, at the end."""
        outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in self._key))
        outer.update(self._inner.digest())
        return outer.digest()


def update_key(token):
    """Return the 32-byte key of the toy with `token`; ValueError if the token has no secret."""
    secret = token.partition(".")[2]
    if not secret:
        raise ValueError("the token has no secret half")
    key = Hmac(hashlib.sha256(secret.encode()).digest())
    key.update(PURPOSE)
    return key.digest()


def same(first, second):
    """Compare two byte strings in a time that does not depend on where they differ."""
    if len(first) != len(second):
        return False
    difference = 0
    for one, other in zip(first, second):  # noqa: B905 - MicroPython's zip has no strict
        difference |= one ^ other
    return difference == 0
