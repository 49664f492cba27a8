"""One digest over everything the logs determine: equal stores have equal digests.

Batches, runs and times of commit are left out, because they depend on when the logs were read and
in how many steps; so are the numbers of segments, which depend on which log was met first, and the
columns of packs that had nothing to do with a log. Rows are not left out, because they may not
depend on any of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from blake3 import blake3

from evidentia.audit.segments import windows
from evidentia.event.values import byte_offset_of
from evidentia.store.reader import StoreReader
from evidentia.store.values import (
    EVENT_COLUMNS,
    DeadLetter,
    EventRow,
    Filler,
    FillerKind,
    Segment,
)

_CONTEXT: Final = "evidentia 2026-11 store content v1"
_FIXED: Final = len(EVENT_COLUMNS)


class ContentDigest:
    """BLAKE3 over the digests of a store's segments, each over its rows in order of place."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self._promoted = reader.promoted()

    def hexdigest(self) -> str:
        """The digest as 64 hexadecimal digits."""
        hasher = blake3(derive_key_context=_CONTEXT)
        for digest in sorted(self._digest(segment) for segment in self._reader.segments()):
            hasher.update(digest)
        return hasher.hexdigest()

    def _digest(self, segment: Segment) -> bytes:
        hasher = blake3(derive_key_context=_CONTEXT)
        for row in self._rows(segment):
            # MessagePack writes each value with its type and length, so that no two different
            # lists of rows have the same bytes.
            hasher.update(msgspec.msgpack.encode(row))
        return hasher.digest()

    def _rows(self, segment: Segment) -> Iterator[tuple[object, ...]]:
        reader, number = self._reader, segment.id
        yield ("segment", segment.pack, segment.checkpoint, segment.next_line)
        for span in windows(segment):
            yield from map(self._event, reader.events(number, span, self._promoted))
        for span in windows(segment):
            yield from map(_letter, reader.dead_letters(number, span))
        yield from _runs(
            filler for span in windows(segment) for filler in reader.fillers(number, span)
        )
        for span in windows(segment):
            for finding in reader.findings(number, span):
                place = byte_offset_of(finding.position)
                yield ("finding", place, finding.schema, finding.message)

    def _event(self, event: EventRow) -> tuple[object, ...]:
        return (
            "event",
            byte_offset_of(event.position),
            event.line_no,
            event.raw,
            event.sha256,
            event.flags,
            event.columns[:_FIXED],
            [
                pair
                for pair in zip(self._promoted, event.columns[_FIXED:], strict=True)
                if pair[1] is not None
            ],
        )


def _letter(letter: DeadLetter) -> tuple[object, ...]:
    row = letter.row
    return (
        "dead letter",
        byte_offset_of(row.position),
        row.line_no,
        row.reason,
        row.column_no,
        row.raw,
        row.length,
        row.sha256,
        letter.state,
    )


def _runs(fillers: Iterable[Filler]) -> Iterator[tuple[object, ...]]:
    """Fillers, those that follow each other as one: a batch may end between two blank lines."""
    kind: FillerKind | None = None
    start = end = 0
    hasher = blake3()
    for filler in fillers:
        if kind is not filler.kind or end != filler.position:
            if kind is not None:
                yield ("filler", byte_offset_of(start), kind.value, end - start, hasher.digest())
            kind, start, hasher = filler.kind, filler.position, blake3()
        end = filler.position + filler.length
        hasher.update(filler.raw or b"")
    if kind is not None:
        yield ("filler", byte_offset_of(start), kind.value, end - start, hasher.digest())
