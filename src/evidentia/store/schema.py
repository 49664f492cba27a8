"""The tables of a store, for both engines, as SQLAlchemy Core.

Physical tables end in ``_rows`` where a public relation of the shorter name is a view over them.
Migrations create these tables; a test compares the two. Times are INTEGER UTC microseconds.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.types import TypeEngine

from evidentia.event.fieldmap import ColumnType

# SQLite's row id is a 64-bit INTEGER PRIMARY KEY and nothing else; STRICT tables refuse BIGINT.
BIG: Final = BigInteger().with_variant(Integer, "sqlite")
_SMALL: Final = SmallInteger().with_variant(Integer, "sqlite")
_BOOLEAN: Final = Boolean(create_constraint=False).with_variant(Integer, "sqlite")

PROMOTED_TYPES: Final[dict[ColumnType, TypeEngine[Any]]] = {
    ColumnType.TEXT: Text(),
    ColumnType.INTEGER: BIG,
    # PostgreSQL's REAL has four bytes and would round what SQLite keeps.
    ColumnType.REAL: Double().with_variant(REAL(), "sqlite"),
}

METADATA: Final = MetaData()


def _table(name: str, *parts: Column[object] | CheckConstraint | UniqueConstraint | Index) -> Table:
    return Table(name, METADATA, *parts, sqlite_strict=True)


LOGS: Final = _table(
    "logs",
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False, unique=True),
    Column("pack", Text, nullable=False),
    Column("is_lenient", _BOOLEAN, nullable=False, server_default=false()),
    Column("created_us", BIG, nullable=False),
)

SEGMENTS: Final = _table(
    "segments",
    Column("id", Integer, primary_key=True),
    Column("log_id", Integer, ForeignKey("logs.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("compression", Text, nullable=False),
    Column("device", BIG, nullable=False),
    Column("inode", BIG, nullable=False),
    Column("generation", BIG),
    Column("first_path", Text, nullable=False),
    Column("head_bytes", Integer, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("anchor_bytes", Integer, nullable=False),
    Column("anchor_hash", LargeBinary, nullable=False),
    Column("checkpoint", BIG, nullable=False),
    Column("next_line", BIG, nullable=False),
    Column("state", Text, nullable=False),
    Column("tail_bytes", BIG, nullable=False),
    Column("last_size", BIG, nullable=False),
    Column("last_mtime_us", BIG, nullable=False),
    Column("created_us", BIG, nullable=False),
    CheckConstraint(
        "state IN ('live', 'finished', 'replaced', 'broken', 'gone')", name="ck_segments_state"
    ),
)

SEGMENT_NAMES: Final = _table(
    "segment_names",
    Column("segment_id", Integer, ForeignKey("segments.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("first_seen_us", BIG, nullable=False),
)

DECISIONS: Final = _table(
    "decisions",
    Column("id", Integer, primary_key=True),
    Column("at_us", BIG, nullable=False),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("segment_id", Integer, ForeignKey("segments.id"), nullable=False),
    Column("decision", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Index("ix_decisions_segment", "segment_id"),
)

STALE_COPIES: Final = _table(
    "stale_copies",
    Column("path", Text, primary_key=True),
    Column("segment_id", Integer, ForeignKey("segments.id"), nullable=False),
    Column("device", BIG, nullable=False),
    Column("inode", BIG, nullable=False),
    Column("size", BIG, nullable=False),
    Column("same_bytes", BIG, nullable=False),
    Column("head_bytes", Integer, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("anchor_bytes", Integer, nullable=False),
    Column("anchor_hash", LargeBinary, nullable=False),
)

RUNS: Final = _table(
    "runs",
    Column("id", Integer, primary_key=True),
    Column("command", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_us", BIG, nullable=False),
    Column("finished_us", BIG),
    Column("outcome", Text),
)

BATCHES: Final = _table(
    "batches",
    Column("id", Integer, primary_key=True),
    Column("segment_id", Integer, ForeignKey("segments.id"), nullable=False),
    Column("byte_start", BIG, nullable=False),
    Column("byte_end", BIG, nullable=False),
    Column("first_line", BIG, nullable=False),
    Column("next_line", BIG, nullable=False),
    Column("event_count", BIG, nullable=False),
    Column("dead_letter_count", BIG, nullable=False),
    Column("blank_bytes", BIG, nullable=False),
    Column("bom_bytes", BIG, nullable=False),
    Column("nul_bytes", BIG, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("run_id", Integer, ForeignKey("runs.id"), nullable=False),
    Column("committed_us", BIG, nullable=False),
    UniqueConstraint("segment_id", "byte_start", name="uq_batches_segment_start"),
    CheckConstraint("byte_end > byte_start", name="ck_batches_range"),
)

KINDS: Final = _table(
    "kinds",
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

EVENT_ROWS: Final = _table(
    "event_rows",
    Column("id", BIG, primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("line_no", BIG, nullable=False),
    Column("kind_id", Integer, ForeignKey("kinds.id"), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("event_id", Text),
    Column("ts", BIG),
    Column("ts_text", Text),
    Column("actor", Text),
    Column("session_id", Text),
    Column("payload_json", Text),
)

EVENT_INDEXES: Final = (
    # With the kind, counts by kind over a time range read the index alone: nine times as fast.
    Index("ix_event_rows_ts", EVENT_ROWS.c.ts, EVENT_ROWS.c.kind_id),
    Index("ix_event_rows_kind", EVENT_ROWS.c.kind_id, EVENT_ROWS.c.ts),
    Index(
        "ix_event_rows_session",
        EVENT_ROWS.c.session_id,
        sqlite_where=EVENT_ROWS.c.session_id.is_not(None),
        postgresql_where=EVENT_ROWS.c.session_id.is_not(None),
    ),
    Index(
        "ix_event_rows_event_id",
        EVENT_ROWS.c.event_id,
        sqlite_where=EVENT_ROWS.c.event_id.is_not(None),
        postgresql_where=EVENT_ROWS.c.event_id.is_not(None),
    ),
)

DEAD_LETTER_ROWS: Final = _table(
    "dead_letter_rows",
    Column("id", BIG, primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("line_no", BIG, nullable=False),
    Column("reason", Text, nullable=False),
    Column("column_no", BIG, nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("length", BIG, nullable=False),
    Column("has_newline", _BOOLEAN, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="open"),
    Column("resolution", Text),
    Column("resolved_by", Text),
    Column("resolved_us", BIG),
    CheckConstraint("state IN ('open', 'resolved', 'recovered')", name="ck_dead_letter_rows_state"),
)

FILLERS: Final = _table(
    "fillers",
    Column("id", BIG, primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("length", BIG, nullable=False),
    Column("raw", LargeBinary),
    CheckConstraint("kind IN ('blank', 'bom', 'nul')", name="ck_fillers_kind"),
)

GAP_ROWS: Final = _table(
    "gap_rows",
    Column("id", Integer, primary_key=True),
    Column("segment_id", Integer, ForeignKey("segments.id"), nullable=False),
    Column("byte_offset", BIG, nullable=False),
    Column("kind", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("found_us", BIG, nullable=False),
    UniqueConstraint("segment_id", "byte_offset", "kind", name="uq_gap_rows_place"),
)

SCHEMA_FINDINGS: Final = _table(
    "schema_findings",
    Column("id", BIG, ForeignKey("event_rows.id"), primary_key=True),
    Column("schema", Text, nullable=False),
    Column("message", Text, nullable=False),
)

PACKS: Final = _table(
    "packs",
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("columns", Text, nullable=False),
    Column("left_out", Text),
    Column("registered_us", BIG, nullable=False),
)

LEASE: Final = _table(
    "lease",
    Column("name", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_start", Text, nullable=False),
    Column("taken_us", BIG, nullable=False),
    Column("heartbeat_us", BIG, nullable=False),
)

AUDIT_LOG: Final = _table(
    "audit_log",
    Column("id", Integer, primary_key=True),
    Column("at_us", BIG, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

TREE_HEADS: Final = _table(
    "tree_heads",
    Column("origin", Text, primary_key=True),
    Column("size", BIG, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("updated_us", BIG, nullable=False),
)

PROJECTIONS: Final = _table(
    "projections",
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("pack", Text, nullable=False),
    Column("declaration", Text, nullable=False),
    Column("batch_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("changed_us", BIG, nullable=False),
    CheckConstraint("state IN ('live', 'building', 'halted')", name="ck_projections_state"),
)

EVENT_ROW_COLUMNS: Final = (
    "id",
    "line_no",
    "kind_id",
    "raw",
    "sha256",
    "flags",
    "event_id",
    "ts",
    "ts_text",
    "actor",
    "session_id",
    "payload_json",
)
"""The order of the values in ``BatchWrite.events``; the pack's promoted columns follow."""
