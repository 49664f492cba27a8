"""The seven tables of the pipeline's database, with upstream's names, columns, rules and indexes.

Two tables more than there: what was mapped into a vocabulary, and the former states of agents.
Sharper than there: a JSON column holds JSON, a time is a time, an integer an integer. Four indexes
more than there: receipts, collisions and missed service levels by the time that they state, of
which reports are made, and audit rows by their moment, which ``recent_executions`` counts.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.tables import (
    CellType,
    Column,
    DerivedTable,
    IndexPart,
    Retention,
    Stamp,
    TableIndex,
    down,
    moment,
    up,
)
from evidentia.packs.pipeline import vocabulary
from evidentia.packs.pipeline.mapped_values import MAPPED_VALUES

_CREATED: Final = Column(
    name="created_at", type=CellType.TIMESTAMP, is_required=True, stamp=Stamp.CREATED
)
_TIMESTAMP: Final = Column(name="timestamp", type=CellType.TIME, is_required=True)


def _text(name: str, *, values: tuple[str, ...] = (), is_unique: bool = False) -> Column:
    """A text that must be there."""
    return Column(
        name=name, type=CellType.TEXT, is_required=True, is_unique=is_unique, values=values
    )


def _optional(name: str, type_: CellType = CellType.TEXT, default: int | None = None) -> Column:
    return Column(name=name, type=type_, default=default)


def _number(name: str, type_: CellType = CellType.INTEGER) -> Column:
    """A number that must be there."""
    return Column(name=name, type=type_, is_required=True)


def _reference(name: str, table: str) -> Column:
    return Column(name=name, type=CellType.TEXT, is_required=True, refers_to=(table, name))


def _index(table: str, name: str, *parts: IndexPart) -> TableIndex:
    return TableIndex(name=f"idx_{table}_{name}", parts=parts)


RECEIPTS: Final = DerivedTable(
    name="receipts",
    columns=(
        _text("execution_id", is_unique=True),
        _text("agent_id"),
        _text("operation", values=vocabulary.OPERATION.values),
        _text("status", values=vocabulary.RECEIPT_STATUS.values),
        _TIMESTAMP,
        _CREATED,
        _optional("manifest_hash"),
        _optional("ontology_hash"),
        _optional("files_generated", CellType.INTEGER, 0),
        _optional("files_modified", CellType.INTEGER, 0),
        _number("duration_ms"),
        _optional("receipt_json", CellType.JSON),
        _optional("error_message"),
        _optional("environment"),
    ),
    indexes=(
        _index("receipts", "agent_timestamp", up("agent_id"), down("timestamp")),
        _index("receipts", "execution_id", up("execution_id")),
        _index("receipts", "status", up("status"), down("created_at")),
        _index("receipts", "created_at", down("created_at")),
        _index("receipts", "timestamp", down("timestamp")),
    ),
    retention=Retention(age="created_at"),
)

AGENT_MEMORY: Final = DerivedTable(
    name="agent_memory",
    columns=(
        _text("agent_id", is_unique=True),
        Column(name="memory_json", type=CellType.JSON, is_required=True),
        _optional("collision_history", CellType.JSON),
        _optional("retry_count", CellType.INTEGER, 0),
        _optional("last_error"),
        Column(name="updated_at", type=CellType.TIMESTAMP, is_required=True, stamp=Stamp.CHANGED),
        _CREATED,
    ),
    indexes=(
        _index("agent_memory", "agent_id", up("agent_id")),
        _index("agent_memory", "updated_at", down("updated_at")),
    ),
    state_key=("agent_id",),
)

AGENT_MEMORY_HISTORY: Final = DerivedTable(
    name="agent_memory_history",
    columns=(
        _text("agent_id"),
        Column(name="memory_json", type=CellType.JSON, is_required=True),
        _optional("collision_history", CellType.JSON),
        _optional("retry_count", CellType.INTEGER, 0),
        _optional("last_error"),
        _CREATED,
    ),
    indexes=(_index("agent_memory_history", "agent_id", up("agent_id"), down("created_at")),),
    retention=Retention(age="created_at"),
)
"""Every state that an agent's memory had; upstream keeps the last one alone."""

