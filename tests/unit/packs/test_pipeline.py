"""What the pipeline pack makes of receipts, and what its queries answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.event.values import Flag
from evidentia.pack.conformance import check_pack
from evidentia.packs.pipeline import PACK

Columns = dict[str, object]
ColumnsOf = Callable[..., tuple[Columns, Flag]]
Rows = list[tuple[object, ...]]
RowsOf = Callable[..., Rows]
EmptyColumns = Callable[[Rows], list[int]]

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""


def _receipt(number: int, activity: str = "sync", **record: object) -> bytes:
    members = {"activity": activity, "ts_ns": 0, "andon": "Green", "obligation_count": number}
    return json.dumps({
        "record": {**members, "chain_hash_hex": f"hash {number}", **record},
        "payload": {"n": number},
    }).encode()  # fmt: skip


def test_pipeline_keeps_the_contract() -> None:
    """The pack passes the check that every pack must pass, its seal schemes included."""
    assert check_pack(PACK) == ()


@pytest.mark.parametrize(
    ("ts_ns", "ts"),
    [(0, None), (1_767_225_600_000_000_000, START), (1, 0), (None, None)],
)
def test_zero_is_no_time(columns_of: ColumnsOf, ts_ns: object, ts: int | None) -> None:
    """IT-18: a receipt whose time was never set is not of 1970."""
    columns, flags = columns_of(PACK, _receipt(1, ts_ns=ts_ns))

    assert columns["ts"] == ts
    assert Flag.FIELD_DRIFT not in flags


@pytest.mark.parametrize(
    ("andon", "column"),
    [
        ("Green", "Green"),
        ({"Halted": {"why": "x"}}, "Halted"),
        ({}, None),
        ({"a": 1, "b": 2}, None),
    ],
)
def test_andon_is_one_word(columns_of: ColumnsOf, andon: object, column: str | None) -> None:
    """The state is a text, or an object named by it."""
    columns, _ = columns_of(PACK, _receipt(1, andon=andon))

    assert columns["andon"] == column


def test_receipts_come_last_first(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Receipts without a time have their place all the same."""
    lines = [_receipt(1), _receipt(2, ts_ns=1_767_225_600_000_000_000, schema="ggen-receipt/v1")]

    rows = rows_of(PACK, "receipts", [lines])

    log = "evidence/log.jsonl"
    assert rows == [
        (START, "sync", "Green", 2, "ggen-receipt/v1", "hash 2", log, 2, 2**40 + 2),
        (None, "sync", "Green", 1, None, "hash 1", log, 1, 2**40 + 1),
    ]
    assert empty_columns(rows) == []


def test_activities_count_the_period(rows_of: RowsOf, empty_columns: EmptyColumns) -> None:
    """Activities of the period by state; another pack's receipts are left out."""
    lines = [
        *(_receipt(number, ts_ns=1_767_225_600_000_000_000) for number in range(2)),
        _receipt(3, "halt", ts_ns=1_767_225_600_000_000_000, andon={"Halted": {}}),
        _receipt(4, ts_ns=1_767_225_601_000_000_000),
        _receipt(5),
    ]

    rows = rows_of(PACK, "activities", [lines], lines, since=START, until=START + 1_000_000)

    assert rows == [("sync", "Green", 2), ("halt", "Halted", 1)]
    assert empty_columns(rows) == []


def test_real_receipts_are_read(shared_data: Path, columns_of: ColumnsOf) -> None:
    """Every real receipt has its activity and its hash; none has a time."""
    for line in (shared_data / "pipeline" / "receipt-log.jsonl").read_bytes().splitlines():
        columns, flags = columns_of(PACK, line)

        assert (columns["kind"], columns["ts"], columns["andon"]) == ("ggen.sync", None, "Green")
        assert columns["event_id"]
        assert flags == Flag(0)
