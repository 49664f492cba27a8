"""Which segment a file continues: content decides, device and inode are only where to look first.

A segment is resumed when the bytes already read are still there (head and anchor hash). A file
that shrank, or whose head or anchor changed, starts the next segment; the segment it used to hold
is then ``replaced``, unless another file of the same run continues it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from evidentia.errors import EvidentiaError, LogError, UsageError
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
        replaced: Segments whose bytes this file used to hold and no file holds any more.
    """

    file: LogFile
    segment: Segment | None
    fingerprints: FingerprintBuilder
    is_unchanged: bool = False
    replaced: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that cannot be read, or not like this."""

    file: LogFile
    problem: EvidentiaError


def plan_files(
    files: Sequence[LogFile], segments: Sequence[Segment], limits: Limits
) -> tuple[Plan | Refusal, ...]:
    """Decide for all files of a run together which segment each continues.

    No segment is continued by two files, nor replaced by one while another continues it: after a
    rotation the renamed file has the inode, and a new file the path.
    """
    search = _Search(segments, limits)
    for file in files:
        search.look(file, search.by_inode.get(_inode(file), []))
    for file in files:
        search.look(file, search.by_path.get(stored_path(file.path), []))
    return tuple(search.result(file) for file in files)


class _Search:
    """The segments that no file continues yet, and what was found for each file."""

    def __init__(self, segments: Sequence[Segment], limits: Limits) -> None:
        self.by_inode: dict[tuple[int, int], list[Segment]] = {}
        self.by_path: dict[str, list[Segment]] = {}
        for segment in sorted(segments, key=lambda each: each.checkpoint, reverse=True):
            if segment.state is not SegmentState.REPLACED:
                self.by_inode.setdefault((segment.device, segment.inode), []).append(segment)
                self.by_path.setdefault(segment.path, []).append(segment)
        self._limits = limits
        self._taken: set[int] = set()
        self._found: dict[LogFile, Plan | Refusal] = {}

    def look(self, file: LogFile, near: Sequence[Segment]) -> None:
        """Find the segment that a file continues among those near it."""
        for segment in near:
            if file in self._found:
                return
            if segment.id not in self._taken:
                self._compare(file, segment)

    def _compare(self, file: LogFile, segment: Segment) -> None:
        try:
            fingerprints = _resumed(file, segment, self._limits)
            if fingerprints is None:
                return
            self._taken.add(segment.id)
            _check_source(segment, file)
        except (LogError, UsageError) as problem:
            self._found[file] = Refusal(file=file, problem=problem)
            return
        self._found[file] = Plan(
            file=file,
            segment=segment,
            fingerprints=fingerprints,
            is_unchanged=_is_done(segment) and segment.last_size == file.size,
        )

    def result(self, file: LogFile) -> Plan | Refusal:
        """What to do with a file, once all were looked at."""
        if file in self._found:
            return self._found[file]
        near = {
            segment.id: segment
            for segment in (
                *self.by_inode.get(_inode(file), ()),
                *self.by_path.get(stored_path(file.path), ()),
            )
            if segment.id not in self._taken
        }
        self._taken |= near.keys()
        return Plan(
            file=file,
            segment=None,
            fingerprints=FingerprintBuilder(),
            replaced=tuple(near.values()),
        )


def _inode(file: LogFile) -> tuple[int, int]:
    return signed_64(file.device), signed_64(file.inode)


def _resumed(file: LogFile, segment: Segment, limits: Limits) -> FingerprintBuilder | None:
    if segment.compression is not file.compression:
        # The segment's byte offsets would be looked up in bytes that are packed differently.
        return None
    return resume_fingerprint(
        file.path,
        file.compression,
        segment.fingerprint,
        ByteOffset(segment.checkpoint),
        limits=limits,
    )


def _is_done(segment: Segment) -> bool:
    return segment.state in (SegmentState.FINISHED, SegmentState.BROKEN)


def _check_source(segment: Segment, file: LogFile) -> None:
    if segment.pack != file.source.pack:
        raise UsageError(
            f"this log is in the store as pack {segment.pack}, not {file.source.pack}",
            where=str(file.path),
            fix=f"use --pack {segment.pack}, or ingest it into another store",
        )
    if segment.is_lenient != file.source.is_lenient:
        known, wanted = ("lenient", "strict") if segment.is_lenient else ("strict", "lenient")
        raise UsageError(
            f"this log is in the store as {known}, not as {wanted}: its rows would no longer be "
            "what a replay gives",
            where=str(file.path),
            fix=f"read it as {known}, or ingest it into another store",
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
