"""The pipeline's tables on PostgreSQL: the same declaration, the same rules, the same views."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from tests.unit.packs.test_pipeline_database import (
    INDEXES,
    PARENTS,
    ROWS,
    TABLES,
    VIEWS,
    VOCABULARIES,
)
from tests.unit.store import derived_kit as kit

from evidentia.packs.pipeline.database import DATABASE
from evidentia.store.derived_reading import DerivedReader
from evidentia.store.derived_rows import RowWriter
from evidentia.store.derived_schema import create_all, derived_schema, drop_declared

from .postgresql import program, server

pytestmark = [
    pytest.mark.skipif(
        program("initdb") is None, reason="PostgreSQL is not installed (Debian: postgresql)"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg") is None, reason="the driver psycopg is not installed"
    ),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A server of these tests' own."""
    with server() as folder:
        made = create_engine(f"postgresql+psycopg://evidentia@/postgres?host={folder}")
        yield made
        made.dispose()


@pytest.fixture
def made(engine: Engine) -> Iterator[Connection]:
    """A transaction in which the tables were made, and which is undone at the end."""
    with engine.connect() as connection:
        create_all(connection, derived_schema(DATABASE, "postgresql"))
        yield connection
        connection.rollback()


def insert(connection: Connection, table: str, **changes: object) -> None:
    """Insert the table's usual row, but for some of its values; undone where it is refused."""
    row = ROWS[table] | changes
    names = ", ".join(row)
    marks = ", ".join(f":{name}" for name in row)
    with connection.begin_nested():
        connection.execute(
            text(f"INSERT INTO {table} ({names}) VALUES ({marks})"),  # noqa: S608 - names of this file
            row,
        )


def test_tables_indexes_and_views_are_there(made: Connection) -> None:
    """The same names as on SQLite, columns in the same order."""
    found = inspect(made)

    for table, columns in TABLES.items():
        assert tuple(each["name"] for each in found.get_columns(table)) == columns
    indexes = {each["name"] for table in TABLES for each in found.get_indexes(table)}
    assert set(INDEXES) <= indexes
    assert set(VIEWS) <= set(found.get_view_names())


@pytest.mark.parametrize(("table", "column", "count"), VOCABULARIES)
def test_each_vocabulary_takes_its_words_and_no_other(
    made: Connection, table: str, column: str, count: int
) -> None:
    """Greek letters included."""
    words = DATABASE.table(table).column(column).values
    for parent in PARENTS:
        if table != parent:
            insert(made, parent)

    for number, word in enumerate(words):
        own = {"execution_id": f"e{number}"} if table == "receipts" else {}
        own |= {"session_id": f"s{number}"} if table == "workflow_sessions" else {}
        insert(made, table, **own, **{column: word})

    assert len(words) == count
    with pytest.raises(IntegrityError, match=f"ck_{table}_{column}"):
        insert(made, table, **{column: "no such word"})


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table.name, column.name)
        for table in DATABASE.tables
        for column in table.columns
        if column.type == "json"
    ],
)
def test_json_columns_hold_json(made: Connection, table: str, column: str) -> None:
    """What is not JSON breaks the column's own rule (SC-03)."""
    with pytest.raises(IntegrityError, match=f"ck_{table}_{column}"):
        insert(made, table, **{column: "{not json"})


@pytest.mark.parametrize(
    "when",
    ["garbage", "", "now", "12:34:56", "2026-01-29", "2026-02-30T12:00:00Z", "2026-01-29T12:00"],
)
@pytest.mark.parametrize(
    ("table", "column"), [("receipts", "timestamp"), ("workflow_sessions", "start_time")]
)
def test_times_are_times(made: Connection, table: str, column: str, when: str) -> None:
    """What is no date with a time of day breaks the column's own rule (SC-03)."""
    with pytest.raises(IntegrityError, match=f"ck_{table}_{column}"):
        insert(made, table, **{column: when})


