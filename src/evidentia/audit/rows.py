"""One batch: the rows that its bytes in the log give, against the rows in the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from evidentia.audit.replay import Replay, is_one_dead_letter
from evidentia.audit.values import Finding, FindingKind
from evidentia.event.values import byte_offset_of, position_of
from evidentia.store.reader import StoreReader
from evidentia.store.values import (
    EVENT_COLUMNS,
    Batch,
    DeadLetter,
    DeadLetterRow,
    EventRow,
    Segment,
)

_SHOWN_CHARACTERS: Final = 200
_KIND: Final = EVENT_COLUMNS.index("kind")
_LETTER_FIELDS: Final = ("raw", "sha256", "line_no", "length", "has_newline")
"""What the log alone determines; why a line is no event may be said differently by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowComparison:
    """Compares one batch's rows; every difference is a finding with its place.

    Attributes:
        promoted: The columns of the pack that reads the log, in the parser's order.
        others: The columns of other packs, which are empty in every row of this log.
    """

    segment: Segment
    batch: Batch
    promoted: tuple[str, ...]
    others: tuple[str, ...] = ()

    def findings(self, log: Replay, reader: StoreReader) -> Iterator[Finding]:
        """Everything in which the store differs from the log."""
        span = (self.batch.byte_start, self.batch.byte_end)
        names = (*self.promoted, *self.others)
        events = {row.position: row for row in reader.events(self.segment.id, span, names)}
        letters = {
            letter.row.position: letter for letter in reader.dead_letters(self.segment.id, span)
        }
        wanted = {row.position: row for row in log.dead_letters}
        yield from self._events(log, events, letters)
        yield from self._letters(wanted, letters, events)
        fillers = {row.position: row for row in reader.fillers(self.segment.id, span)}
        given = {row.position: row for row in log.fillers}
        for position in sorted(given.keys() | fillers.keys()):
            if given.get(position) != fillers.get(position):
                yield self._finding(
                    FindingKind.MISMATCHED, position, None, "blank, BOM or NUL bytes differ"
                )
        yield from self._schema(log, reader, letters)

    def _events(
        self, log: Replay, stored: dict[int, EventRow], letters: dict[int, DeadLetter]
    ) -> Iterator[Finding]:
        seen: set[int] = set()
        for row in self._rows(log):
            seen.add(row.position)
            found = stored.get(row.position)
            if found is None:
                yield self._finding(
                    FindingKind.MISSING_IN_STORE, row.position, row.line_no, "the event has no row"
                )
            elif found != row:
                yield from self._difference(row, found)
        for position in sorted(stored.keys() - seen):
            yield from self._unknown_event(stored[position], letters.get(position))

    def _rows(self, log: Replay) -> Iterator[EventRow]:
        empty = (None,) * len(self.others)
        for block, parsed in log.parts:
            data = block.data
            base = position_of(self.segment.id, block.start)
            for start, end, line_no, kind, sha256, flags, others in parsed.events:
                yield EventRow(
                    position=base + start,
                    line_no=line_no,
                    raw=data[start:end],
                    sha256=sha256,
                    flags=flags,
                    columns=(*others[:_KIND], kind, *others[_KIND:], *empty),
                )

    def _unknown_event(self, found: EventRow, letter: DeadLetter | None) -> Iterator[Finding]:
        if letter is None or letter.state != "recovered":
            yield self._finding(
                FindingKind.MISSING_IN_LOG,
                found.position,
                found.line_no,
                "the row has no line in the log",
            )
        elif hashlib.sha256(found.raw).digest() != letter.row.sha256:
            yield self._finding(
                FindingKind.MISMATCHED,
                found.position,
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
        names = ("line_no", "flags", *EVENT_COLUMNS, *self.promoted, *self.others)
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
        self,
        wanted: dict[int, DeadLetterRow],
        stored: dict[int, DeadLetter],
        events: dict[int, EventRow],
    ) -> Iterator[Finding]:
        for position, row in wanted.items():
            letter = stored.get(position)
            if letter is not None:
                yield from self._letter_difference(row, letter.row)
            elif position not in events:
                yield self._finding(
                    FindingKind.MISSING_IN_STORE,
                    position,
                    row.line_no,
                    "the line is neither event nor dead letter",
                )
        for position in sorted(stored.keys() - wanted.keys()):
            if stored[position].state != "recovered":
                yield self._finding(
                    FindingKind.MISSING_IN_LOG,
                    position,
                    stored[position].row.line_no,
                    "the dead letter is an event or no line in the log",
                )

    def _letter_difference(self, row: DeadLetterRow, found: DeadLetterRow) -> Iterator[Finding]:
        for name in _LETTER_FIELDS:
            expected, value = getattr(row, name), getattr(found, name)
            if expected != value and not (name == "raw" and self._is_limit_moved(row, found)):
                yield self._finding(
                    FindingKind.MISMATCHED,
                    row.position,
                    row.line_no,
                    f"the dead letter's {name} is not the line's",
                    (expected, value),
                )

    def _is_limit_moved(self, row: DeadLetterRow, found: DeadLetterRow) -> bool:
        """Whether the bytes are on one side only because the line limit was another then."""
        if found.raw is None:
            return is_one_dead_letter(self.batch)
        return row.raw is None and hashlib.sha256(found.raw).digest() == row.sha256

    def _schema(
        self, log: Replay, reader: StoreReader, letters: dict[int, DeadLetter]
    ) -> Iterator[Finding]:
        span = (self.batch.byte_start, self.batch.byte_end)
        wanted = {each.position: (each.schema, each.message) for each in log.findings}
        stored = {
            each.position: (each.schema, each.message)
            for each in reader.findings(self.segment.id, span)
            # A recovered event's finding is not among those of the lines.
            if each.position in wanted or each.position not in letters
        }
        for position in sorted(wanted.keys() | stored.keys()):
            if wanted.get(position) != stored.get(position):
                yield self._finding(
                    FindingKind.COLUMN,
                    position,
                    None,
                    "what the pack's schema says is not what the log gives",
                    (wanted.get(position), stored.get(position)),
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
