"""Requests for updates over the air."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "updates",
        sa.Column("toy", sa.String(16), nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("message", sa.String(300), nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("toy", name="pk_updates"),
        sa.ForeignKeyConstraint(["toy"], ["toys.id"], name="fk_updates_toy", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("updates")
