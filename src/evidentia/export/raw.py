"""A segment given back byte for byte, from the store; no parsing, no re-serialising."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from evidentia.errors import LogError, StoreError
from evidentia.log.compression import open_stream
from evidentia.log.names import place_of
from evidentia.log.values import Limits
from evidentia.store.evidence import StoredBytes, stored_bytes
from evidentia.store.reader import StoreReader
from evidentia.store.values import Segment

_CHUNK_BYTES = 1024 * 1024
_WINDOW_BYTES = 16 * 1024 * 1024


def export_raw(
    reader: StoreReader, segment: Segment, write: Callable[[bytes], object], limits: Limits
) -> int:
    """Write a segment's bytes ``[0, checkpoint)`` and return how many they are.

    A line that was over the limit is not in the store; its bytes come from the log, and are
    checked against the hash in the store.

    Raises:
        StoreError: Bytes are missing in the store, or a line over the limit is no longer in the
            log as it was.
    """
    done = 0
    for piece in _pieces(reader, segment):
        if piece.byte_offset != done:
            raise _hole(segment, done)
        if piece.data is not None:
            write(piece.data)
        else:
            _copy_long_line(segment, piece, write, limits)
        done += piece.length
    if done != segment.checkpoint:
        raise _hole(segment, done)
    return done


def _pieces(reader: StoreReader, segment: Segment) -> Iterator[StoredBytes]:
    # Rows are fetched a thousand at a time, and a line may have megabytes.
    for start in range(0, segment.checkpoint, _WINDOW_BYTES):
        span = (start, min(start + _WINDOW_BYTES, segment.checkpoint))
        yield from stored_bytes(reader, segment.id, span)


def _hole(segment: Segment, byte_offset: int) -> StoreError:
    return StoreError(
        "the store lacks bytes of this segment",
        where=f"{segment.path}, byte {byte_offset}",
        fix="run 'evidentia verify --deep', then 'evidentia recover'",
    )


def _copy_long_line(
    segment: Segment, piece: StoredBytes, write: Callable[[bytes], object], limits: Limits
) -> None:
    digest = hashlib.sha256()
    left = piece.length
    try:
        with open_stream(place_of(segment.path, segment.compression), limits=limits) as stream:
            stream.skip_to(piece.byte_offset)
            while left:
                chunk = stream.salvage(min(_CHUNK_BYTES, left))
                if not chunk:
                    break
                left -= len(chunk)
                digest.update(chunk if left else chunk.removesuffix(b"\n"))
                write(chunk)
    except LogError as error:
        raise _line_gone(segment, piece) from error
    if left or digest.digest() != piece.sha256:
        raise _line_gone(segment, piece)


def _line_gone(segment: Segment, piece: StoredBytes) -> StoreError:
    return StoreError(
        "a line over the limit was never stored, and the log no longer holds it as it was",
        where=f"{segment.path}, byte {piece.byte_offset}, {piece.length} bytes",
        fix="restore the log from a backup",
    )
