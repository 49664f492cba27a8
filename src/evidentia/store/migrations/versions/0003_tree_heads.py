"""Tree heads: the last head of each ledger, kept in a second place.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Give the last tree head of each ledger a place."""
    op.create_table(
        "tree_heads",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("updated_us", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("origin"),
        sqlite_strict=True,
    )
