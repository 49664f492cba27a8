"""What an ingest run is told, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from evidentia.errors import EvidentiaError
from evidentia.log.values import Limits, LogSource
from evidentia.store.evidence import StoredBytes
from evidentia.store.sightings import Decision, StaleCopy
from evidentia.store.values import (
    BatchWrite,
    Gap,
    NewSegment,
    Segment,
    SegmentChange,
)

BULK_BYTES: Final = 32 * 1024 * 1024
"""From this much unread data on, parsing is spread over processes and, in an empty store, the
indexes are built afterwards. Below it the start of a process costs more than it saves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How to ingest.

    Attributes:
        batch_events: A batch is committed when it holds this many events,
        batch_bytes: or covers this many bytes,
        batch_seconds: or is this old.
        jobs: Parser processes; None lets the amount of work decide.
        is_final: The logs will not grow: a last line without newline is read, a compressed file
            that breaks off is taken as far as it goes.
        turn_bytes: A file is left after about this many bytes, so that others get their turn; None
            reads each to its end.
    """

    batch_events: int = 50_000
    batch_bytes: int = 16 * 1024 * 1024
    batch_seconds: float = 1.0
    jobs: int | None = None
    is_final: bool = False
    turn_bytes: int | None = None
    limits: Limits = field(default_factory=Limits)


class Outcome(StrEnum):
    """What became of a file in this run."""

    UNCHANGED = "unchanged"
    READ = "read"
    WAITING = "waiting"
    """A compressed file that is still being written."""
    COPY = "copy"
    """Every complete line of it is stored already, as lines of another file."""
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file.

    Attributes:
        checkpoint: Bytes ``[0, checkpoint)`` of the segment are in the store.
        tail_bytes: Bytes after the last newline, held back.
        is_new_segment: The file began a segment in this run.
        has_more: It was left before its end because its turn was over.
    """

    path: str
    outcome: Outcome
    segment_id: int | None = None
    is_new_segment: bool = False
    events: int = 0
    dead_letters: int = 0
    bytes_read: int = 0
    checkpoint: int = 0
    next_line: int = 1
    tail_bytes: int = 0
    has_more: bool = False
    gaps: tuple[Gap, ...] = ()
    problem: EvidentiaError | None = None

    def with_gaps(self, gaps: tuple[Gap, ...]) -> FileReport:
        """The same with more gaps."""
        return replace(self, gaps=(*self.gaps, *gaps)) if gaps else self

    def after(self, earlier: FileReport) -> FileReport:
        """What this look and an earlier one found of the file together."""
        has_read = Outcome.READ in (self.outcome, earlier.outcome)
        is_quiet = self.outcome is Outcome.UNCHANGED and has_read
        return replace(
            self,
            outcome=Outcome.READ if is_quiet else self.outcome,
            is_new_segment=self.is_new_segment or earlier.is_new_segment,
            events=self.events + earlier.events,
            dead_letters=self.dead_letters + earlier.dead_letters,
            bytes_read=self.bytes_read + earlier.bytes_read,
            gaps=tuple(dict.fromkeys((*earlier.gaps, *self.gaps))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What a run did.

    Attributes:
        is_stopped: It was asked to stop before the end.
        endings: What may have been lost with segments that no file continues any more.
    """

    files: tuple[FileReport, ...]
    problems: tuple[EvidentiaError, ...]
    seconds: float
    is_stopped: bool
    is_dry_run: bool
    endings: tuple[Gap, ...] = ()

    @property
    def has_more(self) -> bool:
        """Whether any file was left before its end because its turn was over."""
        return any(file.has_more for file in self.files)

    @property
    def events(self) -> int:
        """Events stored in this run."""
        return sum(file.events for file in self.files)

    @property
    def dead_letters(self) -> int:
        """Dead letters stored in this run."""
        return sum(file.dead_letters for file in self.files)

    @property
    def bytes_read(self) -> int:
        """Bytes that this run added to the store's account."""
        return sum(file.bytes_read for file in self.files)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Suspected losses found in this run."""
        return (*(gap for file in self.files for gap in file.gaps), *self.endings)


class BatchSink(Protocol):
    """Where batches go: a store's writing side, or the pretence of one for a dry run."""

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""

    def log_id(self, source: LogSource) -> int:
        """The id of an allow-list entry."""

    def add_segment(self, new: NewSegment) -> Segment:
        """A new segment with nothing read yet."""

    def change_segment(
        self,
        segment_id: int,
        change: SegmentChange,
        gaps: Sequence[Gap] = (),
        decision: Decision | None = None,
    ) -> None:
        """Record what a look at a file found and decided, and what may be lost by it, at once."""

    def add_names(self, segment_id: int, paths: Sequence[str]) -> None:
        """Remember the names that lead to a segment's file."""

    def kind_ids(self, names: Iterable[str]) -> dict[str, int]:
        """The id of every kind named."""

    def commit_batch(self, write: BatchWrite) -> object:
        """Commit a batch, all or nothing."""

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Record suspected losses that came without a batch."""

    def stale_copies(self) -> tuple[StaleCopy, ...]:
        """Every file that held nothing new when it was last looked at."""

    def remember_copy(self, copy: StaleCopy, decision: Decision | None = None) -> None:
        """Remember a file that holds nothing new, and what was decided on it, at once."""

    def forget_copy(self, path: str) -> None:
        """Forget a copy that has gone, or is one no more."""

    def stored_bytes(self, segment_id: int, span: tuple[int, int]) -> tuple[StoredBytes, ...]:
        """Everything that is stored of a byte range, in order of place."""

    def first_line_sha256(self, segment_id: int) -> bytes | None:
        """SHA-256 of a segment's first line that is not blank; None where it has none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a run tells and asks its caller while it works.

    Attributes:
        clock: Monotonic seconds.
        should_stop: Asked after every block; True ends the run after the batch at hand.
        on_progress: Told the path, the bytes and the events added since the last call.
        on_total: Told how many bytes there are to read, once that is known.
        on_merge: Told which summary is being made of events that are stored already, up to which
            batch, and of how many.
    """

    clock: Callable[[], float]
    should_stop: Callable[[], bool] = lambda: False
    on_progress: Callable[[str, int, int], None] = lambda _path, _bytes, _events: None
    on_total: Callable[[int], None] = lambda _bytes: None
    on_merge: Callable[[str, int, int], None] = lambda _name, _batch_id, _newest: None
