"""The proof of a pairing code that toy and relay share, and the code as people type it."""

import hashlib
import hmac
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.pairing_proof import (
    LETTERS,
    SECRET_BYTES,
    SHARE_BYTES,
    Exchange,
    check_letter,
    clean_code,
    code_digest,
)

PRIME = int(Exchange(b"", b"", b"\1").__dict__["_prime"])
CODES = st.text(LETTERS, min_size=11, max_size=11).map(lambda text: text + check_letter(text))


def test_the_group_is_a_safe_prime_of_2048_bits():
    assert PRIME.bit_length() == 2048
    for prime in (PRIME, (PRIME - 1) // 2):
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7))


def reference_proofs(code, house, toy_secret, relay_secret):
    """The same by other means: what an independent implementation of docs/protocol.md gives."""
    digest = hashlib.sha256(b"bramble pairing code 1" + code.encode()).digest()
    fingerprint = hashlib.sha256(house).digest()
    start = b"bramble pairing generator 1"
    wide = b"".join(
        hashlib.sha256(start + bytes([n]) + digest + fingerprint).digest() for n in range(9)
    )
    generator = pow(int.from_bytes(wide, "big"), 2, PRIME)
    shares = [
        pow(generator, int.from_bytes(one, "big"), PRIME) for one in (toy_secret, relay_secret)
    ]
    common = pow(shares[0], int.from_bytes(relay_secret, "big"), PRIME)
    said = b"".join(number.to_bytes(256, "big") for number in (*shares, common))
    key = hashlib.sha256(b"bramble pairing key 1" + fingerprint + said).digest()
    return tuple(hmac.digest(key, who, "sha256") for who in (b"toy", b"relay"))


SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES).filter(any)


@settings(max_examples=20, deadline=None)
@given(code=CODES, house=st.binary(max_size=500), toy=SECRETS, relay=SECRETS)
def test_both_sides_come_to_the_proofs_that_the_document_describes(code, house, toy, relay):
    ours, theirs = (Exchange(code_digest(code), house, secret) for secret in (toy, relay))
    if ours.share == theirs.share:
        return
    proofs = ours.finish(ours.share, theirs.share)
    assert proofs == theirs.finish(ours.share, theirs.share)
    assert proofs == reference_proofs(code, house, toy, relay)
    assert proofs[0] != proofs[1]


def test_another_code_or_another_certificate_does_not_fit():
    first, second = "K7QF2M9DX4TQ", "00000000000" + check_letter("00000000000")
    for code, house in ((second, b"house"), (first, b"another house")):
        toy = Exchange(code_digest(first), b"house", secrets.token_bytes(SECRET_BYTES))
        relay = Exchange(code_digest(code), house, secrets.token_bytes(SECRET_BYTES))
        toys = toy.finish(toy.share, relay.share)
        assert not set(toys) & set(relay.finish(toy.share, relay.share))


@pytest.mark.parametrize("number", [0, 1, PRIME - 1, PRIME, PRIME + 1, 2**2048 - 1])
def test_shares_that_would_give_the_key_away_are_refused(number):
    ours = Exchange(code_digest("K7QF2M9DX4TQ"), b"house", secrets.token_bytes(SECRET_BYTES))
    bad = number.to_bytes(SHARE_BYTES, "big")
    for pair in ((ours.share, bad), (bad, ours.share)):
        with pytest.raises(ValueError, match="no share"):
            ours.finish(*pair)


def test_our_own_share_sent_back_and_one_of_another_length_are_refused():
    ours = Exchange(code_digest("K7QF2M9DX4TQ"), b"house", secrets.token_bytes(SECRET_BYTES))
    for bad in (ours.share, b"", ours.share[1:], b"\0" + ours.share):
        with pytest.raises(ValueError, match="no share"):
            ours.finish(ours.share, bad)


# The code


@given(code=CODES, place=st.integers(0, 11), letter=st.sampled_from(LETTERS))
def test_one_wrong_letter_is_noticed(code, place, letter):
    wrong = code[:place] + letter + code[place + 1 :]
    same_to_the_check = {code[place], letter} == {"0", "Z"} or code[place] == letter
    if not same_to_the_check:
        with pytest.raises(ValueError, match="slip of the pen"):
            clean_code(wrong)


@given(text=st.text(max_size=40))
def test_what_people_type_is_a_code_or_is_refused(text):
    try:
        code = clean_code(text)
    except ValueError:
        return
    assert len(code) == 12 and set(code) <= set(LETTERS)


def test_a_code_may_be_typed_as_it_was_heard():
    letters = "10QF2M9DX4T"
    code = letters + check_letter(letters)
    assert clean_code(f" lO{code[2:4].lower()}-2m9d x4t{code[-1]} ") == code
