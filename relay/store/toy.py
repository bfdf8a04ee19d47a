"""A toy as the store knows it, read the same way everywhere."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Select, func, select

from relay.schema import children, toys
from relay.store.values import NameTaken, NotFound

# The one place that decides how old the child of a toy is.
_AGE = func.coalesce(children.c.age, toys.c.age).label("age")


@dataclass(frozen=True)
class Toy:
    """A toy. Times are Unix seconds; None is never.

    `age` is that of its child, or without a child the one that the toy was paired with.
    """

    id: str
    name: str
    age: int
    created: int = 0
    revoked: int | None = None
    last_seen: int | None = None
    household: str = ""
    child: str | None = None
    paused: int | None = None


def select_toys() -> Select[tuple[object, ...]]:
    """Return the query for toys, to be narrowed; give its rows to `toy_of`."""
    return select(
        toys.c.id,
        toys.c.name,
        _AGE,
        toys.c.created,
        toys.c.revoked,
        toys.c.last_seen,
        toys.c.household,
        toys.c.child,
        toys.c.paused,
        toys.c.token_digest,
    ).select_from(toys.outerjoin(children, toys.c.child == children.c.id))


def toy_of(row: RowMapping) -> Toy:
    """Return the toy of a row of `select_toys`."""
    return Toy(**{name: row[name] for name in Toy.__dataclass_fields__})


def find_toy(connection: Connection, toy: str) -> Toy:
    """Return the toy with this id, removed or not; raises NotFound."""
    row = connection.execute(select_toys().where(toys.c.id == toy)).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such toy")
    return toy_of(row)


def check_child(connection: Connection, household: str, child: str) -> None:
    """Raise NotFound unless the child belongs to the household."""
    query = select(children.c.id).where(children.c.id == child, children.c.household == household)
    if connection.execute(query).one_or_none() is None:
        raise NotFound("there is no such child")


def name_taken(name: str) -> NameTaken:
    """Return the error to raise where a toy of the household has this name already."""
    return NameTaken(
        f'a toy named "{name}" is there already: '
        f'take another name, or remove it first (toy remove "{name}")'
    )
