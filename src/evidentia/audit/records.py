"""Checks of the store's own records: tiling, chain and counts. No log is read."""

from __future__ import annotations

from collections.abc import Iterator

from evidentia.audit.values import Finding, FindingKind
from evidentia.proof.chain import GENESIS, link_batch
from evidentia.store.reader import StoreReader
from evidentia.store.records import facts_of
from evidentia.store.values import Batch, RowCounts, Segment


def check_records(reader: StoreReader) -> Iterator[Finding]:
    """Everything about batches that does not fit together."""
    segments = {segment.id: segment for segment in reader.segments()}
    counts = {count.batch_id: count for count in reader.rows_per_batch()}
    ends = dict.fromkeys(segments, (0, 1))
    previous = GENESIS
    for batch in reader.batches():
        path = segments[batch.segment_id].path if batch.segment_id in segments else ""
        yield from _check_link(batch, previous, path)
        yield from _check_place(batch, ends.get(batch.segment_id), path)
        yield from _check_counts(batch, counts.pop(batch.id, None), path)
        previous = batch.chain
        ends[batch.segment_id] = (batch.byte_end, batch.next_line)
    for segment in segments.values():
        yield from _check_end(segment, ends[segment.id])
    for count in counts.values():
        yield _orphans(count)


def _orphans(count: RowCounts) -> Finding:
    return Finding(
        kind=FindingKind.COUNT,
        path="",
        segment_id=0,
        batch_id=count.batch_id,
        detail="there are rows of a batch that has no record",
        expected=_told(RowCounts(batch_id=count.batch_id)),
        found=_told(count),
    )


def _check_link(batch: Batch, previous: bytes, path: str) -> Iterator[Finding]:
    expected = link_batch(previous, facts_of(batch))
    if expected != batch.chain:
        yield Finding(
            kind=FindingKind.CHAIN,
            path=path,
            segment_id=batch.segment_id,
            byte_offset=batch.byte_start,
            batch_id=batch.id,
            detail="the batch record, or the one before it, was changed after it was written",
            expected=expected.hex(),
            found=batch.chain.hex(),
        )


def _check_place(batch: Batch, end: tuple[int, int] | None, path: str) -> Iterator[Finding]:
    if end is None:
        yield Finding(
            kind=FindingKind.TILING,
            path=path,
            segment_id=batch.segment_id,
            byte_offset=batch.byte_start,
            batch_id=batch.id,
            detail="the batch belongs to a segment that has no record",
        )
    elif (batch.byte_start, batch.first_line) != end:
        yield Finding(
            kind=FindingKind.TILING,
            path=path,
            segment_id=batch.segment_id,
            byte_offset=end[0],
            batch_id=batch.id,
            detail="the batch does not begin where the one before it ended",
            expected=f"byte {end[0]}, line {end[1]}",
            found=f"byte {batch.byte_start}, line {batch.first_line}",
        )


def _check_counts(batch: Batch, count: RowCounts | None, path: str) -> Iterator[Finding]:
    found = count or RowCounts(batch_id=batch.id)
    expected = RowCounts(
        batch_id=batch.id,
        events=batch.event_count + found.recovered,
        dead_letters=batch.dead_letter_count,
        recovered=found.recovered,
        blank_bytes=batch.blank_bytes,
        bom_bytes=batch.bom_bytes,
        nul_bytes=batch.nul_bytes,
    )
    if found != expected:
        yield Finding(
            kind=FindingKind.COUNT,
            path=path,
            segment_id=batch.segment_id,
            byte_offset=batch.byte_start,
            batch_id=batch.id,
            detail="the batch holds another number of rows than it recorded",
            expected=_told(expected),
            found=_told(found),
        )


def _told(count: RowCounts) -> str:
    return (
        f"{count.events} events, {count.dead_letters} dead letters, {count.blank_bytes} blank, "
        f"{count.bom_bytes} byte-order-mark and {count.nul_bytes} NUL bytes"
    )


def _check_end(segment: Segment, end: tuple[int, int]) -> Iterator[Finding]:
    if (segment.checkpoint, segment.next_line) != end:
        yield Finding(
            kind=FindingKind.TILING,
            path=segment.path,
            segment_id=segment.id,
            byte_offset=end[0],
            detail="the checkpoint is not where the last batch ended",
            expected=f"byte {end[0]}, line {end[1]}",
            found=f"byte {segment.checkpoint}, line {segment.next_line}",
        )
