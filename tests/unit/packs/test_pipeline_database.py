"""The pipeline's own database: the checks that upstream lists, and what upstream's schema let in.

Every check opens the file anew with the bare library, as another program would.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evidentia.packs.pipeline.database import DATABASE
from evidentia.store.derived import DerivedStore

TABLES = {
    "receipts": (
        *("id", "execution_id", "agent_id", "operation", "status", "timestamp", "created_at"),
        *("manifest_hash", "ontology_hash", "files_generated", "files_modified", "duration_ms"),
        *("receipt_json", "error_message", "environment"),
    ),
    "agent_memory": (
        *("id", "agent_id", "memory_json", "collision_history", "retry_count", "last_error"),
        *("updated_at", "created_at"),
    ),
    "audit_log": (
        *("id", "timestamp", "agent_id", "operation", "status", "duration_ms", "error_message"),
        *("context_json", "created_at"),
    ),
    "workflow_sessions": (
        *("id", "session_id", "start_time", "end_time", "status", "agent_count"),
        *("total_duration_ms", "successful_operations", "failed_operations", "context_json"),
        "created_at",
    ),
    "collision_detection": (
        *("id", "session_id", "agent_id_1", "agent_id_2", "collision_type", "description"),
        *("resolution", "severity", "timestamp", "created_at"),
    ),
    "pipeline_metrics": (
        *("id", "execution_id", "stage", "duration_ms", "input_size_bytes", "output_size_bytes"),
        *("status", "error_message", "timestamp", "created_at"),
    ),
    "slo_violations": (
        *("id", "execution_id", "metric", "target_value", "actual_value", "severity"),
        *("description", "timestamp", "created_at"),
    ),
}
INDEXES = (
    *("idx_receipts_agent_timestamp", "idx_receipts_execution_id", "idx_receipts_status"),
    *("idx_receipts_created_at", "idx_agent_memory_agent_id", "idx_agent_memory_updated_at"),
    *("idx_audit_log_timestamp", "idx_audit_log_agent_id", "idx_audit_log_status"),
    *("idx_workflow_sessions_session_id", "idx_workflow_sessions_status"),
    *("idx_workflow_sessions_created_at", "idx_collision_detection_session_id"),
    *("idx_collision_detection_agents", "idx_collision_detection_severity"),
    *("idx_pipeline_metrics_execution_id", "idx_pipeline_metrics_stage"),
    *("idx_pipeline_metrics_timestamp", "idx_slo_violations_execution_id"),
    *("idx_slo_violations_metric", "idx_slo_violations_severity"),
)
VIEWS = ("recent_executions", "agent_performance_summary", "pipeline_stage_performance")
TIME = "2026-01-29T12:34:56Z"
ROWS: dict[str, dict[str, object]] = {
    "receipts": {
        "execution_id": "exec-1",
        "agent_id": "code-generator",
        "operation": "generation",
        "status": "passed",
        "timestamp": TIME,
        "files_generated": 5,
        "duration_ms": 2500,
        "receipt_json": '{"files": ["src/main.rs"]}',
    },
    "agent_memory": {"agent_id": "code-generator", "memory_json": '{"state": "initialized"}'},
    "agent_memory_history": {"agent_id": "code-generator", "memory_json": "{}"},
    "audit_log": {
        "timestamp": TIME,
        "agent_id": "code-generator",
        "operation": "RDF normalization",
        "status": "completed",
        "duration_ms": 450,
        "context_json": '{"triples_processed": 1240}',
    },
    "workflow_sessions": {
        "session_id": "session-1",
        "start_time": "2026-01-29 12:34:56",
        "status": "running",
        "agent_count": 3,
    },
    "collision_detection": {
        "session_id": "session-1",
        "agent_id_1": "a",
        "agent_id_2": "b",
        "collision_type": "file_conflict",
        "description": "both write src/main.rs",
        "severity": "warning",
        "timestamp": TIME,
    },
    "pipeline_metrics": {
        "execution_id": "exec-1",
        "stage": "μ₁_normalize",
        "duration_ms": 450,
        "status": "passed",
        "timestamp": TIME,
    },
    "slo_violations": {
        "execution_id": "exec-1",
        "metric": "first_build_ms",
        "target_value": 15000.0,
        "actual_value": 20000.5,
        "severity": "critical",
        "timestamp": TIME,
    },
}
PARENTS = ("receipts", "workflow_sessions")
VOCABULARIES = (
    ("receipts", "operation", 9),
    ("receipts", "status", 4),
    ("audit_log", "status", 4),
    ("workflow_sessions", "status", 4),
    ("collision_detection", "collision_type", 4),
    ("collision_detection", "severity", 3),
    ("pipeline_metrics", "stage", 5),
    ("pipeline_metrics", "status", 2),
    ("slo_violations", "severity", 2),
)
"""Each with how many values it allows."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty database."""
    place = tmp_path / "pipeline.db"
    DerivedStore(path=place, database=DATABASE).create()
    return place


