"""Households, parents, children, their rules; what is kept of a day; toys in households."""

import secrets
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEW = (
    "audit",
    "health_samples",
    "transcripts",
    "usage",
    "pairings",
    "rules",
    "consents",
    "invitations",
    "logins",
    "parents",
)


def upgrade() -> None:
    """Make the tables, a first household, and have the toys that are there join it."""
    _create(
        "households",
        _id("id"),
        sa.Column("name", sa.String(40), nullable=False),
        _time("created"),
        sa.PrimaryKeyConstraint("id", name="pk_households"),
    )
    home = secrets.token_hex(8)
    op.execute(
        sa.text("INSERT INTO households (id, name, created) VALUES (:id, 'Home', :now)").bindparams(
            id=home, now=int(time.time())
        )
    )
    _create(
        "children",
        _id("id"),
        _id("household"),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("age", sa.Integer, nullable=False),
        _time("created"),
        sa.PrimaryKeyConstraint("id", name="pk_children"),
        _foreign("children", "household", "households"),
        sa.CheckConstraint("age >= 3 AND age <= 13", name=op.f("ck_children_age")),
        indices=["household"],
    )
    _move_toys_in(home)
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("child", sa.String(16)))
        alerts.add_column(sa.Column("seen", sa.BigInteger))
        alerts.create_foreign_key(
            "fk_alerts_child", "children", ["child"], ["id"], ondelete="CASCADE"
        )
    _make_people()
    _make_days()


def downgrade() -> None:
    """Drop the tables with all that is in them, and take the toys out of their households."""
    for table in _NEW:
        op.drop_table(table)
    with op.batch_alter_table("alerts") as alerts:
        alerts.drop_constraint("fk_alerts_child", type_="foreignkey")
        alerts.drop_column("child")
        alerts.drop_column("seen")
    for index in ("ix_toys_name_in_use", "ix_toys_household", "ix_toys_child"):
        op.drop_index(index, "toys")
    with op.batch_alter_table("toys") as toys:
        toys.drop_constraint("fk_toys_household", type_="foreignkey")
        toys.drop_constraint("fk_toys_child", type_="foreignkey")
        for column in ("household", "child", "paused"):
            toys.drop_column(column)
    _index_names("name")
    op.drop_table("children")
    op.drop_table("households")


def _move_toys_in(home: str) -> None:
    op.drop_index("ix_toys_name_in_use", "toys")
    with op.batch_alter_table("toys") as toys:
        toys.add_column(sa.Column("household", sa.String(16)))
        toys.add_column(sa.Column("child", sa.String(16)))
        toys.add_column(sa.Column("paused", sa.BigInteger))
    op.execute(sa.text("UPDATE toys SET household = :home").bindparams(home=home))
    with op.batch_alter_table("toys") as toys:
        toys.alter_column("household", existing_type=sa.String(16), nullable=False)
        toys.create_foreign_key(
            "fk_toys_household", "households", ["household"], ["id"], ondelete="CASCADE"
        )
        toys.create_foreign_key("fk_toys_child", "children", ["child"], ["id"], ondelete="SET NULL")
    op.create_index("ix_toys_household", "toys", ["household"])
    op.create_index("ix_toys_child", "toys", ["child"])
    _index_names("household", "name")


