"""Toy and relay prove to each other that they know a pairing code, and show it to nobody. Pure.

A key exchange that a password authenticates: SPEKE (D. Jablon, 1996; ISO/IEC 11770-4, BKAM2) in
the 2048-bit group of RFC 3526, with the precautions of CPace (draft-irtf-cfrg-cpace): what both are
sure to be talking to, the relay's certificate, makes the generator, and the key hashes all that
was said. Whoever listens learns nothing about the code; whoever takes part may try one at a time.
Chosen because MicroPython has `pow`, and no elliptic curves.
"""

import hashlib

from device.update.authentic import Hmac

PATH = "/pair"


class Refusal:
    """Why the relay lets no toy in by this code; values of `reason` in `refused`."""

    UNKNOWN = "unknown"  # no code that it gave out has this hint
    WRONG = "wrong"  # the proof: the code is spoilt now
    USED = "used"  # or spoilt
    EXPIRED = "expired"
    BUSY = "busy"  # too many tries
    FAILED = "failed"  # the relay's own fault


# Crockford's base 32: no I, L, O, U, which are read or heard as others.
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LETTERS = 12  # the last one is the check letter: 55 bits are left
SHARE_BYTES = 256
SECRET_BYTES = 32  # twice what the group is worth (NIST SP 800-57: 112 bits)
# RFC 3526, group 14: a safe prime.
_PRIME = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A0879"
    "8E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B"
    "0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA4836"
    "1C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"
    "F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6"
    "955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF"
)
# Hashes enough that what is left of them modulo the prime is as good as even (256 bits more).
_HASHES = 9


def check_letter(letters):
    """Return the letter that ends a code: a weighted sum modulo 31, as in an ISBN.

    It notices one wrong letter (but 0 for Z) and two that changed places.
    """
    total = 0
    for place, letter in enumerate(letters):
        total += (place + 1) * LETTERS.index(letter)
    return LETTERS[total % 31]


def clean_code(text):
    """Return the letters of a code as a person typed it; ValueError says what is wrong with it."""
    letters = text.upper().replace("-", "").replace(" ", "")
    letters = letters.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(letters) != CODE_LETTERS:
        raise ValueError("has %d letters and digits, like K7QF-2M9D-X4TQ" % CODE_LETTERS)
    for letter in letters:
        if letter not in LETTERS:
            raise ValueError("has a letter that no code has")
    if check_letter(letters[:-1]) != letters[-1]:
        raise ValueError("has a slip of the pen in it: compare it letter by letter")
    return letters


def code_digest(code):
    """Return the 32 bytes that stand for a clean code from now on."""
    return hashlib.sha256(b"bramble pairing code 1" + code.encode()).digest()


def hint_of(digest):
    """Return what tells the relay which code is meant, 0 to 255: 8 of its 55 bits."""
    return digest[0]


class Exchange:
    """One side of one exchange.

    `digest` is that of the code, `certificate` the house's in DER as this side knows it, and
    `random` SECRET_BYTES random bytes. `share` is what to send.
    """

    def __init__(self, digest, certificate, random):
        self._prime = int(_PRIME, 16)
        self._house = hashlib.sha256(certificate).digest()
        self._secret = int.from_bytes(random, "big")
        wide = b""
        for number in range(_HASHES):
            start = b"bramble pairing generator 1" + bytes((number,))
            wide += hashlib.sha256(start + digest + self._house).digest()
        generator = pow(int.from_bytes(wide, "big") % self._prime, 2, self._prime)
        self.share = self._power(generator)

    def finish(self, toy_share, relay_share):
        """Return the two proofs, (the toy's, the relay's), 32 bytes each.

        One of the shares is ours. ValueError if the other one is none, or was sent back to us.
        """
        other = relay_share if toy_share == self.share else toy_share
        number = int.from_bytes(other, "big")
        # 1 and the prime less 1 would make the key known to everybody.
        if len(other) != SHARE_BYTES or other == self.share or not 1 < number < self._prime - 1:
            raise ValueError("the share is no share")
        said = hashlib.sha256(b"bramble pairing key 1" + self._house)
        for part in (toy_share, relay_share, self._power(number)):
            said.update(part)
        key = said.digest()
        return _proof(key, b"toy"), _proof(key, b"relay")

    def _power(self, base):
        return pow(base, self._secret, self._prime).to_bytes(SHARE_BYTES, "big")


def _proof(key, who):
    proof = Hmac(key)
    proof.update(who)
    return proof.digest()
