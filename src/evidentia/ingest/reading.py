"""One file of a run: its pieces are parsed and collected, its end is recorded."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import quote

from evidentia.errors import (
    EvidentiaError,
    LogChangedError,
    LogCorruptError,
    LogError,
    LogMissingError,
    UsageError,
)
from evidentia.event.values import SEGMENT_BYTES_MAX, ByteOffset, LineNumber
from evidentia.ingest.collect import Collector
from evidentia.ingest.dividing import divided
from evidentia.ingest.endings import Arrival
from evidentia.ingest.parse import LineParser
from evidentia.ingest.plan import Plan
from evidentia.ingest.values import BatchSink, FileReport, IngestOptions, Outcome, Watch
from evidentia.ingest.workers import InlineParsers, Parsed, WorkerParsers
from evidentia.log.compression import open_stream
from evidentia.log.identity import IdentityBytes, require_intact
from evidentia.log.names import stored_path
from evidentia.log.opening import RawLog, open_log
from evidentia.log.reader import read_pieces
from evidentia.log.sniff import SNIFF_BYTES, check_format
from evidentia.log.values import (
    ArchiveCondition,
    ArchiveState,
    Block,
    Break,
    Compression,
    LogSource,
    Piece,
    Stretch,
    Tail,
)
from evidentia.store.records import unsigned_64
from evidentia.store.values import Gap, GapKind, NewSegment, Segment, SegmentChange, SegmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A file to read, as planned.

    Attributes:
        archive: What a whole reading of a compressed file found; clean for a plain file.
        arrival: That another name or file holds the segment now.
        is_diverged: The file was a copy of another segment until now.
        evidence: What makes it a new segment, as one JSON object.
    """

    plan: Plan
    archive: ArchiveState
    arrival: Arrival | None = None
    is_diverged: bool = False
    evidence: str = "{}"


