"""Head files of receipt logs, held against the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.packs.sealers import ReceiptLog

from evidentia.packs.pipeline.receipt_head import HeadVerdict, check_head

_LOG = ReceiptLog()
LINES = [_LOG.line({"n": number}) for number in range(4)]


def _record(line: bytes) -> bytes:
    """The head of a line as its writer keeps it: the record alone, laid out otherwise."""
    return json.dumps(json.loads(line)["record"], indent=2).encode()


def _edited(line: bytes) -> bytes:
    return line.replace(b'"obligation_count":', b'"obligation_count":1')


@pytest.mark.parametrize(
    ("lines", "head", "verdict", "place"),
    [
        (LINES, _record(LINES[3]), HeadVerdict.AGREES, 4),
        (LINES, LINES[3], HeadVerdict.AGREES, 4),
        (LINES, LINES[3] + b"\n", HeadVerdict.AGREES, 4),
        (LINES, _record(LINES[1]), HeadVerdict.STALE, 2),
        (LINES[:3], _record(LINES[3]), HeadVerdict.TRUNCATED, 0),
        ([], _record(LINES[3]), HeadVerdict.TRUNCATED, 0),
        (LINES, _record(_edited(LINES[3])), HeadVerdict.ALTERED, 4),
        (LINES, None, HeadVerdict.NO_HEAD, 0),
        (LINES, b"", HeadVerdict.UNREADABLE, 0),
        (LINES, b"{}", HeadVerdict.UNREADABLE, 0),
        (LINES, b'{"record": 1}', HeadVerdict.UNREADABLE, 0),
        (LINES, b"\xff", HeadVerdict.UNREADABLE, 0),
    ],
)
def test_a_head_is_the_last_receipt(
    lines: list[bytes], head: bytes | None, verdict: HeadVerdict, place: int
) -> None:
    """IT-17: an earlier one is stale, an unknown one a cut, and none at all is no success."""
    reading = check_head(lines, head)

    assert (reading.verdict, reading.place) == (verdict, place)
    assert (reading.receipts, reading.broken) == (len(lines), 0)


def test_broken_seals_are_counted_and_other_lines_passed_over() -> None:
    """A head alone does not tell what was changed before it."""
    lines = [b"", b'{"note": 1}', LINES[0], _edited(LINES[1]), *LINES[2:]]

    reading = check_head(lines, _record(LINES[3]))

    assert (reading.verdict, reading.receipts, reading.broken) == (HeadVerdict.AGREES, 4, 1)


def test_the_real_log_holds(shared_data: Path) -> None:
    """Twelve real receipts, and the last of them as their head."""
    lines = (shared_data / "pipeline" / "receipt-log.jsonl").read_bytes().splitlines()

    reading = check_head(lines, lines[-1])

    assert (reading.verdict, reading.receipts, reading.broken) == (HeadVerdict.AGREES, 12, 0)
