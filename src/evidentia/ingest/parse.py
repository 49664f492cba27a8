"""A block of whole lines in; its events, dead letters and fillers out. Pure.

The same code runs in this process, in worker processes and in ``verify``, which is why bulk,
delta, parallel and rebuilt stores are equal.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count
from operator import add, sub
from typing import Final, TypeAlias, cast

from evidentia.event.block import BlockExtractor
from evidentia.event.fast import read_fast_lines
from evidentia.event.fieldmap import FieldMap
from evidentia.event.line import read_line
from evidentia.event.values import Flag, JsonObject, Policy, Reason, Verdict
from evidentia.log.values import Block
from evidentia.pack.contract import EventSchema, Pack
from evidentia.pack.summary import Summary
from evidentia.store.partials import PartialSummaries
from evidentia.store.values import EVENT_COLUMNS, NULL, FillerKind, Partials, SqlValue

ParsedEvent: TypeAlias = tuple[int, int, int, str, bytes, int, tuple[SqlValue, ...]]
"""Start and end in the block, line number, kind, SHA-256, flags, and the other columns."""

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r"
_NUL_ESCAPE: Final = rb"\u0000"
_DICT_ONLY: Final = frozenset({dict})
SHA256_BYTES: Final = 32
_NO_FLAG: Final = Flag(0)
_SCHEMA_INVALID: Final = int(Flag.SCHEMA_INVALID)
_KIND: Final = EVENT_COLUMNS.index("kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseSettings:
    """What a parser must know about a log; small and picklable, so that workers can be told.

    Attributes:
        summaries: Those to count the events of each block for; None where nobody wants that.
    """

    fields: FieldMap
    schema: EventSchema | None
    policy: Policy
    summaries: tuple[Summary, ...] | None = None

    @classmethod
    def of(cls, pack: Pack, *, is_lenient: bool) -> ParseSettings:
        """The settings for a pack's logs."""
        return cls(fields=pack.fields, schema=pack.schema, policy=Policy(is_lenient=is_lenient))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDeadLetter:
    """A line that is not an event, by its place in the block."""

    start: int
    end: int
    line_no: int
    verdict: Verdict
    sha256: bytes
    has_newline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFiller:
    """Bytes that are neither event nor dead letter, by their place in the block."""

    start: int
    end: int
    kind: FillerKind


@dataclass(slots=True, kw_only=True)
class ParsedEvents:
    """The events of a block, column by column: so they are made, sent and bound fastest.

    Iterating gives them one by one, for whoever has few.

    Attributes:
        starts, ends: Places in the block, without the newline.
        sha256: The digests, one behind the other.
        others: The extracted columns but the kind; ``NULL`` stands for NULL.
        partials: What they add to the summaries of their pack; None where that is not counted.
    """

    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    line_nos: Sequence[int] = ()
    kinds: Sequence[str] = ()
    sha256: bytes = b""
    flags: Sequence[int] = ()
    others: Sequence[Sequence[SqlValue]] = ()
    partials: Partials | None = None

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.starts)

    def __iter__(self) -> Iterator[ParsedEvent]:
        """Each event, with None for NULL."""
        for number, others in enumerate(zip(*self.others, strict=True)):
            yield (
                self.starts[number],
                self.ends[number],
                self.line_nos[number],
                self.kinds[number],
                self.sha256[number * SHA256_BYTES : (number + 1) * SHA256_BYTES],
                self.flags[number],
                # NaN alone differs from itself.
                tuple(None if value != value else value for value in others),  # noqa: PLR0124 - see above
            )

    def packed(self) -> bytes:
        """The columns for another process: marshal takes half as long as pickle."""
        return marshal.dumps([getattr(self, name) for name in self.__slots__])

    @classmethod
    def unpacked(cls, packed: bytes) -> ParsedEvents:
        """The columns that ``packed`` gave, in a process of the same interpreter."""
        columns = marshal.loads(packed)  # noqa: S302 - from our own process
        return cls(**dict(zip(cls.__slots__, columns, strict=True)))


