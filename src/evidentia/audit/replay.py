"""The rows that a batch's bytes in the log give: what ingest would make of them today."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from evidentia.audit.segments import BatchBytes
from evidentia.errors import PackError
from evidentia.event.values import ByteOffset, LineNumber, position_of
from evidentia.ingest.collect import dead_letter_row, filler_row, long_line_row, merged
from evidentia.ingest.dividing import parts_of
from evidentia.ingest.parse import LineParser, ParsedBlock, ParseSettings
from evidentia.log.values import Block, Limits, Stretch, StretchKind
from evidentia.pack.contract import Pack
from evidentia.store.values import (
    Batch,
    DeadLetterRow,
    Filler,
    FillerKind,
    SchemaFinding,
    Segment,
)


@dataclass(slots=True, kw_only=True)
class Replay:
    """The rows of one batch, in order of place.

    Attributes:
        parts: Blocks with what they hold; the events are told from these.
    """

    parts: list[tuple[Block, ParsedBlock]] = field(default_factory=list)
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    fillers: list[Filler] = field(default_factory=list)
    findings: list[SchemaFinding] = field(default_factory=list)

    def add(self, block: Block, parsed: ParsedBlock, segment_id: int) -> None:
        """Add what a block holds."""
        base = position_of(segment_id, block.start)
        self.parts.append((block, parsed))
        self.dead_letters += [
            dead_letter_row(block.data, letter, base) for letter in parsed.dead_letters
        ]
        self.fillers += [filler_row(block.data, filler, base) for filler in parsed.fillers]
        self.findings += [
            SchemaFinding(position=base + start, schema=schema, message=message)
            for start, schema, message in parsed.findings
        ]


class Parsers:
    """The parsers that read the segments of a store, each made once."""

    def __init__(self, packs: Mapping[str, Pack]) -> None:
        self._packs = packs
        self._made: dict[tuple[str, bool], LineParser] = {}

    def of(self, segment: Segment, *, is_lenient: bool | None = None) -> LineParser:
        """The parser that read a segment, or one of another strictness.

        Raises:
            PackError: The segment's pack is not installed.
        """
        lenient = segment.is_lenient if is_lenient is None else is_lenient
        key = (segment.pack, lenient)
        if key not in self._made:
            if segment.pack not in self._packs:
                raise _not_installed(segment)
            settings = ParseSettings.of(self._packs[segment.pack], is_lenient=lenient)
            self._made[key] = LineParser(settings)
        return self._made[key]


def _not_installed(segment: Segment) -> PackError:
    return PackError(
        f"pack {segment.pack} is not installed, so the rows of its logs cannot be recomputed",
        where=segment.path,
        fix="install the pack's distribution, or verify without --deep",
    )


def replay(parser: LineParser, item: BatchBytes, limits: Limits) -> Replay:
    """What a batch's bytes give."""
    if item.data is None or _is_over(item, limits):
        return _unread(item, limits)
    batch = item.batch
    found = Replay()
    block = Block(
        start=ByteOffset(batch.byte_start),
        first_line=LineNumber(batch.first_line),
        data=item.data,
        is_final=not item.has_newline,
    )
    for part in parts_of(block):
        found.add(part, parser.parse(part), batch.segment_id)
    found.fillers = merged(found.fillers)
    if is_one_dead_letter(batch) and any(parsed.events for _block, parsed in found.parts):
        # An event now, and none then: it was over the limit of that time.
        return _unread(item, limits)
    return found


def _is_over(item: BatchBytes, limits: Limits) -> bool:
    batch = item.batch
    length = batch.byte_end - batch.byte_start - item.has_newline
    return is_one_dead_letter(batch) and length > limits.line_bytes_max


def is_one_dead_letter(batch: Batch) -> bool:
    """Whether a batch recorded one dead letter and nothing else, as for a line over the limit."""
    return (batch.event_count, batch.dead_letter_count) == (0, 1) and not (
        batch.blank_bytes or batch.bom_bytes or batch.nul_bytes
    )


def _unread(item: BatchBytes, limits: Limits) -> Replay:
    """The one row of a batch that was hashed as it streamed by."""
    batch = item.batch
    position = position_of(batch.segment_id, batch.byte_start)
    length = batch.byte_end - batch.byte_start
    if batch.nul_bytes:
        run = Filler(position=position, kind=FillerKind.NUL, length=length, raw=None)
        return Replay(fillers=[run])
    line = (item.data or b"").removesuffix(b"\n")
    stretch = Stretch(
        kind=StretchKind.LONG_LINE,
        start=ByteOffset(batch.byte_start),
        line=LineNumber(batch.first_line),
        length=length,
        sha256=item.line_sha256 or hashlib.sha256(line).digest(),
        blake3=batch.digest,
        has_newline=item.has_newline,
    )
    return Replay(dead_letters=[long_line_row(stretch, position, limits)])
