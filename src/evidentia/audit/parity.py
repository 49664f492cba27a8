"""Event-set parity: whether a log and its store hold the same events, by id and bytes.

Both sides are walked once, in order of place, and raw bytes are compared with raw bytes. What does
not fit there is put aside and matched by id afterwards: so a line that was taken out, and after
which every place is another, is one missing event and not a million. At most ``held_max`` of each
side are put aside at a time; where there are more on both sides, they are walked again for each
part of the ids, so that memory stays bounded and the answer exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from evidentia.audit.aside import LISTED_MAX, Aside, Tally, Unmatched
from evidentia.audit.places import ledger_source, places_of
from evidentia.audit.values import EventSetParity
from evidentia.event.values import (
    SEGMENT_BYTES_MAX,
    ByteOffset,
    LineNumber,
    byte_offset_of,
    position_of,
    segment_of,
)
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.log.discovery import look_at
from evidentia.log.names import path_of
from evidentia.log.reader import read_pieces
from evidentia.log.values import Block, Break, Limits, LogFile, LogSource
from evidentia.pack.contract import Pack
from evidentia.pack.registry import find_pack
from evidentia.store.lines import EventLine
from evidentia.store.reader import StoreReader
from evidentia.store.values import Segment, SegmentState

HELD_MAX: Final = 100_000
"""Events of each side that are held to be matched by id: some 35 MB where they are as many."""
_ALL: Final = (0, SEGMENT_BYTES_MAX)
_SETTLED: Final = (SegmentState.FINISHED, SegmentState.BROKEN)


def ledger_parity(
    reader: StoreReader,
    folder: Path,
    packs: Mapping[str, Pack],
    *,
    source: LogSource | None = None,
    limits: Limits | None = None,
    held_max: int = HELD_MAX,
) -> EventSetParity:
    """Whether a ledger and the store hold the same events. Reads only.

    What is appended to the ledger meanwhile counts as missing in the store.

    Raises:
        LedgerError: There is no ledger, or it cannot be read.
        LogError: A segment of it cannot be read.
        UsageError: The pack that reads it is not installed.
    """
    source = source or ledger_source(folder)
    places = places_of(folder, reader.segments())
    pairs = [
        _Pair(file=_whole(look_at(each.path, source)), segment=each.segment, path=str(each.path))
        for each in places.files
    ]
    pairs += [_Pair(file=None, segment=each, path=each.path) for each in places.strangers]
    parser = LineParser(ParseSettings.of(find_pack(source.pack, packs), is_lenient=False))
    walk = _Comparison(reader, pairs, parser, limits or Limits(), has_unique_ids=True)
    return walk.parity(held_max)


def log_parity(
    reader: StoreReader,
    source: LogSource,
    packs: Mapping[str, Pack],
    *,
    limits: Limits | None = None,
    held_max: int = HELD_MAX,
) -> EventSetParity:
    """The same for a log that someone else writes, segment by segment. Reads only.

    Segments whose files are known to be gone are left out, and ids may occur more than once.

    Raises:
        LogError: A file cannot be read.
        UsageError: The pack that reads the log is not installed.
    """
    pairs = [
        _Pair(file=look_at(path_of(each.path), source), segment=each, path=each.path)
        for each in reader.segments()
        if each.source == source.pattern and not each.has_no_file
    ]
    pack = find_pack(source.pack, packs)
    parser = LineParser(ParseSettings.of(pack, is_lenient=source.is_lenient))
    walk = _Comparison(reader, pairs, parser, limits or Limits(), has_unique_ids=False)
    return walk.parity(held_max)


def _whole(file: LogFile | None) -> LogFile | None:
    """A segment with what its writer has not acknowledged: that is told here as missing."""
    return None if file is None else replace(file, acknowledged=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A file of a log and the segment it was read into; either may be missing."""

    file: LogFile | None
    segment: Segment | None
    path: str


class _Comparison:
    """All pairs of a log, walked as often as it takes."""

    def __init__(
        self,
        reader: StoreReader,
        pairs: Sequence[_Pair],
        parser: LineParser,
        limits: Limits,
        *,
        has_unique_ids: bool,
    ) -> None:
        self._reader = reader
        self._pairs = pairs
        self._parser = parser
        self._limits = limits
        self._has_unique_ids = has_unique_ids
        self._ours = {each.segment.id for each in pairs if each.segment is not None}

    def parity(self, held_max: int) -> EventSetParity:
        tally = Tally()
        first = self._walked(Aside(held_max=held_max), Aside(held_max=held_max))
        if not first.is_over:
            self._settle(first, tally)
        elif not (first.lines.count and first.rows.count):
            # Nothing on one side could match what is on the other.
            tally.take_all(first.lines, first.rows)
        else:
            # Half full on the average, so that hardly ever a part overflows by chance.
            tally = self._by_parts(
                2 * max(first.lines.count, first.rows.count) // held_max + 1, held_max
            )
        if self._has_unique_ids:
            for each in self._reader.repeated_ids(sorted(self._ours), LISTED_MAX):
                tally.duplicate(each)
        return tally.report(first.line_count, first.row_count)

    def _by_parts(self, parts: int, held_max: int) -> Tally:
        """Match what did not fit, one part of the ids after the other, each by one walk."""
        tally = Tally()
        for part in range(parts):
            sides = [Aside(held_max=held_max, parts=parts, part=part) for _ in range(2)]
            walk = self._walked(*sides)
            if walk.is_over:
                return self._by_parts(2 * parts, held_max)
            self._settle(walk, tally)
        return tally

    def _walked(self, lines: Aside, rows: Aside) -> _Walk:
        walk = _Walk(self._reader, self._parser, self._limits, lines, rows)
        for pair in self._pairs:
            walk.pair(pair)
        return walk

    def _settle(self, walk: _Walk, tally: Tally) -> None:
        """Match by id what did not fit by place."""
        lines, rows = walk.lines, walk.rows
        known = self._placed_ids(walk) if self._has_unique_ids else set()
        for line in lines.held.values():
            row = rows.held.get(line.id)
            if row is not None:
                tally.pair(line, row)
            elif line.id in known:
                tally.duplicate(line.id)
            else:
                tally.missing_in_sqlite(line.id)
        for lost in (*(each for each in rows.held if each not in lines.held), *rows.repeated):
            tally.missing_in_jsonl(lost)
        take = tally.duplicate if self._has_unique_ids else tally.missing_in_sqlite
        for again in lines.repeated:
            take(again)

    def _placed_ids(self, walk: _Walk) -> set[str]:
        """Ids of lines without a row that a row with another line has: the ledger repeats them."""
        asked = [each for each in walk.lines.held if each not in walk.rows.held]
        return {
            each.event_id
            for each in self._reader.events_with_ids(asked)
            if each.event_id is not None and segment_of(each.position) in self._ours
        }


