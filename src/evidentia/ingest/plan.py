"""Which segment a file continues: content decides, device and inode are only where to look first.

In this order: a file continues the segment that its inode held, when the bytes already read are
still there (head and anchor hash); else the segment that no such file continues and whose bytes it
holds, whatever its name, inode or compression: the renamed file, the copy, the archive. What is
left over may be a copy of lines that are stored, or a new segment; ``copies`` tells those apart
once everything here has been read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from blake3 import blake3

from evidentia.errors import EvidentiaError, LogError, UsageError
from evidentia.event.values import ByteOffset
from evidentia.log.compression import inspect_archive, open_stream
from evidentia.log.identity import (
    FingerprintBuilder,
    fingerprint,
    resume_fingerprint,
    still_holds,
)
from evidentia.log.names import stored_path
from evidentia.log.values import (
    HEAD_BYTES,
    ArchiveCondition,
    ArchiveState,
    Compression,
    FileIdentity,
    Limits,
    LogFile,
)
from evidentia.store.records import signed_64
from evidentia.store.values import Segment, SegmentState

Inode: TypeAlias = tuple[int, int]
Archive: TypeAlias = tuple[int, int, int, int]
"""Device, inode, size and time of an archive, which is not looked into twice while they stay."""

_BOUNDARIES: Final = (b"\n", b"\0")
"""What a segment may be read up to: the end of a line, or of a run of NULs before one."""
_DONE: Final = (SegmentState.FINISHED, SegmentState.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A file and the segment it continues; none when it begins one.

    Attributes:
        fingerprints: Goes on from the segment's checkpoint.
        is_unchanged: There is nothing to read.
    """

    file: LogFile
    segment: Segment | None
    fingerprints: FingerprintBuilder
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that cannot be read, or not like this."""

    file: LogFile
    problem: EvidentiaError


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What was decided for all files of a pass together.

    Attributes:
        plans: Files that continue a segment, oldest segment first.
        refusals: Files that cannot be read.
        rest: Files that continue none, in the order of the list.
        unclaimed: Segments that no file continues.
    """

    plans: tuple[Plan, ...]
    refusals: tuple[Refusal, ...]
    rest: tuple[LogFile, ...]
    unclaimed: tuple[Segment, ...]


@dataclass(slots=True, kw_only=True)
class Memory:
    """What was found in archives, which change only as a whole. Only saves work.

    Attributes:
        heads: The first bytes of an archive's stream.
        settled: The segment that an archive held, and the checkpoint it was read to.
        states: How an archive ended when it was read through.
        names: The names that were seen to lead to a segment's file.
        cut: Files that were seen to be cut in place, by their path.
    """

    heads: dict[Archive, bytes] = field(default_factory=dict)
    settled: dict[Archive, tuple[int, int]] = field(default_factory=dict)
    states: dict[Archive, ArchiveState] = field(default_factory=dict)
    names: dict[int, tuple[str, ...]] = field(default_factory=dict)
    cut: dict[str, FileIdentity | None] = field(default_factory=dict)


def plan_files(
    files: Sequence[LogFile],
    segments: Sequence[Segment],
    limits: Limits,
    memory: Memory,
    last: Sequence[LogFile] = (),
) -> Planned:
    """Decide for all files of a pass together which segment each continues.

    No segment is continued by two files: after a rotation the renamed file has the inode, and a
    new file the path.

    Args:
        files: Those of the list.
        segments: Every segment.
        limits: What reading a log may cost.
        memory: What was found in archives before.
        last: Files that are only held open: they continue what no file of the list does.
    """
    search = _Search(segments, limits, memory)
    search.nameless = {inode_of(file): file for file in last}
    for file in files:
        search.look(file, search.by_inode.get(inode_of(file), ()))
    for file in files:
        search.look_by_content(file)
    for file in last:
        search.look(file, search.by_inode.get(inode_of(file), ()))
    return search.planned((*files, *last))


