"""A block of whole lines in; its events, dead letters and fillers out. Pure.

The same code runs in this process, in worker processes and in ``verify``, which is why bulk,
delta, parallel and rebuilt stores are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from evidentia.event.extract import Extractor
from evidentia.event.fieldmap import FieldMap
from evidentia.event.line import read_fast, read_line
from evidentia.event.values import Flag, JsonObject, Policy, Reason, Verdict
from evidentia.log.values import Block
from evidentia.pack.contract import EventSchema, Pack
from evidentia.store.values import EVENT_COLUMNS, FillerKind, SqlValue

ParsedEvent: TypeAlias = tuple[int, int, int, str, bytes, int, tuple[SqlValue, ...]]
"""Start and end in the block, line number, kind, SHA-256, flags, and the other columns.

An empty text stands for NULL, which no column ever holds as such: SQLite's driver binds it several
times faster than None, and the store takes it for what it means.
"""

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r"
_EMPTY_FOR_NONE: Final[dict[SqlValue, SqlValue]] = {None: ""}
_NO_FLAG: Final = Flag(0)
_KIND: Final = EVENT_COLUMNS.index("kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseSettings:
    """What a parser must know about a log; small and picklable, so that workers can be told."""

    fields: FieldMap
    schema: EventSchema | None
    policy: Policy

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
class ParsedBlock:
    """What a block holds. Events carry places, not bytes: the caller has the block."""

    next_line: int
    events: list[ParsedEvent] = field(default_factory=list)
    dead_letters: list[ParsedDeadLetter] = field(default_factory=list)
    fillers: list[ParsedFiller] = field(default_factory=list)
    findings: list[tuple[int, str, str]] = field(default_factory=list)
    """Start in the block, name of the schema, what it says."""


class LineParser:
    """Reads blocks of one kind of log."""

    def __init__(self, settings: ParseSettings) -> None:
        self._extractor = Extractor(settings.fields, leaves_rest_in_line=True)
        self._policy = settings.policy
        self._find_fault = _schema_check(settings.schema)
        self._schema_name = (
            f"{settings.schema.name}/{settings.schema.version}" if settings.schema else ""
        )
        self.promoted = self._extractor.column_names[len(EVENT_COLUMNS) :]

    def parse(self, block: Block) -> ParsedBlock:
        """Everything in a block; every byte of it is in exactly one of the lists."""
        lines = block.data.split(b"\n")
        last = lines.pop()
        # A line without its newline is not over: what may follow it later has the same number.
        parsed = ParsedBlock(next_line=block.first_line + len(lines))
        start = 0
        for line_no, line in enumerate(lines, block.first_line):
            event = read_fast(line)
            if event is None:
                self._read_unusual(block, parsed, (start, start + len(line)), line_no)
            else:
                self._add_event(parsed, event, _NO_FLAG, (start, line_no, line))
            start += len(line) + 1
        if last:
            self._read_unusual(block, parsed, (start, len(block.data)), parsed.next_line)
        return parsed

    def read(self, line: bytes) -> tuple[JsonObject, Flag] | Verdict:
        """The verdict on one line, by this log's policy."""
        return read_line(line, self._policy)

    def _add_event(
        self, parsed: ParsedBlock, event: JsonObject, flags: Flag, place: tuple[int, int, bytes]
    ) -> None:
        start, line_no, line = place
        columns, flags = self._extractor.extract(event, flags)
        if self._find_fault is not None:
            fault = self._find_fault(event)
            if fault is not None:
                flags |= Flag.SCHEMA_INVALID
                parsed.findings.append((start, self._schema_name, fault))
        others = columns[:_KIND] + columns[_KIND + 1 :]
        parsed.events.append(
            (
                start,
                start + len(line),
                line_no,
                str(columns[_KIND]),
                hashlib.sha256(line).digest(),
                int(flags),
                tuple(map(_EMPTY_FOR_NONE.get, others, others)),
            )
        )

    def _read_unusual(
        self, block: Block, parsed: ParsedBlock, span: tuple[int, int], line_no: int
    ) -> None:
        """A line the fast path did not take: skipped bytes before it, blank, event or dead."""
        start, end = span
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
        self._add_event(parsed, event, flags, (start, line_no, line))


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


def _schema_check(schema: EventSchema | None) -> Callable[[JsonObject], str | None] | None:
    if schema is None:
        return None
    import jsonschema_rs  # noqa: PLC0415 - only packs with a schema pay for it

    validator = jsonschema_rs.validator_for(dict(schema.document))

    def find_fault(event: JsonObject) -> str | None:
        try:
            if validator.is_valid(event):
                return None
            error = next(iter(validator.iter_errors(event)))
        except ValueError as problem:
            return f"not checkable: {problem}"
        place = "/".join(str(part) for part in error.instance_path)
        return f"{place or '(event)'}: {error.message[:300]}"

    return find_fault
