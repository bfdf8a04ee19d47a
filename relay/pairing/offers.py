"""Offers: a code that lets one toy in, once, within ten minutes. The store has its digest only."""

import enum
import secrets
from dataclasses import dataclass

from device.pairing_proof import CODE_LETTERS, LETTERS, check_letter, code_digest, hint_of
from relay.database import StoreError
from relay.store import Store
from relay.store.family_toys import FamilyToys
from relay.store.households import Households
from relay.store.pairings import Pairing, Pairings
from relay.store.toy import name_taken
from relay.store.values import clean_name, now

VALID_S = 600
# Codes are told apart by 8 bits; so many of them open at once leave enough to choose from.
MOST_OPEN = 64
MOST_OPEN_OF_A_HOUSEHOLD = 8
_GROUP = 4  # letters, for reading aloud


@dataclass(frozen=True)
class Offer:
    """An offer. `code` is for the person only: it is shown once and stored nowhere."""

    code: str  # as in K7QF-2M9D-X4TQ
    expires: int  # Unix seconds
    digest: bytes  # names the offer from now on: see `state_of`


class OfferState(enum.Enum):
    """What has become of an offer."""

    WAITING = "waiting"
    PAIRED = "paired"  # the toy is one of the family
    SPOILT = "spoilt"  # somebody tried another code in its place, or a newer offer took its place
    EXPIRED = "expired"


async def offer(
    store: Store, household: str | None, name: str, age: int, child: str | None = None
) -> Offer:
    """Offer to let a toy of this name in; an earlier offer for the name is taken back.

    `household` None is this home's. Raises StoreError when name or age cannot be used, a toy has
    the name already, or there are too many offers.
    """
    home = household or (await Households(store.database).home()).id
    name = clean_name(name)
    if any(toy.name == name for toy in await FamilyToys(store.database).of(home)):
        raise name_taken(name)
    pairings = Pairings(store.database)
    others = await pairings.open()
    for other in others:
        if other.household == home and other.name == name:
            await pairings.use(other.code_digest)
    others = await pairings.open()
    own = [other for other in others if other.household == home]
    if len(others) >= MOST_OPEN or len(own) >= MOST_OPEN_OF_A_HOUSEHOLD:
        raise StoreError("too many codes wait for their toys: use one of them, or wait 10 minutes")
    code = _new_code({hint_of(other.code_digest) for other in others})
    made = Pairing(code_digest(code), home, name, age, now() + VALID_S, child)
    await pairings.add(made)
    return Offer(_grouped(code), made.expires, made.code_digest)


async def state_of(store: Store, digest: bytes) -> OfferState:
    """Return what has become of the offer with this digest; raises StoreError."""
    found = await Pairings(store.database).find(digest)
    if found is None:
        return OfferState.EXPIRED
    if found.used is None:
        return OfferState.WAITING if found.expires > now() else OfferState.EXPIRED
    toys = await FamilyToys(store.database).of(found.household)
    paired = any(toy.name == found.name and toy.created >= found.created for toy in toys)
    return OfferState.PAIRED if paired else OfferState.SPOILT


def _new_code(taken_hints: set[int]) -> str:
    while True:
        letters = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS - 1))
        code = letters + str(check_letter(letters))
        if hint_of(code_digest(code)) not in taken_hints:
            return code


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))
