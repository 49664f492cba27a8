"""Recover: put back what the log gives wherever the store was damaged. The log is never touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evidentia.audit.records import check_records
from evidentia.audit.segments import read_batch, read_batches
from evidentia.audit.values import Finding, FindingKind, RecoverReport
from evidentia.audit.verify import compare_rows, parser_for
from evidentia.errors import LogError
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.ingest.collect import Parts
from evidentia.ingest.parse import LineParser
from evidentia.log.compression import open_stream
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import path_of
from evidentia.log.values import Block, Limits
from evidentia.pack.contract import Pack
from evidentia.store.reader import StoreReader
from evidentia.store.values import Batch, BatchWrite, Segment, SegmentState
from evidentia.store.writer import StoreWriter

_REPAIRABLE = frozenset(
    {
        FindingKind.MISSING_IN_STORE,
        FindingKind.MISSING_IN_LOG,
        FindingKind.MISMATCHED,
        FindingKind.COLUMN,
        FindingKind.COUNT,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What a look at the store found.

    Attributes:
        batches: Batches whose rows differ from what a replay would give, by segment.
        unrepaired: Findings that replaying cannot mend.
    """

    batches: tuple[tuple[Segment, tuple[Batch, ...]], ...]
    unrepaired: tuple[Finding, ...]


def find_damage(reader: StoreReader, packs: Mapping[str, Pack], limits: Limits) -> Damage:
    """Which batches a replay would mend, and what it would not. Reads only."""
    findings = list(check_records(reader))
    for segment in reader.segments():
        if segment.state is not SegmentState.REPLACED:
            findings += _compare(reader, segment, parser_for(segment, packs), limits)
    wanted = {each.batch_id for each in findings if each.kind in _REPAIRABLE}
    batches = [
        (segment, tuple(batch for batch in reader.batches(segment.id) if batch.id in wanted))
        for segment in reader.segments()
    ]
    return Damage(
        batches=tuple((segment, found) for segment, found in batches if found),
        unrepaired=tuple(each for each in findings if each.kind not in _REPAIRABLE),
    )


def _compare(
    reader: StoreReader, segment: Segment, parser: LineParser, limits: Limits
) -> Iterator[Finding]:
    for item in read_batches(reader, segment, limits):
        if isinstance(item, Finding):
            yield item
        else:
            yield from compare_rows(reader, segment, item, parser)


def recover(
    writer: StoreWriter, packs: Mapping[str, Pack], damage: Damage, limits: Limits
) -> RecoverReport:
    """Replace the rows of damaged batches by what the log gives, one transaction per batch.

    Only batches whose bytes in the log still have the recorded digest are touched.
    """
    mended = events = 0
    unrepaired = list(damage.unrepaired)
    for segment, batches in damage.batches:
        parser = parser_for(segment, packs)
        for batch in batches:
            data = _bytes_in_log(segment, batch, limits)
            if data is None:
                unrepaired.append(_beyond_replay(segment, batch))
                continue
            write = _write_for(writer, batch, data, parser)
            writer.replace_rows(batch, write)
            mended += 1
            events += len(write.events)
    return RecoverReport(batches=mended, events=events, unrepaired=tuple(unrepaired))


def _bytes_in_log(segment: Segment, batch: Batch, limits: Limits) -> bytes | None:
    if segment.state is SegmentState.REPLACED:
        return None
    try:
        with open_stream(path_of(segment.path), segment.compression, limits=limits) as stream:
            stream.skip_to(batch.byte_start)
            found = read_batch(stream, batch)
    except LogError:
        # Named already by the finding that the look at the log gave.
        return None
    return None if found is None else found.data


def _beyond_replay(segment: Segment, batch: Batch) -> Finding:
    return Finding(
        kind=FindingKind.LOG_CHANGED,
        path=segment.path,
        segment_id=segment.id,
        batch_id=batch.id,
        detail="the batch is damaged and its bytes are no longer in the log",
    )


def _write_for(writer: StoreWriter, batch: Batch, data: bytes, parser: LineParser) -> BatchWrite:
    block = Block(
        start=ByteOffset(batch.byte_start), first_line=LineNumber(batch.first_line), data=data
    )
    parts = Parts.begin(block, now=0.0)
    parsed = parser.parse(block)
    kinds = writer.kind_ids({event[3] for event in parsed.events})
    parts.add(block, parsed, batch.segment_id, kinds)
    return BatchWrite(
        segment_id=batch.segment_id,
        byte_start=batch.byte_start,
        byte_end=batch.byte_end,
        first_line=batch.first_line,
        next_line=batch.next_line,
        digest=batch.digest,
        fingerprint=FingerprintBuilder().fingerprint(),
        events=parts.events,
        promoted=parser.promoted,
        dead_letters=parts.dead_letters,
        fillers=parts.fillers,
        findings=parts.findings,
    )
