"""Where a new toy comes with its code: one exchange a connection, every step with a limit."""

import asyncio
import base64
import binascii
import hmac
import json
import logging
import secrets
import time
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from device.pairing_proof import SECRET_BYTES, Exchange, Refusal, hint_of
from device.protocol import Close
from relay.certificate import Identity
from relay.database import StoreError
from relay.errors import RelayError
from relay.guards import AttemptLimit
from relay.link import LinkClosed, ToyLink
from relay.store import Store, Toy
from relay.store.family_toys import FamilyToys
from relay.store.pairings import Pairing, Pairings
from relay.store.values import now
from relay.streams import within
from relay.telemetry import log
from relay.tokens import issue_token

_logger = logging.getLogger(__name__)

# An honest toy needs one try. Each costs an attacker a guess at 47 bits, and the relay 15 ms.
TRIES_PER_MINUTE = 10
MOST_AT_ONCE = 4
# A toy needs two powers of 2 s each, over a slow Wi-Fi.
EXCHANGE_S = 30.0
_NORMAL = 1000


class _FromToy(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _Share(_FromToy):
    type: Literal["share"]
    hint: Annotated[int, Field(ge=0, le=255)]
    share: Annotated[str, Field(max_length=400)]


class _Proof(_FromToy):
    type: Literal["proof"]
    proof: Annotated[str, Field(max_length=64)]


class _Saved(_FromToy):
    type: Literal["saved"]


_Message = TypeVar("_Message", bound=_FromToy)


class _Refused(RelayError):
    """The toy is not let in; `reason` is a value of Refusal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _BadMessage(RelayError):
    """The toy broke the protocol; the message names what is wrong and quotes nothing."""


class PairingDesk:
    """Lets toys in that prove that they know the code of an offer."""

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._identity = identity
        self._pairings = Pairings(store.database)
        self._tries = AttemptLimit(TRIES_PER_MINUTE, 60.0)
        self._serving = 0

    async def serve(self, link: ToyLink, address: str) -> None:
        """Serve one connection from `address` to its end."""
        self._serving += 1
        try:
            if self._serving > MOST_AT_ONCE:
                raise _Refused(Refusal.BUSY)
            await within(self._exchange(link, address), EXCHANGE_S)
            await link.close(_NORMAL, "paired")
        except _Refused as refused:
            log(_logger, logging.WARNING, "not paired", reason=refused.reason, address=address)
            await _refuse(link, refused.reason)
        except _BadMessage as error:
            await link.close(Close.BAD_MESSAGE, str(error))
        except TimeoutError:
            await link.close(Close.TIME_OUT, "too slow")
        except LinkClosed:
            pass
        except Exception:
            log(_logger, logging.ERROR, "pairing failed", address=address)
            await _refuse(link, Refusal.FAILED)
        finally:
            self._serving -= 1

    async def _exchange(self, link: ToyLink, address: str) -> None:
        # Not secret, and not yet believed: the toy comes again trusting it, and then both prove
        # over it that nobody has put another one in its place.
        await _send(link, type="house", certificate=self._identity.for_toy)
        asked = await _receive(link, _Share)
        if self._tries.exhausted(address, time.monotonic()):
            raise _Refused(Refusal.BUSY)
        self._tries.add(address, time.monotonic())
        offered = await self._offered(asked.hint)
        random = secrets.token_bytes(SECRET_BYTES)
        exchange = Exchange(offered.code_digest, self._identity.authority, random)
        await _send(link, type="share", share=_text(exchange.share))
        try:
            toy_proof, own_proof = exchange.finish(_bytes(asked.share), exchange.share)
        except ValueError:
            raise _BadMessage("share: it is none") from None
        # The toy proves first: who only pretends to be one gets nothing to test guesses with.
        proof = _bytes((await _receive(link, _Proof)).proof)
        is_right = hmac.compare_digest(proof, toy_proof)
        if await self._pairings.use(offered.code_digest) is None:
            raise _Refused(Refusal.USED)
        if not is_right:
            raise _Refused(Refusal.WRONG)
        await self._let_in(link, offered, own_proof)

    async def _offered(self, hint: int) -> Pairing:
        """Return the open offer that is meant; _Refused says why there is none."""
        remembered = await self._pairings.remembered()
        known = [one for one in remembered if hint_of(one.code_digest) == hint]
        for one in known:
            if one.used is None and one.expires > now():
                return one
        if not known:
            raise _Refused(Refusal.UNKNOWN)
        raise _Refused(Refusal.EXPIRED if known[0].used is None else Refusal.USED)

    async def _let_in(self, link: ToyLink, offered: Pairing, proof: bytes) -> None:
        toy, token = await issue_token(
            self._store,
            offered.name,
            offered.age,
            household=offered.household,
            child=offered.child,
        )
        saved = False
        try:
            await _send(link, type="paired", proof=_text(proof), token=token, age=toy.age)
            await _receive(link, _Saved)
            saved = True
        finally:
            if not saved:
                await self._forget(toy)
        log(_logger, logging.INFO, "toy paired", toy=toy.id)

    async def _forget(self, toy: Toy) -> None:
        """Take back a toy that has not said that it kept its token, so that its name is free."""
        try:
            await asyncio.shield(FamilyToys(self._store.database).revoke(toy.household, toy.id))
        except StoreError:
            log(_logger, logging.ERROR, "a toy that was not paired stays in the list", toy=toy.id)


async def _refuse(link: ToyLink, reason: str) -> None:
    try:
        await _send(link, type="refused", reason=reason)
        await link.close(_NORMAL, reason)
    except LinkClosed:
        pass


async def _send(link: ToyLink, **message: Any) -> None:  # noqa: ANN401 - JSON
    await link.send(json.dumps(message))


async def _receive(link: ToyLink, kind: type[_Message]) -> _Message:
    frame = await link.receive()
    try:
        return kind.model_validate_json(frame)
    except ValidationError:
        raise _BadMessage(f"{kind.__name__[1:].lower()} was expected") from None


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _BadMessage("that is not base64") from None
