"""The tables of the store. A change here needs a new file in relay/migrations/versions/.

Times are whole seconds of Unix time, so that no database and no time zone can bend them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from device.protocol import OLDEST_AGE, YOUNGEST_AGE

# Fixed names, so that a later migration can find a constraint on every database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

toys = Table(
    "toys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(40), nullable=False),
    Column("age", Integer, nullable=False),
    # SHA-256 of the secret half of the token; the token itself is nowhere.
    Column("token_digest", LargeBinary(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("last_seen", BigInteger),
    CheckConstraint(f"age >= {YOUNGEST_AGE} AND age <= {OLDEST_AGE}", name="age"),
)

# No two toys that are in use share a name; a removed one leaves its name free.
Index(
    "ix_toys_name_in_use",
    toys.c.name,
    unique=True,
    sqlite_where=toys.c.revoked.is_(None),
    postgresql_where=toys.c.revoked.is_(None),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("toy", String(16), ForeignKey("toys.id", ondelete="CASCADE"), nullable=False),
    Column("session", String(12), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("category", String(32), nullable=False),
    Column("age_band", String(8), nullable=False),
    Column("created", BigInteger, nullable=False, index=True),
)

LONGEST_MESSAGE = 300

# At most one a toy: what a grown-up has asked for, and what has become of it.
updates = Table(
    "updates",
    metadata,
    Column("toy", String(16), ForeignKey("toys.id", ondelete="CASCADE"), primary_key=True),
    Column("again", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("version", String(20), nullable=False),
    Column("sent", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("message", String(LONGEST_MESSAGE), nullable=False),
    Column("changed", BigInteger, nullable=False),
)
