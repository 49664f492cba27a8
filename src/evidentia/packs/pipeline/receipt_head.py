"""A head file of a receipt log, which repeats the log's last record, held against the log.

The chain of a log cannot tell that lines at its end are missing; a head that somebody else kept
can. It must be the log's last record. Without one nothing is said of the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evidentia.event.line import read_line
from evidentia.event.values import JsonObject, Policy, Verdict
from evidentia.pack.seal import SealKeys, SealVerdict
from evidentia.packs.pipeline.receipt_seal import ReceiptChecker

_HASH: Final = "chain_hash_hex"
_LENIENT: Final = Policy(is_lenient=True)


class HeadVerdict(StrEnum):
    """What a head says of a log. The words are stable."""

    AGREES = "agrees"
    NO_HEAD = "no_outside_head"
    """None was given: what was cut off at the end cannot be told."""
    STALE = "stale_head"
    """It is an earlier record of the log: the log went on, and the head did not."""
    TRUNCATED = "truncated"
    """No record of the log is the head's: the log ends before it, or is another one."""
    ALTERED = "altered"
    """A record of the log has the head's chain hash and other content."""
    UNREADABLE = "unreadable_head"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReading:
    """What came of holding a head against a log.

    Attributes:
        receipts: How many receipts the log has.
        broken: How many of them fail their own seals.
        place: The receipt, counted from 1, that the head is or shares its hash with; 0 for none.
        last_hash: The chain hash of the log's last receipt; empty where there is none.
        head_hash: That of the head.
    """

    verdict: HeadVerdict
    receipts: int
    broken: int
    place: int
    last_hash: str
    head_hash: str


def check_head(lines: Iterable[bytes], head: bytes | None) -> HeadReading:
    """Hold a head against the lines of a log, which are read once."""
    wanted = {} if head is None else _record(head)
    head_hash = str(wanted.get(_HASH, ""))
    checker = ReceiptChecker(SealKeys())
    count = broken = place = 0
    is_equal = False
    last_hash = ""
    for line in lines:
        reading = checker.check(line)
        if reading.verdict is SealVerdict.ABSENT:
            continue
        count += 1
        broken += reading.verdict is SealVerdict.INVALID
        record = _record(line)
        last_hash = str(record.get(_HASH, ""))
        if head_hash and last_hash == head_hash:
            place, is_equal = count, record == wanted
    verdict = HeadVerdict.NO_HEAD
    if head is not None:
        verdict = _verdict(head_hash, place, count, is_equal=is_equal)
    return HeadReading(
        verdict=verdict,
        receipts=count,
        broken=broken,
        place=place,
        last_hash=last_hash,
        head_hash=head_hash,
    )


def _verdict(head_hash: str, place: int, count: int, *, is_equal: bool) -> HeadVerdict:
    if not head_hash:
        return HeadVerdict.UNREADABLE
    if not place:
        return HeadVerdict.TRUNCATED
    if not is_equal:
        return HeadVerdict.ALTERED
    return HeadVerdict.AGREES if place == count else HeadVerdict.STALE


def _record(data: bytes) -> JsonObject:
    """The record of a line or a head, which may be a whole line or its record alone."""
    outcome = read_line(data.strip() or b"0", _LENIENT)
    if isinstance(outcome, Verdict):
        return {}
    record = outcome[0].get("record", outcome[0])
    return record if isinstance(record, dict) else {}
