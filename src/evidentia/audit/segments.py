"""One segment: the log's bytes, batch by batch, against the digests that the store recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from evidentia.audit.values import Finding, FindingKind
from evidentia.errors import LogError
from evidentia.log.compression import open_stream
from evidentia.log.names import place_of
from evidentia.log.opening import ByteStream
from evidentia.log.values import Compression, Limits
from evidentia.proof.chain import BytesDigest
from evidentia.store.evidence import common_length, stored_bytes
from evidentia.store.reader import Span, StoreReader
from evidentia.store.values import Batch, Segment

_CHUNK_BYTES = 1024 * 1024
_HELD_BYTES_MAX = 64 * 1024 * 1024
"""A batch above this size is one long line or NUL run: its bytes are hashed, not held."""
_WINDOW_BYTES = 16 * 1024 * 1024
"""Rows are fetched a thousand at a time, and each may be as long as the line limit; so no more is
asked for at once than rows that begin in this many bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBytes:
    """A batch whose bytes in the log have the recorded digest.

    Attributes:
        data: The bytes; None where the batch is too large to hold.
        line_sha256: SHA-256 of the bytes without a newline at their end, where ``data`` is None.
        has_newline: A newline ends the bytes.
    """

    batch: Batch
    data: bytes | None
    line_sha256: bytes = b""
    has_newline: bool


def windows(segment: Segment) -> Iterator[Span]:
    """A segment's bytes up to its checkpoint, in ranges whose rows fit into memory."""
    for start in range(0, segment.checkpoint, _WINDOW_BYTES):
        yield start, min(start + _WINDOW_BYTES, segment.checkpoint)


def read_batches(
    reader: StoreReader, segment: Segment, limits: Limits
) -> Iterator[BatchBytes | Finding]:
    """Each batch's bytes from the log, or what is wrong with them.

    After a finding that concerns the whole file nothing more comes. Of a changed archive only the
    first difference is looked for, because each look decompresses it from its beginning.
    """
    if not segment.checkpoint:
        return
    is_changed = False
    try:
        with open_stream(place_of(segment.path, segment.compression), limits=limits) as stream:
            for batch in reader.batches(segment.id):
                found = read_batch(stream, batch)
                if found is not None:
                    yield found
                    continue
                is_located = segment.compression is Compression.NONE or not is_changed
                yield _log_changed(reader, segment, batch, limits if is_located else None)
                is_changed = True
    except LogError as error:
        yield Finding(
            kind=FindingKind.LOG_MISSING,
            path=segment.path,
            segment_id=segment.id,
            detail=str(error),
        )


def read_batch(stream: ByteStream, batch: Batch) -> BatchBytes | None:
    """A batch's bytes from a stream that stands at its start; None if they changed."""
    digest = BytesDigest()
    line = hashlib.sha256()
    length = batch.byte_end - batch.byte_start
    is_held = length <= _HELD_BYTES_MAX
    kept: list[bytes] = []
    chunk = b""
    done = 0
    while done < length:
        chunk = stream.salvage(min(_CHUNK_BYTES, length - done))
        if not chunk:
            return None
        digest.update(chunk)
        done += len(chunk)
        if is_held:
            kept.append(chunk)
        else:
            line.update(chunk if done < length else chunk.removesuffix(b"\n"))
    if digest.digest() != batch.digest:
        return None
    return BatchBytes(
        batch=batch,
        data=b"".join(kept) if is_held else None,
        line_sha256=b"" if is_held else line.digest(),
        has_newline=chunk.endswith(b"\n"),
    )


def _log_changed(
    reader: StoreReader, segment: Segment, batch: Batch, limits: Limits | None
) -> Finding:
    place, detail = batch.byte_start, "the log's bytes are not those that were ingested"
    if limits is not None:
        place, is_short = _first_difference(reader, segment, batch, limits)
        detail = "the log ends before its checkpoint" if is_short else detail
    return Finding(
        kind=FindingKind.LOG_CHANGED,
        path=segment.path,
        segment_id=segment.id,
        byte_offset=place,
        batch_id=batch.id,
        detail=detail,
        expected=batch.digest.hex(),
    )


def _first_difference(
    reader: StoreReader, segment: Segment, batch: Batch, limits: Limits
) -> tuple[int, bool]:
    """Where the log first differs from the bytes in the store, and whether it just ends there.

    The batch's end where no difference is found.
    """
    span = (batch.byte_start, batch.byte_end)
    with open_stream(place_of(segment.path, segment.compression), limits=limits) as stream:
        stream.skip_to(batch.byte_start)
        for piece in stored_bytes(reader, segment.id, span):
            if piece.data is None:
                stream.skip_to(piece.byte_offset + piece.length)
                continue
            found = stream.salvage(len(piece.data))
            if found != piece.data:
                common = common_length(found, piece.data)
                return piece.byte_offset + common, common == len(found)
    return batch.byte_end, False


def check_stored_bytes(reader: StoreReader, segment: Segment) -> Iterator[Finding]:
    """Batches whose bytes, put together from the store alone, lack the recorded digest.

    Batches that hold a line over the limit are passed over: its bytes are only in the log.
    """
    for batch in reader.batches(segment.id):
        digest = BytesDigest()
        is_whole = True
        for piece in stored_bytes(reader, segment.id, (batch.byte_start, batch.byte_end)):
            is_whole = is_whole and piece.data is not None
            digest.update(piece.data or b"")
        if is_whole and digest.digest() != batch.digest:
            yield Finding(
                kind=FindingKind.STORED_BYTES,
                path=segment.path,
                segment_id=segment.id,
                byte_offset=batch.byte_start,
                batch_id=batch.id,
                detail="the bytes in the store are not those that were ingested",
                expected=batch.digest.hex(),
                found=digest.digest().hex(),
            )
