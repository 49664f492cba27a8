"""Files that continue no segment: copies of what is stored, archives to wait for, new segments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from evidentia.errors import LogChangedError, LogError, LogMissingError, UsageError
from evidentia.ingest.copies import Copies, Likeness
from evidentia.ingest.crew import Crew
from evidentia.ingest.endings import Arrival, outgrown
from evidentia.ingest.plan import (
    Inode,
    Memory,
    Plan,
    archive_of,
    file_with_inode,
    inode_of,
    inspected,
    plan_of,
)
from evidentia.ingest.reading import Task, report_unread
from evidentia.ingest.sight import Sight
from evidentia.ingest.values import FileReport, Outcome
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import is_rotation_of, stored_path
from evidentia.log.values import ArchiveCondition, Compression, LogFile
from evidentia.store.values import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The files of a look, by what leads to them."""

    by_inode: Mapping[Inode, LogFile]
    by_path: Mapping[str, LogFile]


class Newcomers:
    """Judges and reads what is left when every known segment has its file.

    Attributes:
        copied: Files that hold nothing but stored lines, by the segment that has those.
        waiting: Archives that are still being written.
        going_on: Segments that began here, or that a file judged here goes on with.
        is_disturbed: A rotation came in between; another look is needed.
    """

    def __init__(self, crew: Crew, sight: Sight, memory: Memory, beside: Neighbours) -> None:
        self._crew = crew
        self._sight = sight
        self._memory = memory
        self._beside = beside
        self.copied: dict[int, list[str]] = {}
        self.waiting: list[LogFile] = []
        self.going_on: set[int] = set()
        self.is_disturbed = False

    def read(self, file: LogFile, copies: Copies) -> FileReport:
        """Tell a copy from a new segment, and read the latter; what fails is in the report.

        Raises:
            StoreError: The store refuses or fails.
        """
        plan = Plan(file=file, segment=None, fingerprints=FingerprintBuilder())
        if not file.size:
            return report_unread(plan, Outcome.UNCHANGED)
        try:
            known = copies.known(file)
            if known is not None and copies.is_unchanged(file, known):
                return self._copy(plan, known.segment_id)
            return self._judge(plan, copies)
        except (LogError, UsageError) as problem:
            has_moved = isinstance(problem, LogMissingError | LogChangedError)
            self.is_disturbed = self.is_disturbed or has_moved
            return report_unread(plan, Outcome.FAILED, problem)

    def _judge(self, plan: Plan, copies: Copies) -> FileReport:
        file = plan.file
        archive = inspected(file, self._crew.options.limits, self._memory)
        if archive.condition is ArchiveCondition.TRUNCATED and not self._crew.options.is_final:
            self.waiting.append(file)
            return report_unread(plan, Outcome.WAITING)
        task = Task(plan=plan, archive=archive)
        like = copies.likeness(file)
        if like is None:
            return self._read_new(task, copies, like)
        if like.is_whole:
            # A file without a name has nothing to be remembered by.
            if file.held is None:
                copies.remember(file, like)
            return self._copy(plan, like.segment_id)
        longer = self._outgrowing(task, like)
        if longer is None or longer.plan.segment is None:
            return self._read_new(task, copies, like)
        self.going_on.add(longer.plan.segment.id)
        report = self._crew.reader(file.source).go_on(longer, longer.plan.segment)
        copies.forget(file)
        return report

    def _copy(self, plan: Plan, segment_id: int) -> FileReport:
        if plan.file.held is None:
            self.copied.setdefault(segment_id, []).append(stored_path(plan.file.path))
        return report_unread(plan, Outcome.COPY)

    def _outgrowing(self, task: Task, like: Likeness) -> Task | None:
        """The task of a file that begins with all of a segment, and so goes on with it."""
        file = task.plan.file
        for segment in self._crew.sink.segments():
            if segment.id == like.segment_id and segment.checkpoint == like.same_bytes:
                plan = plan_of(file, segment, self._crew.options.limits)
                arrival = outgrown(segment, file, self._cut_file(segment, file))
                return None if plan is None else replace(task, plan=plan, arrival=arrival)
        return None

    def _cut_file(self, segment: Segment, copy: LogFile) -> LogFile | None:
        """The file that a segment was read from, where it was cut since this look began."""
        own = file_with_inode(segment, self._beside.by_inode)
        if own is None or own is copy:
            return None
        if plan_of(own, segment, self._crew.options.limits) is not None:
            return None
        self._memory.cut[stored_path(own.path)] = own.place.identity
        return own

    def _read_new(self, task: Task, copies: Copies, like: Likeness | None) -> FileReport:
        file = task.plan.file
        evidence = {
            "inode": file.inode,
            "compression": file.compression.value,
            **_overlap(like),
        }
        task = replace(
            task,
            is_diverged=copies.known(file) is not None,
            evidence=json.dumps(evidence, sort_keys=True),
            arrival=self._arrival_of_copy(file),
        )
        report = self._crew.reader(file.source).begin(task, self._empty_segment_of(file))
        copies.forget(file)
        if report.segment_id is None:
            return report
        self.going_on.add(report.segment_id)
        copies.add(report.segment_id, file.source)
        if file.compression is not Compression.NONE and report.outcome is Outcome.READ:
            self._memory.settled[archive_of(file)] = (report.segment_id, report.checkpoint)
        return report

    def _arrival_of_copy(self, file: LogFile) -> Arrival | None:
        """That a rotated file, never seen as the live one, must be a copy of it.

        The live file still has its inode but not its bytes, so whatever was rotated since was
        copied and cut, and each time something may have been written in between.
        """
        for path, identity in self._memory.cut.items():
            own = self._beside.by_path.get(path)
            is_same = own is not None and own.place.identity == identity
            if is_same and own is not None and is_rotation_of(file.path, own.path):
                return Arrival(decision=None, cut=own)
        return None

    def _empty_segment_of(self, file: LogFile) -> Segment | None:
        """The segment of an archive that broke before its first complete line."""
        for segment in self._sight.segments:
            is_same = file_with_inode(segment, {inode_of(file): file}) is file
            if not segment.checkpoint and not segment.has_no_file and is_same:
                return segment
        return None


def _overlap(like: Likeness | None) -> dict[str, object]:
    """Which lines at its beginning a new segment shares with another one."""
    if like is None or not like.same_bytes:
        return {}
    return {"same_bytes_as": like.segment_id, "same_bytes": like.same_bytes}