@dataclass(slots=True, kw_only=True)
class ParsedBlock:
    """What a block holds. Events carry places, not bytes: the caller has the block."""

    next_line: int
    events: ParsedEvents = field(default_factory=ParsedEvents)
    dead_letters: list[ParsedDeadLetter] = field(default_factory=list)
    fillers: list[ParsedFiller] = field(default_factory=list)
    findings: list[tuple[int, str, str]] = field(default_factory=list)
    """Start in the block, name of the schema, what it says."""


@dataclass(slots=True, kw_only=True)
class _Found:
    """The events of a block before their columns are read; flags by index, where there are any."""

    events: list[JsonObject] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    line_nos: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    flags: dict[int, Flag] = field(default_factory=dict)

    @classmethod
    def of(cls, block: Block, lines: list[bytes], events: list[JsonObject]) -> _Found:
        """A block of which every line is an ordinary event."""
        lengths = [*map(len, lines)]
        # Each line before has brought its newline with it.
        ends = [*map(add, accumulate(lengths), count())]
        return cls(
            events=events,
            starts=[*map(sub, ends, lengths)],
            ends=ends,
            line_nos=[*range(block.first_line, block.first_line + len(lines))],
            lines=lines,
        )

    def add(
        self, event: JsonObject, place: tuple[int, int, int], line: bytes, flags: Flag = _NO_FLAG
    ) -> None:
        """Add one event: its start, end and line number."""
        if flags:
            self.flags[len(self.events)] = flags
        self.events.append(event)
        self.starts.append(place[0])
        self.ends.append(place[1])
        self.line_nos.append(place[2])
        self.lines.append(line)


class LineParser:
    """Reads blocks of one kind of log."""

    def __init__(self, settings: ParseSettings) -> None:
        self._extractor = BlockExtractor(settings.fields, leaves_rest_in_line=True, null=NULL)
        self._policy = settings.policy
        self._schema = None if settings.schema is None else SchemaCheck(settings.schema)
        wanted = settings.summaries
        self._partials = None if wanted is None else PartialSummaries(wanted, settings.fields)
        self.promoted = self._extractor.column_names[len(EVENT_COLUMNS) :]

    def parse(self, block: Block) -> ParsedBlock:
        """Everything in a block; every byte of it is in exactly one of the lists."""
        lines = block.data.split(b"\n")
        last = lines.pop()
        # A line without its newline is not over: what may follow it later has the same number.
        parsed = ParsedBlock(next_line=block.first_line + len(lines))
        text = block.data[: -len(last)] if last else block.data
        events = read_fast_lines(lines, text)
        if last or not set(map(type, events)) <= _DICT_ONLY:
            found = self._read_each(block, parsed, lines, events)
        else:
            found = _Found.of(block, lines, cast("list[JsonObject]", events))
        if found.events:
            self._add_events(block, parsed, found)
        return parsed

    def read(self, line: bytes) -> tuple[JsonObject, Flag] | Verdict:
        """The verdict on one line, by this log's policy."""
        return read_line(line, self._policy)

    def _read_each(
        self,
        block: Block,
        parsed: ParsedBlock,
        lines: Sequence[bytes],
        events: Sequence[JsonObject | None],
    ) -> _Found:
        """The events of a block with lines that the fast path did not take."""
        found = _Found()
        start = 0
        for line_no, (line, event) in enumerate(zip(lines, events, strict=True), block.first_line):
            end = start + len(line)
            if event is None:
                self._read_unusual(block, parsed, found, (start, end, line_no))
            else:
                found.add(event, (start, end, line_no), line)
            start = end + 1
        if start < len(block.data):
            self._read_unusual(block, parsed, found, (start, len(block.data), parsed.next_line))
        return found

    def _add_events(self, block: Block, parsed: ParsedBlock, found: _Found) -> None:
        columns, flags = self._extractor.extract(
            found.events, found.flags, may_hold_nul=_NUL_ESCAPE in block.data
        )
        kinds = cast("list[str]", columns.pop(_KIND))
        if self._schema is not None:
            for index, fault in self._schema.faults(found.events):
                flags[index] |= _SCHEMA_INVALID
                parsed.findings.append((found.starts[index], self._schema.name, fault))
        sha256 = hashlib.sha256
        parsed.events = ParsedEvents(
            starts=found.starts,
            ends=found.ends,
            line_nos=found.line_nos,
            kinds=kinds,
            sha256=b"".join([sha256(line).digest() for line in found.lines]),
            flags=flags,
            others=columns,
            partials=None if self._partials is None else self._partials.rows(kinds, columns),
        )

    def _read_unusual(
        self, block: Block, parsed: ParsedBlock, found: _Found, place: tuple[int, int, int]
    ) -> None:
        """A line the fast path did not take: skipped bytes before it, blank, event or dead."""
        start, end, line_no = place
        is_ended = end < len(block.data)
        start = _skip(block, parsed, start, end)
        line = block.data[start:end]
        if not line.strip(_BLANK):
            if start < end + is_ended:
                _add_filler(parsed, start, end + is_ended, FillerKind.BLANK)
            return
        outcome = self.read(line)
        if isinstance(outcome, Verdict):
            parsed.dead_letters.append(
                ParsedDeadLetter(
                    start=start,
                    end=end,
                    line_no=line_no,
                    verdict=outcome if is_ended else _torn(outcome, len(line)),
                    sha256=hashlib.sha256(line).digest(),
                    has_newline=is_ended,
                )
            )
            return
        event, flags = outcome
        flags |= _NO_FLAG if is_ended else Flag.NO_NEWLINE
        found.add(event, (start, end, line_no), line, flags)


