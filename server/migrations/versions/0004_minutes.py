"""Minutes of each meter, computed from envelopes; a seal's coverage by time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "meter_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("day_ms", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("agent_id", "meter", "quantity", "day_ms"),
    )
    op.create_table(
        "rolled_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("envelope_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for name in ("seal_id", "from_ms"):
        op.drop_index(f"ix_coveragespan_{name}", "coveragespan")
    op.create_index("ix_coveragespan_seal_from", "coveragespan", ["seal_id", "from_ms"])
