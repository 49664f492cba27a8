"""One file of a run: its pieces are parsed and collected, its end is recorded."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import quote

from evidentia.errors import EvidentiaError, LogCorruptError, LogError, UsageError
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.ingest.collect import Collector
from evidentia.ingest.dividing import divided
from evidentia.ingest.parse import LineParser
from evidentia.ingest.plan import Plan, replacement
from evidentia.ingest.values import BatchSink, FileReport, IngestOptions, Outcome, Watch
from evidentia.ingest.workers import InlineParsers, Parsed, WorkerParsers
from evidentia.log.compression import open_stream
from evidentia.log.names import stored_path
from evidentia.log.reader import read_pieces
from evidentia.log.sniff import SNIFF_BYTES, check_format
from evidentia.log.values import (
    ArchiveCondition,
    ArchiveState,
    Block,
    Break,
    Compression,
    LogSource,
    Stretch,
    Tail,
)
from evidentia.store.records import unsigned_64
from evidentia.store.values import Gap, NewSegment, Segment, SegmentChange, SegmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A file to read, as planned.

    Attributes:
        archive: What a whole reading of a compressed file found; clean for a plain file.
        unread_bytes: Bytes of the (decompressed) stream after the checkpoint.
    """

    plan: Plan
    archive: ArchiveState
    unread_bytes: int


@dataclass(slots=True, kw_only=True)
class _End:
    """How the reading of a file ended."""

    tail_bytes: int = 0
    cut: Break | None = None
    gaps: tuple[Gap, ...] = ()
    is_stopped: bool = False
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
        return _report_unread(task, Outcome.STOPPED)

    def read(self, task: Task) -> FileReport:
        """Read a file's new bytes; what cannot be read is in the report, never raised.

        Raises:
            StoreError: The store refuses or fails.
        """
        plan = task.plan
        if plan.is_unchanged or (plan.segment is None and not plan.file.size):
            return _report_unread(task, Outcome.UNCHANGED)
        if task.archive.condition is ArchiveCondition.TRUNCATED and not self.options.is_final:
            return _report_unread(task, Outcome.WAITING)
        if plan.segment is not None:
            return self._read_segment(task, plan.segment, ())
        try:
            self._check_format(task)
            log_id = self.sink.log_id(_storable(plan.file.source))
        except (LogError, UsageError) as problem:
            return _report_unread(task, Outcome.FAILED, problem)
        gaps = self._end_replaced(plan)
        return self._read_segment(task, self._new_segment(plan, log_id), gaps)

    def _check_format(self, task: Task) -> None:
        file = task.plan.file
        with open_stream(file.path, file.compression, limits=self.options.limits) as stream:
            check_format(stream.salvage(SNIFF_BYTES), where=str(file.path))

    def _end_replaced(self, plan: Plan) -> tuple[Gap, ...]:
        found: tuple[Gap, ...] = ()
        for segment in plan.replaced:
            change, gaps = replacement(segment)
            self.sink.record_gaps(gaps)
            self.sink.change_segment(segment.id, change)
            found += gaps
        return found

    def _new_segment(self, plan: Plan, log_id: int) -> Segment:
        file = plan.file
        return self.sink.add_segment(
            NewSegment(
                log_id=log_id,
                path=stored_path(file.path),
                compression=file.compression,
                device=file.device,
                inode=file.inode,
            )
        )

    def _read_segment(self, task: Task, segment: Segment, gaps: tuple[Gap, ...]) -> FileReport:
        collector = Collector(
            self.sink, segment, self.parser.promoted, self.options, task.plan.fingerprints
        )
        end = _End(gaps=gaps)
        try:
            self._read_pieces(task, collector, end)
        except LogError as problem:
            end.problem = problem
        collector.commit()
        state = self._state_after(task, end)
        self._record_end(task, segment, state, end)
        return FileReport(
            path=stored_path(task.plan.file.path),
            outcome=_outcome(end, has_read=collector.checkpoint > segment.checkpoint),
            segment_id=segment.id,
            is_new_segment=task.plan.segment is None,
            events=collector.events,
            dead_letters=collector.dead_letters,
            bytes_read=collector.checkpoint - segment.checkpoint,
            checkpoint=collector.checkpoint,
            next_line=collector.next_line,
            tail_bytes=end.tail_bytes,
            gaps=end.gaps,
            problem=end.problem,
        )

    def _read_pieces(self, task: Task, collector: Collector, end: _End) -> None:
        file = task.plan.file
        pieces = read_pieces(
            file,
            start=ByteOffset(collector.checkpoint),
            first_line=LineNumber(collector.next_line),
            limits=self.options.limits,
            is_closed=self.options.is_final or file.compression is not Compression.NONE,
        )
        with closing(self.pool.parse(self.number, divided(pieces))) as parsed_pieces:
            for parsed in parsed_pieces:
                self._take(parsed, collector, end, file.path.name)
                if self.watch.should_stop():
                    end.is_stopped = True
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
        if is_closed and not end.is_stopped and end.problem is None:
            return SegmentState.FINISHED
        return SegmentState.LIVE

    def _record_end(self, task: Task, segment: Segment, state: SegmentState, end: _End) -> None:
        file = task.plan.file
        change = SegmentChange(
            state=state,
            tail_bytes=end.tail_bytes,
            last_size=file.size,
            last_mtime_us=file.mtime_us,
            path=stored_path(file.path),
            device=file.device,
            inode=file.inode,
        )
        if not _is_known(segment, change):
            self.sink.change_segment(segment.id, change)


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
        kind="truncated_archive" if cut.is_truncated else "corrupt_archive",
        detail=f"the compressed log breaks off in line {cut.line}; what follows is unknown",
        evidence=json.dumps({"decompressor": cut.detail, "line": cut.line}, sort_keys=True),
    )


def _report_unread(
    task: Task, outcome: Outcome, problem: EvidentiaError | None = None
) -> FileReport:
    segment = task.plan.segment
    return FileReport(
        path=stored_path(task.plan.file.path),
        outcome=outcome,
        segment_id=segment.id if segment else None,
        checkpoint=segment.checkpoint if segment else 0,
        next_line=segment.next_line if segment else 1,
        tail_bytes=segment.tail_bytes if segment else 0,
        problem=problem,
    )
