"""What is asked of the pipeline's own database: answers, plans and the report, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from evidentia.errors import UsageError
from evidentia.event.timestamp import parse_time
from evidentia.event.values import JsonObject
from evidentia.pack.contract import NamedQuery
from evidentia.packs.pipeline import PACK
from evidentia.packs.pipeline.database import DATABASE
from evidentia.report.database import (
    DatabaseReader,
    State,
    make_database_report,
    read_database_span,
)
from evidentia.report.html import write_page
from evidentia.report.periodic import Period, Report
from evidentia.report.queries import ask, bind
from evidentia.report.sheet import write_sheet
from evidentia.store.derived import DerivedStore
from evidentia.store.scope import AsOf, Scope
from evidentia.store.values import SqlValue

from .pipeline_database import START_US, filled, plan, unindexed

HOUR_US: Final = 3_600_000_000
QUERIES: Final = {query.name: query for query in PACK.database_queries}
STAGES: Final = ("μ₁_normalize", "μ₃_emit")
SLO: Final[JsonObject] = {
    "metric": "first_build_seconds",
    "target_value": 15,
    "actual_value": 20,
    "severity": "warning",
}


def _receipt(name: str, when: str, status: str, ms: int, **more: object) -> JsonObject:
    receipt: JsonObject = {
        "execution_id": name,
        "agent_id": more.pop("agent_id", "agent-1"),  # type: ignore[dict-item]
        "operation": "generation",
        "status": status,
        "timestamp": f"2026-01-29T{when}Z",
        "duration_ms": ms,
    }
    return {**receipt, **more}  # type: ignore[dict-item]


def _stage(number: int, ms: int, status: str = "passed") -> JsonObject:
    return {"stage": STAGES[number], "status": status, "duration_ms": ms}


def _audit(when: str, status: str, **more: object) -> tuple[str, JsonObject]:
    row: JsonObject = {
        "timestamp": f"2026-01-29T{when}Z",
        "agent_id": "agent-1",
        "operation": "RDF normalization",
        "status": status,
    }
    return "audit", {**row, **more}  # type: ignore[dict-item]


def _collision(when: str, kind: str, **more: object) -> tuple[str, JsonObject]:
    row: JsonObject = {
        "session_id": "session-1",
        "agent_id_1": "agent-1",
        "agent_id_2": "agent-2",
        "collision_type": kind,
        "description": "both wrote src/main.rs",
        "severity": "critical",
        "timestamp": f"2026-01-29T{when}Z",
    }
    return "collision", {**row, **more}  # type: ignore[dict-item]


RECORDS: Final[list[tuple[str, JsonObject]]] = [
    (
        "session",
        {
            "session_id": "session-1",
            "start_time": "2026-01-29T09:00:00Z",
            "status": "running",
            "agent_count": 2,
        },
    ),
    (
        "receipt",
        _receipt(
            "exec-1",
            "10:00:00",
            "passed",
            2000,
            manifest_hash="m1",
            ontology_hash="o1",
            environment="staging",
            files_generated=5,
            files_modified=1,
            stages=[_stage(0, 400), _stage(1, 600)],
        ),
    ),
    (
        "receipt",
        _receipt(
            "exec-2",
            "10:59:59.999999",
            "failed",
            20_000,
            manifest_hash="m2",
            ontology_hash="o1",
            error_message="no ontology",
            files_generated=2,
            stages=[
                _stage(0, 800),
                {
                    **_stage(1, 1_200, "failed"),
                    "error_message": "disk full",
                    "input_size_bytes": 10,
                    "output_size_bytes": 20,
                },
            ],
            slo_violations=[SLO, {**SLO, "actual_value": 40, "severity": "critical"}],
        ),
    ),
    (
        "receipt",
        _receipt(
            "exec-3", "11:00:00", "cancelled", 50, agent_id="agent-2", operation="error-recovery"
        ),
    ),
    ("receipt", _receipt("exec-4", "00:00:00", "partial", 999, agent_id="agent-2")),
    # Of the days before and after, and a second receipt with an id that is taken.
    (
        "receipt",
        {**_receipt("exec-5", "10:00:00", "passed", 1), "timestamp": "2026-01-30T00:00:00Z"},
    ),
    (
        "receipt",
        {**_receipt("exec-6", "10:00:00", "failed", 1), "timestamp": "2026-01-28T23:59:59Z"},
    ),
    ("receipt", _receipt("exec-1", "10:00:00", "failed", 1)),
    _audit("10:00:00", "started", context_json={"triples": 1_240}),
    _audit("10:00:02", "failed", duration_ms=2_000, error_message="x"),
    _collision("10:30:00", "file_conflict"),
    _collision("10:31:00", "file_conflict", resolution="the second waited"),
    _collision("10:32:00", "semantic_overlap", severity="info"),
    (
        "memory",
        {
            "agent_id": "agent-1",
            "memory_json": {"state": "on"},
            "collision_history": [],
            "retry_count": 2,
            "last_error": "x",
        },
    ),
    (
        "session",
        {
            "session_id": "session-1",
            "start_time": "2026-01-29T09:00:00Z",
            "end_time": "2026-01-29T12:00:00Z",
            "status": "failed",
            "agent_count": 2,
            "successful_operations": 3,
            "failed_operations": 1,
            "total_duration_ms": 10_800_000,
        },
    ),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 2026-01-29, with a record of the day before and one of the day after."""
    return filled(tmp_path_factory.mktemp("pipeline") / "pipeline.db", RECORDS).path