@dataclass(slots=True, kw_only=True)
class _End:
    """How the reading of a file ended."""

    tail_bytes: int = 0
    cut: Break | None = None
    gaps: tuple[Gap, ...] = ()
    is_stopped: bool = False
    is_changed: bool = False
    has_more: bool = False
    problem: EvidentiaError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReader:
    """Reads files of one kind of log into the sink."""

    sink: BatchSink
    pool: InlineParsers | WorkerParsers
    number: int
    parser: LineParser
    options: IngestOptions
    watch: Watch

    def skipped(self, task: Task) -> FileReport:
        """The report on a file that the run was stopped before."""
        return report_unread(task.plan, Outcome.STOPPED)

    def go_on(self, task: Task, segment: Segment) -> FileReport:
        """Read a file's new bytes into the segment it continues; what fails is in the report.

        Raises:
            StoreError: The store refuses or fails.
        """
        if task.plan.is_unchanged:
            return report_unread(task.plan, Outcome.UNCHANGED)
        if self._must_wait(task):
            return report_unread(task.plan, Outcome.WAITING)
        if self._has_nothing_new(task, segment):
            end = _End(tail_bytes=segment.tail_bytes)
            gaps = self._record_end(task, segment, end, segment.checkpoint)
            return report_unread(task.plan, Outcome.UNCHANGED).with_gaps(gaps)
        return self._read_segment(task, segment)

    def begin(self, task: Task, empty: Segment | None) -> FileReport:
        """Read a file into a new segment, or into that of an archive that had no line yet.

        Raises:
            StoreError: The store refuses or fails.
        """
        if self._must_wait(task):
            return report_unread(task.plan, Outcome.WAITING)
        if empty is not None:
            if empty.last_size == task.plan.file.size:
                return report_unread(replace(task.plan, segment=empty), Outcome.UNCHANGED)
            return self._read_segment(task, empty)
        try:
            self._check_format(task)
            log_id = self.sink.log_id(_storable(task.plan.file.source))
        except (LogError, UsageError) as problem:
            return report_unread(task.plan, Outcome.FAILED, problem)
        return self._read_segment(task, self._new_segment(task, log_id))

    def _must_wait(self, task: Task) -> bool:
        is_truncated = task.archive.condition is ArchiveCondition.TRUNCATED
        return is_truncated and not self.options.is_final

    def _has_nothing_new(self, task: Task, segment: Segment) -> bool:
        file = task.plan.file
        is_plain = file.compression is Compression.NONE
        is_asked = self.options.is_final and segment.tail_bytes > 0
        return is_plain and not is_asked and file.size == segment.checkpoint + segment.tail_bytes

    def _check_format(self, task: Task) -> None:
        file = task.plan.file
        with open_stream(file.place, limits=self.options.limits) as stream:
            check_format(stream.salvage(SNIFF_BYTES), where=str(file.path))

    def _new_segment(self, task: Task, log_id: int) -> Segment:
        file = task.plan.file
        return self.sink.add_segment(
            NewSegment(
                log_id=log_id,
                path=stored_path(file.path),
                compression=file.compression,
                device=file.device,
                inode=file.inode,
                generation=file.generation,
                is_diverged=task.is_diverged,
                evidence=task.evidence,
            )
        )

    def _read_segment(self, task: Task, segment: Segment) -> FileReport:
        end = _End()
        file = task.plan.file
        try:
            raw = open_log(file.path, identity=file.place.identity, held=file.held)
        except (LogMissingError, LogChangedError):
            # A rotation came in between; the next look tells where the file is.
            return replace(report_unread(task.plan, Outcome.UNCHANGED), has_more=True)
        except LogError as problem:
            return report_unread(task.plan, Outcome.FAILED, problem)
        with raw:
            held = replace(file, held=raw.descriptor)
            collector = self._collector(task, segment, raw)
            self._read_all(replace(task, plan=replace(task.plan, file=held)), collector, end)
        if not end.is_changed:
            end.gaps += self._record_end(task, segment, end, collector.checkpoint)
        return FileReport(
            path=stored_path(task.plan.file.path),
            outcome=_outcome(end, has_read=collector.checkpoint > segment.checkpoint),
            # What has no complete line yet is no segment yet.
            segment_id=segment.id if collector.checkpoint or end.gaps else None,
            is_new_segment=task.plan.segment is None and collector.checkpoint > 0,
            events=collector.events,
            dead_letters=collector.dead_letters,
            bytes_read=collector.checkpoint - segment.checkpoint,
            checkpoint=collector.checkpoint,
            next_line=collector.next_line,
            tail_bytes=end.tail_bytes,
            has_more=end.has_more or end.is_changed,
            gaps=end.gaps,
            problem=end.problem,
        )

    def _collector(self, task: Task, segment: Segment, raw: RawLog) -> Collector:
        def check(known: IdentityBytes, checkpoint: int) -> None:
            if task.plan.file.compression is Compression.NONE:
                require_intact(raw, known, checkpoint)

        return Collector(
            self.sink, segment, self.parser.promoted, self.options, task.plan.fingerprints, check
        )

    def _read_all(self, task: Task, collector: Collector, end: _End) -> None:
        try:
            try:
                self._read_pieces(task, collector, end)
            except LogChangedError:
                raise
            except LogError as problem:
                # What was read before the fault is stored.
                end.problem = problem
            collector.commit()
        except LogChangedError:
            end.is_changed = True

    def _read_pieces(self, task: Task, collector: Collector, end: _End) -> None:
        file = task.plan.file
        start = collector.checkpoint
        pieces = read_pieces(
            file,
            start=ByteOffset(start),
            first_line=LineNumber(collector.next_line),
            limits=self.options.limits,
            is_closed=self.options.is_final or file.compression is not Compression.NONE,
        )
        turn_ends = start + (self.options.turn_bytes or SEGMENT_BYTES_MAX)
        with closing(self.pool.parse(self.number, divided(pieces))) as parsed_pieces:
            for parsed in parsed_pieces:
                self._take(parsed, collector, end, file.path.name)
                if self.watch.should_stop():
                    end.is_stopped = True
                    return
                if end_of(parsed[0]) >= turn_ends:
                    end.has_more = True
                    return

    def _take(self, parsed: Parsed, collector: Collector, end: _End, name: str) -> None:
        piece, content = parsed
        now = self.watch.clock()
        match piece:
            case Block() if content is not None:
                collector.add_block(piece, content, now)
                self.watch.on_progress(name, len(piece.data), len(content.events))
            case Stretch():
                collector.add_stretch(piece, now)
                self.watch.on_progress(name, piece.length, 0)
            case Tail():
                end.tail_bytes = piece.length
            case Break():
                gap = _break_gap(piece, collector)
                cut = Block(start=piece.start, first_line=piece.line, data=piece.data)
                collector.add_break(piece, self.parser.parse(cut), gap, now)
                end.cut, end.gaps = piece, (*end.gaps, gap)
                end.problem = LogCorruptError(
                    f"the compressed log breaks off: {piece.detail}",
                    where=f"{name}, line {piece.line}, decompressed byte {piece.start}",
                    fix="what came before is in the store; restore the file from a backup",
                )
            case _:
                raise TypeError(piece)

    def _state_after(self, task: Task, end: _End) -> SegmentState:
        if end.cut is not None:
            return SegmentState.BROKEN
        is_closed = self.options.is_final or task.plan.file.compression is not Compression.NONE
        is_at_end = not (end.is_stopped or end.has_more or end.is_changed or end.problem)
        if is_closed and is_at_end:
            return SegmentState.FINISHED
        return SegmentState.LIVE

    def _record_end(
        self, task: Task, segment: Segment, end: _End, checkpoint: int
    ) -> tuple[Gap, ...]:
        """Record where the segment's file stands now, and what may be lost by how it got there."""
        file = task.plan.file
        is_as_far = segment.state is SegmentState.FINISHED and checkpoint == segment.checkpoint
        change = SegmentChange(
            # A new name does not make it grow again.
            state=segment.state if is_as_far else self._state_after(task, end),
            tail_bytes=end.tail_bytes,
            last_size=file.size,
            last_mtime_us=file.mtime_us,
            path=stored_path(file.path),
            device=file.device,
            inode=file.inode,
            compression=file.compression,
            generation=file.generation,
        )
        arrival = task.arrival
        if arrival is None or not checkpoint:
            if not _is_known(segment, change):
                self.sink.change_segment(segment.id, change)
            return ()
        gaps = arrival.gaps(segment, file, checkpoint)
        self.sink.change_segment(segment.id, change, gaps, arrival.decision)
        return gaps


