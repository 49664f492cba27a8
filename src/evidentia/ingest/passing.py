"""One look at all files and everything that follows from it.

First the files that continue a segment, oldest segment first, so that order across a rotation is
kept. Then the rest: copies of what is stored by now, and new segments. Last the segments that no
file continues.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from blake3 import blake3

from evidentia.errors import LogChangedError, LogError, LogMissingError
from evidentia.ingest.copies import Copies
from evidentia.ingest.crew import Crew
from evidentia.ingest.endings import Ending, Surroundings, arrival_of, ending_of, finished
from evidentia.ingest.held import HANDOVER_SECONDS, IDLE_SECONDS_MAX
from evidentia.ingest.newcomers import Neighbours, Newcomers
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
)
from evidentia.ingest.reading import Task, report_unread
from evidentia.ingest.sight import Sight, by_first_event
from evidentia.ingest.values import FileReport, Outcome
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import stored_path
from evidentia.log.values import ArchiveCondition, ArchiveState, Compression, LogFile
from evidentia.store.records import signed_64
from evidentia.store.values import Gap, Segment, SegmentState

_HELD_OPEN: Final = (Outcome.READ, Outcome.UNCHANGED, Outcome.COPY)
_CLEAN: Final = ArchiveCondition.CLEAN


class Pass:
    """One look at the files of a list.

    Attributes:
        is_stopped: The run was asked to stop.
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
        beside = Neighbours(by_inode=self._by_inode, by_path=self._by_path)
        self._newcomers = Newcomers(crew, sight, memory, beside)
        self._finished: list[Ending] = []
        self.is_stopped = False
        self._is_disturbed = False
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
    def is_disturbed(self) -> bool:
        """Whether a rotation came in between, so that another look is needed."""
        return self._is_disturbed or self._newcomers.is_disturbed

    @property
    def is_settled(self) -> bool:
        """Whether no segment is left to end and nothing came in between."""
        return not self.is_disturbed and not any(self._endings())

    def run(self) -> Iterator[FileReport]:
        """Read every file, and tell what became of each."""
        for refusal in self._planned.refusals:
            if isinstance(refusal.problem, LogMissingError | LogChangedError):
                self._is_disturbed = True
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
            plan = Plan(file=file, segment=None, fingerprints=FingerprintBuilder())
            report = (
                report_unread(plan, Outcome.STOPPED)
                if self.is_stopped
                else self._newcomers.read(file, copies)
            )
            yield self._noted(report, file)

    def _noted(self, report: FileReport, file: LogFile) -> FileReport:
        self.is_stopped = self.is_stopped or report.outcome is Outcome.STOPPED
        self._is_disturbed = self._is_disturbed or (
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
        if has_successor and idle >= HANDOVER_SECONDS:
            return {"writer": "went on in another file", "idle_seconds": idle}
        if idle >= IDLE_SECONDS_MAX:
            return {"writer": "silent", "idle_seconds": idle}
        return None

    def _note_cuts(self) -> None:
        """Remember the files that still have a segment's inode and name, but not its bytes."""
        # What could not be looked into may have moved on since it was listed, and proves no cut.
        refused = {refusal.file for refusal in self._planned.refusals}
        for segment in self._sight.segments:
            own = file_with_inode(segment, self._by_inode)
            is_there = own is not None and stored_path(own.path) == segment.path
            is_open = segment.state is SegmentState.LIVE and segment.id not in self._own_claims
            if is_open and is_there and own is not None and own not in refused:
                self._memory.cut[segment.path] = own.place.identity

    def _endings(self) -> Iterator[Ending]:
        seen = Surroundings(
            by_inode=self._by_inode,
            by_path=self._by_path,
            copied=self._newcomers.copied,
            waiting=self._maybe_in_archives(),
        )
        refused = {inode_of(refusal.file) for refusal in self._planned.refusals}
        for segment in self._planned.unclaimed:
            is_open = segment.id in self._sight.in_scope and segment.id not in self._sight.unknown
            is_refused = (segment.device, segment.inode) in refused
            if is_open and not is_refused and segment.id not in self._newcomers.going_on:
                ending = ending_of(segment, seen)
                if ending is not None:
                    yield ending

    def _maybe_in_archives(self) -> frozenset[int]:
        """Segments that an archive which is still being written may hold."""
        found = set()
        for file in self._newcomers.waiting:
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
