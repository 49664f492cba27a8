"""What the members of a record's payload must be, and what is wrong with a payload that is not so.

Strict: an integer is an integer and no text, a time is a written date with a zone, JSON is JSON and
no text that holds some, and a member that no field knows is a mistake and not an extension.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evidentia.errors import RejectionError
from evidentia.event.canonical import INTEGER_MAX, canonical_bytes
from evidentia.event.timestamp import format_time, parse_time
from evidentia.event.values import JsonObject, JsonValue
from evidentia.packs.pipeline.vocabulary import Vocabulary

NAME_CHARACTERS_MAX: Final = 256
"""Names and ids are for people and indexes, as in the envelope of an event."""
TEXT_CHARACTERS_MAX: Final = 65_536
"""A message or description; what is longer belongs into the record's JSON."""
_SHOWN_CHARACTERS_MAX: Final = 40


class MemberType(StrEnum):
    """What a member holds."""

    NAME = "name"
    """1 to 256 printable characters."""
    TEXT = "text"
    """Any text without U+0000, of at most 65,536 characters."""
    COUNT = "count"
    """A whole number from 0 to 2^53 - 1."""
    NUMBER = "number"
    """A finite number that canonical bytes can hold."""
    TIME = "time"
    """RFC 3339 with a zone; stored as text that sorts as time."""
    TIMESTAMP = "timestamp"
    """The same; stored as SQL writes a time."""
    JSON = "json"
    """An object or an array."""
    NUMBERS = "numbers"
    """An object of finite numbers."""
    RECORDS = "records"
    """An array of objects with members of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a payload.

    Attributes:
        type: What it holds. The value of a vocabulary is a name.
        is_required: Whether a record without it is refused; null counts as missing.
        vocabulary: What a value of it becomes in the table.
        default: What the column holds where the member is missing.
        parts: The members of each object of an array of such.
        has_column: Whether the table has a column of this name.
    """

    name: str
    type: MemberType
    is_required: bool = False
    vocabulary: Vocabulary | None = None
    default: int | None = None
    parts: tuple[Member, ...] = ()
    has_column: bool = True


def problems_of(payload: JsonValue, members: tuple[Member, ...]) -> tuple[str, ...]:
    """Everything that keeps a payload from being a record, but for words outside a vocabulary.

    Each names the member, what it holds, and what it must hold.
    """
    if not isinstance(payload, dict):
        return (f"the record is {_shown(payload)} and no object",)
    return tuple(_problems(payload, members, ""))


def _problems(payload: JsonObject, members: tuple[Member, ...], place: str) -> Iterator[str]:
    known = {member.name: member for member in members}
    yield from _unknown(payload, known, place)
    for name, member in known.items():
        value = payload.get(name)
        if value is None and member.is_required:
            yield f"{place}{name} is missing"
        elif value is not None and not _CHECKS[member.type](value):
            yield f"{place}{name} is {_shown(value)}, not {_FORMS[member.type]}"
        elif member.parts and isinstance(value, list):
            for number, part in enumerate(value):
                if isinstance(part, dict):
                    yield from _problems(part, member.parts, f"{place}{name}[{number}].")


def _unknown(payload: JsonObject, known: Mapping[str, Member], place: str) -> Iterator[str]:
    for name in payload:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{place}{_shown(name)} is no member of such a record{hint}"


def time_text(value: str) -> str:
    """A checked time as every table holds it: UTC, with six digits, so that text sorts as time."""
    us = parse_time(value).us
    return format_time(us or 0)


def timestamp_text(value: str) -> str:
    """A checked time as SQL writes one, in UTC."""
    return time_text(value)[:-1].replace("T", " ")


def json_text(value: JsonValue) -> str:
    """A checked value as the tables hold JSON: its canonical text."""
    return canonical_bytes(value).decode()


def _is_name(value: JsonValue) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= NAME_CHARACTERS_MAX
        and value.isprintable()
        and not value.isspace()
    )


def _is_text(value: JsonValue) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= TEXT_CHARACTERS_MAX
        and "\0" not in value
        and _is_json(value)
    )


def _is_count(value: JsonValue) -> bool:
    # A bool is an int to Python, and to nobody else.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INTEGER_MAX


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_json(value)


def _is_time(value: JsonValue) -> bool:
    # A bare number would be read as an epoch; here only a written date will do.
    if not isinstance(value, str) or value[4:5] != "-":
        return False
    return parse_time(value).us is not None


def _is_object_or_array(value: JsonValue) -> bool:
    return isinstance(value, dict | list) and _is_json(value)


def _is_array_of_objects(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(part, dict) for part in value)


def _is_object_of_numbers(value: JsonValue) -> bool:
    return isinstance(value, dict) and all(
        _is_name(name) and _is_number(number) for name, number in value.items()
    )


def _is_json(value: JsonValue) -> bool:
    try:
        text = canonical_bytes(value)
    except RejectionError:
        return False
    # PostgreSQL's text holds no U+0000, and neither does its JSON.
    return b"\\u0000" not in text.replace(b"\\\\", b"")


_CHECKS: Final[Mapping[MemberType, Callable[[JsonValue], bool]]] = {
    MemberType.NAME: _is_name,
    MemberType.TEXT: _is_text,
    MemberType.COUNT: _is_count,
    MemberType.NUMBER: _is_number,
    MemberType.TIME: _is_time,
    MemberType.TIMESTAMP: _is_time,
    MemberType.JSON: _is_object_or_array,
    MemberType.NUMBERS: _is_object_of_numbers,
    MemberType.RECORDS: _is_array_of_objects,
}
_TIME_FORM: Final = "a time with a zone such as 2026-01-29T17:25:27Z"
_FORMS: Final[Mapping[MemberType, str]] = {
    MemberType.NAME: f"a text of 1 to {NAME_CHARACTERS_MAX} printable characters",
    MemberType.TEXT: f"a text without U+0000 of at most {TEXT_CHARACTERS_MAX} characters",
    MemberType.COUNT: "a whole number from 0 to 2^53 - 1",
    MemberType.NUMBER: "a finite number, within 2^53 - 1 if it is whole",
    MemberType.TIME: _TIME_FORM,
    MemberType.TIMESTAMP: _TIME_FORM,
    MemberType.JSON: "an object or an array (the JSON itself, no text that holds it)",
    MemberType.NUMBERS: "an object of finite numbers",
    MemberType.RECORDS: "an array of objects",
}


def _shown(value: JsonValue) -> str:
    """A value for a message: short, on one line, without control characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        cut = value[:_SHOWN_CHARACTERS_MAX]
        return repr(cut) + ("…" if len(value) > len(cut) else "")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    # An integer may have more digits than this process converts to text.
    is_long = isinstance(value, int) and abs(value) > INTEGER_MAX
    return "a number beyond 2^53 - 1" if is_long else str(value)