class _Rows:
    """The rows of a segment, one look ahead."""

    def __init__(self, rows: Iterator[EventLine]) -> None:
        self._rows = rows
        self.head = next(rows, None)

    def advance(self) -> None:
        """Pass one by."""
        self.head = next(self._rows, None)

    def is_next(self, position: int, raw: bytes) -> bool:
        """Whether the next row has this place and these bytes."""
        head = self.head
        return head is not None and head.position == position and head.raw == raw

    def before(self, position: int) -> Iterator[EventLine]:
        """The rows before a position, which are passed by."""
        while self.head is not None and self.head.position < position:
            found = self.head
            self.advance()
            yield found


class _Walk:
    """One walk over both sides: counts what fits by place, and puts aside what does not."""

    def __init__(
        self, reader: StoreReader, parser: LineParser, limits: Limits, lines: Aside, rows: Aside
    ) -> None:
        self._reader = reader
        self._parser = parser
        self._limits = limits
        self._path = ""
        self.lines = lines
        self.rows = rows
        self.line_count = 0
        self.row_count = 0

    @property
    def is_over(self) -> bool:
        return self.lines.is_over or self.rows.is_over

    def pair(self, pair: _Pair) -> None:
        self._path = pair.path
        segment_id = pair.segment.id if pair.segment else 0
        # A file that no segment was made of has the places of one that cannot be.
        base = position_of(segment_id, 0) if segment_id else 0
        with closing(self._stored(segment_id)) as stored:
            rows = _Rows(stored)
            if pair.file is not None:
                state = pair.segment.state if pair.segment else SegmentState.LIVE
                for block in self._blocks(pair.file, is_closed=state in _SETTLED):
                    self._block(block, rows, base)
            for row in rows.before(base + SEGMENT_BYTES_MAX):
                self._row(row)

    def _stored(self, segment_id: int) -> Generator[EventLine, None, None]:
        if segment_id:
            yield from self._reader.event_lines(segment_id, _ALL)

    def _blocks(self, file: LogFile, *, is_closed: bool) -> Iterator[Block]:
        pieces = read_pieces(
            file,
            start=ByteOffset(0),
            first_line=LineNumber(1),
            limits=self._limits,
            is_closed=is_closed,
        )
        with closing(pieces):
            for piece in pieces:
                if isinstance(piece, Block):
                    yield piece
                elif isinstance(piece, Break):
                    yield Block(start=piece.start, first_line=piece.line, data=piece.data)

    def _block(self, block: Block, rows: _Rows, base: int) -> None:
        place = base + block.start
        if rows.head is None or rows.head.position >= place + len(block.data):
            self._lines_without_rows(block)
            return
        for raw in block.data.split(b"\n"):
            if rows.is_next(place, raw):
                self.line_count += 1
                self.row_count += 1
                rows.advance()
            elif raw:
                self._line(block, place - base, raw, rows, base)
            place += len(raw) + 1

    def _line(self, block: Block, start: int, raw: bytes, rows: _Rows, base: int) -> None:
        """A line that is no event, or one that the store has otherwise, or not at all."""
        one = Block(start=ByteOffset(start), first_line=block.first_line, data=raw + b"\n")
        found = list(rows.before(base + start + len(one.data)))
        for event in self._parser.parse(one).events:
            text = raw[event[0] : event[1]]
            same = next((row for row in found if row.raw == text), None)
            self.line_count += 1
            if same is not None and same.position == base + start + event[0]:
                found.remove(same)
                self.row_count += 1
            else:
                self._put_aside(self.lines, event[6][0], start + event[0], text)
        for row in found:
            self._row(row)

    def _lines_without_rows(self, block: Block) -> None:
        for event in self._parser.parse(block).events:
            self.line_count += 1
            text = block.data[event[0] : event[1]]
            self._put_aside(self.lines, event[6][0], block.start + event[0], text)

    def _row(self, row: EventLine) -> None:
        self.row_count += 1
        self._put_aside(self.rows, row.event_id, byte_offset_of(row.position), row.raw)

    def _put_aside(self, side: Aside, event_id: object, byte_offset: int, raw: bytes) -> None:
        name = event_id if isinstance(event_id, str) else f"{self._path}, byte {byte_offset}"
        digest = hashlib.sha256(raw).digest()
        side.add(Unmatched(id=name, sha256=digest, shown=_event_hash(raw) or digest.hex()))


class _Hash(msgspec.Struct):
    event_hash: str | None = None


_HASHES: Final = msgspec.json.Decoder(_Hash)


def _event_hash(raw: bytes) -> str | None:
    """The hash that an event says it has."""
    try:
        return _HASHES.decode(raw).event_hash
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
