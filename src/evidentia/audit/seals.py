"""The seals that other programs wrote into their rows, recomputed.

The lines come from the store and not from the log once more: whether the two hold the same is what
the rest of ``verify`` finds out, by digest or, with ``--deep``, line by line; and a segment whose
file is gone still has its rows. So without ``--deep`` it is the store's copy of a line whose seal
is judged.

Each segment has a checker of its own. The first row of a segment may go on with the last row of any
other segment of its log, because files are not always found in the order in which they were
written; one that goes on with none of them is an orphan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from evidentia.audit.segments import windows
from evidentia.audit.values import Finding, FindingKind, SealOptions, SealRemark, SealReport
from evidentia.event.values import byte_offset_of
from evidentia.pack.contract import Pack
from evidentia.pack.seal import SealReading, SealReason, SealScheme, SealVerdict
from evidentia.proof.claims import Level
from evidentia.store.reader import StoreReader
from evidentia.store.values import Segment

REMARKS_KEPT: Final = 100
"""How many remarks a segment's report lists; all are counted."""

_OnFinding = Callable[[Finding], None]
_Line = tuple[int, int, bytes]
_ABSENT: Final = SealReading(verdict=SealVerdict.ABSENT)


def check_seals(
    reader: StoreReader,
    packs: Mapping[str, Pack],
    options: Mapping[str, SealOptions],
    on_finding: _OnFinding,
) -> Iterator[SealReport]:
    """A report for each segment of a log whose pack knows of seals, in order.

    Args:
        reader: Where the lines are.
        packs: By name; a segment of a pack that is not installed is passed over.
        options: By the log's entry of the allow-list; the defaults for those not in it.
        on_finding: Told of every seal that does not hold or is missing where it must not be.
    """
    segments = [each for each in reader.segments() if each.pack in packs and packs[each.pack].seals]
    schemes = {each.id: _scheme_of(reader, each, packs[each.pack].seals) for each in segments}
    heads = _heads(reader, segments, schemes)
    for segment in segments:
        chosen = options.get(segment.source, SealOptions())
        known = heads.get(segment.log_id, frozenset())
        keys = replace(chosen.keys, predecessors=known)
        yield _Run(segment, schemes[segment.id], replace(chosen, keys=keys), on_finding).report(
            _lines(reader, segment)
        )


def _lines(reader: StoreReader, segment: Segment) -> Iterator[_Line]:
    for span in windows(segment):
        yield from reader.lines(segment.id, span)


def _scheme_of(
    reader: StoreReader, segment: Segment, schemes: Sequence[SealScheme]
) -> SealScheme | None:
    """The scheme of the first line that carries any."""
    for _position, _line_no, raw in _lines(reader, segment):
        for scheme in schemes:
            if scheme.recognises(raw):
                return scheme
    return None


def _heads(
    reader: StoreReader, segments: Sequence[Segment], schemes: Mapping[int, SealScheme | None]
) -> dict[int, frozenset[str]]:
    """What the last sealed rows of each log's segments state as their hashes, by log.

    A log of one segment has no other file to go on with. That a segment's own last row is in the
    set does no harm: a first row that names it would need a cycle of hashes.
    """
    per_log = Counter(segment.log_id for segment in segments)
    found: dict[int, set[str]] = {}
    for segment in segments:
        scheme = schemes[segment.id]
        if scheme is not None and per_log[segment.log_id] > 1:
            found.setdefault(segment.log_id, set()).add(_head_of(reader, segment, scheme))
    return {log_id: frozenset(heads - {""}) for log_id, heads in found.items()}


def _head_of(reader: StoreReader, segment: Segment, scheme: SealScheme) -> str:
    """The hash of the last row that carries the seal, looked for from the end."""
    if scheme.head is None:
        return ""
    spans = [(batch.byte_start, batch.byte_end) for batch in reader.batches(segment.id)]
    for span in reversed(spans):
        last = b""
        for _position, _line_no, raw in reader.lines(segment.id, span):
            last = raw if scheme.recognises(raw) else last
        if last:
            return scheme.head(last)
    return ""


