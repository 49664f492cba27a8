"""What a verification finds and says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evidentia.proof.claims import Level
from evidentia.store.values import StoredGap


class FindingKind(StrEnum):
    """What is wrong. The words are stable: ``--json`` prints them."""

    TILING = "tiling"
    """The batches of a segment leave a hole or overlap."""
    CHAIN = "chain"
    """A batch record does not fit the link after it."""
    COUNT = "count"
    """A batch holds another number of rows than it recorded."""
    STORED_BYTES = "stored_bytes"
    """The store's own bytes do not have the digest recorded for the batch."""
    LOG_MISSING = "log_missing"
    """The log's file is not there any more."""
    LOG_CHANGED = "log_changed"
    """The log's bytes do not have the digest recorded for the batch."""
    MISSING_IN_STORE = "missing_in_store"
    MISSING_IN_LOG = "missing_in_log"
    MISMATCHED = "mismatched"
    """The line and its row differ in bytes or hash."""
    COLUMN = "column"
    """A derived column is not what the log gives."""
    ENGINE = "engine"
    """The database's own integrity check found something."""


REPAIRABLE: Final = frozenset(
    {
        FindingKind.MISSING_IN_STORE,
        FindingKind.MISSING_IN_LOG,
        FindingKind.MISMATCHED,
        FindingKind.COLUMN,
        FindingKind.COUNT,
    }
)
"""What a replay of the batch mends, as long as the log still has its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and where.

    Attributes:
        expected: What the evidence gives, as text; empty where there is nothing to compare.
        found: What stands there instead.
    """

    kind: FindingKind
    path: str
    segment_id: int
    byte_offset: int | None = None
    batch_id: int | None = None
    line_no: int | None = None
    detail: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentVerdict:
    """What was compared of one segment.

    Attributes:
        is_compared: The log's own bytes were there and were compared.
        tail_bytes: Bytes after the checkpoint that had no newline yet and were held back.
    """

    segment_id: int
    path: str
    state: str
    checkpoint: int
    batches: int
    events: int
    dead_letters: int
    is_compared: bool
    tail_bytes: int
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The result of a verification.

    Attributes:
        findings: The first few of them; ``finding_count`` counts all.
        level: The claim level this run reached; None when anything was found.
        content_digest: BLAKE3 over every row that the log determines, in order of position
            (deep verification only): equal for equal stores, however they were filled.
    """

    segments: tuple[SegmentVerdict, ...]
    findings: tuple[Finding, ...]
    finding_count: int
    is_deep: bool
    level: Level | None
    events: int
    dead_letters: int
    gaps: tuple[StoredGap, ...]
    content_digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverReport:
    """What ``recover`` put back, and what it could not.

    Attributes:
        batches: Batches whose rows were replaced by what the log gives.
        events: Events in those batches.
        unrepaired: Findings that replaying cannot mend.
    """

    batches: int
    events: int
    unrepaired: tuple[Finding, ...]
