"""Verify: recompute and compare, and say what that proves. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from evidentia.audit.content import ContentDigest
from evidentia.audit.records import check_records
from evidentia.audit.replay import Parsers, replay
from evidentia.audit.rows import RowComparison
from evidentia.audit.seals import check_seals
from evidentia.audit.segments import BatchBytes, check_stored_bytes, read_batches
from evidentia.audit.values import (
    Finding,
    FindingKind,
    SealOptions,
    SegmentVerdict,
    VerifyReport,
)
from evidentia.ingest.parse import LineParser
from evidentia.log.values import Limits
from evidentia.pack.contract import Pack
from evidentia.proof.claims import Level
from evidentia.store.reader import StoreReader
from evidentia.store.values import Segment

FINDINGS_KEPT = 100
"""How many findings a report lists; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """How deep to look.

    Attributes:
        is_deep: Also compare every line with its row, every derived column, the engine's own
            integrity check and the content digest.
        on_progress: Told the path and the bytes compared since the last call.
        seals: How the seals of a log are checked, by its entry of the allow-list.
    """

    is_deep: bool = False
    limits: Limits = field(default_factory=Limits)
    on_progress: Callable[[str, int], None] = lambda _path, _bytes: None
    seals: Mapping[str, SealOptions] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """Findings so far."""

    kept: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, finding: Finding) -> None:
        self.count += 1
        if len(self.kept) < FINDINGS_KEPT:
            self.kept.append(finding)


def verify(reader: StoreReader, packs: Mapping[str, Pack], options: VerifyOptions) -> VerifyReport:
    """Compare the store with its logs; every difference is found, the first few are listed.

    Raises:
        PackError: A log's pack is not installed, so its rows cannot be recomputed.
    """
    tally = _Tally()
    for finding in check_records(reader):
        tally.add(finding)
    comparison = LogComparison(reader, packs, options)
    verdicts = tuple(
        _verify_segment(reader, segment, comparison, tally) for segment in reader.segments()
    )
    seals = tuple(check_seals(reader, packs, options.seals, tally.add))
    digest = None
    if options.is_deep:
        for problem in reader.integrity_problems():
            tally.add(
                Finding(
                    kind=FindingKind.ENGINE, path=str(reader.path), segment_id=0, detail=problem
                )
            )
        digest = ContentDigest(reader).hexdigest()
    counts = reader.counts()
    return VerifyReport(
        segments=verdicts,
        findings=tuple(tally.kept),
        finding_count=tally.count,
        is_deep=options.is_deep,
        level=_level(verdicts, tally),
        events=counts.events,
        dead_letters=counts.dead_letters,
        gaps=reader.gaps(),
        content_digest=digest,
        seals=seals,
    )


def _level(verdicts: tuple[SegmentVerdict, ...], tally: _Tally) -> Level | None:
    if tally.count:
        return None
    if all(verdict.is_compared for verdict in verdicts):
        return Level.CHECKSUM
    return Level.READABLE


def _verify_segment(
    reader: StoreReader, segment: Segment, comparison: LogComparison, tally: _Tally
) -> SegmentVerdict:
    before = tally.count
    is_compared = not segment.has_no_file
    findings = comparison.findings(segment) if is_compared else check_stored_bytes(reader, segment)
    for finding in findings:
        tally.add(finding)
    events = dead_letters = batches = 0
    for batch in reader.batches(segment.id):
        events += batch.event_count
        dead_letters += batch.dead_letter_count
        batches += 1
    return SegmentVerdict(
        segment_id=segment.id,
        path=segment.path,
        state=segment.state.value,
        checkpoint=segment.checkpoint,
        batches=batches,
        events=events,
        dead_letters=dead_letters,
        is_compared=is_compared,
        tail_bytes=segment.tail_bytes,
        findings=tally.count - before,
    )


class LogComparison:
    """Compares segments with their logs: batches by digest, and lines with rows where asked."""

    def __init__(
        self, reader: StoreReader, packs: Mapping[str, Pack], options: VerifyOptions
    ) -> None:
        self._reader = reader
        self._parsers = Parsers(packs)
        self._options = options
        self._columns = reader.promoted() if options.is_deep else ()

    def findings(self, segment: Segment) -> Iterator[Finding]:
        """Everything in which a segment differs from its log.

        Raises:
            PackError: Its pack is not installed, so its rows cannot be recomputed.
        """
        parser = self._parsers.of(segment) if self._options.is_deep else None
        for item in read_batches(self._reader, segment, self._options.limits):
            if isinstance(item, Finding):
                yield item
                continue
            self._options.on_progress(segment.path, item.batch.byte_end - item.batch.byte_start)
            if parser is not None:
                yield from self._rows(segment, item, parser)

    def _rows(self, segment: Segment, item: BatchBytes, parser: LineParser) -> Iterator[Finding]:
        comparison = RowComparison(
            segment=segment,
            batch=item.batch,
            promoted=parser.promoted,
            others=tuple(name for name in self._columns if name not in parser.promoted),
        )
        log = replay(parser, item, self._options.limits)
        yield from comparison.findings(log, self._reader)
