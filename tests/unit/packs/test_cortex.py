"""What the cortex pack makes of each shape of row, and what its queries answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.event.values import Flag
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import ReportSection
from evidentia.packs.cortex import PACK
from evidentia.packs.cortex.fields import actor_of

Columns = dict[str, object]
ColumnsOf = Callable[..., tuple[Columns, Flag]]
Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
EmptyColumns = Callable[[Rows], list[int]]

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""
SECOND = 1_000_000


def _line(**members: object) -> bytes:
    return json.dumps(members).encode()


def _row(second: int, kind: str, **more: object) -> bytes:
    return _line(
        id=f"evt_{second}",
        schema_version=1,
        observed_at=f"2026-01-01T00:00:{second:02}Z",
        event_type=kind,
        **{"source": {"type": "tool", "name": "shell"}, "session_id": "ses_1", **more},
    )


def test_cortex_keeps_the_contract() -> None:
    """The pack passes the check that every pack must pass, its seal schemes included."""
    assert check_pack(PACK) == ()


@pytest.mark.parametrize("number", range(len(PACK.samples)))
def test_no_shape_drifts(columns_of: ColumnsOf, number: int) -> None:
    """Rows of Cortex, of corcept and of evidentia's own ledger all have kind, time and actor."""
    columns, flags = columns_of(PACK, PACK.samples[number].line)

    assert flags == Flag(0)
    assert None not in (columns["ts"], columns["actor"], columns["event_id"])
    assert columns["kind"] != "unknown"


@pytest.mark.parametrize(
    ("source", "actor"),
    [
        ({"type": "user", "id": "robin"}, "user:robin"),
        ({"type": "ChildAgent", "agent_id": "a1", "model": "m"}, "ChildAgent:a1"),
        ({"type": "Tool", "name": "shell"}, "Tool:shell"),
        ({"type": "Runtime"}, "Runtime"),
        ({"type": "Runtime", "id": 7}, "Runtime"),
        ({"id": "robin"}, None),
        ({"type": ""}, None),
        ("robin", "robin"),
        (7, None),
    ],
)
def test_the_actor_is_the_source_and_who_it_is(source: object, actor: str | None) -> None:
    """The type alone where nothing says who; nothing is made up."""
    assert actor_of(source) == actor  # type: ignore[arg-type]


def test_a_payload_that_is_a_bare_value_is_no_drift(columns_of: ColumnsOf) -> None:
    """Any JSON may be a payload; what is no object or array stays in the line."""
    columns, flags = columns_of(PACK, _row(1, "note", payload="text"))

    assert (columns["payload_json"], flags) == (None, Flag(0))


def test_tags_of_another_form_are_drift(columns_of: ColumnsOf) -> None:
    """A tag that is no text is flagged and does not stop anything."""
    columns, flags = columns_of(PACK, _row(1, "note", domain_tags=["a", 1]))

    assert columns["domain_tags"] is None
    assert Flag.FIELD_DRIFT in flags


LINES = [
    _row(1, "a", trace_id="t1", payload={"n": 1}, event_hash="h1"),
    _row(3, "b", trace_id="t2", source={"type": "user", "id": "robin"}),
    _row(2, "a", trace_id="t1", session_id="ses_2", payload={"n": 2}, event_hash="h2"),
    _line(event_type="c", schema="corcept.ledger_event.v1", actor="runtime", trace_id="t3"),
]
LOG = "evidence/log.jsonl"


def test_trace_tells_one_trace_in_the_order_of_the_log(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """Only that trace, in order, whatever the times say."""
    rows = rows_of(PACK, "trace", [LINES], trace_id="t1")

    who = "tool:shell"
    assert rows == [
        (START + SECOND, "a", who, "ses_1", "evt_1", "h1", '{"n":1}', LOG, 1, 2**40 + 1),
        (START + 2 * SECOND, "a", who, "ses_2", "evt_2", "h2", '{"n":2}', LOG, 3, 2**40 + 3),
    ]
    assert empty_columns(rows) == []


def test_trace_without_a_name_is_the_last_one(rows_of: RowsOf) -> None:
    """Nobody knows a trace by heart: the last row that belongs to one says which."""
    rows = rows_of(PACK, "trace", [LINES[:3]], limit=1)

    assert [row[4] for row in rows] == ["evt_1"]


def test_agent_events_gives_the_newest_first(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Rows without a known time come first, because nobody knows how new they are."""
    rows = rows_of(PACK, "agent_events", [LINES], since=START + 2 * SECOND)

    assert rows == [
        (None, "c", "runtime", None, "t3", None, LOG, 4, 2**40 + 4),
        (START + 3 * SECOND, "b", "user:robin", "ses_1", "t2", "evt_3", LOG, 2, 2**40 + 2),
        (START + 2 * SECOND, "a", "tool:shell", "ses_2", "t1", "evt_2", LOG, 3, 2**40 + 3),
    ]
    assert empty_columns(rows) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent_kinds", [("a", 2), ("b", 1)]),
        (
            "agent_actors",
            [
                ("tool:shell", START + SECOND, START + 2 * SECOND, 2),
                ("user:robin", START + 3 * SECOND, START + 3 * SECOND, 1),
            ],
        ),
        (
            "agent_sessions",
            [
                ("ses_1", START + SECOND, START + 3 * SECOND, 2, 2, 2),
                ("ses_2", START + 2 * SECOND, START + 2 * SECOND, 1, 1, 1),
            ],
        ),
    ],
)
def test_the_sections_count_the_period(
    rows_of: RowsOf, empty_columns: EmptyColumns, query: str, expected: Rows
) -> None:
    """VR-01, VR-02: every section gives the rows counted by hand, and no column stays empty."""
    lines = [*LINES, _row(9, "late")]

    rows = rows_of(PACK, query, [lines], since=START, until=START + 9 * SECOND)

    assert rows == expected
    assert empty_columns(rows) == []


@pytest.mark.parametrize("section", PACK.report, ids=lambda section: section.query)
def test_a_report_leaves_out_the_logs_of_other_packs(
    rows_of: RowsOf, section: ReportSection
) -> None:
    """A section counts what its footer counts: the logs that this pack reads."""
    assert rows_of(PACK, section.query, [], of_another_pack=LINES) == []


def test_real_rows_are_read(shared_data: Path, columns_of: ColumnsOf) -> None:
    """Every real row has a kind, a time, an actor and a hash, and none drifts."""
    for path in sorted((shared_data / "cortex").glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            columns, flags = columns_of(PACK, line)

            assert flags == Flag(0)
            assert None not in [columns[name] for name in ("ts", "actor", "event_hash")]
            assert columns["kind"] != "unknown"
