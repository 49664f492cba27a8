"""A sink that keeps what it is given, in the place of a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from evidentia.ingest.rehearsal import Rehearsal
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.values import Compression, LogSource
from evidentia.store.sightings import Decision
from evidentia.store.values import (
    BatchWrite,
    Gap,
    NewSegment,
    Segment,
    SegmentChange,
    SegmentState,
)

NOTHING_READ = FingerprintBuilder().fingerprint()


def a_segment(number: int = 1, **changes: object) -> Segment:
    """A segment with nothing read yet, but for what is named."""
    empty = Segment(
        id=number,
        log_id=1,
        path=f"/logs/{number}.jsonl",
        pack="plain",
        is_lenient=False,
        compression=Compression.NONE,
        device=1,
        inode=number,
        fingerprint=NOTHING_READ,
        checkpoint=0,
        next_line=1,
        state=SegmentState.LIVE,
        tail_bytes=0,
        last_size=0,
        last_mtime_us=0,
    )
    return replace(empty, **changes)  # type: ignore[arg-type]  # fields by name


class KeepingSink:
    """Keeps batches, gaps and changes of segments in the order they came."""

    def __init__(self, *segments: Segment) -> None:
        self._pretence = Rehearsal(segments)
        self.writes: list[BatchWrite] = []
        self.gaps: list[Gap] = []
        self.changes: list[tuple[int, SegmentChange]] = []
        self.calls: list[str] = []

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""
        return self._pretence.segments()

    def log_id(self, source: LogSource) -> int:
        """Always the same."""
        return self._pretence.log_id(source)

    def add_segment(self, new: NewSegment) -> Segment:
        """A segment with the next free id."""
        self.calls.append("add_segment")
        return self._pretence.add_segment(new)

    def change_segment(
        self,
        segment_id: int,
        change: SegmentChange,
        gaps: Sequence[Gap] = (),
        decision: Decision | None = None,
    ) -> None:
        """Keep the change."""
        del decision
        self.gaps += gaps
        self.calls.append("change_segment")
        self.changes.append((segment_id, change))

    def kind_ids(self, names: Iterable[str]) -> dict[str, int]:
        """An id for every kind."""
        return self._pretence.kind_ids(names)

    def commit_batch(self, write: BatchWrite) -> None:
        """Keep the batch."""
        self.calls.append("commit_batch")
        self.writes.append(write)

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Keep the gaps."""
        self.gaps += gaps
