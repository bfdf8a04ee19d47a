"""Everything that is kept of a household or of one child, as one ZIP file.

No hash, digest or token is in it: those are secrets of the relay and tell nobody anything.
"""

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, select

from relay.database import Database
from relay.schema import (
    alerts,
    audit,
    children,
    consents,
    crashes,
    health_samples,
    households,
    parents,
    rules,
    toys,
    transcripts,
    usage,
)
from relay.store.toy import check_child

Row = dict[str, Any]
Data = dict[str, list[Row]]
Readable = Callable[[Data], str]
"""Makes a page, as HTML, of what `gather` returns."""

_SECRET = frozenset({"password_hash", "folded_name", "token_digest"})
_TIMES = frozenset(
    {"created", "at", "given", "withdrawn", "seen", "expires", "revoked", "paused", "last_seen"}
)
_JSON = frozenset({"topics", "own_blocked"})


def gather(connection: Connection, household: str, child: str | None = None) -> Data:
    """Return the rows of every table by its name; of one child if it is named.

    Raises NotFound for a child of another household.
    """
    if child is not None:
        check_child(connection, household, child)
    return {
        table.name: [_readable_row(row) for row in connection.execute(query).mappings()]
        for table, query in _queries(household, child)
    }


async def export(
    database: Database, household: str, child: str | None, readable: Readable
) -> bytes:
    """Return the ZIP file: `data.json`, and `read-me.html` as `readable` makes it.

    Raises StoreError, NotFound.
    """

    def work(connection: Connection) -> bytes:
        data = gather(connection, household, child)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.json", json.dumps(data, indent=1, ensure_ascii=False))
            archive.writestr("read-me.html", readable(data))
        return packed.getvalue()

    return await database.read(work)


def _queries(household: str, child: str | None) -> list[tuple[Table, Select[Any]]]:
    of_house = select(children.c.id).where(children.c.household == household)
    who = of_house if child is None else of_house.where(children.c.id == child)
    whose_toys = select(toys).where(toys.c.household == household)
    if child is not None:
        whose_toys = whose_toys.where(toys.c.child == child)
    toy_ids = whose_toys.with_only_columns(toys.c.id)
    of_child = [
        (children, select(children).where(children.c.id.in_(who))),
        *(
            (table, select(table).where(table.c.child.in_(who)).order_by(table.c[order]))
            for table, order in (
                (consents, "given"),
                (rules, "child"),
                (usage, "day"),
                (transcripts, "at"),
            )
        ),
        (toys, whose_toys.order_by(toys.c.created)),
        (
            health_samples,
            select(health_samples)
            .where(health_samples.c.toy.in_(toy_ids))
            .order_by(health_samples.c.toy, health_samples.c.at),
        ),
        (crashes, select(crashes).where(crashes.c.toy.in_(toy_ids)).order_by(crashes.c.at)),
    ]
    if child is not None:
        told = select(alerts).where(alerts.c.child == child)
        return [*of_child, (alerts, told.order_by(alerts.c.created))]
    told = select(alerts).where(alerts.c.toy.in_(toy_ids))
    return [
        (households, select(households).where(households.c.id == household)),
        (parents, select(parents).where(parents.c.household == household)),
        *of_child,
        (alerts, told.order_by(alerts.c.created)),
        (audit, select(audit).where(audit.c.household == household).order_by(audit.c.at)),
    ]


def _readable_row(row: RowMapping) -> Row:
    return {
        name: _readable_value(name, value) for name, value in row.items() if name not in _SECRET
    }


def _readable_value(name: str, value: object) -> object:
    if name in _TIMES and isinstance(value, int):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc).isoformat()
    return json.loads(value) if name in _JSON and isinstance(value, str) else value