class _Search:
    """The segments that no file continues yet, and what was found for each file."""

    def __init__(self, segments: Sequence[Segment], limits: Limits, memory: Memory) -> None:
        self.by_inode: dict[Inode, list[Segment]] = {}
        self._by_head: dict[tuple[int, bytes], list[Segment]] = {}
        self._segments = segments
        for segment in sorted(segments, key=lambda each: each.checkpoint, reverse=True):
            # A segment of which nothing was read yet is known by nothing.
            if segment.checkpoint:
                self.by_inode.setdefault((segment.device, segment.inode), []).append(segment)
                head = (segment.fingerprint.head_bytes, segment.fingerprint.head_hash)
                self._by_head.setdefault(head, []).append(segment)
        self._head_lengths = sorted({length for length, _hash in self._by_head}, reverse=True)
        self._limits = limits
        self._memory = memory
        self._claimed: set[int] = set()
        self.nameless: dict[Inode, LogFile] = {}
        self._plans: dict[LogFile, Plan] = {}
        self._refusals: dict[LogFile, Refusal] = {}

    def look(self, file: LogFile, near: Iterable[Segment], *, is_by_content: bool = False) -> None:
        """Find the segment that a file continues among those near it."""
        for segment in near:
            if file in self._plans or file in self._refusals:
                return
            if segment.id not in self._claimed:
                self._compare(file, segment, is_by_content=is_by_content)

    def look_by_content(self, file: LogFile) -> None:
        """Find the segment whose bytes a file holds, the one that was read furthest."""
        if file in self._plans or file in self._refusals or not file.size:
            return
        try:
            near = [
                segment
                for segment in self._with_head_of(file)
                if segment.id not in self._claimed and _is_same_source(segment, file)
            ]
        except LogError as problem:
            self._refusals[file] = Refusal(file=file, problem=problem)
            return
        self.look(file, near, is_by_content=True)

    def _with_head_of(self, file: LogFile) -> list[Segment]:
        head = head_of(file, self._limits, self._memory)
        found: list[Segment] = []
        for length in self._head_lengths:
            if len(head) >= length:
                found += self._by_head.get((length, blake3(head[:length]).digest()), ())
        return sorted(found, key=lambda each: each.checkpoint, reverse=True)

    def _compare(self, file: LogFile, segment: Segment, *, is_by_content: bool) -> None:
        try:
            plan = self._plan(file, segment)
            if plan is None:
                return
            if is_by_content and (
                self._cuts_a_line(plan, segment) or self._leaves_lines_behind(file, segment)
            ):
                return
            self._claimed.add(segment.id)
            _check_source(segment, file)
        except (LogError, UsageError) as problem:
            self._refusals[file] = Refusal(file=file, problem=problem)
            return
        self._plans[file] = plan

    def _plan(self, file: LogFile, segment: Segment) -> Plan | None:
        place = (segment.id, segment.checkpoint)
        is_settled = self._memory.settled.get(archive_of(file)) == place
        if is_settled and segment.path == stored_path(file.path):
            return Plan(
                file=file, segment=segment, fingerprints=FingerprintBuilder(), is_unchanged=True
            )
        return plan_of(file, segment, self._limits)

    def _cuts_a_line(self, plan: Plan, segment: Segment) -> bool:
        """Whether a file would go on in the middle of a line.

        A closed archive may end without a newline; a longer file that begins like it holds the
        whole of that line, and is another segment.
        """
        if plan.fingerprints.read_so_far.anchor[-1:] in _BOUNDARIES or plan.is_unchanged:
            return False
        end = inspected(plan.file, self._limits, self._memory).decompressed_bytes
        return end != segment.checkpoint

    def _leaves_lines_behind(self, file: LogFile, segment: Segment) -> bool:
        """Whether the segment's own file, which lost its name, has lines that this one has not.

        So it is with a backup that was put back while the log had grown; an archive has them all.
        """
        own = self.nameless.get((segment.device, segment.inode))
        if own is None or own.size <= segment.checkpoint:
            return False
        end = ByteOffset(own.size)
        whole = fingerprint(own.place, end, limits=self._limits)
        return not still_holds(file.place, whole, end, limits=self._limits)

    def planned(self, files: Sequence[LogFile]) -> Planned:
        """The decisions, once all files were looked at."""
        plans = [self._plans[file] for file in files if file in self._plans]
        return Planned(
            plans=tuple(sorted(plans, key=_segment_id)),
            refusals=tuple(self._refusals.values()),
            rest=tuple(
                file
                for file in files
                if file not in self._plans
                and file not in self._refusals
                and not (file.held is not None and inode_of(file) in self.by_inode)
            ),
            unclaimed=tuple(each for each in self._segments if each.id not in self._claimed),
        )