@pytest.fixture(scope="module")
def reader(path: Path) -> Iterator[DatabaseReader]:
    """It, asked as a store is asked."""
    with DerivedStore(path=path, database=DATABASE).reading() as database:
        yield DatabaseReader(database=database)


def _us(text: str) -> int:
    us = parse_time(f"2026-01-29T{text}Z").us
    assert us is not None
    return us


DAY: Final = {"since": "2026-01-29", "until": "2026-01-30"}
AGENT_1: Final = ("exec-1", "agent-1", "generation", "passed", 2000, 5, 1)
ANSWERS: Final[dict[str, tuple[dict[str, str], list[tuple[object, ...]]]]] = {
    "receipts_range": (
        DAY,
        [
            (_us("11:00:00"), "exec-3", "agent-2", "generation", "cancelled", 50, 0, 0),
            (_us("10:59:59.999999"), "exec-2", "agent-1", "generation", "failed", 20_000, 2, 0),
            (_us("10:00:00"), *AGENT_1),
            (_us("00:00:00"), "exec-4", "agent-2", "generation", "partial", 999, 0, 0),
        ],
    ),
    "stages": (
        {"execution_id": "exec-2"},
        [
            (_us("10:59:59.999999"), "μ₁_normalize", "passed", 800, None, None, None),
            (_us("10:59:59.999999"), "μ₃_emit", "failed", 1_200, 10, 20, "disk full"),
        ],
    ),
    "recent_failures": (
        {},
        [
            (START_US - 1_000_000, "exec-6", "agent-1", "generation", 1, 0, None),
            (
                *(_us("10:59:59.999999"), "exec-2", "agent-1", "generation", 20_000, 2),
                "no ontology",
            ),
        ],
    ),
    "failures": (
        DAY,
        [
            (_us("11:00:00"), "exec-3", "agent-2", "generation", "cancelled", 50, None),
            (
                *(_us("10:59:59.999999"), "exec-2", "agent-1", "generation", "failed", 20_000),
                "no ontology",
            ),
            (_us("00:00:00"), "exec-4", "agent-2", "generation", "partial", 999, None),
        ],
    ),
    "agent_performance": (
        DAY,
        [
            ("agent-1", 2, 1, 1, 0, 11_000.0, 2_000, 20_000, 7, _us("10:59:59.999999")),
            ("agent-2", 2, 0, 0, 2, 524.5, 50, 999, 0, _us("11:00:00")),
        ],
    ),
    "agent_history": (
        {"agent_id": "agent-2"},
        [
            (_us("11:00:00"), "exec-3", "generation", "cancelled", 50, None),
            (_us("00:00:00"), "exec-4", "generation", "partial", 999, None),
        ],
    ),
    "stage_bottlenecks": (
        DAY,
        [
            ("μ₃_emit", 2, 1, 600, 1_200, 1_800, 900.0),
            ("μ₁_normalize", 2, 0, 400, 800, 1_200, 600.0),
        ],
    ),
    "slowest_stages": (
        {},
        [
            (1_200, "exec-2", _us("10:59:59.999999"), "failed", "disk full"),
            (600, "exec-1", _us("10:00:00"), "passed", None),
        ],
    ),
    "slo_violations": (DAY, [("first_build_seconds", 15.0, 30.0, 40.0, 1, 2)]),
    "collisions": (
        DAY,
        [("file_conflict", "critical", 1, 1, 2), ("semantic_overlap", "info", 1, 1, 1)],
    ),
    "session_collisions": (
        {"session_id": "session-1", "limit": "1"},
        [
            (
                *(_us("10:32:00"), "agent-1", "agent-2", "semantic_overlap", "info"),
                *("both wrote src/main.rs", None),
            )
        ],
    ),
    "workflow_sessions": (
        {},
        [("session-1", _us("09:00:00"), _us("12:00:00"), "failed", 2, 3, 1, 10_800_000)],
    ),
    "agent_memory": ({}, [("agent-1", START_US + 13_000_000, 2, "x", '{"state":"on"}', "[]")]),
    "agent_memory_history": (
        {"agent_id": "agent-1"},
        [(START_US + 13_000_000, 2, "x", '{"state":"on"}', "[]")],
    ),
    "audit_trail": (
        {"agent_id": "agent-1", **DAY},
        [
            (_us("10:00:02"), "RDF normalization", "failed", 2_000, "x", None),
            (_us("10:00:00"), "RDF normalization", "started", None, None, '{"triples":1240}'),
        ],
    ),
    "mapped_values": (
        {},
        [("receipts", "operation", "error-recovery", "generation", "synonym", 1)],
    ),
    "execution_totals": (DAY, [(4, 1, 1, 2, 2, 7, 1, 5_762.25, 20_000)]),
    "execution_hours": (
        DAY,
        [
            (_us("00:00:00"), 0, 0, 1),
            (_us("10:00:00"), 1, 1, 0),
            (_us("11:00:00"), 0, 0, 1),
        ],
    ),
    "execution_durations": (
        DAY,
        [("below 0.1 s", 1), ("0.5 to 1 s", 1), ("2 to 5 s", 1), ("15 s and more", 1)],
    ),
    "determinism": (DAY, [("generation", 4, 2, 2, 1, 0)]),
    "record_counts": (DAY, [(4, 2, 3)]),
    "newest_record": ({}, [(START_US + 24 * HOUR_US,)]),
}