def _storable(source: LogSource) -> LogSource:
    """An allow-list entry whose pattern a database can hold, as ``stored_path`` does it."""
    try:
        source.pattern.encode()
    except UnicodeEncodeError:
        return replace(source, pattern=f"file://{quote(os.fsencode(source.pattern))}")
    return source


def _is_known(segment: Segment, change: SegmentChange) -> bool:
    """Whether a look at a file found nothing new, so that nothing at all is written (IN-18)."""
    return change == SegmentChange(
        state=segment.state,
        tail_bytes=segment.tail_bytes,
        last_size=segment.last_size,
        last_mtime_us=segment.last_mtime_us,
        path=segment.path,
        device=unsigned_64(segment.device),
        inode=unsigned_64(segment.inode),
        compression=segment.compression,
        generation=segment.generation,
    )


def _outcome(end: _End, *, has_read: bool) -> Outcome:
    if end.problem is not None:
        return Outcome.FAILED
    if end.is_stopped:
        return Outcome.STOPPED
    return Outcome.READ if has_read else Outcome.UNCHANGED


def _break_gap(cut: Break, collector: Collector) -> Gap:
    return Gap(
        segment_id=collector.segment_id,
        byte_offset=cut.start + len(cut.data),
        kind=GapKind.TRUNCATED_ARCHIVE if cut.is_truncated else GapKind.CORRUPT_ARCHIVE,
        detail=f"the compressed log breaks off in line {cut.line}; what follows is unknown",
        evidence=json.dumps({"decompressor": cut.detail, "line": cut.line}, sort_keys=True),
    )


def end_of(piece: Piece) -> int:
    """Where a piece ends in its segment."""
    return piece.start + (len(piece.data) if isinstance(piece, Block | Break) else piece.length)


def report_unread(
    plan: Plan, outcome: Outcome, problem: EvidentiaError | None = None
) -> FileReport:
    """The report on a file of which nothing was read in this run."""
    segment = plan.segment
    return FileReport(
        path=stored_path(plan.file.path),
        outcome=outcome,
        segment_id=segment.id if segment else None,
        checkpoint=segment.checkpoint if segment else 0,
        next_line=segment.next_line if segment else 1,
        tail_bytes=segment.tail_bytes if segment else 0,
        problem=problem,
    )
