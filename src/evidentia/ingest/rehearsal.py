"""A dry run's sink: everything is read and judged, nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from evidentia.log.identity import FingerprintBuilder
from evidentia.log.values import LogSource
from evidentia.store.evidence import StoredBytes, stored_bytes
from evidentia.store.reader import StoreReader
from evidentia.store.sightings import Decision, StaleCopy
from evidentia.store.values import (
    BatchWrite,
    Gap,
    NewSegment,
    Segment,
    SegmentChange,
    SegmentState,
)


class Rehearsal:
    """Takes batches as a store would and forgets them.

    Args:
        segments: What the store holds now, so that only new bytes are read.
        stored: Where to ask for what it holds of them; None for no store.
    """

    def __init__(self, segments: Sequence[Segment], stored: StoreReader | None = None) -> None:
        self._stored = stored
        self._segments = {segment.id: segment for segment in segments}
        self._kinds: dict[str, int] = {}

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""
        return tuple(self._segments.values())

    def log_id(self, source: LogSource) -> int:
        """An id that no log has."""
        del source
        return 0

    def add_segment(self, new: NewSegment) -> Segment:
        """A segment with the next free id."""
        segment = Segment(
            id=max(self._segments, default=0) + 1,
            log_id=new.log_id,
            path=new.path,
            pack="",
            is_lenient=False,
            compression=new.compression,
            device=new.device,
            inode=new.inode,
            fingerprint=FingerprintBuilder().fingerprint(),
            checkpoint=0,
            next_line=1,
            state=SegmentState.LIVE,
            tail_bytes=0,
            last_size=0,
            last_mtime_us=0,
            generation=new.generation,
            first_path=new.path,
        )
        self._segments[segment.id] = segment
        return segment

    def change_segment(
        self,
        segment_id: int,
        change: SegmentChange,
        gaps: Sequence[Gap] = (),
        decision: Decision | None = None,
    ) -> None:
        """Remember the state."""
        del gaps, decision
        self._segments[segment_id] = replace(self._segments[segment_id], state=change.state)

    def kind_ids(self, names: Iterable[str]) -> dict[str, int]:
        """An id for every kind."""
        for name in names:
            self._kinds.setdefault(name, len(self._kinds) + 1)
        return self._kinds

    def commit_batch(self, write: BatchWrite) -> None:
        """Nothing to keep."""

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Nothing to keep."""

    def add_names(self, segment_id: int, paths: Sequence[str]) -> None:
        """Nothing to keep."""

    def stale_copies(self) -> tuple[StaleCopy, ...]:
        """Every file that held nothing new when it was last looked at."""
        return self._stored.stale_copies() if self._stored else ()

    def remember_copy(self, copy: StaleCopy, decision: Decision | None = None) -> None:
        """Nothing to keep."""

    def forget_copy(self, path: str) -> None:
        """Nothing to forget."""

    def stored_bytes(self, segment_id: int, span: tuple[int, int]) -> tuple[StoredBytes, ...]:
        """What the store holds of a byte range; lines read in this run are not among it."""
        return tuple(stored_bytes(self._stored, segment_id, span)) if self._stored else ()

    def first_line_sha256(self, segment_id: int) -> bytes | None:
        """SHA-256 of a stored segment's first line."""
        return self._stored.first_line_sha256(segment_id) if self._stored else None