def _skip(block: Block, parsed: ParsedBlock, start: int, end: int) -> int:
    """Account for a byte-order mark at the segment's start and for NULs before the line."""
    if block.start + start == 0 and block.data.startswith(_BOM):
        _add_filler(parsed, 0, len(_BOM), FillerKind.BOM)
        start = len(_BOM)
    line = block.data[start:end]
    nuls = len(line) - len(line.lstrip(b"\0"))
    if nuls:
        _add_filler(parsed, start, start + nuls, FillerKind.NUL)
    return start + nuls


def _add_filler(parsed: ParsedBlock, start: int, end: int, kind: FillerKind) -> None:
    if parsed.fillers and kind is FillerKind.BLANK:
        last = parsed.fillers[-1]
        if last.kind is kind and last.end == start:
            parsed.fillers[-1] = ParsedFiller(start=last.start, end=end, kind=kind)
            return
    parsed.fillers.append(ParsedFiller(start=start, end=end, kind=kind))


def _torn(verdict: Verdict, length: int) -> Verdict:
    # The last bytes of a finished log that never got their newline: they broke off.
    return Verdict(
        reason=Reason.TORN,
        column=length,
        detail=f"the last line breaks off without a newline ({verdict.detail})",
    )


class SchemaCheck:
    """What a pack's schema says of its events."""

    def __init__(self, schema: EventSchema) -> None:
        import jsonschema_rs  # noqa: PLC0415 - only packs with a schema pay for it

        self.name = f"{schema.name}/{schema.version}"
        self._validator = jsonschema_rs.validator_for(dict(schema.document))

    def faults(self, events: Sequence[JsonObject]) -> Iterator[tuple[int, str]]:
        """The index of each event that the schema does not accept, and the first reason."""
        is_valid = self._validator.is_valid
        try:
            suspects = [index for index, event in enumerate(events) if not is_valid(event)]
        except ValueError:
            # One of them cannot be checked.
            suspects = [*range(len(events))]
        for index in suspects:
            fault = self._fault(events[index])
            if fault is not None:
                yield index, fault

    def _fault(self, event: JsonObject) -> str | None:
        try:
            if self._validator.is_valid(event):
                return None
            error = next(iter(self._validator.iter_errors(event)))
        except ValueError as problem:
            return f"not checkable: {problem}"
        place = "/".join(str(part) for part in error.instance_path)
        return f"{place or '(event)'}: {error.message[:300]}"
