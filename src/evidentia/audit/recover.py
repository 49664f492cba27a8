"""Recover: put back what the log gives wherever the store was damaged. The log is never touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from evidentia.audit.records import check_records
from evidentia.audit.replay import Parsers, Replay, replay
from evidentia.audit.segments import BatchBytes, read_batch
from evidentia.audit.values import REPAIRABLE, Finding, FindingKind, RecoverReport
from evidentia.audit.verify import LogComparison, VerifyOptions
from evidentia.errors import LogError
from evidentia.ingest.collect import Parts
from evidentia.log.compression import open_stream
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import place_of
from evidentia.log.values import Limits
from evidentia.pack.contract import Pack
from evidentia.store.reader import StoreReader
from evidentia.store.values import Batch, BatchWrite, Segment, SqlValue
from evidentia.store.writer import StoreWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What a look at the store found.

    Attributes:
        batches: Batches whose rows differ from what a replay would give, by segment.
        unrepaired: Findings that replaying cannot mend.
    """

    batches: tuple[tuple[Segment, tuple[Batch, ...]], ...]
    unrepaired: tuple[Finding, ...]


def find_damage(
    reader: StoreReader,
    packs: Mapping[str, Pack],
    limits: Limits,
    segment_ids: Collection[int] | None = None,
) -> Damage:
    """Which batches a replay would mend, and what it would not. Reads only.

    Args:
        reader: The store.
        packs: Every pack by name.
        limits: What reading a log may cost.
        segment_ids: Look at these segments only.
    """
    known = {batch.id for batch in reader.batches()}
    wanted: set[int | None] = set()
    unrepaired: list[Finding] = []
    for finding in _findings(reader, packs, limits, segment_ids):
        if finding.kind in REPAIRABLE and finding.batch_id in known:
            wanted.add(finding.batch_id)
        else:
            unrepaired.append(finding)
    batches = [
        (segment, tuple(batch for batch in reader.batches(segment.id) if batch.id in wanted))
        for segment in reader.segments()
    ]
    return Damage(
        batches=tuple((segment, found) for segment, found in batches if found),
        unrepaired=tuple(unrepaired),
    )


def _findings(
    reader: StoreReader,
    packs: Mapping[str, Pack],
    limits: Limits,
    segment_ids: Collection[int] | None,
) -> Iterator[Finding]:
    for finding in check_records(reader):
        if segment_ids is None or finding.segment_id in segment_ids:
            yield finding
    comparison = LogComparison(reader, packs, VerifyOptions(is_deep=True, limits=limits))
    for segment in reader.segments():
        is_wanted = segment_ids is None or segment.id in segment_ids
        if is_wanted and not segment.has_no_file:
            yield from comparison.findings(segment)


def recover(
    writer: StoreWriter, packs: Mapping[str, Pack], damage: Damage, limits: Limits
) -> RecoverReport:
    """Replace the rows of damaged batches by what the log gives, one transaction per batch.

    Only batches whose bytes in the log still have the recorded digest are touched.
    """
    mended = events = 0
    unrepaired = list(damage.unrepaired)
    parsers = Parsers(packs)
    for segment, batches in damage.batches:
        for batch in batches:
            item = _bytes_in_log(segment, batch, limits)
            if item is None:
                unrepaired.append(_beyond_replay(segment, batch))
                continue
            parser = parsers.of(segment)
            write = _write_for(writer, batch, replay(parser, item, limits), parser.promoted)
            writer.replace_rows(batch, write)
            mended += 1
            events += len(write.events)
    return RecoverReport(batches=mended, events=events, unrepaired=tuple(unrepaired))


def _bytes_in_log(segment: Segment, batch: Batch, limits: Limits) -> BatchBytes | None:
    if segment.has_no_file:
        return None
    try:
        with open_stream(place_of(segment.path, segment.compression), limits=limits) as stream:
            stream.skip_to(batch.byte_start)
            return read_batch(stream, batch)
    except LogError:
        # Named already by the finding that the look at the log gave.
        return None


def _beyond_replay(segment: Segment, batch: Batch) -> Finding:
    return Finding(
        kind=FindingKind.LOG_CHANGED,
        path=segment.path,
        segment_id=segment.id,
        batch_id=batch.id,
        detail="the batch is damaged and its bytes are no longer in the log",
    )


def _write_for(
    writer: StoreWriter, batch: Batch, found: Replay, promoted: tuple[str, ...]
) -> BatchWrite:
    events: list[tuple[SqlValue, ...]] = []
    for block, parsed in found.parts:
        kinds = writer.kind_ids(set(parsed.events.kinds))
        parts = Parts.begin(block, now=0.0)
        parts.add(block, parsed, batch.segment_id, kinds)
        events += parts.events
    return BatchWrite(
        segment_id=batch.segment_id,
        byte_start=batch.byte_start,
        byte_end=batch.byte_end,
        first_line=batch.first_line,
        next_line=batch.next_line,
        digest=batch.digest,
        fingerprint=FingerprintBuilder().fingerprint(),
        events=events,
        promoted=promoted,
        dead_letters=found.dead_letters,
        fillers=found.fillers,
        findings=found.findings,
    )
