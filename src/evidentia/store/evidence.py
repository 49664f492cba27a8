"""A segment's bytes, put together again from the store alone.

Events and dead letters give their raw bytes and newline, fillers theirs; a line that was over the
limit was never stored and is given as a place to look up in the log.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from evidentia.event.values import Flag, byte_offset_of
from evidentia.store.reader import Span, StoreReader


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBytes:
    """Bytes of a segment as the store has them.

    Attributes:
        data: None where only their length and hash were stored.
        sha256: SHA-256 of the line without its newline, where ``data`` is None.
    """

    byte_offset: int
    length: int
    data: bytes | None
    sha256: bytes = b""


_NUL_CHUNK_BYTES = 1024 * 1024


def stored_bytes(reader: StoreReader, segment_id: int, span: Span) -> Iterator[StoredBytes]:
    """Everything the store holds of a byte range, in order of place."""
    return heapq.merge(
        _from_events(reader, segment_id, span),
        _from_dead_letters(reader, segment_id, span),
        _from_fillers(reader, segment_id, span),
        key=attrgetter("byte_offset"),
    )


def _from_events(reader: StoreReader, segment_id: int, span: Span) -> Iterator[StoredBytes]:
    for event in reader.events(segment_id, span):
        data = event.raw if event.flags & Flag.NO_NEWLINE else event.raw + b"\n"
        yield StoredBytes(byte_offset=byte_offset_of(event.position), length=len(data), data=data)


def _from_dead_letters(reader: StoreReader, segment_id: int, span: Span) -> Iterator[StoredBytes]:
    for letter in reader.dead_letters(segment_id, span):
        if letter.state == "recovered":
            continue
        row = letter.row
        ending = b"\n" if row.has_newline else b""
        yield StoredBytes(
            byte_offset=byte_offset_of(row.position),
            length=row.length,
            data=None if row.raw is None else row.raw + ending,
            sha256=row.sha256,
        )


def _from_fillers(reader: StoreReader, segment_id: int, span: Span) -> Iterator[StoredBytes]:
    for filler in reader.fillers(segment_id, span):
        start = byte_offset_of(filler.position)
        if filler.raw is not None:
            yield StoredBytes(byte_offset=start, length=filler.length, data=filler.raw)
            continue
        for done in range(0, filler.length, _NUL_CHUNK_BYTES):
            length = min(_NUL_CHUNK_BYTES, filler.length - done)
            yield StoredBytes(byte_offset=start + done, length=length, data=bytes(length))


def common_length(left: bytes, right: bytes) -> int:
    """How many bytes two texts share from their beginning."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
