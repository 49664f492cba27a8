"""Collects parsed blocks into batches and commits each with its checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from evidentia.errors import LogUnreadableError
from evidentia.event.values import (
    SEGMENT_BYTES_MAX,
    SEGMENT_ID_MAX,
    Position,
    Reason,
    position_of,
)
from evidentia.ingest.parse import ParsedBlock, ParsedDeadLetter, ParsedFiller
from evidentia.ingest.rows import EventRows
from evidentia.ingest.values import BatchSink, IngestOptions
from evidentia.log.identity import FingerprintBuilder, IdentityBytes
from evidentia.log.values import Block, Break, Limits, Stretch, StretchKind
from evidentia.proof.chain import BytesDigest
from evidentia.store.values import (
    BatchWrite,
    DeadLetterRow,
    Filler,
    FillerKind,
    Gap,
    Partials,
    SchemaFinding,
    Segment,
    SegmentState,
)


@dataclass(slots=True, kw_only=True)
class Parts:
    """A batch in the making: rows at their positions, and the digest of the bytes they cover."""

    start: int
    end: int
    first_line: int
    next_line: int
    began: float
    digest: BytesDigest = field(default_factory=BytesDigest)
    events: EventRows = field(default_factory=EventRows)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    fillers: list[Filler] = field(default_factory=list)
    findings: list[SchemaFinding] = field(default_factory=list)
    partials: list[Partials] | None = field(default_factory=list)

    @classmethod
    def begin(cls, block: Block, now: float) -> Parts:
        """An empty batch that starts where a block does."""
        return cls(
            start=block.start,
            end=block.start,
            first_line=block.first_line,
            next_line=block.first_line,
            began=now,
        )

    def add(
        self, block: Block, parsed: ParsedBlock, segment_id: int, kinds: dict[str, int]
    ) -> None:
        """Add what a block holds, as rows of a segment."""
        data = block.data
        base = position_of(segment_id, block.start)
        self.events.add(data, base, parsed.events, kinds)
        self._add_partials(parsed)
        self.dead_letters += [dead_letter_row(data, letter, base) for letter in parsed.dead_letters]
        self.fillers += [filler_row(data, filler, base) for filler in parsed.fillers]
        self.findings += [
            SchemaFinding(position=base + start, schema=schema, message=message)
            for start, schema, message in parsed.findings
        ]
        self.digest.update(data)
        self.end = block.start + len(data)
        self.next_line = parsed.next_line

    def _add_partials(self, parsed: ParsedBlock) -> None:
        found = parsed.events.partials
        if found is None and len(parsed.events):
            # The sums of the other blocks alone would be less than the truth.
            self.partials = None
        elif found is not None and self.partials is not None:
            self.partials.append(found)


def dead_letter_row(data: bytes, letter: ParsedDeadLetter, base: int) -> DeadLetterRow:
    """A dead letter at its position, with its bytes; ``base`` is the block's own position."""
    return DeadLetterRow(
        position=Position(base + letter.start),
        line_no=letter.line_no,
        reason=letter.verdict.reason.value,
        column_no=letter.verdict.column,
        detail=letter.verdict.detail,
        raw=data[letter.start : letter.end],
        length=letter.end - letter.start + letter.has_newline,
        sha256=letter.sha256,
        has_newline=letter.has_newline,
    )


def long_line_row(stretch: Stretch, position: Position, limits: Limits) -> DeadLetterRow:
    """The dead letter that stands for a line over the limit, whose bytes stay in the log."""
    limit = limits.line_bytes_max
    return DeadLetterRow(
        position=position,
        line_no=stretch.line,
        reason=Reason.TOO_LONG.value,
        column_no=limit + 1,
        detail=f"the line has {stretch.length - stretch.has_newline:,} bytes, "
        f"the limit is {limit:,} (limits.line_bytes_max)",
        raw=None,
        length=stretch.length,
        sha256=stretch.sha256,
        has_newline=stretch.has_newline,
    )


def filler_row(data: bytes, filler: ParsedFiller, base: int) -> Filler:
    """A filler at its position, with its bytes; ``base`` is the block's own position."""
    return Filler(
        position=Position(base + filler.start),
        kind=filler.kind,
        length=filler.end - filler.start,
        raw=None if filler.kind is FillerKind.NUL else data[filler.start : filler.end],
    )


def merged(fillers: Iterable[Filler]) -> list[Filler]:
    """Fillers in order of place, with blank lines that follow each other as one.

    Where a log was cut into blocks must not show in the rows.
    """
    runs: list[list[Filler]] = []
    for filler in fillers:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and filler.kind is last.kind is FillerKind.BLANK
            and last.position + last.length == filler.position
        ):
            runs[-1].append(filler)
        else:
            runs.append([filler])
    return [_one(run) for run in runs]


def _one(run: list[Filler]) -> Filler:
    if len(run) == 1:
        return run[0]
    raw = b"".join(filler.raw or b"" for filler in run)
    return replace(run[0], length=len(raw), raw=raw)