@pytest.fixture
def fresh(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else's, with foreign keys on as upstream asks for."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection


def insert(connection: sqlite3.Connection, table: str, **changes: object) -> None:
    """Insert the table's usual row, but for some of its values."""
    row = ROWS[table] | changes
    marks = ", ".join("?" for _ in row)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - names of this file
        list(row.values()),
    )


def names(connection: sqlite3.Connection, kind: str) -> set[str]:
    """What there is of a kind."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = ?", (kind,))
    return {row[0] for row in found}


def columns(connection: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Type and NOT NULL of each column."""
    rows = connection.execute(f"PRAGMA table_info({table})")
    return {row[1]: (row[2], bool(row[3])) for row in rows}


@pytest.mark.parametrize("table", TABLES)
def test_schema_structure(fresh: sqlite3.Connection, table: str) -> None:
    """Checks 1-7: each of upstream's seven tables is there."""
    assert table in names(fresh, "table")


@pytest.mark.parametrize("table", TABLES)
def test_table_columns(fresh: sqlite3.Connection, table: str) -> None:
    """Checks 8-14: each table has exactly upstream's columns, in its order."""
    assert tuple(columns(fresh, table)) == TABLES[table]


@pytest.mark.parametrize("table", TABLES)
def test_table_keys(fresh: sqlite3.Connection, table: str) -> None:
    """Checks 15-21: each table counts its rows by an INTEGER PRIMARY KEY AUTOINCREMENT."""
    sql = fresh.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]

    assert "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in sql


def test_created_at_has_upstreams_type(fresh: sqlite3.Connection) -> None:
    """Check 22: created_at is a TIMESTAMP that must be there, with the clock as its default."""
    for table in TABLES:
        assert columns(fresh, table)["created_at"] == ("TIMESTAMP", True)

    insert(fresh, "receipts")

    (made,) = fresh.execute("SELECT created_at FROM receipts").fetchone()
    age = datetime.now(UTC) - datetime.fromisoformat(f"{made}+00:00")
    assert abs(age.total_seconds()) < 600


def test_index_creation(fresh: sqlite3.Connection) -> None:
    """Checks 23-24: upstream's 21 named indexes are there, and more than 20 in all."""
    assert set(INDEXES) <= names(fresh, "index")
    assert len(INDEXES) == 21
    assert len(names(fresh, "index")) > 20


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("receipts", "execution_id"),
        ("agent_memory", "agent_id"),
        ("workflow_sessions", "session_id"),
    ],
)
def test_constraint_validation_unique(fresh: sqlite3.Connection, table: str, column: str) -> None:
    """Check 25: what names a row is there once."""
    insert(fresh, table)

    with pytest.raises(sqlite3.IntegrityError, match=f"UNIQUE constraint failed: {table}.{column}"):
        insert(fresh, table)


@pytest.mark.parametrize(("table", "column", "count"), VOCABULARIES)
def test_constraint_validation_check(
    path: Path, fresh: sqlite3.Connection, table: str, column: str, count: int
) -> None:
    """Check 26: each vocabulary takes its words, Greek ones included, and no other."""
    words = DATABASE.table(table).column(column).values
    for parent in PARENTS:
        if table != parent:
            insert(fresh, parent)

    for number, word in enumerate(words):
        own = {"execution_id": f"e{number}"} if table == "receipts" else {}
        own |= {"session_id": f"s{number}"} if table == "workflow_sessions" else {}
        insert(fresh, table, **own, **{column: word})

    assert len(words) == count
    fresh.commit()
    with (
        closing(sqlite3.connect(path)) as other,
        pytest.raises(sqlite3.IntegrityError, match=f"ck_{table}_{column}"),
    ):
        insert(other, table, **{column: "no such word"})


