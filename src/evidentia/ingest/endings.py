"""What became of a segment that no file continues, and what may have been lost with it. Pure.

A segment ends as *replaced* where its own file holds other bytes now, as *gone* where no file of
the list is left, as *finished* where it was read to its end and its writer has moved on. Only the
last of these loses nothing for certain.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from evidentia.ingest.plan import Inode, file_with_inode, inode_of
from evidentia.log.names import stored_path
from evidentia.log.values import Compression, LogFile
from evidentia.store.sightings import Decision, DecisionKind
from evidentia.store.values import Gap, GapKind, Segment, SegmentChange, SegmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a pass has seen, from which an ending is judged.

    Attributes:
        by_inode: Every file of the list.
        by_path: The same, by the path as it is stored.
        copied: Segments of which some file is a copy, by id, with that file's path.
        waiting: Segments that an archive may hold which is still being written.
    """

    by_inode: Mapping[Inode, LogFile]
    by_path: Mapping[str, LogFile]
    copied: Mapping[int, Collection[str]]
    waiting: Collection[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """That another name or file holds a segment now, or that a copy begins one.

    Attributes:
        decision: What is recorded of it; None where the segment is new, which says so itself.
        cut: The file that held it before, where that was cut after it was copied.
    """

    decision: Decision | None
    cut: LogFile | None = None

    def gaps(self, segment: Segment, file: LogFile, end: int) -> tuple[Gap, ...]:
        """What may be lost between the copy's end and the cut."""
        return () if self.cut is None else (_window_gap(segment, self.cut, file, end),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a segment ends: what to write."""

    segment: Segment
    change: SegmentChange
    decision: Decision
    gaps: tuple[Gap, ...] = ()


def ending_of(segment: Segment, seen: Surroundings) -> Ending | None:
    """How a segment ends that no file continues; None while it may still go on."""
    if segment.has_no_file:
        return None
    if segment.state is not SegmentState.LIVE:
        was = {"was": segment.state.value, "read_up_to": segment.checkpoint}
        return _ended(segment, DecisionKind.GONE, was)
    own = file_with_inode(segment, seen.by_inode)
    if segment.id in seen.waiting or _may_come_back(segment, own, seen):
        return None
    # An archive is not cut by its writer; other bytes in it are another file's.
    is_plain = segment.compression is Compression.NONE
    there = own or seen.by_path.get(segment.path)
    return _cut(segment, own) if own and is_plain else _out_of_sight(segment, there)


def _may_come_back(segment: Segment, own: LogFile | None, seen: Surroundings) -> bool:
    """Whether the segment's own file only looks shorter than it was.

    It is empty, so nothing has taken the segment's place yet; or it holds the segment's own first
    lines, as a network file system shows it for a while, and a backup that was put back.
    """
    if own is None:
        return False
    copies = seen.copied.get(segment.id, ())
    return not own.size or any(seen.by_path.get(path) == own for path in copies)


def _cut(segment: Segment, own: LogFile) -> Ending:
    evidence = {
        "checkpoint": segment.checkpoint,
        "size_before": segment.last_size,
        "size_now": own.size,
        "held_back_bytes": segment.tail_bytes,
    }
    window = Gap(
        segment_id=segment.id,
        byte_offset=segment.checkpoint,
        kind=GapKind.COPYTRUNCATE_WINDOW,
        detail="the file was cut or written anew, and no copy of it continues this segment: what "
        f"was written after byte {segment.checkpoint} and before that is unknown",
        evidence=_json(evidence),
    )
    return replace(
        _ended(segment, DecisionKind.REPLACED, evidence), gaps=(window, *lost_tail(segment))
    )


def _out_of_sight(segment: Segment, there: LogFile | None) -> Ending:
    evidence = {
        "checkpoint": segment.checkpoint,
        "size_before": segment.last_size,
        "held_back_bytes": segment.tail_bytes,
        "is_another_file_there": there is not None,
    }
    gap = Gap(
        segment_id=segment.id,
        byte_offset=segment.checkpoint,
        kind=GapKind.ROTATED_AWAY,
        detail="the file was deleted or went out of the list before its end was seen: what follows "
        f"byte {segment.checkpoint} is unknown",
        evidence=_json(evidence),
    )
    kind = DecisionKind.REPLACED if there else DecisionKind.GONE
    return replace(_ended(segment, kind, evidence), gaps=(gap, *lost_tail(segment)))


def lost_tail(segment: Segment) -> tuple[Gap, ...]:
    """The gap for bytes without newline that went with their file."""
    if not segment.tail_bytes:
        return ()
    gap = Gap(
        segment_id=segment.id,
        byte_offset=segment.checkpoint,
        kind=GapKind.UNREAD_REPLACED,
        detail=f"the last {segment.tail_bytes} bytes had no newline yet, were held back, and went "
        "with their file",
        evidence=_json({"held_back_bytes": segment.tail_bytes, "last_size": segment.last_size}),
    )
    return (gap,)


def _window_gap(segment: Segment, own: LogFile, copy: LogFile, end: int) -> Gap:
    """The gap between a copy's end and the cut of the file it was copied from."""
    return Gap(
        segment_id=segment.id,
        byte_offset=end,
        kind=GapKind.COPYTRUNCATE_WINDOW,
        detail=f"the file was copied and then cut: what was written in between, after byte {end}, "
        "is in neither",
        evidence=_json(
            {
                "copy": copy.path.name,
                "copy_ends_at": end,
                "size_before": segment.last_size,
                "size_now": own.size,
                "seen_but_not_in_copy_bytes": max(0, segment.last_size - end)
                if segment.compression is own.compression
                else 0,
            }
        ),
    )


def finished(segment: Segment, why: Mapping[str, object], *, is_nameless: bool) -> Ending:
    """The ending of a segment that was read to its end; its writer has moved on or fallen silent.

    Where no name leads to its file any more, it is gone without a loss, but for bytes without
    newline that are still held back.
    """
    ending = _ended(segment, DecisionKind.FINISHED, why)
    if not is_nameless:
        return ending
    gone = change_of(segment, SegmentState.GONE)
    return replace(ending, change=gone, gaps=lost_tail(segment))


def arrival_of(segment: Segment, file: LogFile, own: LogFile | None) -> Arrival | None:
    """In what way a segment's file is not the one it was; None where it is.

    Args:
        segment: The segment that the file continues.
        file: The file.
        own: The file that has the segment's inode now, if any.
    """
    path = stored_path(file.path)
    how = _how_continued(segment, file, path)
    if how is None:
        return None
    evidence = {
        "how": how,
        "was": segment.path,
        "checkpoint": segment.checkpoint,
        "compression": file.compression.value,
    }
    is_cut = (
        own is not None
        and own is not file
        and segment.state is SegmentState.LIVE
        and stored_path(own.path) == segment.path
    )
    return Arrival(
        decision=Decision(
            path=path,
            segment_id=segment.id,
            kind=DecisionKind.CONTINUED,
            evidence=_json(evidence),
        ),
        cut=own if is_cut else None,
    )


def outgrown(segment: Segment, file: LogFile, cut: LogFile | None) -> Arrival:
    """That a copy holds all of a segment and more, so that it goes on with it.

    Args:
        segment: The segment.
        file: The copy.
        cut: The segment's own file, where that was cut.
    """
    evidence = {"how": "outgrown by a copy", "was": segment.path, "checkpoint": segment.checkpoint}
    return Arrival(
        decision=Decision(
            path=stored_path(file.path),
            segment_id=segment.id,
            kind=DecisionKind.CONTINUED,
            evidence=_json(evidence),
        ),
        cut=cut,
    )


def _how_continued(segment: Segment, file: LogFile, path: str) -> str | None:
    if segment.has_no_file:
        return "found again"
    if segment.compression is not file.compression:
        return "decompressed" if file.compression is Compression.NONE else "compressed"
    if (segment.device, segment.inode) != inode_of(file):
        return "copied" if path != segment.path else "replaced by an equal file"
    return "renamed" if path != segment.path else None


def _ended(segment: Segment, kind: DecisionKind, evidence: Mapping[str, object]) -> Ending:
    return Ending(
        segment=segment,
        change=change_of(segment, SegmentState(kind.value)),
        decision=Decision(
            path=segment.path, segment_id=segment.id, kind=kind, evidence=_json(evidence)
        ),
    )


def change_of(segment: Segment, state: SegmentState) -> SegmentChange:
    """A change of nothing but the state."""
    return SegmentChange(
        state=state,
        tail_bytes=segment.tail_bytes,
        last_size=segment.last_size,
        last_mtime_us=segment.last_mtime_us,
        path=segment.path,
        device=segment.device,
        inode=segment.inode,
        compression=segment.compression,
        generation=segment.generation,
    )


def _json(evidence: Mapping[str, object]) -> str:
    return json.dumps(evidence, sort_keys=True)
