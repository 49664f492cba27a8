"""What the repair pack makes of each shape of row, and what its queries answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.packs.repairs import repair, revert

from evidentia.event.envelope import Place, content_of, seal
from evidentia.event.values import Flag
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import ReportSection
from evidentia.packs.repair import PACK, RepairEvent, draft_of

Columns = dict[str, object]
ColumnsOf = Callable[..., tuple[Columns, Flag]]
Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
EmptyColumns = Callable[[Rows], list[int]]

START = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z in microseconds."""
SECOND = 1_000_000


def ledger_line(event: RepairEvent) -> bytes:
    """The line of a ledger that holds an event."""
    place = Place(sequence=0, recorded_at="2026-01-02T00:00:00Z", prev_event_hash=None)
    return seal(content_of(draft_of(event)), event.event_id, place)[1]


def test_repair_keeps_the_contract() -> None:
    """The pack passes the check that every pack must pass."""
    assert check_pack(PACK) == ()


@pytest.mark.parametrize("number", range(len(PACK.samples)))
def test_no_shape_drifts(columns_of: ColumnsOf, number: int) -> None:
    """Rows of conversations, ledgers and bare events give their columns without a flag."""
    _, flags = columns_of(PACK, PACK.samples[number].line)

    assert flags == Flag(0)


def test_a_ledger_line_is_found_by_session_and_by_message(columns_of: ColumnsOf) -> None:
    """RR-10, SC-11: the columns are those of the event in the line, as of a bare one."""
    event = revert("r", "a", "m", similarity_score=0.5)

    columns, flags = columns_of(PACK, ledger_line(event))
    bare, _ = columns_of(PACK, json.dumps(event.to_dict()).encode())

    assert flags == Flag(0)
    names = ("session_id", "message_id", "event_id", "reverts_event_id", "is_revert", "actor")
    assert [columns[name] for name in names] == ["s", "m", "r", "a", 1, "agent:mender"]
    assert (columns["kind"], columns["digest_standing"]) == ("repair.event.v1", "valid")
    assert columns["recorded_at"] == "2026-01-02T00:00:00Z"
    other = {"kind", "recorded_at", "payload_json", "ts_text"}
    assert {k: v for k, v in bare.items() if k not in other} == {
        k: v for k, v in columns.items() if k not in other
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "valid"),
        ({"event_digest": None}, "absent"),
        ({"reason": "other"}, "invalid"),
        ({"operator": "nobody"}, "unreadable"),
    ],
)
def test_the_digest_of_each_event_is_judged(
    columns_of: ColumnsOf, change: dict[str, object], word: str
) -> None:
    """A row says of its digest what a replay would."""
    row = {**repair("a", "m", "p").to_dict(), **change}

    assert columns_of(PACK, json.dumps(row).encode())[0]["digest_standing"] == word


@pytest.mark.parametrize("row", [{"type": "user", "message": "text"}, {"toolUseResult": "text"}])
def test_a_text_in_the_place_of_a_payload_is_no_drift(
    columns_of: ColumnsOf, row: dict[str, object]
) -> None:
    """Real rows have texts there; they stay in the line."""
    columns, flags = columns_of(PACK, json.dumps(row).encode())

    assert (columns["payload_json"], flags) == (None, Flag(0))


def _at(second: int) -> str:
    return f"2026-01-01T12:00:{second:02}Z"


EVENTS = [
    repair("a", "m", "p", "o", timestamp=_at(1)),
    repair("b", "m", "q", "p", timestamp=_at(2), operator="system:auto"),
    revert("r", "a", "m", timestamp=_at(3), old_parent_uuid="p", new_parent_uuid="o"),
    repair("c", "n", "p", timestamp=_at(4), session_id="t", validation_passed=False),
]
LINES = [
    json.dumps(
        {"type": "user", "uuid": "m", "sessionId": "s", "timestamp": _at(0), "isSidechain": True}
    ).encode(),
    *map(ledger_line, EVENTS),
]


def test_history_is_found_by_message_and_by_session(
    rows_of: RowsOf, empty_columns: EmptyColumns
) -> None:
    """RR-10: every event of the message, of the session, or of everything, in order."""
    rows = rows_of(PACK, "repair_history", [LINES], message_id="m")

    assert [row[3] for row in rows] == ["a", "b", "r"]
    assert rows[2][:7] == (START + 3 * SECOND, "s", "m", "r", "a", "p", "o")
    assert empty_columns(rows) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"session_id": "t"}, ["c"]),
        ({"session_id": "s", "message_id": "n"}, []),
        ({"limit": 2}, ["a", "b"]),
        ({}, ["a", "b", "r", "c"]),
    ],
)
def test_history_is_narrowed_by_what_is_given(
    rows_of: RowsOf, arguments: dict[str, str | int], expected: list[str]
) -> None:
    """RR-10: by session, by both, or not at all."""
    rows = rows_of(PACK, "repair_history", [LINES], **arguments)

    assert [row[3] for row in rows] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "repair_operators",
            [
                ("user:robin", START + SECOND, START + 4 * SECOND, 2, 2, 0, 1, 2),
                ("system:auto", START + 2 * SECOND, START + 2 * SECOND, 1, 1, 0, 0, 1),
                ("agent:mender", START + 3 * SECOND, START + 3 * SECOND, 1, 1, 1, 0, 0),
            ],
        ),
        (
            "repair_unstable_messages",
            [("s", "m", START + SECOND, START + 3 * SECOND, 3, 1, 3)],
        ),
        ("repair_digests", [("valid", 2**40 + 2, 2, 4)]),
        ("conversation_kinds", [("repair.event.v1", 4), ("user", 1)]),
        (
            "conversation_sessions",
            [
                ("s", START, START + 3 * SECOND, 1, 1, 1, 3),
                ("t", START + 4 * SECOND, START + 4 * SECOND, 0, 0, 0, 1),
            ],
        ),
    ],
)
def test_queries_count_by_hand(
    rows_of: RowsOf, empty_columns: EmptyColumns, query: str, expected: Rows
) -> None:
    """VR-01, VR-02: every query gives the rows counted by hand, and no column stays empty."""
    rows = rows_of(PACK, query, [LINES])

    assert rows == expected
    assert empty_columns(rows) == []


@pytest.mark.parametrize("section", PACK.report, ids=lambda section: section.query)
def test_a_report_leaves_out_the_logs_of_other_packs(
    rows_of: RowsOf, section: ReportSection
) -> None:
    """A section counts what its footer counts: the logs that this pack reads."""
    assert rows_of(PACK, section.query, [], of_another_pack=LINES) == []


def test_a_broken_digest_is_seen_in_the_store(rows_of: RowsOf) -> None:
    """An event that was edited after it was written is counted apart."""
    edited = ledger_line(replace(EVENTS[0], event_digest="0" * 64))

    rows = rows_of(PACK, "repair_digests", [[edited, LINES[2]]])

    assert [(row[0], row[3]) for row in rows] == [("invalid", 1), ("valid", 1)]


def test_real_rows_are_read(shared_data: Path, columns_of: ColumnsOf) -> None:
    """Real rows of messages have kind, time, role and session, and none drifts."""
    for path in sorted((shared_data / "conversations").glob("*-*-*.jsonl")):
        for line in path.read_bytes().splitlines():
            columns, flags = columns_of(PACK, line)

            assert flags == Flag(0)
            assert columns["kind"] in PACK.known_kinds
            if "uuid" in json.loads(line):
                assert None not in (columns["ts"], columns["event_id"], columns["actor"])
