"""The values an event is made of: JSON types, flags, verdicts, positions.

Nothing here reads bytes; ``line`` judges them and ``extract`` turns them into columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import Final, NewType, TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"

ByteOffset = NewType("ByteOffset", int)
"""A place in a segment, in bytes of its decompressed stream."""
LineNumber = NewType("LineNumber", int)
"""1-based number of a line in its segment; blank and bad lines count."""
Position = NewType("Position", int)
"""Where an event stands in the evidence: ``segment_id * 2**40 + byte_offset``."""

SEGMENT_BYTES_MAX: Final = 2**40
"""A segment holds at most 1 TiB, so that a position fits a signed 64-bit integer."""
SEGMENT_ID_MAX: Final = 2**23 - 1
"""The largest segment id for which every position still fits."""


def position_of(segment_id: int, byte_offset: int) -> Position:
    """The position of a byte in a segment.

    Raises:
        OverflowError: The segment id or the byte offset is outside its limit.
    """
    if not (0 < segment_id <= SEGMENT_ID_MAX and 0 <= byte_offset < SEGMENT_BYTES_MAX):
        raise OverflowError(f"no position for segment {segment_id}, byte {byte_offset}")
    return Position(segment_id * SEGMENT_BYTES_MAX + byte_offset)


def segment_of(position: int) -> int:
    """The segment id inside a position."""
    return position // SEGMENT_BYTES_MAX


def byte_offset_of(position: int) -> ByteOffset:
    """The byte offset inside a position."""
    return ByteOffset(position % SEGMENT_BYTES_MAX)


class Reason(StrEnum):
    """Why a line is a dead letter. The words are stable: they are stored."""

    NOT_UTF8 = "not_utf8"
    BOM = "bom"
    SYNTAX = "syntax"
    NOT_OBJECT = "not_object"
    DUPLICATE_KEY = "duplicate_key"
    NUMBER = "number"
    CONTROL = "control"
    LONE_SURROGATE = "lone_surrogate"
    DEPTH = "depth"
    TOO_LONG = "too_long"
    TORN = "torn"
    CORRUPT_ARCHIVE = "corrupt_archive"


class Flag(IntFlag):
    """What is noteworthy about an event that was stored. The bit values are stable."""

    NO_NEWLINE = 1 << 0
    """The last line of a finished segment, without its newline."""
    DUPLICATE_KEY = 1 << 1
    """A key occurs twice in one object; the last one won (lenient logs only)."""
    LONE_SURROGATE = 1 << 2
    """A ``\\ud800`` without its pair; columns show it escaped (lenient logs only)."""
    BOM = 1 << 3
    """A byte-order mark before a line in mid-file was skipped (lenient logs only)."""
    NUL_ESCAPED = 1 << 4
    r"""A column's text holds U+0000, which is shown as the six characters ``\u0000``."""
    INTEGER_RANGE = 1 << 5
    """An integer does not fit 64 bits; its column is NULL, raw is exact."""
    FIELD_DRIFT = 1 << 6
    """A known key carries a value of another JSON type than the pack expects."""
    TIME_UNZONED = 1 << 7
    """The time has no zone; nothing is guessed, ``ts`` is NULL."""
    TIME_INVALID = 1 << 8
    """The time is not a date of this calendar (or outside years 1 to 9999); ``ts`` is NULL."""
    TIME_UNIT_UNCLEAR = 1 << 9
    """A bare number whose unit (s, ms, us, ns) is not clear; ``ts`` is NULL."""
    TIME_TRUNCATED = 1 << 10
    """The time is finer than a microsecond; ``ts`` is cut, ``ts_text`` keeps all."""
    TIME_LEAP_SECOND = 1 << 11
    """Second 60; ``ts`` is the first instant after it, as POSIX counts."""
    SCHEMA_INVALID = 1 << 12
    """The pack's JSON Schema does not accept the event; see ``schema_findings``."""
    NO_PAYLOAD = 1 << 13
    """The payload holds a number too long to write again; ``raw_json`` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a line is not an event.

    Attributes:
        reason: The rule that failed.
        column: 1-based byte column in the line (without its line ending) where it failed.
        detail: One phrase for people.
    """

    reason: Reason
    column: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How strictly a log's lines are judged.

    Attributes:
        is_lenient: Accept duplicate keys (last wins), lone surrogates and a byte-order mark in
            mid-file, each with a flag, instead of making them dead letters.
        depth_max: Deepest nesting of objects and arrays that is accepted. Parsers differ
            (200 to 2,000), so the cap is the lowest of them.
    """

    is_lenient: bool = False
    depth_max: int = 200
