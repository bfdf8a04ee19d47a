"""What a day held besides minutes, crashes, a battery in per cent, and whose help lines to show."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, the columns and the indexes."""
    op.add_column("households", sa.Column("country", sa.String(2)))
    for name in ("questions", "stopped"):
        op.add_column("usage", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("transcripts") as transcripts:
        transcripts.alter_column("reason", existing_type=sa.String(64), type_=sa.String(200))
    with op.batch_alter_table("health_samples") as samples:
        samples.alter_column("battery_mv", new_column_name="battery_percent")
    op.create_table(
        "crashes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("toy", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("firmware", sa.String(64), nullable=False),
        sa.Column("reset", sa.String(64), nullable=False),
        sa.Column("report", sa.String(160), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_crashes"),
        sa.ForeignKeyConstraint(["toy"], ["toys.id"], name="fk_crashes_toy", ondelete="CASCADE"),
    )
    op.create_index("ix_crashes_toy_at", "crashes", ["toy", "at"])
    op.create_index("ix_alerts_toy_created", "alerts", ["toy", "created"])
    op.create_index("ix_alerts_child_created", "alerts", ["child", "created"])


def downgrade() -> None:
    """Drop them again."""
    op.drop_index("ix_alerts_child_created", "alerts")
    op.drop_index("ix_alerts_toy_created", "alerts")
    op.drop_table("crashes")
    with op.batch_alter_table("health_samples") as samples:
        samples.alter_column("battery_percent", new_column_name="battery_mv")
    with op.batch_alter_table("transcripts") as transcripts:
        transcripts.alter_column("reason", existing_type=sa.String(200), type_=sa.String(64))
    for table, name in (("usage", "stopped"), ("usage", "questions"), ("households", "country")):
        with op.batch_alter_table(table) as altered:
            altered.drop_column(name)
