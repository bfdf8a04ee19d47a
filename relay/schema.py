"""The tables of the store. A change here needs a new file in relay/migrations/versions/.

Times are whole seconds of Unix time, so that no database and no time zone can bend them. What
belongs to a household, a child or a toy goes with it when it is erased.
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
    Text,
)

from device.protocol import OLDEST_AGE, YOUNGEST_AGE

LONGEST_NAME = 40
LONGEST_MESSAGE = 300
LONGEST_REASON = 200
LONGEST_REPORT = 160
_ID = String(16)
_DIGEST = LargeBinary(32)

# Fixed names, so that a later migration can find a constraint on every database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def _erased_with(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


# Parents, children and toys that belong together. The first one is this home.
households = Table(
    "households",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("country", String(2)),  # whose help lines are shown; ISO 3166, or "eu"
)

parents = Table(
    "parents",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False, index=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    # The name as it is compared at the log-in: no two may look alike.
    Column("folded_name", String(3 * LONGEST_NAME), nullable=False, unique=True),
    Column("password_hash", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
)

# Who is logged in, by the SHA-256 of what the browser's cookie holds.
logins = Table(
    "logins",
    metadata,
    Column("id_digest", _DIGEST, primary_key=True),
    Column("parent", _ID, _erased_with("parents.id"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)

# One-time links, by the SHA-256 of their secret half.
invitations = Table(
    "invitations",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    # Whose password it lets set anew; null for a new account.
    Column("parent", _ID, _erased_with("parents.id")),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

children = Table(
    "children",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False, index=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("age", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    CheckConstraint(f"age >= {YOUNGEST_AGE} AND age <= {OLDEST_AGE}", name="age"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("child", _ID, _erased_with("children.id"), nullable=False, index=True),
    Column("parent", _ID, ForeignKey("parents.id", ondelete="SET NULL")),
    Column("version", Integer, nullable=False),
    Column("given", BigInteger, nullable=False),
    Column("withdrawn", BigInteger),
)

# What a parent has decided for a child; null is no limit, or what the relay's settings say.
rules = Table(
    "rules",
    metadata,
    Column("child", _ID, _erased_with("children.id"), primary_key=True),
    Column("daily_minutes", Integer),
    Column("session_minutes", Integer),
    Column("quiet_from", Integer),  # minutes after midnight
    Column("quiet_until", Integer),
    Column("volume_ceiling", Integer),  # per cent
    Column("night_volume", Integer),
    Column("topics", Text, nullable=False),  # JSON: {topic: "allow" or "block"}, else by age
    Column("own_blocked", Text, nullable=False),  # JSON: [word or phrase, ...]
    Column("voice", String(LONGEST_NAME)),
    Column("words_per_minute", Integer),
    Column("language", String(8)),
    Column("keep_transcripts", Boolean, nullable=False),
    Column("keep_memory", Boolean, nullable=False),
    Column("keep_alerts", Boolean, nullable=False),
    Column("transcript_days", Integer, nullable=False),
    # Counts the changes, so that of two parents who edit at once neither overwrites the other.
    Column("revision", Integer, nullable=False),
)

toys = Table(
    "toys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False, index=True),
    Column("child", _ID, ForeignKey("children.id", ondelete="SET NULL"), index=True),
    Column("name", String(LONGEST_NAME), nullable=False),
    # Counts only while the toy has no child: see relay/store/toy.py.
    Column("age", Integer, nullable=False),
    # SHA-256 of the secret half of the token; the token itself is nowhere.
    Column("token_digest", _DIGEST, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("paused", BigInteger),
    Column("last_seen", BigInteger),
    CheckConstraint(f"age >= {YOUNGEST_AGE} AND age <= {OLDEST_AGE}", name="age"),
)

# No two toys that a household uses share a name; a removed one leaves its name free.
Index(
    "ix_toys_name_in_use",
    toys.c.household,
    toys.c.name,
    unique=True,
    sqlite_where=toys.c.revoked.is_(None),
    postgresql_where=toys.c.revoked.is_(None),
)

# Codes that let a new toy in, by their digest; each may be tried once.
pairings = Table(
    "pairings",
    metadata,
    Column("code_digest", _DIGEST, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False, index=True),
    Column("child", _ID, _erased_with("children.id")),
    Column("name", String(LONGEST_NAME), nullable=False),
    Column("age", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("toy", _ID, _erased_with("toys.id"), nullable=False),
    Column("child", _ID, _erased_with("children.id")),
    Column("session", String(12), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("category", String(32), nullable=False),
    Column("age_band", String(8), nullable=False),
    Column("created", BigInteger, nullable=False, index=True),
    Column("seen", BigInteger),  # by a parent
)
Index("ix_alerts_toy_created", alerts.c.toy, alerts.c.created)
Index("ix_alerts_child_created", alerts.c.child, alerts.c.created)

# At most one a toy: what a grown-up has asked for, and what has become of it.
updates = Table(
    "updates",
    metadata,
    Column("toy", _ID, _erased_with("toys.id"), primary_key=True),
    Column("again", Boolean, nullable=False),
    Column("state", String(8), nullable=False),
    Column("version", String(20), nullable=False),
    Column("sent", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("message", String(LONGEST_MESSAGE), nullable=False),
    Column("changed", BigInteger, nullable=False),
)

# How long a child has talked on each day of the home's calendar (2026-11-22), how many questions it
# asked, and in how many of them something was stopped.
usage = Table(
    "usage",
    metadata,
    Column("child", _ID, _erased_with("children.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("seconds", Integer, nullable=False, default=0),
    Column("questions", Integer, nullable=False, default=0, server_default="0"),
    Column("stopped", Integer, nullable=False, default=0, server_default="0"),
)

# What was said, only of children whose parents have switched it on, and only until `expires`.
transcripts = Table(
    "transcripts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False),
    Column("child", _ID, _erased_with("children.id"), nullable=False),
    Column("toy", _ID, _erased_with("toys.id"), nullable=False),
    Column("session", String(12), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("heard", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(LONGEST_REASON), nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)
Index("ix_transcripts_child_at", transcripts.c.child, transcripts.c.at)

health_samples = Table(
    "health_samples",
    metadata,
    Column("toy", _ID, _erased_with("toys.id"), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("rssi", Integer),  # dBm
    Column("battery_percent", Integer),
    Column("heap_free", Integer),  # bytes
    Column("reconnects", Integer),
    Column("turnaround_ms", Integer),
)

# What toys told of failures when they were back.
crashes = Table(
    "crashes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("toy", _ID, _erased_with("toys.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("firmware", String(64), nullable=False),
    Column("reset", String(64), nullable=False),  # why the chip started again, as it says
    Column("report", String(LONGEST_REPORT), nullable=False),
)
Index("ix_crashes_toy_at", crashes.c.toy, crashes.c.at)

# What parents did. No words of a child, no secret.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("household", _ID, _erased_with("households.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("parent", String(LONGEST_NAME), nullable=False),  # the name at that time
    Column("action", String(32), nullable=False),
    Column("subject", String(LONGEST_NAME), nullable=False),
    Column("detail", String(LONGEST_MESSAGE), nullable=False),
)
Index("ix_audit_household_at", audit.c.household, audit.c.at)
