"""What parents did, and when: no words of a child, no secret."""

import enum
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from relay.database import Database
from relay.schema import LONGEST_MESSAGE, LONGEST_NAME, audit
from relay.store.values import now


class Deed(enum.Enum):
    """Something that a parent did."""

    ACCOUNT_MADE = "account_made"
    LOGGED_IN = "logged_in"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a deed
    PARENT_INVITED = "parent_invited"
    PARENT_REMOVED = "parent_removed"
    TOY_OFFERED = "toy_offered"
    TOY_CHANGED = "toy_changed"
    TOY_PAUSED = "toy_paused"
    TOY_WOKEN = "toy_woken"
    TOY_REVOKED = "toy_revoked"
    TOY_FOUND = "toy_found"
    TOY_UPDATED = "toy_updated"
    WIFI_CHANGED = "wifi_changed"
    CHILD_ADDED = "child_added"
    CHILD_CHANGED = "child_changed"
    CONSENT_GIVEN = "consent_given"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    RULES_CHANGED = "rules_changed"
    COUNTRY_CHOSEN = "country_chosen"
    DATA_TAKEN = "data_taken"
    CHILD_ERASED = "child_erased"


@dataclass(frozen=True)
class AuditEntry:
    """One deed: `parent` and `subject` are names as they were `at` that time (Unix seconds)."""

    at: int
    parent: str
    deed: Deed
    subject: str
    detail: str


class Audit:
    """The table of deeds; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, household: str, parent: str, deed: Deed, subject: str = "", detail: str = ""
    ) -> None:
        """Write down what a parent did."""

        def work(connection: Connection) -> None:
            connection.execute(
                insert(audit).values(
                    household=household,
                    at=now(),
                    parent=parent[:LONGEST_NAME],
                    action=deed.value,
                    subject=subject[:LONGEST_NAME],
                    detail=detail[:LONGEST_MESSAGE],
                )
            )

        await self._database.call(work)

    async def latest(self, household: str, *, limit: int = 100) -> list[AuditEntry]:
        """Return a household's latest deeds, newest first."""

        def work(connection: Connection) -> list[AuditEntry]:
            query = (
                select(audit.c.at, audit.c.parent, audit.c.action, audit.c.subject, audit.c.detail)
                .where(audit.c.household == household)
                .order_by(audit.c.at.desc(), audit.c.id.desc())
                .limit(limit)
            )
            return [
                AuditEntry(at, parent, Deed(deed), subject, detail)
                for at, parent, deed, subject, detail in connection.execute(query)
            ]

        return await self._database.read(work)
