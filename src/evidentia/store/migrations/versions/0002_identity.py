"""Identity: the state ``gone``, generations, names, decisions, stale copies.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = "state IN ('live', 'finished', 'replaced', 'broken', 'gone')"


def upgrade() -> None:
    """Give segments a past: where they began, what they were called, what was decided on them."""
    with op.batch_alter_table(
        "segments", recreate="always", table_kwargs={"sqlite_strict": True}
    ) as segments:
        segments.add_column(sa.Column("generation", _BIG, nullable=True))
        segments.add_column(sa.Column("first_path", sa.Text(), nullable=False, server_default=""))
        segments.drop_constraint("ck_segments_state", type_="check")
        segments.create_check_constraint("ck_segments_state", _STATES)
    op.execute("UPDATE segments SET first_path = path")
    with op.batch_alter_table(
        "segments", recreate="always", table_kwargs={"sqlite_strict": True}
    ) as segments:
        segments.alter_column("first_path", server_default=None)
    _create_names()
    _create_decisions()
    _create_stale_copies()
    op.execute(
        "INSERT INTO segment_names (segment_id, path, first_seen_us)"
        " SELECT id, path, created_us FROM segments"
    )


def _create_names() -> None:
    op.create_table(
        "segment_names",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("first_seen_us", _BIG, nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"]),
        sa.PrimaryKeyConstraint("segment_id", "path"),
        sqlite_strict=True,
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at_us", _BIG, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("ix_decisions_segment", "decisions", ["segment_id"])


def _create_stale_copies() -> None:
    op.create_table(
        "stale_copies",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("device", _BIG, nullable=False),
        sa.Column("inode", _BIG, nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("same_bytes", _BIG, nullable=False),
        sa.Column("head_bytes", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("anchor_bytes", sa.Integer(), nullable=False),
        sa.Column("anchor_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"]),
        sa.PrimaryKeyConstraint("path"),
        sqlite_strict=True,
    )
