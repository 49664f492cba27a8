"""Where every log stands: what is stored, what is held back, what has not been read yet."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.errors import LogError
from evidentia.log.names import path_of
from evidentia.log.opening import open_log
from evidentia.log.values import Compression
from evidentia.store.lease import Holder
from evidentia.store.reader import StoreReader
from evidentia.store.sightings import StaleCopy, StoredDecision
from evidentia.store.values import Segment, StoreCounts, StoredGap


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentStatus:
    """Where one segment stands.

    Attributes:
        size: Bytes the file has now; None when it is gone or cannot be read.
        lag_bytes: Bytes in the file after the checkpoint; None where that cannot be told without
            decompressing, or the file no longer holds this segment.
        last_commit_us: When its newest batch was committed.
        names: Every path that led to its file, oldest first.
        decisions: What was decided on it, and why.
    """

    segment: Segment
    events: int
    dead_letters: int
    size: int | None
    lag_bytes: int | None
    last_commit_us: int | None
    names: tuple[str, ...]
    decisions: tuple[StoredDecision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """Where the whole store stands.

    Attributes:
        dead_letter_groups: (reason, state, count).
        copies: Files that hold nothing but stored lines.
        holder: Who holds the store, if anybody.
    """

    segments: tuple[SegmentStatus, ...]
    counts: StoreCounts
    dead_letter_groups: tuple[tuple[str, str, int], ...]
    gaps: tuple[StoredGap, ...]
    copies: tuple[StaleCopy, ...]
    holder: Holder | None


def status(reader: StoreReader) -> StoreStatus:
    """Where every log stands."""
    totals: dict[int, tuple[int, int, int]] = {}
    for batch in reader.batches():
        events, letters, _last = totals.get(batch.segment_id, (0, 0, 0))
        totals[batch.segment_id] = (
            events + batch.event_count,
            letters + batch.dead_letter_count,
            batch.committed_us,
        )
    past = _Past(names=reader.segment_names(), decisions=reader.decisions())
    return StoreStatus(
        segments=tuple(
            _segment_status(segment, totals.get(segment.id, (0, 0, 0)), past)
            for segment in reader.segments()
        ),
        counts=reader.counts(),
        dead_letter_groups=reader.dead_letter_groups(),
        gaps=reader.gaps(),
        copies=reader.stale_copies(),
        holder=reader.holder(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    names: dict[int, tuple[str, ...]]
    decisions: tuple[StoredDecision, ...]


def _segment_status(segment: Segment, total: tuple[int, int, int], past: _Past) -> SegmentStatus:
    size = _size_now(segment)
    is_plain = segment.compression is Compression.NONE
    return SegmentStatus(
        segment=segment,
        events=total[0],
        dead_letters=total[1],
        size=size,
        lag_bytes=None if size is None or not is_plain else max(0, size - segment.checkpoint),
        last_commit_us=total[2] or None,
        names=past.names.get(segment.id, ()),
        decisions=tuple(each for each in past.decisions if each.segment_id == segment.id),
    )


def _size_now(segment: Segment) -> int | None:
    if segment.has_no_file:
        return None
    try:
        with open_log(path_of(segment.path)) as raw:
            return raw.size()
    except LogError:
        return None