class Collector:
    """Turns a segment's pieces into batches, in order, without a hole.

    Args:
        sink: Where batches go.
        segment: The segment as it stands; its checkpoint is where the first piece begins.
        promoted: The pack's promoted columns, in the parser's order.
        options: When a batch is full.
        fingerprints: Follows the bytes, to tell next time whether they are still there.
        require_intact: Asked before each commit with the head of the segment and the bytes before
            the checkpoint; raises where the file does not hold them any more.
    """

    def __init__(
        self,
        sink: BatchSink,
        segment: Segment,
        promoted: tuple[str, ...],
        options: IngestOptions,
        fingerprints: FingerprintBuilder,
        require_intact: Callable[[IdentityBytes, int], None] = lambda _known, _checkpoint: None,
    ) -> None:
        self._sink = sink
        self.segment_id = segment.id
        self._promoted = promoted
        self._options = options
        self._fingerprints = fingerprints
        self._require_intact = require_intact
        self._anchor = fingerprints.read_so_far.anchor
        self._parts: Parts | None = None
        self.checkpoint = segment.checkpoint
        self.next_line = segment.next_line
        self.events = 0
        self.dead_letters = 0

    def add_block(self, block: Block, parsed: ParsedBlock, now: float) -> None:
        """Add a block; commits when that fills the batch.

        Raises:
            LogUnreadableError: The segment would grow beyond what a position can name.
        """
        self._check_room(block.start + len(block.data))
        if self._parts is None:
            self._parts = Parts.begin(block, now)
        kinds = self._sink.kind_ids(set(parsed.events.kinds))
        self._parts.add(block, parsed, self.segment_id, kinds)
        self._fingerprints.feed(block.data)
        if self._is_full(self._parts, now):
            self.commit()

    def _check_room(self, byte_end: int) -> None:
        if byte_end > SEGMENT_BYTES_MAX or self.segment_id > SEGMENT_ID_MAX:
            raise LogUnreadableError(
                f"a segment holds at most {SEGMENT_BYTES_MAX:,} bytes and a store at most "
                f"{SEGMENT_ID_MAX:,} segments",
                where=f"segment {self.segment_id}, byte {byte_end}",
                fix="rotate the log, or ingest it into another store",
            )

    def _is_full(self, parts: Parts, now: float) -> bool:
        options = self._options
        return (
            len(parts.events) + len(parts.dead_letters) >= options.batch_events
            or parts.end - parts.start >= options.batch_bytes
            or now - parts.began >= options.batch_seconds
        )

    def commit(self, state: SegmentState = SegmentState.LIVE, gaps: tuple[Gap, ...] = ()) -> None:
        """Commit what was collected; nothing happens when nothing was."""
        parts, self._parts = self._parts, None
        if parts is None:
            return
        self._commit(parts, parts.digest.digest(), state, gaps)

    def _commit(
        self, parts: Parts, digest: bytes, state: SegmentState, gaps: tuple[Gap, ...]
    ) -> None:
        # A file that was cut after these bytes were read is another one since: what was read of it
        # may come from both.
        known = IdentityBytes(head=self._fingerprints.read_so_far.head, anchor=self._anchor)
        self._require_intact(known, self.checkpoint)
        self._sink.commit_batch(
            BatchWrite(
                segment_id=self.segment_id,
                byte_start=parts.start,
                byte_end=parts.end,
                first_line=parts.first_line,
                next_line=parts.next_line,
                digest=digest,
                fingerprint=self._fingerprints.fingerprint(),
                events=parts.events,
                promoted=self._promoted,
                dead_letters=parts.dead_letters,
                fillers=merged(parts.fillers),
                findings=parts.findings,
                gaps=gaps,
                state=state,
                partials=parts.partials,
            )
        )
        self._anchor = self._fingerprints.read_so_far.anchor
        self.checkpoint = parts.end
        self.next_line = parts.next_line
        self.events += len(parts.events)
        self.dead_letters += len(parts.dead_letters)

    def add_stretch(self, stretch: Stretch, now: float) -> None:
        """Commit bytes that were hashed as they streamed by, as a batch of their own.

        Raises:
            LogUnreadableError: The segment would grow beyond what a position can name.
        """
        self._check_room(stretch.start + stretch.length)
        self.commit()
        position = position_of(self.segment_id, stretch.start)
        parts = Parts(
            start=stretch.start,
            end=stretch.start + stretch.length,
            first_line=stretch.line,
            next_line=stretch.line + stretch.has_newline,
            began=now,
        )
        if stretch.kind is StretchKind.NUL_RUN:
            parts.fillers.append(
                Filler(position=position, kind=FillerKind.NUL, length=stretch.length, raw=None)
            )
        else:
            parts.dead_letters.append(long_line_row(stretch, position, self._options.limits))
        self._fingerprints.feed_stretch(stretch)
        self._commit(parts, stretch.blake3, SegmentState.LIVE, ())

    def add_break(self, cut: Break, content: ParsedBlock, gap: Gap, now: float) -> None:
        """Commit what could still be read of the line that a broken archive cuts, and the gap."""
        self.commit()
        if not cut.data:
            self._sink.record_gaps((gap,))
            return
        block = Block(start=cut.start, first_line=cut.line, data=cut.data, is_final=True)
        parts = Parts.begin(block, now)
        kinds = self._sink.kind_ids(set(content.events.kinds))
        parts.add(block, content, self.segment_id, kinds)
        parts.dead_letters = [
            replace(
                letter,
                reason=Reason.CORRUPT_ARCHIVE.value,
                detail=f"the archive breaks off inside this line: {cut.detail}",
            )
            for letter in parts.dead_letters
        ]
        self._fingerprints.feed(cut.data)
        self._commit(parts, parts.digest.digest(), SegmentState.BROKEN, (gap,))
