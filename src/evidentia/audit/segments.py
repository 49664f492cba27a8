"""One segment: the log's bytes, batch by batch, against the digests that the store recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evidentia.audit.values import Finding, FindingKind
from evidentia.errors import LogError
from evidentia.log.compression import open_stream
from evidentia.log.names import path_of
from evidentia.log.opening import ByteStream
from evidentia.log.values import Limits
from evidentia.proof.chain import BytesDigest
from evidentia.store.evidence import stored_bytes
from evidentia.store.reader import StoreReader
from evidentia.store.values import Batch, Segment

_CHUNK_BYTES = 1024 * 1024
_HELD_BYTES_MAX = 64 * 1024 * 1024
"""A batch above this size is one long line or NUL run, which has no rows to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBytes:
    """A batch whose bytes in the log have the recorded digest.

    Attributes:
        data: The bytes; None where the batch is too large to hold.
    """

    batch: Batch
    data: bytes | None


def read_batches(
    reader: StoreReader, segment: Segment, limits: Limits
) -> Iterator[BatchBytes | Finding]:
    """Each batch's bytes from the log, or what is wrong with them.

    After a finding that concerns the whole file nothing more comes.
    """
    try:
        with open_stream(path_of(segment.path), segment.compression, limits=limits) as stream:
            for batch in reader.batches(segment.id):
                found = read_batch(stream, batch)
                if found is not None:
                    yield found
                else:
                    yield _log_changed(reader, segment, batch, limits)
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
    length = batch.byte_end - batch.byte_start
    kept: list[bytes] = []
    done = 0
    while done < length:
        chunk = stream.salvage(min(_CHUNK_BYTES, length - done))
        if not chunk:
            return None
        digest.update(chunk)
        done += len(chunk)
        if length <= _HELD_BYTES_MAX:
            kept.append(chunk)
    if digest.digest() != batch.digest:
        return None
    return BatchBytes(batch=batch, data=b"".join(kept) if length <= _HELD_BYTES_MAX else None)


def _log_changed(reader: StoreReader, segment: Segment, batch: Batch, limits: Limits) -> Finding:
    place = _first_difference(reader, segment, batch, limits)
    return Finding(
        kind=FindingKind.LOG_CHANGED,
        path=segment.path,
        segment_id=segment.id,
        byte_offset=place,
        batch_id=batch.id,
        detail="the log's bytes are not those that were ingested",
        expected=batch.digest.hex(),
    )


def _first_difference(reader: StoreReader, segment: Segment, batch: Batch, limits: Limits) -> int:
    """Where the log first differs from the bytes in the store; the batch's end if it does not."""
    span = (batch.byte_start, batch.byte_end)
    with open_stream(path_of(segment.path), segment.compression, limits=limits) as stream:
        stream.skip_to(batch.byte_start)
        for piece in stored_bytes(reader, segment.id, span):
            if piece.data is None:
                stream.skip_to(piece.byte_offset + piece.length)
                continue
            found = stream.salvage(len(piece.data))
            if found != piece.data:
                return piece.byte_offset + _common_length(found, piece.data)
    return batch.byte_end


def _common_length(left: bytes, right: bytes) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))


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