def plan_of(file: LogFile, segment: Segment, limits: Limits) -> Plan | None:
    """How a file goes on with a segment; None when the bytes already read are not in it.

    Raises:
        LogError: The file cannot be read.
    """
    fingerprints = resume_fingerprint(
        file.place, segment.fingerprint, ByteOffset(segment.checkpoint), limits=limits
    )
    if fingerprints is None:
        return None
    return Plan(
        file=file,
        segment=segment,
        fingerprints=fingerprints,
        is_unchanged=_is_done(segment) and _is_as_it_was(segment, file),
    )


def _segment_id(plan: Plan) -> int:
    return plan.segment.id if plan.segment else 0


def inode_of(file: LogFile) -> Inode:
    """Device and inode in the form that segments hold them."""
    return signed_64(file.device), signed_64(file.inode)


def archive_of(file: LogFile) -> Archive:
    """What names an archive as long as nobody has touched it."""
    return file.device, file.inode, file.size, file.mtime_us


def head_of(file: LogFile, limits: Limits, memory: Memory) -> bytes:
    """The first 1,024 bytes of a file's stream, fewer where there are no more.

    Raises:
        LogError: The file cannot be read.
    """
    key = archive_of(file)
    if key in memory.heads:
        return memory.heads[key]
    with open_stream(file.place, limits=limits) as stream:
        head = stream.salvage(HEAD_BYTES)
    if file.compression is not Compression.NONE:
        memory.heads[key] = head
    return head


def inspected(file: LogFile, limits: Limits, memory: Memory) -> ArchiveState:
    """How a file ends: a plain one as it is, an archive after reading it through once.

    Raises:
        LogError: The file cannot be read.
    """
    if file.compression is Compression.NONE:
        return ArchiveState(condition=ArchiveCondition.CLEAN, decompressed_bytes=file.size)
    key = archive_of(file)
    if key not in memory.states:
        memory.states[key] = inspect_archive(file.place, limits)
    return memory.states[key]


def file_with_inode(segment: Segment, files: Mapping[Inode, LogFile]) -> LogFile | None:
    """The file that has a segment's inode now.

    An inode that was dealt anew is told apart by its generation, where the file system has one.
    """
    file = files.get((segment.device, segment.inode))
    if file is None or file.generation == segment.generation:
        return file
    return file if None in (file.generation, segment.generation) else None


def _is_done(segment: Segment) -> bool:
    return segment.state in _DONE


def _is_as_it_was(segment: Segment, file: LogFile) -> bool:
    is_same_form = segment.compression is file.compression
    return is_same_form and (segment.last_size, segment.path) == (
        file.size,
        stored_path(file.path),
    )


def _is_same_source(segment: Segment, file: LogFile) -> bool:
    source = file.source
    return (segment.pack, segment.is_lenient) == (source.pack, source.is_lenient) or (
        # At the path itself it is the log, asked for wrongly, and the user must hear of that.
        segment.path == stored_path(file.path)
    )


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
