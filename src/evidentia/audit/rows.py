"""One batch: the rows that its bytes in the log give, against the rows in the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evidentia.audit.values import Finding, FindingKind
from evidentia.event.values import ByteOffset, LineNumber, byte_offset_of, position_of
from evidentia.ingest.collect import dead_letter_row, filler_row
from evidentia.ingest.parse import LineParser, ParsedBlock
from evidentia.log.values import Block
from evidentia.store.reader import StoreReader
from evidentia.store.values import (
    EVENT_COLUMNS,
    Batch,
    DeadLetter,
    DeadLetterRow,
    EventRow,
    Filler,
    Segment,
)

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRows:
    """The rows that a batch's bytes give, by position."""

    events: dict[int, EventRow]
    dead_letters: dict[int, DeadLetterRow]
    fillers: dict[int, Filler]


def rows_in_log(parser: LineParser, batch: Batch, data: bytes) -> LogRows:
    """The rows that a batch's bytes give."""
    block = Block(
        start=ByteOffset(batch.byte_start),
        first_line=LineNumber(batch.first_line),
        data=data,
        is_final=not data.endswith(b"\n"),
    )
    parsed = parser.parse(block)
    base = position_of(batch.segment_id, batch.byte_start)
    letters = [dead_letter_row(data, letter, base) for letter in parsed.dead_letters]
    fillers = [filler_row(data, filler, base) for filler in parsed.fillers]
    return LogRows(
        events={row.position: row for row in _events(parsed, data, base)},
        dead_letters={row.position: row for row in letters},
        fillers={row.position: row for row in fillers},
    )


def _events(parsed: ParsedBlock, data: bytes, base: int) -> Iterator[EventRow]:
    kind_at = EVENT_COLUMNS.index("kind")
    for start, end, line_no, kind, sha256, flags, others in parsed.events:
        yield EventRow(
            position=base + start,
            line_no=line_no,
            raw=data[start:end],
            sha256=sha256,
            flags=flags,
            columns=(*others[:kind_at], kind, *others[kind_at:]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowComparison:
    """Compares one batch's rows; every difference is a finding with its place."""

    segment: Segment
    batch: Batch
    promoted: tuple[str, ...]

    def findings(self, log: LogRows, reader: StoreReader) -> Iterator[Finding]:
        """Everything in which the store differs from the log."""
        span = (self.batch.byte_start, self.batch.byte_end)
        events = {row.position: row for row in reader.events(self.segment.id, span, self.promoted)}
        letters = {
            letter.row.position: letter for letter in reader.dead_letters(self.segment.id, span)
        }
        fillers = {row.position: row for row in reader.fillers(self.segment.id, span)}
        yield from self._events(log, events, letters)
        yield from self._letters(log, letters, events)
        for position in sorted(log.fillers.keys() | fillers.keys()):
            if log.fillers.get(position) != fillers.get(position):
                yield self._finding(
                    FindingKind.MISMATCHED, position, None, "blank, BOM or NUL bytes differ"
                )

    def _events(
        self, log: LogRows, stored: dict[int, EventRow], letters: dict[int, DeadLetter]
    ) -> Iterator[Finding]:
        for position, row in log.events.items():
            found = stored.get(position)
            if found is None:
                yield self._finding(
                    FindingKind.MISSING_IN_STORE, position, row.line_no, "the event has no row"
                )
            elif found != row:
                yield from self._difference(row, found)
        for position in stored.keys() - log.events.keys():
            letter = letters.get(position)
            if letter is None or letter.state != "recovered":
                yield self._finding(
                    FindingKind.MISSING_IN_LOG,
                    position,
                    stored[position].line_no,
                    "the row has no line in the log",
                )
            elif stored[position].raw != letter.row.raw:
                yield self._finding(
                    FindingKind.MISMATCHED,
                    position,
                    letter.row.line_no,
                    "the recovered event's bytes are not its dead letter's",
                )

    def _difference(self, row: EventRow, found: EventRow) -> Iterator[Finding]:
        for name in ("raw", "sha256"):
            if getattr(row, name) != getattr(found, name):
                yield self._finding(
                    FindingKind.MISMATCHED,
                    row.position,
                    row.line_no,
                    f"the stored {name} is not the line's",
                    (getattr(row, name), getattr(found, name)),
                )
        names = ("line_no", "flags", *EVENT_COLUMNS, *self.promoted)
        wanted = (row.line_no, row.flags, *row.columns)
        actual = (found.line_no, found.flags, *found.columns)
        for name, expected, value in zip(names, wanted, actual, strict=True):
            if expected != value:
                yield self._finding(
                    FindingKind.COLUMN,
                    row.position,
                    row.line_no,
                    f"column {name} is not what the log gives",
                    (expected, value),
                )

    def _letters(
        self, log: LogRows, stored: dict[int, DeadLetter], events: dict[int, EventRow]
    ) -> Iterator[Finding]:
        for position, row in log.dead_letters.items():
            letter = stored.get(position)
            if letter is None:
                if position not in events:
                    yield self._finding(
                        FindingKind.MISSING_IN_STORE,
                        position,
                        row.line_no,
                        "the line is neither event nor dead letter",
                    )
            elif (letter.row.raw, letter.row.sha256) != (row.raw, row.sha256):
                yield self._finding(
                    FindingKind.MISMATCHED,
                    position,
                    row.line_no,
                    "the dead letter's bytes are not the line's",
                    (row.sha256, letter.row.sha256),
                )
        for position in stored.keys() - log.dead_letters.keys():
            if stored[position].state != "recovered":
                yield self._finding(
                    FindingKind.MISSING_IN_LOG,
                    position,
                    stored[position].row.line_no,
                    "the dead letter is an event or no line in the log",
                )

    def _finding(
        self,
        kind: FindingKind,
        position: int,
        line_no: int | None,
        detail: str,
        values: tuple[object, object] = ("", ""),
    ) -> Finding:
        return Finding(
            kind=kind,
            path=self.segment.path,
            segment_id=self.segment.id,
            byte_offset=byte_offset_of(position),
            batch_id=self.batch.id,
            line_no=line_no,
            detail=detail,
            expected=_shown(values[0]),
            found=_shown(values[1]),
        )


def _shown(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) and len(value) == 32 else repr(value)  # noqa: PLR2004 - a digest
    return "" if value == "" else text[:_SHOWN_CHARACTERS]
