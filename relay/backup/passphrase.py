"""A file that opens with a passphrase only: AES-256-GCM under a key that scrypt makes of it."""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from relay.backup.errors import BackupError

MAGIC = b"bramble-sealed-1\n"
LEAST_CHARACTERS = 12
# 64 MB and about 0.2 s for each guess: RFC 7914, section 2, asks for these to be as large as can
# be borne.
_COST = 2**16
_BLOCK = 8
_SALT_BYTES = 16
_NONCE_BYTES = 12
_HEADER = struct.Struct(f">{len(MAGIC)}s{_SALT_BYTES}s{_NONCE_BYTES}s")
OVERHEAD_BYTES = _HEADER.size + 16


def seal(content: bytes, passphrase: str) -> bytes:
    """Return `content` encrypted; raises BackupError for a passphrase that is soon guessed."""
    if len(passphrase) < LEAST_CHARACTERS:
        raise BackupError(f"the passphrase is too short: {LEAST_CHARACTERS} characters at least")
    header = _HEADER.pack(MAGIC, os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES))
    _, salt, nonce = _HEADER.unpack(header)
    return header + AESGCM(_key(passphrase, salt)).encrypt(nonce, content, header)


def is_sealed(content: bytes) -> bool:
    """Tell whether `content` was made by `seal`."""
    return content.startswith(MAGIC)


def unseal(content: bytes, passphrase: str) -> bytes:
    """Return what `seal` was given; raises BackupError for a wrong passphrase or a changed file."""
    if len(content) < OVERHEAD_BYTES:
        raise BackupError("the backup is cut off: take another copy of it")
    header = content[: _HEADER.size]
    _, salt, nonce = _HEADER.unpack(header)
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, content[_HEADER.size :], header)
    except InvalidTag:
        raise BackupError(
            "the passphrase is wrong, or the backup was damaged: try again, then another copy"
        ) from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=1).derive(passphrase.encode())
