"""Letting a new toy in by a code that a person carries from the relay to the toy.

`offer` makes the code, `PairingDesk` serves the toy that comes with it; device/pairing_proof.py has
the proof that both sides share, and docs/protocol.md the reasons.
"""

from relay.pairing.desk import PairingDesk
from relay.pairing.offers import Offer, OfferState, offer, state_of

__all__ = ["Offer", "OfferState", "PairingDesk", "offer", "state_of"]
