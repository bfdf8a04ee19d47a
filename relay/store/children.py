"""Children, and what their parents have agreed to."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from relay.database import Database
from relay.schema import children, consents
from relay.store.values import NotFound, allowed_age, clean_name, new_id, now

# The version of the words that a parent agrees to (relay/parent/texts): count it up when what is
# done with a child's words changes, and every parent is asked again.
CONSENT_VERSION = 1


@dataclass(frozen=True)
class Child:
    """A child by the name or nickname that its parents use. `age` in years."""

    id: str
    household: str
    name: str
    age: int
    created: int


@dataclass(frozen=True)
class Consent:
    """What a parent has agreed to, and when; Unix seconds, None is never."""

    child: str
    parent: str | None
    version: int
    given: int
    withdrawn: int | None

    @property
    def is_valid(self) -> bool:
        """Whether the toy may talk with the child."""
        return self.withdrawn is None and self.version == CONSENT_VERSION


_COLUMNS = (
    children.c.id,
    children.c.household,
    children.c.name,
    children.c.age,
    children.c.created,
)
_CONSENT_COLUMNS = (
    consents.c.child,
    consents.c.parent,
    consents.c.version,
    consents.c.given,
    consents.c.withdrawn,
)


class Children:
    """The tables of children and consents; every method raises StoreError.

    A child of another household is one that is not there: NotFound.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, household: str, name: str, age: int) -> Child:
        """Add a child; StoreError when name or age cannot be used."""
        child = Child(
            new_id(), household, clean_name(name, "a child's"), allowed_age(age), created=now()
        )

        def work(connection: Connection) -> None:
            connection.execute(insert(children).values(**vars(child)))

        await self._database.call(work)
        return child

    async def of(self, household: str) -> list[Child]:
        """Return a household's children, the oldest first."""

        def work(connection: Connection) -> list[Child]:
            query = select(*_COLUMNS).where(children.c.household == household)
            in_order = query.order_by(children.c.age.desc(), children.c.name)
            return [Child(*row) for row in connection.execute(in_order)]

        return await self._database.read(work)

    async def get(self, household: str, child: str) -> Child:
        """Return a child; raises NotFound."""
        return await self._database.read(_get, household, child)

    async def change(self, household: str, child: str, *, name: str, age: int) -> Child:
        """Change name and age; StoreError when they cannot be used, or NotFound."""
        values = {"name": clean_name(name, "a child's"), "age": allowed_age(age)}

        def work(connection: Connection) -> Child:
            _get(connection, household, child)
            connection.execute(update(children).where(children.c.id == child).values(**values))
            return _get(connection, household, child)

        return await self._database.call(work)

    async def erase(self, household: str, child: str) -> None:
        """Erase a child and everything that is kept of it; raises NotFound."""

        def work(connection: Connection) -> None:
            _get(connection, household, child)
            connection.execute(delete(children).where(children.c.id == child))

        await self._database.call(work)

    async def consents(self, household: str, child: str) -> list[Consent]:
        """Return every consent ever given for a child, the latest first; raises NotFound."""

        def work(connection: Connection) -> list[Consent]:
            _get(connection, household, child)
            query = select(*_CONSENT_COLUMNS).where(consents.c.child == child)
            return [
                Consent(*row) for row in connection.execute(query.order_by(consents.c.id.desc()))
            ]

        return await self._database.read(work)

    async def consent(self, household: str, child: str, parent: str) -> None:
        """Record that a parent agrees to the present version; raises NotFound."""

        def work(connection: Connection) -> None:
            _get(connection, household, child)
            _withdraw(connection, child)
            connection.execute(
                insert(consents).values(
                    child=child, parent=parent, version=CONSENT_VERSION, given=now()
                )
            )

        await self._database.call(work)

    async def withdraw(self, household: str, child: str) -> None:
        """Record that a parent does not agree any more; raises NotFound."""

        def work(connection: Connection) -> None:
            _get(connection, household, child)
            _withdraw(connection, child)

        await self._database.call(work)


def _get(connection: Connection, household: str, child: str) -> Child:
    query = select(*_COLUMNS).where(children.c.id == child, children.c.household == household)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("there is no such child")
    return Child(*row)


def _withdraw(connection: Connection, child: str) -> None:
    still = (consents.c.child == child, consents.c.withdrawn.is_(None))
    connection.execute(update(consents).where(*still).values(withdrawn=now()))
