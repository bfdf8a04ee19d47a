"""Requests for updates, kept in the store: at most one a toy, and what has become of it."""

import enum
import time
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from relay.database import Database
from relay.schema import updates


class UpdateState(enum.Enum):
    """How far an update is."""

    WAITING = "waiting"  # for the toy
    SENDING = "sending"
    TRYING = "trying"  # the toy starts again with it
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (UpdateState.DONE, UpdateState.FAILED)


@dataclass(frozen=True)
class UpdateRequest:
    """An update of one toy. `again` allows a version that is not newer. Sizes in bytes."""

    toy: str
    again: bool
    state: UpdateState = UpdateState.WAITING
    version: str = ""
    sent: int = 0
    total: int = 0
    message: str = ""
    changed: int = 0


class UpdateRequests:
    """The table of requests; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, toy: str, *, again: bool) -> None:
        """Ask for an update of a toy, in place of what was asked before."""

        def work(connection: Connection) -> None:
            connection.execute(delete(updates).where(updates.c.toy == toy))
            connection.execute(
                insert(updates).values(
                    toy=toy,
                    again=again,
                    state=UpdateState.WAITING.value,
                    version="",
                    sent=0,
                    total=0,
                    message="",
                    changed=int(time.time()),
                )
            )

        await self._database.call(work)

    async def withdraw(self, toy: str) -> bool:
        """Take a request back; tells whether there was one that was not over yet."""

        def work(connection: Connection) -> bool:
            open_ones = select(updates.c.state).where(updates.c.toy == toy)
            state = connection.execute(open_ones).scalar_one_or_none()
            connection.execute(delete(updates).where(updates.c.toy == toy))
            return state is not None and not UpdateState(state).is_over

        return await self._database.call(work)

    async def all(self) -> list[UpdateRequest]:
        """Return every request, over or not."""

        def work(connection: Connection) -> list[UpdateRequest]:
            return [_request(row) for row in connection.execute(select(updates)).mappings()]

        return await self._database.read(work)

    async def note(self, toy: str, state: UpdateState, **values: str | int) -> bool:
        """Note how far it is (fields of UpdateRequest); False if the request was taken back."""

        def work(connection: Connection) -> bool:
            changed = connection.execute(
                update(updates)
                .where(updates.c.toy == toy)
                .values(state=state.value, changed=int(time.time()), **values)
            )
            return changed.rowcount > 0

        return await self._database.call(work)


def _request(row: RowMapping) -> UpdateRequest:
    return UpdateRequest(**{**row, "state": UpdateState(row["state"])})