def _values(query: NamedQuery, given: dict[str, str]) -> dict[str, SqlValue]:
    return bind(query, given, START_US + 24 * HOUR_US)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_query_answers_what_was_computed_by_hand(name: str, reader: DatabaseReader) -> None:
    """VR-01, VR-02: the answer is known, not only that there is one."""
    given, rows = ANSWERS[name]

    answer = ask(reader, QUERIES[name], _values(QUERIES[name], given))

    assert [*answer.rows] == rows


def test_a_receipt_is_found_by_its_id(reader: DatabaseReader) -> None:
    """Each of its columns has a value; the second receipt of the id did not take its place."""
    query = QUERIES["receipt"]

    ((*row, document),) = ask(reader, query, _values(query, {"execution_id": "exec-1"})).rows

    assert row == [_us("10:00:00"), *AGENT_1, "m1", "o1", "staging", None]
    assert '"files_generated":5' in str(document)


def test_a_refused_record_is_listed_with_its_reason(reader: DatabaseReader) -> None:
    """RR-16: the second receipt of an id is there, beside the first and not in its place."""
    query = QUERIES["refused_records"]

    ((*where, _detail, event_id),) = ask(reader, query, _values(query, {})).rows

    assert where == [7, "pipeline.receipt.v1", START_US + 7_000_000, "duplicate"]
    assert event_id == "e-7"


def test_executions_that_agree_are_told_by_their_hashes(tmp_path: Path) -> None:
    """CT-02: the same hashes twice is the same, whatever a receipt says; one execution is not."""
    hashes = {"manifest_hash": "m", "ontology_hash": "o"}
    records = [
        ("receipt", _receipt("a", "10:00:00", "passed", 1, **hashes)),
        ("receipt", _receipt("b", "10:00:00", "passed", 1, **hashes)),
        ("receipt", _receipt("c", "10:00:00", "passed", 1, operation="test", **hashes)),
        ("receipt", _receipt("d", "10:00:00", "passed", 1, operation="watch", **hashes)),
        ("receipt", _receipt("e", "10:00:00", "passed", 1, operation="watch")),
    ]
    query = QUERIES["determinism"]

    with filled(tmp_path / "p.db", records).reading() as database:
        reader = DatabaseReader(database=database)
        rows = ask(reader, query, _values(query, DAY)).rows

    assert rows == (
        ("generation", 2, 2, 1, 1, 1),
        ("watch", 2, 1, 1, 1, 0),
        ("validation", 1, 1, 1, 1, 0),
    )