@dataclass(slots=True)
class _Run:
    """One segment's rows and what came of them."""

    segment: Segment
    scheme: SealScheme | None
    options: SealOptions
    on_finding: _OnFinding
    counts: Counter[SealVerdict] = field(default_factory=Counter)
    reasons: Counter[SealReason] = field(default_factory=Counter)
    remarks: list[SealRemark] = field(default_factory=list)
    finding_count: int = 0
    lowest: Level | None = None
    signed: tuple[int, int] | None = None
    is_last_signed: bool = False

    def report(self, lines: Iterator[_Line]) -> SealReport:
        """The report, after all lines were checked."""
        checker = None if self.scheme is None else self.scheme.checker(self.options.keys)
        for position, line_no, raw in lines:
            reading = _ABSENT if checker is None else checker.check(raw)
            self._count(reading, line_no, byte_offset_of(position))
        is_signed = self.signed is not None and not self.finding_count
        return SealReport(
            segment_id=self.segment.id,
            path=self.segment.path,
            scheme=self.scheme,
            counts={verdict: self.counts[verdict] for verdict in SealVerdict},
            reasons=dict(self.reasons),
            level=self._level(),
            signed_line=self.signed[0] if self.signed and is_signed else None,
            signed_byte=self.signed[1] if self.signed and is_signed else None,
            remarks=tuple(self.remarks),
            findings=self.finding_count,
        )

    def _level(self) -> Level | None:
        if self.finding_count:
            return None
        # A signature over a hash that names the row before vouches for all rows before as well.
        if self.lowest is Level.CHAIN and self.is_last_signed:
            return Level.SIGNED
        return self.lowest

    def _count(self, reading: SealReading, line_no: int, byte_offset: int) -> None:
        self.counts[reading.verdict] += 1
        if reading.reason is not None:
            self.reasons.update((reading.reason, *reading.also))
        if reading.level is not None:
            unsigned = min(reading.level, Level.CHAIN)
            self.lowest = unsigned if self.lowest is None else min(self.lowest, unsigned)
            self.is_last_signed = reading.level is Level.SIGNED
        if reading.level is Level.SIGNED:
            self.signed = (line_no, byte_offset)
        if self._is_finding(reading):
            self.finding_count += 1
            self.on_finding(self._finding(reading, line_no, byte_offset))
        elif reading.reason not in (None, SealReason.NEVER_SEALED):
            self._remark(reading, line_no, byte_offset)

    def _is_finding(self, reading: SealReading) -> bool:
        if reading.verdict is SealVerdict.ABSENT:
            return self.options.is_sealed and reading.reason is not SealReason.NEVER_SEALED
        return reading.verdict is SealVerdict.INVALID

    def _finding(self, reading: SealReading, line_no: int, byte_offset: int) -> Finding:
        name = "" if self.scheme is None else f"{self.scheme.name}: "
        words = [reason.value for reason in (reading.reason, *reading.also) if reason is not None]
        detail = ", ".join(words) or "no seal in a log that is configured as sealed"
        return Finding(
            kind=FindingKind.SEAL,
            path=self.segment.path,
            segment_id=self.segment.id,
            byte_offset=byte_offset,
            line_no=line_no,
            detail=name + detail + (f": {reading.detail}" if reading.detail else ""),
            expected=reading.expected,
            found=reading.observed,
        )

    def _remark(self, reading: SealReading, line_no: int, byte_offset: int) -> None:
        if reading.reason is not None and len(self.remarks) < REMARKS_KEPT:
            self.remarks.append(
                SealRemark(
                    reason=reading.reason,
                    line_no=line_no,
                    byte_offset=byte_offset,
                    detail=reading.detail,
                )
            )
