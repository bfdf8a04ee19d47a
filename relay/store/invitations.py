"""One-time links: make the first account, add a parent, set a password anew."""

import enum
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select

from relay.database import Database
from relay.schema import invitations
from relay.store.parents import Parent, add_parent, set_password
from relay.store.values import NotFound, now

_SECRET_BYTES = 32
FIRST_LASTS_S = 24 * 3600
INVITATION_LASTS_S = 24 * 3600
RESET_LASTS_S = 3600


class InvitationKind(enum.Enum):
    """What a link is good for."""

    FIRST = "first"  # the first account of a household
    PARENT = "parent"  # one more parent
    RESET = "reset"  # a new password


_LASTS_S = {
    InvitationKind.FIRST: FIRST_LASTS_S,
    InvitationKind.PARENT: INVITATION_LASTS_S,
    InvitationKind.RESET: RESET_LASTS_S,
}


@dataclass(frozen=True)
class Invitation:
    """A link that can be used until `expires` (Unix seconds)."""

    household: str
    kind: InvitationKind
    parent: str | None
    expires: int


class Invitations:
    """The table of one-time links; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, household: str, kind: InvitationKind, parent: str | None = None) -> str:
        """Make a link's secret, in place of earlier ones of its kind; it is stored nowhere."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)

        def work(connection: Connection) -> None:
            connection.execute(
                delete(invitations).where(
                    invitations.c.household == household,
                    invitations.c.kind == kind.value,
                    invitations.c.parent.is_not_distinct_from(parent),
                )
            )
            connection.execute(delete(invitations).where(invitations.c.expires <= now()))
            connection.execute(
                insert(invitations).values(
                    digest=_digest(secret),
                    household=household,
                    kind=kind.value,
                    parent=parent,
                    created=now(),
                    expires=now() + _LASTS_S[kind],
                )
            )

        await self._database.call(work)
        return secret

    async def find(self, secret: str) -> Invitation | None:
        """Return what a link is good for, or None where it was used, replaced or has expired."""

        def work(connection: Connection) -> Invitation | None:
            query = select(invitations).where(*_still_good(secret))
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else _invitation(row)

        return await self._database.read(work)

    async def accept(self, secret: str, name: str, password_hash: str) -> Parent:
        """Use a link up and make the account it is for; raises NotFound or NameTaken."""

        def work(connection: Connection) -> Parent:
            invitation = _take(connection, secret)
            return add_parent(connection, invitation.household, name, password_hash)

        return await self._database.call(work)

    async def reset(self, secret: str, password_hash: str) -> str:
        """Use a link up and set its parent's password; return the parent's id or raise NotFound."""

        def work(connection: Connection) -> str:
            parent = _take(connection, secret).parent
            if parent is None:
                raise NotFound("this link resets no password")
            set_password(connection, parent, password_hash)
            return parent

        return await self._database.call(work)


def _take(connection: Connection, secret: str) -> Invitation:
    taken = connection.execute(
        delete(invitations).where(*_still_good(secret)).returning(*invitations.c)
    )
    row = taken.mappings().one_or_none()
    if row is None:
        raise NotFound("this link has been used, or has expired")
    return _invitation(row)


def _still_good(secret: str) -> tuple[ColumnElement[bool], ...]:
    # 256 random bits, looked up by their digest: nothing can be learnt from how long that takes.
    return invitations.c.digest == _digest(secret), invitations.c.expires > now()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _invitation(row: RowMapping) -> Invitation:
    return Invitation(row["household"], InvitationKind(row["kind"]), row["parent"], row["expires"])
