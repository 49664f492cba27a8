"""What a verification finds and says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evidentia.pack.seal import SealKeys, SealReason, SealScheme, SealVerdict
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
    SEAL = "seal"
    """A row's own seal does not hold, or is absent from a log that is configured as sealed."""


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
class SealOptions:
    """How the seals of one log are checked.

    Attributes:
        is_sealed: The log is configured as sealed: a row without a seal is a finding.
    """

    is_sealed: bool = False
    keys: SealKeys = field(default_factory=SealKeys)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRemark:
    """A row whose seal holds and that is noteworthy all the same."""

    reason: SealReason
    line_no: int
    byte_offset: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealReport:
    """What the seals in the rows of one segment are worth.

    Attributes:
        scheme: The scheme that its first sealed row carries; None where no row carries any.
        counts: Rows by verdict; every verdict is there.
        reasons: Rows by what is wrong or noteworthy about them; a row may have several.
        level: What the rows that carry a seal reached together; None when any seal failed.
        signed_line: The last row that a trusted key signed: up to here the level is that of
            signatures, whatever ``level`` says of all rows.
        signed_byte: Where it begins.
        remarks: The first few; ``reasons`` counts all.
        findings: Rows whose seal does not hold, or is absent where it must not be.
    """

    segment_id: int
    path: str
    scheme: SealScheme | None
    counts: Mapping[SealVerdict, int]
    reasons: Mapping[SealReason, int]
    level: Level | None
    signed_line: int | None = None
    signed_byte: int | None = None
    remarks: tuple[SealRemark, ...] = ()
    findings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The result of a verification.

    Attributes:
        findings: The first few of them; ``finding_count`` counts all.
        level: The claim level this run reached; None when anything was found.
        content_digest: BLAKE3 over every row that the log determines, in order of position
            (deep verification only): equal for equal stores, however they were filled.
        seals: One report for each segment of a log whose pack knows of seals.
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
    seals: tuple[SealReport, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMismatch:
    """An id that both sides hold, with other bytes.

    The hashes are those that the events carry as ``event_hash``, or SHA-256 of their bytes.
    """

    id: str
    jsonl_event_hash: str
    sqlite_event_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSetParity:
    """Whether a log and its store hold the same events.

    Attributes:
        jsonl_event_count: Lines of the log that are events.
        sqlite_event_count: Events of its segments in the store.
        missing_in_sqlite, missing_in_jsonl, mismatched: At most 1,000 of each.
        duplicate_ids: Ids that more than one event of a ledger has, at most 1,000.
        missing_in_sqlite_count, missing_in_jsonl_count, mismatched_count: All of them.
    """

    jsonl_event_count: int
    sqlite_event_count: int
    missing_in_sqlite: tuple[str, ...]
    missing_in_jsonl: tuple[str, ...]
    mismatched: tuple[EventMismatch, ...]
    duplicate_ids: tuple[str, ...]
    missing_in_sqlite_count: int
    missing_in_jsonl_count: int
    mismatched_count: int

    @property
    def is_consistent(self) -> bool:
        """Whether both hold the same ids with the same bytes, each once."""
        return not (
            self.missing_in_sqlite_count
            or self.missing_in_jsonl_count
            or self.mismatched_count
            or self.duplicate_ids
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """What replaying a ledger into its store did.

    Attributes:
        replayed: Events that the store has now and lacked before.
        skipped_existing: Events that it had already, with the same bytes.
        parity: As it is afterwards.
    """

    replayed: int
    skipped_existing: int
    parity: EventSetParity
