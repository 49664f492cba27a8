"""The dead-letter desk's retry: read the exact bytes again with today's pack and limits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.audit.replay import Parsers
from evidentia.audit.segments import windows
from evidentia.errors import LogError
from evidentia.event.values import ByteOffset, LineNumber, byte_offset_of, segment_of
from evidentia.ingest.collect import Parts
from evidentia.ingest.parse import LineParser
from evidentia.log.compression import open_stream
from evidentia.log.names import place_of
from evidentia.log.values import Block, Limits
from evidentia.pack.contract import Pack
from evidentia.store.dead_letters import Retry
from evidentia.store.opening import Store
from evidentia.store.reader import StoreReader
from evidentia.store.values import DeadLetter, DeadLetterRow, Segment
from evidentia.store.writer import StoreWriter

_PAGE_LETTERS: Final = 200
_PAGE_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryReport:
    """How many dead letters were read again, and what came of it."""

    attempted: int
    recovered: int
    outcomes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """How dead letters are read again.

    Attributes:
        is_lenient: Accept repeated keys, lone surrogates and byte-order marks, each flagged, also
            in logs that are read strictly.
    """

    limits: Limits
    is_lenient: bool = False


def open_positions(reader: StoreReader) -> list[int]:
    """Where every open dead letter stands, in order."""
    return [
        letter.row.position
        for segment in reader.segments()
        for span in windows(segment)
        for letter in reader.dead_letters(segment.id, span)
        if letter.state == "open"
    ]


def letters_at(store: Store, positions: Sequence[int]) -> Iterator[DeadLetter]:
    """The dead letters at these positions, a bounded number of bytes in memory at a time.

    The store is not being read while the caller has a letter in hand, so that it may write.
    """
    start = 0
    while start < len(positions):
        page: list[DeadLetter] = []
        with store.reader() as reader:
            for position in positions[start : start + _PAGE_LETTERS]:
                letter = reader.dead_letter(position)
                start += 1
                if letter is not None:
                    page.append(letter)
                if sum(each.row.length for each in page) > _PAGE_BYTES:
                    break
        yield from page


def retry_all(
    writer: StoreWriter,
    letters: Iterable[DeadLetter],
    segments: Mapping[int, Segment],
    packs: Mapping[str, Pack],
    options: RetryOptions,
) -> RetryReport:
    """Read each letter's bytes again; an event takes its own position, the rest is counted.

    Raises:
        PackError: The pack of a letter's log is not installed.
    """
    outcomes = []
    parsers = Parsers(packs)
    for letter in letters:
        segment = segments[segment_of(letter.row.position)]
        parser = parsers.of(segment, is_lenient=segment.is_lenient or options.is_lenient)
        retry = _retry(writer, letter.row, segment, parser, options.limits)
        writer.retry_dead_letter(letter.row.position, retry)
        outcomes.append((letter.row.position, retry.outcome))
    return RetryReport(
        attempted=len(outcomes),
        recovered=sum(outcome == "recovered" for _position, outcome in outcomes),
        outcomes=tuple(outcomes),
    )


def _retry(
    writer: StoreWriter, row: DeadLetterRow, segment: Segment, parser: LineParser, limits: Limits
) -> Retry:
    line = row.raw if row.raw is not None else _from_log(row, segment, limits)
    # Bytes that are not those of the log must not become an event.
    if line is None or hashlib.sha256(line).digest() != row.sha256:
        return _as_before(row)
    block = Block(
        start=ByteOffset(byte_offset_of(row.position)),
        first_line=LineNumber(row.line_no),
        data=line + b"\n" if row.has_newline else line,
    )
    parsed = parser.parse(block)
    if parsed.events:
        parts = Parts.begin(block, now=0.0)
        kinds = writer.kind_ids(set(parsed.events.kinds))
        parts.add(block, parsed, segment.id, kinds)
        return Retry(
            event=next(iter(parts.events)), promoted=parser.promoted, findings=tuple(parts.findings)
        )
    if not row.has_newline or not parsed.dead_letters:
        # That it was torn, or cut by its archive, is known better than the line itself can tell.
        return _as_before(row)
    verdict = parsed.dead_letters[0].verdict
    return Retry(
        event=None, reason=verdict.reason.value, column_no=verdict.column, detail=verdict.detail
    )


def _as_before(row: DeadLetterRow) -> Retry:
    return Retry(event=None, reason=row.reason, column_no=row.column_no, detail=row.detail)


def _from_log(row: DeadLetterRow, segment: Segment, limits: Limits) -> bytes | None:
    """The bytes of a line that was over the limit then, if it is not now."""
    length = row.length - row.has_newline
    if length > limits.line_bytes_max:
        return None
    try:
        with open_stream(place_of(segment.path, segment.compression), limits=limits) as stream:
            stream.skip_to(byte_offset_of(row.position))
            return stream.salvage(length)
    except LogError:
        return None
