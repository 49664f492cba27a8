"""One look at all files and everything that follows from it.

First the files that continue a segment, oldest segment first, so that order across a rotation is
kept. Then the rest: copies of what is stored by now, and new segments. Last the segments that no
file continues.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blake3 import blake3

from evidentia.errors import LogChangedError, LogError, LogMissingError, UsageError
from evidentia.ingest.copies import Copies, Likeness
from evidentia.ingest.endings import (
    Arrival,
    Ending,
    Surroundings,
    arrival_of,
    ending_of,
    finished,
    outgrown,
)
from evidentia.ingest.held import IDLE_SECONDS_MAX
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.ingest.plan import (
    Inode,
    Memory,
    Plan,
    archive_of,
    file_with_inode,
    head_of,
    inode_of,
    inspected,
    plan_files,
    plan_of,
)
from evidentia.ingest.reading import FileReader, Task, report_unread
from evidentia.ingest.sight import Sight, by_first_event
from evidentia.ingest.values import BatchSink, FileReport, IngestOptions, Outcome, Watch
from evidentia.ingest.workers import InlineParsers, WorkerParsers
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import is_rotation_of, stored_path
from evidentia.log.values import ArchiveCondition, ArchiveState, Compression, LogFile, LogSource
from evidentia.store.records import signed_64
from evidentia.store.sightings import Decision, DecisionKind
from evidentia.store.values import Gap, Segment, SegmentState

_HELD_OPEN: Final = (Outcome.READ, Outcome.UNCHANGED, Outcome.COPY)
_CLEAN: Final = ArchiveCondition.CLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What does the work of a pass.

    Attributes:
        numbers: Which parser of the pool reads which kind of log (pack and strictness).
    """

    sink: BatchSink
    pool: InlineParsers | WorkerParsers
    numbers: Mapping[tuple[str, bool], int]
    settings: Mapping[tuple[str, bool], ParseSettings]
    parsers: Mapping[tuple[str, bool], LineParser]
    options: IngestOptions
    watch: Watch

    def reader(self, source: LogSource) -> FileReader:
        """The reader of one kind of log."""
        key = (source.pack, source.is_lenient)
        return FileReader(
            sink=self.sink,
            pool=self.pool,
            number=self.numbers[key],
            parser=self.parsers[key],
            options=self.options,
            watch=self.watch,
        )