def _make_people() -> None:
    _create(
        "parents",
        _id("id"),
        _id("household"),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("folded_name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        _time("created"),
        sa.PrimaryKeyConstraint("id", name="pk_parents"),
        sa.UniqueConstraint("folded_name", name="uq_parents_folded_name"),
        _foreign("parents", "household", "households"),
        indices=["household"],
    )
    _create(
        "logins",
        sa.Column("id_digest", sa.LargeBinary(32), nullable=False),
        _id("parent"),
        _time("created"),
        _time("used"),
        _time("expires"),
        sa.PrimaryKeyConstraint("id_digest", name="pk_logins"),
        _foreign("logins", "parent", "parents"),
        indices=["parent", "expires"],
    )
    _create(
        "invitations",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        _id("household"),
        sa.Column("kind", sa.String(8), nullable=False),
        _id("parent", nullable=True),
        _time("created"),
        _time("expires"),
        sa.PrimaryKeyConstraint("digest", name="pk_invitations"),
        _foreign("invitations", "household", "households"),
        _foreign("invitations", "parent", "parents"),
        indices=["household"],
    )
    _create(
        "consents",
        sa.Column("id", sa.Integer, nullable=False),
        _id("child"),
        _id("parent", nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        _time("given"),
        _time("withdrawn", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        _foreign("consents", "child", "children"),
        _foreign("consents", "parent", "parents", ondelete="SET NULL"),
        indices=["child"],
    )
    _create(
        "rules",
        _id("child"),
        sa.Column("daily_minutes", sa.Integer),
        sa.Column("session_minutes", sa.Integer),
        sa.Column("quiet_from", sa.Integer),
        sa.Column("quiet_until", sa.Integer),
        sa.Column("volume_ceiling", sa.Integer),
        sa.Column("night_volume", sa.Integer),
        sa.Column("topics", sa.Text, nullable=False),
        sa.Column("own_blocked", sa.Text, nullable=False),
        sa.Column("voice", sa.String(40)),
        sa.Column("words_per_minute", sa.Integer),
        sa.Column("language", sa.String(8)),
        sa.Column("keep_transcripts", sa.Boolean, nullable=False),
        sa.Column("keep_memory", sa.Boolean, nullable=False),
        sa.Column("keep_alerts", sa.Boolean, nullable=False),
        sa.Column("transcript_days", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("child", name="pk_rules"),
        _foreign("rules", "child", "children"),
    )
    _create(
        "pairings",
        sa.Column("code_digest", sa.LargeBinary(32), nullable=False),
        _id("household"),
        _id("child", nullable=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("age", sa.Integer, nullable=False),
        _time("created"),
        _time("expires"),
        _time("used", nullable=True),
        sa.PrimaryKeyConstraint("code_digest", name="pk_pairings"),
        _foreign("pairings", "household", "households"),
        _foreign("pairings", "child", "children"),
        indices=["household"],
    )


def _make_days() -> None:
    _create(
        "usage",
        _id("child"),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("child", "day", name="pk_usage"),
        _foreign("usage", "child", "children"),
    )
    _create(
        "transcripts",
        sa.Column("id", sa.Integer, nullable=False),
        _id("household"),
        _id("child"),
        _id("toy"),
        sa.Column("session", sa.String(12), nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        _time("at"),
        sa.Column("heard", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        _time("expires"),
        sa.PrimaryKeyConstraint("id", name="pk_transcripts"),
        _foreign("transcripts", "household", "households"),
        _foreign("transcripts", "child", "children"),
        _foreign("transcripts", "toy", "toys"),
        indices=["expires"],
    )
    op.create_index("ix_transcripts_child_at", "transcripts", ["child", "at"])
    _create(
        "health_samples",
        _id("toy"),
        _time("at"),
        sa.Column("rssi", sa.Integer),
        sa.Column("battery_mv", sa.Integer),
        sa.Column("heap_free", sa.Integer),
        sa.Column("reconnects", sa.Integer),
        sa.Column("turnaround_ms", sa.Integer),
        sa.PrimaryKeyConstraint("toy", "at", name="pk_health_samples"),
        _foreign("health_samples", "toy", "toys"),
    )
    _create(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        _id("household"),
        _time("at"),
        sa.Column("parent", sa.String(40), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("detail", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        _foreign("audit", "household", "households"),
    )
    op.create_index("ix_audit_household_at", "audit", ["household", "at"])


def _create(table: str, *parts: Any, indices: list[str] | None = None) -> None:  # noqa: ANN401
    op.create_table(table, *parts)
    for column in indices or []:
        op.create_index(f"ix_{table}_{column}", table, [column])


def _id(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(16), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _foreign(
    table: str, column: str, to: str, *, ondelete: str = "CASCADE"
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete
    )


def _index_names(*columns: str) -> None:
    op.create_index(
        "ix_toys_name_in_use",
        "toys",
        list(columns),
        unique=True,
        sqlite_where=sa.text("revoked IS NULL"),
        postgresql_where=sa.text("revoked IS NULL"),
    )