def test_data_types_integer(fresh: sqlite3.Connection) -> None:
    """Check 27: an integer comes back as one, and text or half a number does not go in (SC-03)."""
    insert(fresh, "receipts")

    assert fresh.execute("SELECT duration_ms FROM receipts").fetchone() == (2500,)
    for value in ("abc", 2.5, b"\x01"):
        with pytest.raises(sqlite3.IntegrityError, match="ck_receipts_duration_ms"):
            insert(fresh, "receipts", execution_id="exec-2", duration_ms=value)


def test_data_types_real(fresh: sqlite3.Connection) -> None:
    """Check 28: a number with a fraction comes back as it was, and text does not go in (SC-03)."""
    insert(fresh, "receipts")
    insert(fresh, "slo_violations")

    assert fresh.execute("SELECT actual_value FROM slo_violations").fetchone() == (20000.5,)
    with pytest.raises(sqlite3.IntegrityError, match="ck_slo_violations_actual_value"):
        insert(fresh, "slo_violations", actual_value="much")


def test_json_operations_extract(fresh: sqlite3.Connection) -> None:
    """Check 29: stored JSON can be asked into."""
    insert(fresh, "receipts")

    asked = "SELECT json_extract(receipt_json, '$.files[0]') FROM receipts"
    assert fresh.execute(asked).fetchone() == ("src/main.rs",)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table.name, column.name)
        for table in DATABASE.tables
        for column in table.columns
        if column.type == "json"
    ],
)
def test_json_operations_valid(fresh: sqlite3.Connection, table: str, column: str) -> None:
    """Check 30: no JSON column takes what is not JSON (SC-03)."""
    with pytest.raises(sqlite3.IntegrityError, match=f"ck_{table}_{column}"):
        insert(fresh, table, **{column: "{not json"})


@pytest.mark.parametrize(
    ("table", "parent", "column"),
    [
        ("collision_detection", "workflow_sessions", "session_id"),
        ("pipeline_metrics", "receipts", "execution_id"),
        ("slo_violations", "receipts", "execution_id"),
    ],
)
def test_foreign_keys(fresh: sqlite3.Connection, table: str, parent: str, column: str) -> None:
    """Checks 31-32: a row refers to one that is there, which then cannot go (RESTRICT, SC-05)."""
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        insert(fresh, table)
    insert(fresh, parent)
    insert(fresh, table)

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        fresh.execute(f"DELETE FROM {parent}")  # noqa: S608 - names of this file
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        fresh.execute(f"UPDATE {parent} SET {column} = 'other'")  # noqa: S608 - names of this file


@pytest.mark.parametrize("view", VIEWS)
def test_view_functionality(fresh: sqlite3.Connection, view: str) -> None:
    """Checks 33-35: each view answers, and each of its columns is other than 0 and NULL (VR-02)."""
    for table in TABLES:
        insert(fresh, table, **({"files_modified": 2} if table == "receipts" else {}))
    insert(fresh, "receipts", execution_id="exec-2", status="failed", files_modified=1)
    insert(fresh, "pipeline_metrics", status="failed")

    found = fresh.execute(f"SELECT * FROM {view}")  # noqa: S608 - names of this file
    titles = [each[0] for each in found.description]
    rows = found.fetchall()

    declared = next(each for each in DATABASE.views if each.name == view)
    assert tuple(titles) == declared.columns
    for index, title in enumerate(titles):
        assert any(row[index] for row in rows), title


def test_integration_scenario(fresh: sqlite3.Connection) -> None:
    """Check 36: a session of two agents, one of which fails, seen through every view."""
    insert(fresh, "workflow_sessions")
    insert(fresh, "receipts")
    insert(fresh, "receipts", execution_id="exec-2", agent_id="b", status="failed", duration_ms=500)
    insert(fresh, "pipeline_metrics")
    insert(fresh, "pipeline_metrics", stage="μ₂_extract", duration_ms=1000, status="failed")
    insert(fresh, "slo_violations")
    insert(fresh, "audit_log")
    insert(fresh, "collision_detection")

    executions = "SELECT execution_id, audit_entries, slo_violations FROM recent_executions"
    agents = "SELECT agent_id, successful_executions, failed_executions, avg_duration_ms"
    stages = "SELECT stage, executions, passed, failed FROM pipeline_stage_performance"

    assert set(fresh.execute(executions)) == {("exec-1", 1, 1), ("exec-2", 0, 0)}
    assert set(fresh.execute(f"{agents} FROM agent_performance_summary")) == {
        ("code-generator", 1, 0, 2500.0),
        ("b", 0, 1, 500.0),
    }
    assert list(fresh.execute(stages)) == [("μ₂_extract", 1, 0, 1), ("μ₁_normalize", 1, 1, 0)]


