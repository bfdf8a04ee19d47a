"""Erase a child, or a whole household, so that nothing of it is left in the database's files."""

from sqlalchemy import Connection, delete, or_, select, update

from relay.database import Database
from relay.schema import alerts, audit, children, households, toys
from relay.store.toy import check_child

ERASED = "(erased)"


async def erase_child(database: Database, household: str, child: str) -> None:
    """Erase a child and all that is kept of it; its toys stay paired, without a child.

    Raises StoreError, NotFound for a child of another household.
    """

    def work(connection: Connection) -> None:
        check_child(connection, household, child)
        name = connection.execute(select(children.c.name).where(children.c.id == child)).scalar()
        # What a parent did stays on record, the child's name does not.
        connection.execute(
            update(audit)
            .where(audit.c.household == household)
            .where(or_(audit.c.subject == name, audit.c.detail.contains(name, autoescape=True)))
            .values(subject=ERASED, detail="")
        )
        of_its_toys = select(toys.c.id).where(toys.c.child == child)
        connection.execute(
            delete(alerts).where(or_(alerts.c.child == child, alerts.c.toy.in_(of_its_toys)))
        )
        connection.execute(delete(children).where(children.c.id == child))

    await database.call(work)
    await database.compact()


async def erase_household(database: Database, household: str) -> None:
    """Erase a household: parents, children, toys and everything kept of them; raises StoreError."""

    def work(connection: Connection) -> None:
        connection.execute(delete(households).where(households.c.id == household))

    await database.call(work)
    await database.compact()
