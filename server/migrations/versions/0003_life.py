"""The whole life of a violation, and muting."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "mute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seal_id", sa.String(), nullable=True),
        sa.Column("county_code", sa.String(), nullable=True),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["seal_id"],
            ["seal.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("mute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mute_county_code"), ["county_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_mute_seal_id"), ["seal_id"], unique=False)

    with op.batch_alter_table("transition", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="step"))
        batch_op.add_column(sa.Column("assignee", sa.String(), nullable=True))

    with op.batch_alter_table("violation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assignee", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("verdict", sa.String(), nullable=True))