def test_audit_entries_are_those_of_the_agent_inside_the_time_span(
    fresh: sqlite3.Connection,
) -> None:
    """Counted by hand: an audit row at either end counts, one beside it does not (VR-01)."""
    insert(fresh, "receipts", timestamp="2026-01-29T12:00:00.250Z", duration_ms=2500)
    inside = (
        "2026-01-29T12:00:00.250Z",
        "2026-01-29T12:00:00.250000Z",
        "2026-01-29T13:00:01+01:00",
        "2026-01-29 12:00:02",
        "2026-01-29T12:00:02.750Z",
    )
    outside = (
        "2026-01-29T12:00:00.249Z",
        "2026-01-29T12:00:00Z",
        "2026-01-29T12:00:02.751Z",
        "2026-01-29T12:00:01+01:00",
    )
    for when in (*inside, *outside):
        insert(fresh, "audit_log", timestamp=when)
    insert(fresh, "audit_log", timestamp=inside[0], agent_id="somebody else")

    found = fresh.execute("SELECT audit_entries FROM recent_executions").fetchall()

    assert found == [(len(inside),)]


@pytest.mark.parametrize(
    "when",
    [
        *("garbage", "", "now", "2451545.0", "12:34:56", "2026-01-29", "2026-13-01T00:00:00Z"),
        *("2026-02-30T12:00:00Z", "2026-01-29T25:00:00Z", "2026-01-29T12:00:00Zx", "x2026-01-29"),
        *("2026-01-29T12:00", "20260129T120000Z"),
    ],
)
@pytest.mark.parametrize(
    ("table", "column"),
    [("receipts", "timestamp"), ("receipts", "created_at"), ("workflow_sessions", "start_time")],
)
def test_a_time_must_be_one(fresh: sqlite3.Connection, table: str, column: str, when: str) -> None:
    """What is no date with a time of day does not go in, such as the 30th of February (SC-03)."""
    with pytest.raises(sqlite3.DatabaseError):
        insert(fresh, table, **{column: when})


def test_each_required_column_is_required(fresh: sqlite3.Connection) -> None:
    """Leaving out any of the columns that upstream calls NOT NULL is refused."""
    for table in DATABASE.tables:
        for column in table.columns:
            if column.is_required and table.name in ROWS:
                with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
                    insert(fresh, table.name, **{column.name: None})


def test_a_new_database_has_no_rows(fresh: sqlite3.Connection) -> None:
    """Making it leaves no test data behind (CL-04)."""
    for table in TABLES:
        assert fresh.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - names of this file


def test_upstreams_statements_run(fresh: sqlite3.Connection) -> None:
    """The inserts and queries that upstream documents work as they stand."""
    fresh.executescript("""
        INSERT INTO workflow_sessions (session_id, start_time, status, agent_count, context_json)
        VALUES ('session-001', datetime('now'), 'running', 3, '{"topology": "hierarchical"}');
        INSERT INTO agent_memory (agent_id, memory_json, collision_history)
        VALUES ('code-generator', '{"state": "initialized", "capacity": 100}', '[]');
    """)
    insert(fresh, "receipts")
    insert(fresh, "slo_violations")

    by_metric = """
        SELECT metric, COUNT(*) AS violation_count, AVG(actual_value) AS avg_value
        FROM slo_violations WHERE created_at > datetime('now', '-7 days')
        GROUP BY metric ORDER BY violation_count DESC
    """
    assert fresh.execute(by_metric).fetchall() == [("first_build_ms", 1, 20000.5)]


def test_the_audit_rows_of_an_execution_are_found_by_an_index(fresh: sqlite3.Connection) -> None:
    """Counting audit rows does not read the audit log for each of a hundred receipts."""
    plan = fresh.execute("EXPLAIN QUERY PLAN SELECT * FROM recent_executions").fetchall()

    steps = [row[3] for row in plan]
    assert any(
        "idx_audit_log_moment (agent_id=? AND <expr>>? AND <expr><?)" in each for each in steps
    )
    assert any("SEARCH s USING COVERING INDEX idx_slo_violations" in each for each in steps)
    assert not any(each.startswith(("SCAN a", "SCAN s")) for each in steps)
