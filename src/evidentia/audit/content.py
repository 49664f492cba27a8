"""One digest over everything the logs determine: equal stores have equal digests.

Batches, runs and times of commit are left out, because they depend on when the logs were read and
in how many steps; rows are not, because they may not.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from blake3 import blake3

from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.store.reader import StoreReader
from evidentia.store.values import Segment

_CONTEXT = "evidentia 2026-11 store content v1"


class ContentDigest:
    """BLAKE3 over a store's rows in order of position."""

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader
        self._promoted = reader.promoted()

    def hexdigest(self) -> str:
        """The digest as 64 hexadecimal digits."""
        hasher = blake3(derive_key_context=_CONTEXT)
        hasher.update(msgspec.msgpack.encode(self._promoted))
        for segment in self._reader.segments():
            for row in self._rows(segment):
                # MessagePack writes each value with its type and length, so that no two different
                # lists of rows have the same bytes.
                hasher.update(msgspec.msgpack.encode(row))
        return hasher.hexdigest()

    def _rows(self, segment: Segment) -> Iterable[tuple[object, ...]]:
        span = (0, SEGMENT_BYTES_MAX)
        yield ("segment", segment.id, segment.pack, segment.checkpoint, segment.next_line)
        for event in self._reader.events(segment.id, span, self._promoted):
            yield (
                "event",
                event.position,
                event.line_no,
                event.raw,
                event.sha256,
                event.flags,
                event.columns,
            )
        for letter in self._reader.dead_letters(segment.id, span):
            row = letter.row
            yield (
                "dead letter",
                row.position,
                row.line_no,
                row.reason,
                row.column_no,
                row.raw,
                row.length,
                row.sha256,
                letter.state,
            )
        for filler in self._reader.fillers(segment.id, span):
            yield ("filler", filler.position, filler.kind.value, filler.length, filler.raw)
        for finding in self._reader.findings(segment.id, span):
            yield ("finding", finding.position, finding.schema, finding.message)