AUDIT_LOG: Final = DerivedTable(
    name="audit_log",
    columns=(
        _TIMESTAMP,
        _text("agent_id"),
        _text("operation"),
        _text("status", values=vocabulary.AUDIT_STATUS.values),
        _optional("duration_ms", CellType.INTEGER),
        _optional("error_message"),
        _optional("context_json", CellType.JSON),
        _CREATED,
    ),
    indexes=(
        _index("audit_log", "timestamp", down("timestamp")),
        _index("audit_log", "agent_id", up("agent_id"), down("timestamp")),
        _index("audit_log", "status", up("status"), down("created_at")),
        _index("audit_log", "moment", up("agent_id"), moment("timestamp")),
    ),
    retention=Retention(age="created_at"),
)

WORKFLOW_SESSIONS: Final = DerivedTable(
    name="workflow_sessions",
    columns=(
        _text("session_id", is_unique=True),
        Column(name="start_time", type=CellType.TIMESTAMP, is_required=True),
        _optional("end_time", CellType.TIMESTAMP),
        _text("status", values=vocabulary.SESSION_STATUS.values),
        _number("agent_count"),
        _optional("total_duration_ms", CellType.INTEGER),
        _optional("successful_operations", CellType.INTEGER, 0),
        _optional("failed_operations", CellType.INTEGER, 0),
        _optional("context_json", CellType.JSON),
        _CREATED,
    ),
    indexes=(
        _index("workflow_sessions", "session_id", up("session_id")),
        _index("workflow_sessions", "status", up("status"), down("created_at")),
        _index("workflow_sessions", "created_at", down("created_at")),
    ),
    state_key=("session_id",),
    retention=Retention(age="created_at", stay_column="status", stay_values=("running",)),
)

COLLISION_DETECTION: Final = DerivedTable(
    name="collision_detection",
    columns=(
        _reference("session_id", "workflow_sessions"),
        _text("agent_id_1"),
        _text("agent_id_2"),
        _text("collision_type", values=vocabulary.COLLISION_TYPE.values),
        _text("description"),
        _optional("resolution"),
        _text("severity", values=vocabulary.COLLISION_SEVERITY.values),
        _TIMESTAMP,
        _CREATED,
    ),
    indexes=(
        _index("collision_detection", "session_id", up("session_id"), down("timestamp")),
        _index("collision_detection", "agents", up("agent_id_1"), up("agent_id_2")),
        _index("collision_detection", "severity", up("severity"), down("created_at")),
        _index("collision_detection", "timestamp", down("timestamp")),
    ),
)

PIPELINE_METRICS: Final = DerivedTable(
    name="pipeline_metrics",
    columns=(
        _reference("execution_id", "receipts"),
        _text("stage", values=vocabulary.STAGE.values),
        _number("duration_ms"),
        _optional("input_size_bytes", CellType.INTEGER),
        _optional("output_size_bytes", CellType.INTEGER),
        _text("status", values=vocabulary.STAGE_STATUS.values),
        _optional("error_message"),
        _TIMESTAMP,
        _CREATED,
    ),
    indexes=(
        _index("pipeline_metrics", "execution_id", up("execution_id")),
        _index("pipeline_metrics", "stage", up("stage"), down("duration_ms")),
        _index("pipeline_metrics", "timestamp", down("timestamp")),
    ),
)

SLO_VIOLATIONS: Final = DerivedTable(
    name="slo_violations",
    columns=(
        _reference("execution_id", "receipts"),
        _text("metric"),
        _number("target_value", CellType.REAL),
        _number("actual_value", CellType.REAL),
        _text("severity", values=vocabulary.SLO_SEVERITY.values),
        _optional("description"),
        _TIMESTAMP,
        _CREATED,
    ),
    indexes=(
        _index("slo_violations", "execution_id", up("execution_id")),
        _index("slo_violations", "metric", up("metric"), down("created_at")),
        _index("slo_violations", "severity", up("severity"), down("created_at")),
        _index("slo_violations", "timestamp", down("timestamp")),
    ),
)

TABLES: Final = (
    RECEIPTS,
    AGENT_MEMORY,
    AUDIT_LOG,
    WORKFLOW_SESSIONS,
    COLLISION_DETECTION,
    PIPELINE_METRICS,
    SLO_VIOLATIONS,
    # Not upstream's: what was stated otherwise than its words have it.
    AGENT_MEMORY_HISTORY,
    MAPPED_VALUES,
)