def test_every_query_is_asked_here() -> None:
    """A new query gets a result by hand as well."""
    assert {*ANSWERS, "receipt", "refused_records"} == QUERIES.keys()


def test_every_column_has_a_value_somewhere(reader: DatabaseReader) -> None:
    """VR-02: no column is zero or empty in every row of the example."""
    empty = [
        f"{name}.{column.name}"
        for name, (given, _rows) in ANSWERS.items()
        for place, column in enumerate(QUERIES[name].columns)
        if not any(
            row[place] for row in ask(reader, QUERIES[name], _values(QUERIES[name], given)).rows
        )
    ]

    # What these show is shown by others: an error, a resolution, a sameness.
    assert empty == [
        "agent_history.error_message",
        "session_collisions.resolution",
        "determinism.is_same",
    ]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_query_uses_an_index(query: NamedQuery, path: Path) -> None:
    """No step reads a table from end to end; what is listed is not sorted as a whole."""
    steps = plan(path, query)

    wrong = unindexed(steps)
    if "GROUP BY" in query.sql:
        # Groups are few, and their order is another than that of the rows.
        wrong = [step for step in wrong if "TEMP B-TREE" not in step]
    assert wrong == [], steps
    assert any(" USING " in step for step in steps)


def test_a_database_shows_what_it_is_now(reader: DatabaseReader) -> None:
    """An earlier moment is refused, not answered with the present one."""
    query = QUERIES["newest_record"]
    earlier = Scope(as_of=AsOf(batch_id=1, committed_us=1))

    with pytest.raises(UsageError, match="what it is now"):
        ask(reader, query, {}, within=earlier)


def _report(reader: DatabaseReader, period: Period, text: str | None) -> Report:
    span = read_database_span(reader, PACK, period, text)
    state = State(size=15, changed_us=START_US + 14_000_000, refused=1)
    return make_database_report(reader, PACK, period, span, 10, state)


def test_the_daily_report_holds_what_was_computed_by_hand(reader: DatabaseReader) -> None:
    """Each section is the query of the day; the records behind it are counted."""
    report = _report(reader, Period.DAILY, "2026-01-29")

    assert report.title == "Pipeline receipts: daily report"
    assert {section.shape.query: [*section.answer.rows] for section in report.sections} == {
        section.query: ANSWERS[section.query][1]
        for section in (PACK.database_report.sections if PACK.database_report else ())
    }
    assert (report.counts.events, report.counts.open_dead_letters) == (9, 1)


def test_without_a_date_it_is_the_day_of_the_newest_record(reader: DatabaseReader) -> None:
    """As for the reports of a store."""
    assert _report(reader, Period.DAILY, None).span.label == "2026-01-30"
    assert _report(reader, Period.WEEKLY, None).span.label == "2026-W05"


def test_a_database_without_records_has_no_day(tmp_path: Path) -> None:
    """There is nothing to report on, and that is said."""
    with filled(tmp_path / "p.db", []).reading() as database:
        reader = DatabaseReader(database=database)
        with pytest.raises(UsageError, match="no event with a time"):
            read_database_span(reader, PACK, Period.DAILY, None)


def test_the_page_and_the_sheet_are_made_of_it(reader: DatabaseReader) -> None:
    """The forms of a store's report are those of a database's: charts, and cells."""
    report = _report(reader, Period.DAILY, "2026-01-29")

    page = "".join(write_page([report]))
    sheet = "".join(write_sheet([report]))

    assert page.count("<svg") >= 4
    assert "As of the ledger's first 15 events, applied 2026-01-29 00:00:14" in page
    assert "<dt>Refused records</dt><dd>1</dd>" in page
    assert "Missed service levels,first_build_seconds,15.0,30.0,40.0,1,2" in sheet
    assert "Executions,2026-01-29T10:00:00Z,1,1,0" in sheet
