"""Which segment a file continues: content decides, device and inode are only where to look first.

A segment is resumed when the bytes already read are still there (head and anchor hash). A file
that shrank, or whose head or anchor changed, starts the next segment; the segment it used to hold
is then ``replaced``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from evidentia.errors import UsageError
from evidentia.event.values import ByteOffset
from evidentia.log.identity import FingerprintBuilder, resume_fingerprint
from evidentia.log.names import stored_path
from evidentia.log.values import Limits, LogFile
from evidentia.store.records import signed_64
from evidentia.store.values import Gap, Segment, SegmentChange, SegmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do with a file.

    Attributes:
        segment: The segment it continues; None when it begins one.
        fingerprints: Goes on from the segment's checkpoint.
        is_unchanged: The segment is finished and the file is as it was: nothing to read.
        replaced: Segments whose bytes this file used to hold and no longer does.
    """

    file: LogFile
    segment: Segment | None
    fingerprints: FingerprintBuilder
    is_unchanged: bool = False
    replaced: tuple[Segment, ...] = ()


def plan_file(file: LogFile, segments: tuple[Segment, ...], limits: Limits) -> Plan:
    """Decide which segment a file continues.

    Raises:
        UsageError: The file is in the store, read by another pack.
        LogError: The file cannot be read.
    """
    near = [
        each
        for each in segments
        if each.state is not SegmentState.REPLACED
        and (_is_same_inode(each, file) or each.path == stored_path(file.path))
    ]
    near.sort(key=lambda each: (_is_same_inode(each, file), each.checkpoint), reverse=True)
    for segment in near:
        fingerprints = resume_fingerprint(
            file.path,
            file.compression,
            segment.fingerprint,
            ByteOffset(segment.checkpoint),
            limits=limits,
        )
        if fingerprints is not None:
            _check_pack(segment, file)
            return Plan(
                file=file,
                segment=segment,
                fingerprints=fingerprints,
                is_unchanged=_is_done(segment) and segment.last_size == file.size,
            )
    return Plan(file=file, segment=None, fingerprints=FingerprintBuilder(), replaced=tuple(near))


def _is_same_inode(segment: Segment, file: LogFile) -> bool:
    return (segment.device, segment.inode) == (signed_64(file.device), signed_64(file.inode))


def _is_done(segment: Segment) -> bool:
    return segment.state in (SegmentState.FINISHED, SegmentState.BROKEN)


def _check_pack(segment: Segment, file: LogFile) -> None:
    if segment.pack != file.source.pack:
        raise UsageError(
            f"this log is in the store as pack {segment.pack}, not {file.source.pack}",
            where=str(file.path),
            fix=f"use --pack {segment.pack}, or ingest it into another store",
        )


def replacement(segment: Segment) -> tuple[SegmentChange, tuple[Gap, ...]]:
    """How a segment ends whose file now holds other bytes, and what may have been lost with it."""
    change = SegmentChange(
        state=SegmentState.REPLACED,
        tail_bytes=segment.tail_bytes,
        last_size=segment.last_size,
        last_mtime_us=segment.last_mtime_us,
        path=segment.path,
        device=segment.device,
        inode=segment.inode,
    )
    if not segment.tail_bytes:
        return change, ()
    gap = Gap(
        segment_id=segment.id,
        byte_offset=segment.checkpoint,
        kind="unread_replaced",
        detail=f"the file was truncated or replaced while its last {segment.tail_bytes} bytes "
        "had no newline yet and were held back",
        evidence=json.dumps(
            {"tail_bytes": segment.tail_bytes, "last_size": segment.last_size}, sort_keys=True
        ),
    )
    return change, (gap,)