class Pass:
    """One look at the files of a list.

    Attributes:
        is_stopped: The run was asked to stop.
        is_disturbed: A rotation came in between; another look is needed.
        live_files: Files that may still grow.
        finished_files: Files that will not.
    """

    def __init__(self, crew: Crew, sight: Sight, memory: Memory) -> None:
        self._crew = crew
        self._sight = sight
        self._memory = memory
        limits = crew.options.limits
        self._planned = plan_files(sight.files, sight.segments, limits, memory, sight.held)
        self._by_inode: dict[Inode, LogFile] = {inode_of(file): file for file in sight.files}
        self._by_path = {stored_path(file.path): file for file in sight.files}
        self._copied: dict[int, list[str]] = {}
        self._waiting: list[LogFile] = []
        self._begun: set[int] = set()
        self._finished: list[Ending] = []
        self.is_stopped = False
        self.is_disturbed = False
        self.live_files: list[LogFile] = []
        self.finished_files: list[LogFile] = []
        self._own_claims = {
            plan.segment.id
            for plan in self._planned.plans
            if plan.segment and inode_of(plan.file) == (plan.segment.device, plan.segment.inode)
        }
        self._note_cuts()
        needed = {*(plan.file for plan in self._planned.plans), *self._planned.rest}
        # A file that only a descriptor leads to, and whose segment another file continues.
        self.finished_files += [file for file in sight.held if file not in needed]

    @property
    def is_settled(self) -> bool:
        """Whether no segment is left to end and nothing came in between."""
        return not self.is_disturbed and not any(self._endings())

    def run(self) -> Iterator[FileReport]:
        """Read every file, and tell what became of each."""
        for refusal in self._planned.refusals:
            if isinstance(refusal.problem, LogMissingError | LogChangedError):
                self.is_disturbed = True
            plan = Plan(file=refusal.file, segment=None, fingerprints=FingerprintBuilder())
            yield report_unread(plan, Outcome.FAILED, refusal.problem)
        for plan in self._planned.plans:
            yield self._noted(self._continue(plan), plan.file)
        if not self._planned.rest:
            return
        copies = Copies(self._crew.sink, self._crew.sink.segments(), self._crew.options.limits)
        for file in by_first_event(
            self._planned.rest, self._crew.settings, self._crew.options.limits, self._memory
        ):
            yield self._noted(self._begin(file, copies), file)

    def _noted(self, report: FileReport, file: LogFile) -> FileReport:
        self.is_stopped = self.is_stopped or report.outcome is Outcome.STOPPED
        self.is_disturbed = self.is_disturbed or (
            report.has_more and self._crew.options.turn_bytes is None
        )
        if report.outcome in _HELD_OPEN:
            self.live_files.append(file)
        idle = self._sight.idle_seconds.get(inode_of(file), 0.0)
        if file.held is not None and report.segment_id is None and idle >= IDLE_SECONDS_MAX:
            # It never had a complete line, or nothing that is not stored.
            self.finished_files.append(file)
        self._note_names(report.segment_id, file)
        return report

    def _note_names(self, segment_id: int | None, file: LogFile) -> None:
        names = tuple(sorted(stored_path(Path(name)) for name in file.names))
        if segment_id is not None and len(names) > 1:
            if self._memory.names.get(segment_id) != names:
                self._crew.sink.add_names(segment_id, names)
            self._memory.names[segment_id] = names

    def _continue(self, plan: Plan) -> FileReport:
        """Read on where a segment was left."""
        segment = plan.segment
        if segment is None:
            raise TypeError(plan)
        reader = self._crew.reader(plan.file.source)
        own = file_with_inode(segment, self._by_inode)
        try:
            task = Task(
                plan=plan,
                archive=self._archive(plan),
                arrival=arrival_of(segment, plan.file, own),
            )
        except LogError as problem:
            return report_unread(plan, Outcome.FAILED, problem)
        report = reader.skipped(task) if self.is_stopped else reader.go_on(task, segment)
        if report.outcome in (Outcome.READ, Outcome.UNCHANGED) and not report.has_more:
            self._note_end(segment, plan.file, report)
        return report

    def _archive(self, plan: Plan) -> ArchiveState:
        file = plan.file
        if plan.is_unchanged:
            return ArchiveState(condition=_CLEAN, decompressed_bytes=file.size)
        return inspected(file, self._crew.options.limits, self._memory)

    def _note_end(self, segment: Segment, file: LogFile, report: FileReport) -> None:
        """Take notice of a segment that is at its end while its writer has moved on."""
        if file.compression is not Compression.NONE:
            self._memory.settled[archive_of(file)] = (segment.id, report.checkpoint)
            return
        why = self._why_finished(segment, file, report)
        if why is None:
            return
        self.finished_files.append(file)
        if segment.state is not SegmentState.FINISHED:
            now = replace(
                segment,
                path=stored_path(file.path),
                device=signed_64(file.device),
                inode=signed_64(file.inode),
                generation=file.generation,
                compression=file.compression,
                tail_bytes=report.tail_bytes,
                checkpoint=report.checkpoint,
                last_size=file.size,
                last_mtime_us=file.mtime_us,
            )
            self._finished.append(finished(now, why, is_nameless=file.held is not None))

    def _why_finished(
        self, segment: Segment, file: LogFile, report: FileReport
    ) -> dict[str, object] | None:
        successor = self._by_path.get(segment.first_path)
        has_successor = (
            successor is not None
            and successor.size > 0
            and inode_of(successor) != inode_of(file)
            and not report.tail_bytes
        )
        if file.held is None:
            # The new file had bytes before this one was read to its end; should its writer not
            # have moved on after all, the list still leads to it.
            return {"writer": "went on in another file"} if has_successor else None
        idle = self._sight.idle_seconds.get(inode_of(file), 0.0)
        if has_successor and report.outcome is Outcome.UNCHANGED:
            return {"writer": "went on in another file", "idle_seconds": idle}
        if idle >= IDLE_SECONDS_MAX:
            return {"writer": "silent", "idle_seconds": idle}
        return None

    def _begin(self, file: LogFile, copies: Copies) -> FileReport:
        """Tell a copy from a new segment, and read the latter."""
        plan = Plan(file=file, segment=None, fingerprints=FingerprintBuilder())
        if self.is_stopped:
            return report_unread(plan, Outcome.STOPPED)
        if not file.size:
            return report_unread(plan, Outcome.UNCHANGED)
        try:
            return self._judge(plan, copies)
        except (LogMissingError, LogChangedError) as problem:
            self.is_disturbed = True
            return report_unread(plan, Outcome.FAILED, problem)
        except (LogError, UsageError) as problem:
            return report_unread(plan, Outcome.FAILED, problem)

    def _judge(self, plan: Plan, copies: Copies) -> FileReport:
        file = plan.file
        known = copies.known(file)
        if known is not None and copies.is_unchanged(file, known):
            return self._copy(plan, known.segment_id)
        task = Task(plan=plan, archive=self._archive(plan))
        if task.archive.condition is ArchiveCondition.TRUNCATED and not self._crew.options.is_final:
            self._waiting.append(file)
            return report_unread(plan, Outcome.WAITING)
        like = copies.likeness(file)
        if like is not None and like.is_whole:
            copies.remember(file, like)
            if known is None or known.segment_id != like.segment_id:
                self._record_copy(file, like)
            return self._copy(plan, like.segment_id)
        longer = self._outgrowing(task, like) if like is not None else None
        if longer is not None and longer.plan.segment is not None:
            report = self._crew.reader(file.source).go_on(longer, longer.plan.segment)
            copies.forget(file)
            return report
        return self._read_new(task, copies, like)

    def _outgrowing(self, task: Task, like: Likeness) -> Task | None:
        """The task of a file that begins with all of a segment, and so goes on with it."""
        file = task.plan.file
        for segment in self._crew.sink.segments():
            if segment.id == like.segment_id and segment.checkpoint == like.same_bytes:
                plan = plan_of(file, segment, self._crew.options.limits)
                arrival = outgrown(segment, file, self._cut_file(segment, file))
                return None if plan is None else replace(task, plan=plan, arrival=arrival)
        return None

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
        self._begun.add(report.segment_id)
        copies.add(report.segment_id, file.source)
        if file.compression is not Compression.NONE and report.outcome is Outcome.READ:
            self._memory.settled[archive_of(file)] = (report.segment_id, report.checkpoint)
        return report

    def _arrival_of_copy(self, file: LogFile) -> Arrival | None:
        """That a rotated file, never seen as the live one, must be a copy of it.

        The live file still has its inode but not its bytes, so whatever was rotated since was
        copied and cut, and each time something may have been written in between.
        """
        for path, inode in self._memory.cut.items():
            own = self._by_path.get(path)
            is_same = own is not None and inode_of(own) == inode
            if is_same and own is not None and is_rotation_of(file.path, own.path):
                return Arrival(decision=None, cut=own)
        return None

    def _note_cuts(self) -> None:
        """Remember the files that still have a segment's inode and name, but not its bytes."""
        for segment in self._sight.segments:
            own = file_with_inode(segment, self._by_inode)
            is_there = own is not None and stored_path(own.path) == segment.path
            is_open = segment.state is SegmentState.LIVE and segment.id not in self._own_claims
            if is_open and is_there and own is not None:
                self._memory.cut[segment.path] = inode_of(own)

    def _cut_file(self, segment: Segment, copy: LogFile) -> LogFile | None:
        """The file that a segment was read from, where it was cut since this look began."""
        own = file_with_inode(segment, self._by_inode)
        if own is None or own is copy:
            return None
        limits = self._crew.options.limits
        if plan_of(own, segment, limits) is not None:
            return None
        self._memory.cut[stored_path(own.path)] = inode_of(own)
        return own

    def _empty_segment_of(self, file: LogFile) -> Segment | None:
        """The segment of an archive that broke before its first complete line."""
        for segment in self._sight.segments:
            is_same = file_with_inode(segment, {inode_of(file): file}) is file
            if not segment.checkpoint and not segment.has_no_file and is_same:
                return segment
        return None

    def _copy(self, plan: Plan, segment_id: int) -> FileReport:
        self._copied.setdefault(segment_id, []).append(stored_path(plan.file.path))
        return report_unread(plan, Outcome.COPY)

    def _record_copy(self, file: LogFile, like: Likeness) -> None:
        self._crew.sink.record_decision(
            Decision(
                path=stored_path(file.path),
                segment_id=like.segment_id,
                kind=DecisionKind.STALE_COPY,
                evidence=json.dumps({"same_bytes": like.same_bytes}),
            )
        )

    def _endings(self) -> Iterator[Ending]:
        seen = Surroundings(
            by_inode=self._by_inode,
            by_path=self._by_path,
            copied=self._copied,
            waiting=self._maybe_in_archives(),
        )
        refused = {inode_of(refusal.file) for refusal in self._planned.refusals}
        for segment in self._planned.unclaimed:
            is_open = segment.id in self._sight.in_scope and segment.id not in self._sight.unknown
            is_refused = (segment.device, segment.inode) in refused
            if is_open and not is_refused and segment.id not in self._begun:
                ending = ending_of(segment, seen)
                if ending is not None:
                    yield ending

    def _maybe_in_archives(self) -> frozenset[int]:
        """Segments that an archive which is still being written may hold."""
        found = set()
        for file in self._waiting:
            # A compressor keeps its source until it is done, and that file has its own segment.
            if stored_path(file.path.with_suffix("")) in self._by_path:
                continue
            head = head_of(file, self._crew.options.limits, self._memory)
            for segment in self._planned.unclaimed:
                length = segment.fingerprint.head_bytes
                is_short = len(head) < length
                if is_short or blake3(head[:length]).digest() == segment.fingerprint.head_hash:
                    found.add(segment.id)
        return frozenset(found)

    def end_segments(self) -> tuple[Gap, ...]:
        """Record how segments end that no file continues, and those that were read to their end."""
        lost: tuple[Gap, ...] = ()
        for ending in (*self._endings(), *self._finished):
            self._crew.sink.change_segment(
                ending.segment.id, ending.change, ending.gaps, ending.decision
            )
            lost += ending.gaps
        return lost


def _overlap(like: Likeness | None) -> dict[str, object]:
    """Which lines at its beginning a new segment shares with another one."""
    if like is None or not like.same_bytes:
        return {}
    return {"same_bytes_as": like.segment_id, "same_bytes": like.same_bytes}
