"""The first tables: toys and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "toys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("age", sa.Integer, nullable=False),
        sa.Column("token_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.BigInteger),
        sa.Column("last_seen", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_toys"),
        sa.CheckConstraint("age >= 3 AND age <= 13", name=op.f("ck_toys_age")),
    )
    op.create_index(
        "ix_toys_name_in_use",
        "toys",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked IS NULL"),
        postgresql_where=sa.text("revoked IS NULL"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("toy", sa.String(16), nullable=False),
        sa.Column("session", sa.String(12), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("age_band", sa.String(8), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.ForeignKeyConstraint(["toy"], ["toys.id"], name="fk_alerts_toy", ondelete="CASCADE"),
    )
    op.create_index("ix_alerts_created", "alerts", ["created"])


def downgrade() -> None:
    """Drop the tables with all that is in them."""
    op.drop_table("alerts")
    op.drop_table("toys")
