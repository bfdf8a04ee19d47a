"""Who is logged in. Only the SHA-256 of what a browser's cookie holds is kept."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from relay.database import Database
from relay.schema import logins, parents
from relay.store.parents import Parent

# How exactly the last use is remembered: a page need not write to the disk at every click.
_USED_EVERY_S = 60


@dataclass(frozen=True)
class Login:
    """A parent who is logged in. Unix seconds; `expires` cannot be put off by use."""

    parent: Parent
    created: int
    used: int
    expires: int


class Logins:
    """The table of log-ins; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, id_digest: bytes, parent: str, *, now: int, lasts_s: int) -> None:
        """Log a parent in, and forget log-ins that have expired."""

        def work(connection: Connection) -> None:
            connection.execute(delete(logins).where(logins.c.expires <= now))
            connection.execute(
                insert(logins).values(
                    id_digest=id_digest,
                    parent=parent,
                    created=now,
                    used=now,
                    expires=now + lasts_s,
                )
            )

        await self._database.call(work)

    async def find(
        self, id_digest: bytes, *, now: int, idle_s: int, is_use: bool = True
    ) -> Login | None:
        """Return a log-in that has neither expired nor been idle for `idle_s`.

        Its use is noted if it is one: a page that keeps itself fresh is not.
        """

        def look(connection: Connection) -> Login | None:
            query = (
                select(
                    parents.c.id,
                    parents.c.household,
                    parents.c.name,
                    parents.c.created,
                    logins.c.created,
                    logins.c.used,
                    logins.c.expires,
                )
                .join_from(logins, parents)
                .where(logins.c.id_digest == id_digest)
            )
            row = connection.execute(query).one_or_none()
            return None if row is None else Login(Parent(*row[:4]), *row[4:])

        login = await self._database.read(look)
        if login is None or now >= min(login.expires, login.used + idle_s):
            return None
        if is_use and now - login.used >= _USED_EVERY_S:
            await self._database.call(_note_use, id_digest, now)
        return login

    async def end(self, id_digest: bytes) -> None:
        """Log one browser out."""

        def work(connection: Connection) -> None:
            connection.execute(delete(logins).where(logins.c.id_digest == id_digest))

        await self._database.call(work)

    async def end_all(self, parent: str) -> None:
        """Log a parent out everywhere."""

        def work(connection: Connection) -> None:
            connection.execute(delete(logins).where(logins.c.parent == parent))

        await self._database.call(work)


def _note_use(connection: Connection, id_digest: bytes, now: int) -> None:
    connection.execute(update(logins).where(logins.c.id_digest == id_digest).values(used=now))