@pytest.mark.parametrize(
    ("table", "parent"),
    [
        ("collision_detection", "workflow_sessions"),
        ("pipeline_metrics", "receipts"),
        ("slo_violations", "receipts"),
    ],
)
def test_foreign_keys_hold(made: Connection, table: str, parent: str) -> None:
    """A row refers to one that is there, which then cannot go (SC-05)."""
    with pytest.raises(IntegrityError, match="foreign key"):
        insert(made, table)
    insert(made, parent)
    insert(made, table)

    with pytest.raises(IntegrityError, match="foreign key"):
        made.execute(text(f"DELETE FROM {parent}"))  # noqa: S608 - names of this file


def test_what_names_a_row_is_there_once(made: Connection) -> None:
    """As on SQLite."""
    for table in ("receipts", "agent_memory", "workflow_sessions"):
        insert(made, table)
        with pytest.raises(IntegrityError, match="unique"):
            insert(made, table)


def test_views_count_what_they_count_on_sqlite(made: Connection) -> None:
    """The fixture that is counted by hand for SQLite, on PostgreSQL (VR-01)."""
    insert(made, "receipts", timestamp="2026-01-29T12:00:00.250Z", duration_ms=2500)
    inside = ("2026-01-29T12:00:00.250Z", "2026-01-29T13:00:01+01:00", "2026-01-29T12:00:02.750Z")
    outside = ("2026-01-29T12:00:00.249Z", "2026-01-29T12:00:02.751Z", "2026-01-29T12:00:01+01:00")
    for when in (*inside, *outside):
        insert(made, "audit_log", timestamp=when)
    insert(made, "slo_violations")
    insert(made, "pipeline_metrics", duration_ms=400)
    insert(made, "pipeline_metrics", duration_ms=500, status="failed")

    recent = "SELECT execution_id, audit_entries, slo_violations FROM recent_executions"
    agents = "SELECT total_executions, avg_duration_ms, total_files_generated"
    stages = "SELECT stage, executions, avg_duration_ms, passed, failed"

    assert [tuple(each) for each in made.execute(text(recent))] == [("exec-1", len(inside), 1)]
    found = made.execute(text(f"{agents} FROM agent_performance_summary")).one()
    assert tuple(map(float, found)) == (1, 2500, 5)
    found = made.execute(text(f"{stages} FROM pipeline_stage_performance")).one()
    assert (found[0], *map(float, found[1:])) == ("μ₁_normalize", 2, 450, 1, 1)


def test_events_give_the_rows_that_they_give_on_sqlite(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows, ids, refusals with their reasons, and the digest over all of them."""
    events = [
        kit.event(0, kit.maker("ada"), kit.product("ada", price=0.5)),
        kit.event(1, kit.maker("ada")),
        kit.event(2, kit.product("nobody")),
        kit.event(3, kit.maker("eve", mood="odd")),
        kit.event(4, kit.maker("eve", about="{")),
        kit.event(5, kit.maker("eve", seen="never")),
        kit.event(6, kit.product("ada", grams="much")),
        kit.event(7, {"makers": {"maker": "eve"}}),
        kit.event(8, kit.state("ada", count=1)),
        kit.event(9, kit.state("ada", word="b")),
        kit.event(10, kit.product("ada", grams=3)),
    ]
    store = kit.store_in(tmp_path_factory.mktemp("sqlite"))
    kit.apply(store, events)
    schema = derived_schema(kit.DATABASE, "postgresql")

    with engine.connect() as connection:
        create_all(connection, schema)
        writer = RowWriter(connection, schema, lambda: kit.NOW_US)
        writer.apply(events, kit.ORIGIN)
        writer.save()
        reader = DerivedReader(connection, schema)
        with store.reading() as wanted:
            for table in wanted.compared_tables:
                assert list(reader.rows(table)) == list(wanted.rows(table)), table
            assert reader.checkpoint() == wanted.checkpoint()
        drop_declared(connection)
        connection.rollback()
