"""The values that go into and come out of a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from evidentia.log.values import Compression, Fingerprint

SqlValue: TypeAlias = str | int | float | bytes | bytearray | None
PartialRow: TypeAlias = tuple[SqlValue, ...]
Partials: TypeAlias = Sequence[Sequence[PartialRow]]
EventTuples: TypeAlias = Collection[tuple[SqlValue, ...]]
"""Events as tuples, each made when it is asked for or long before."""

NULL: Final = float("nan")
"""Stands for NULL in the tuples of events. SQLite stores a NaN as NULL, no column can ever hold
one, and its driver binds a float without looking for an adapter, as it does for None."""

EVENT_COLUMNS: Final = (
    *("event_id", "ts", "ts_text", "kind"),
    *("actor", "session_id", "payload_json"),
)
"""The extracted columns that every event has, in the order the extractor gives them."""


class SegmentState(StrEnum):
    """Where a segment stands."""

    LIVE = "live"
    """May still grow."""
    FINISHED = "finished"
    """Read to its end; it will not grow (a closed archive, or told so by ``--final``)."""
    REPLACED = "replaced"
    """Its file was truncated or holds other bytes now; the next segment goes on."""
    BROKEN = "broken"
    """A compressed file that fails its own checksum; read up to the last good line."""
    GONE = "gone"
    """No file of the list holds its bytes any more: deleted, or renamed out of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One contiguous byte stream of a log, and how far it has been read.

    Attributes:
        checkpoint: Bytes ``[0, checkpoint)`` are in the store.
        next_line: Number of the line that starts at the checkpoint.
        tail_bytes: Bytes seen after the last newline, held back.
        last_size: Size of the file on disk when last looked at.
        last_mtime_us: Shown to people only.
        device, inode: As ``records.signed_64`` made them fit; compare them in that form.
        generation: What the file system says beside them, where it says anything.
        first_path: Where the segment began; a file of another name there means that its writer
            has moved on.
        source: The entry of the allow-list that led to it.
    """

    id: int
    log_id: int
    path: str
    pack: str
    is_lenient: bool
    compression: Compression
    device: int
    inode: int
    fingerprint: Fingerprint
    checkpoint: int
    next_line: int
    state: SegmentState
    tail_bytes: int
    last_size: int
    last_mtime_us: int
    generation: int | None = None
    first_path: str = ""
    source: str = ""

    @property
    def has_no_file(self) -> bool:
        """Whether the segment's bytes are in no file any more, as far as is known."""
        return self.state in (SegmentState.REPLACED, SegmentState.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSegment:
    """What is known of a segment before its first batch.

    Attributes:
        is_diverged: The file was a copy of another segment's lines until now.
        evidence: What was seen that makes it a new one, as one JSON object.
    """

    log_id: int
    path: str
    compression: Compression
    device: int
    inode: int
    generation: int | None = None
    is_diverged: bool = False
    evidence: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentChange:
    """What a look at a segment's file changed, besides rows."""

    state: SegmentState
    tail_bytes: int
    last_size: int
    last_mtime_us: int
    path: str
    device: int
    inode: int
    compression: Compression = Compression.NONE
    generation: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    r"""An event as stored.

    Attributes:
        position: ``segment_id * 2**40 + byte_offset``.
        raw: The line's exact bytes without its newline (one ``\r`` stays).
        sha256: SHA-256 of ``raw``.
        columns: ``EVENT_COLUMNS`` followed by the pack's promoted columns, in declared order.
    """

    position: int
    line_no: int
    raw: bytes
    sha256: bytes
    flags: int
    columns: tuple[SqlValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRow:
    """Bytes that are in the log but are not an event.

    Attributes:
        raw: The exact bytes without the newline; None where the line is over the limit, and then
            ``length`` and ``sha256`` say what the log must still hold there.
        length: Bytes the line occupies in the segment, its newline included.
        has_newline: Whether a newline ends it.
        column_no: 1-based byte column where the rule failed.
    """

    position: int
    line_no: int
    reason: str
    column_no: int
    detail: str
    raw: bytes | None
    length: int
    sha256: bytes
    has_newline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A dead letter as it stands in the store.

    Attributes:
        state: ``open``, ``resolved`` (dealt with, for a stated reason) or ``recovered`` (a retry
            read it as an event, which now stands at the same position).
    """

    row: DeadLetterRow
    batch_id: int
    attempts: int
    state: str
    resolution: str | None
    resolved_by: str | None
    resolved_us: int | None


class FillerKind(StrEnum):
    """Bytes that are neither event nor dead letter."""

    BLANK = "blank"
    BOM = "bom"
    NUL = "nul"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """A run of blank lines, a byte-order mark or a NUL run; ``raw`` is None for NULs."""

    position: int
    kind: FillerKind
    length: int
    raw: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFinding:
    """The pack's JSON Schema did not accept an event. Recorded, never a reason to refuse it."""

    position: int
    schema: str
    message: str


class GapKind(StrEnum):
    """What may have been missed. The words are stable: they are stored."""

    CORRUPT_ARCHIVE = "corrupt_archive"
    """A compressed file fails its own checksum; what follows is unknown."""
    TRUNCATED_ARCHIVE = "truncated_archive"
    """A compressed file ends too early and was said to be final."""
    UNREAD_REPLACED = "unread_replaced"
    """Bytes that had no newline yet and were held back went with their file."""
    COPYTRUNCATE_WINDOW = "copytruncate_window"
    """The file was cut: what was written between the copy and the cut is in neither."""
    ROTATED_AWAY = "rotated_away"
    """The file went out of sight before its end was seen; what follows is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bytes known or suspected to be missed.

    Attributes:
        kind: A ``GapKind``.
        evidence: What was seen, as one JSON object.
    """

    segment_id: int
    byte_offset: int
    kind: str
    detail: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGap:
    """A gap as it stands in the store."""

    path: str
    segment_id: int
    byte_offset: int
    kind: str
    detail: str
    evidence: str
    found_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events a listing shows; None means any.

    Attributes:
        since_us, until_us: Not before and before these times, UTC microseconds.
        after_id: Only positions above this one, to go on where a listing ended.
    """

    kind: str | None = None
    session_id: str | None = None
    actor: str | None = None
    event_id: str | None = None
    log_path: str | None = None
    since_us: int | None = None
    until_us: int | None = None
    after_id: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWrite:
    """Everything that one transaction commits for a segment.

    Attributes:
        events: Driver-ready tuples in the order of ``schema.EVENT_ROW_COLUMNS`` followed by
            ``promoted``. ``NULL`` stands for NULL, as None does.
        promoted: The pack's promoted columns, in the order of the values.
        partials: What the events add to summaries, block by block, if that was counted.
    """

    segment_id: int
    byte_start: int
    byte_end: int
    first_line: int
    next_line: int
    digest: bytes
    fingerprint: Fingerprint
    events: EventTuples = ()
    promoted: tuple[str, ...] = ()
    dead_letters: Sequence[DeadLetterRow] = ()
    fillers: Sequence[Filler] = ()
    findings: Sequence[SchemaFinding] = ()
    gaps: Sequence[Gap] = ()
    state: SegmentState = SegmentState.LIVE
    partials: Sequence[Partials] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction committed."""

    id: int
    segment_id: int
    byte_start: int
    byte_end: int
    first_line: int
    next_line: int
    event_count: int
    dead_letter_count: int
    blank_bytes: int
    bom_bytes: int
    nul_bytes: int
    digest: bytes
    chain: bytes
    run_id: int
    committed_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds, or asks for, the store's lease.

    Attributes:
        process_start: What the system says of when the process began, so that a reused process
            number is not taken for the holder; empty where it cannot tell.
    """

    actor: str
    host: str
    pid: int
    process_start: str
    command: str = field(default="ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An administrative change to the store: who did what to which part of it, and when."""

    id: int
    at_us: int
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Rows of a named query, and why summaries were ``computed`` for it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[SqlValue, ...], ...]
    computed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """How much a store holds."""

    events: int
    dead_letters: int
    open_dead_letters: int
    gaps: int
    batches: int
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """What a batch's rows add up to; ``recovered`` counts dead letters that became events."""

    batch_id: int
    events: int = 0
    dead_letters: int = 0
    recovered: int = 0
    blank_bytes: int = 0
    bom_bytes: int = 0
    nul_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodCounts:
    """What stands behind a report, and what may be missing from it.

    Attributes:
        events: Events of the pack's logs whose time lies in the period.
        untimed_events: Events of the pack's logs without a usable time, so in no period.
        open_dead_letters: Lines of the pack's logs that are not events, not yet dealt with.
        gaps: Known or suspected losses in the pack's logs.
    """

    events: int
    untimed_events: int
    open_dead_letters: int
    gaps: int
