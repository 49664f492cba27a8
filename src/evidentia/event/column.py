r"""How one column finds its value in an event: sources in order, types, ranges, text to store.

Pure. Everything here favours completeness; ``extract`` keeps the common case short.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from evidentia.errors import PackError
from evidentia.event.fieldmap import ColumnType, Source
from evidentia.event.long_number import LONG_INTEGER
from evidentia.event.values import Flag, JsonObject, JsonValue

SqlValue: TypeAlias = str | int | float | None
Getter: TypeAlias = Callable[[JsonObject], JsonValue]
Taker: TypeAlias = Callable[[JsonValue], tuple[SqlValue, int] | None]
"""The value to store with its flag bits, or None for a value of the wrong JSON type."""

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1

# Plain integers, because or-ing members of an IntFlag takes longer than reading a column.
_DRIFT: Final = int(Flag.FIELD_DRIFT)
_RANGE: Final = int(Flag.INTEGER_RANGE)
_NUL: Final = int(Flag.NUL_ESCAPED)
_SURROGATE: Final = int(Flag.LONE_SURROGATE)
_PAYLOAD: Final = int(Flag.NO_PAYLOAD)

_encode: Final = msgspec.json.Encoder().encode
_NOT_ENCODABLE: Final = (msgspec.MsgspecError, TypeError, ValueError, RecursionError)
"""A long integer, what a pack's function returned by mistake, a deep stack of callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column and where its value comes from.

    Attributes:
        getters: The sources in order.
        take: What becomes of a value that is there.
    """

    getters: tuple[Getter, ...]
    take: Taker

    def read(self, event: JsonObject) -> tuple[SqlValue, int]:
        """The column's value and the bits of its flags.

        Raises:
            PackError: A source function failed.
        """
        bits = 0
        for get in self.getters:
            value = get(event)
            if value is None or value == "":
                continue
            taken = self.take(value)
            if taken is not None:
                return taken[0], bits | taken[1]
            bits |= _DRIFT
        return None, bits


def getters_of(name: str, sources: tuple[Source, ...]) -> tuple[Getter, ...]:
    """One function for each source of the named column."""
    return tuple(_getter_of(name, source) for source in sources)


def _getter_of(name: str, source: Source) -> Getter:
    if isinstance(source, str):
        return lambda event: event.get(source)
    if isinstance(source, tuple):
        return lambda event: _follow(event, source)

    def call(event: JsonObject) -> JsonValue:
        try:
            return source(event)
        except Exception as error:
            raise PackError(
                f"the function behind column {name!r} failed with {type(error).__name__}",
                fix="let it return None for an event that it does not understand",
            ) from error

    return call


def _follow(event: JsonObject, path: tuple[str, ...]) -> JsonValue:
    value: JsonValue = event
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def storable(text: str) -> tuple[str, int]:
    r"""The text as both engines can store it, and the bits of its flags.

    U+0000 is written as ``\u0000``. A surrogate, which only a pack's function can bring in, is
    written as its escape too.
    """
    bits = 0
    if "\0" in text:
        text = text.replace("\0", r"\u0000")
        bits = _NUL
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode(errors="backslashreplace").decode()
        bits |= _SURROGATE
    return text, bits


def take_text(value: JsonValue) -> tuple[SqlValue, int] | None:
    """A string."""
    return storable(value) if type(value) is str else None


def take_name(value: JsonValue) -> tuple[SqlValue, int] | None:
    """A string, or an integer as its exact decimal text."""
    if type(value) is int:
        try:
            return str(value), 0
        except ValueError:
            # More digits than this process converts to text.
            return None, _RANGE
    return (None, _RANGE) if value is LONG_INTEGER else take_text(value)


def take_integer(value: JsonValue) -> tuple[SqlValue, int] | None:
    """An integer of 64 bits; NULL for a larger one."""
    if type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
        return value, 0
    return (None, _RANGE) if type(value) is int or value is LONG_INTEGER else None


def take_real(value: JsonValue) -> tuple[SqlValue, int] | None:
    """A finite number as a float; NULL for an integer that no float can hold."""
    if type(value) is int:
        try:
            return float(value), 0
        except OverflowError:
            return None, _RANGE
    if type(value) is float and math.isfinite(value):
        return value, 0
    return (None, _RANGE) if value is LONG_INTEGER else None


def take_time(value: JsonValue) -> tuple[SqlValue, int] | None:
    """A string or number as it is; what it means is for ``timestamp`` to say."""
    if type(value) is str or type(value) is int or type(value) is float:
        return value, 0
    return (None, _RANGE) if value is LONG_INTEGER else None


def take_payload(value: JsonValue) -> tuple[SqlValue, int] | None:
    """An object or array as JSON text."""
    return encoded(value) if type(value) is dict or type(value) is list else None


def encoded(value: JsonValue) -> tuple[str | None, int]:
    """Compact JSON text; NULL where the value holds what cannot be written again."""
    try:
        return _encode(value).decode(), 0
    except _NOT_ENCODABLE:
        return None, _PAYLOAD


TAKERS: Final[dict[ColumnType, Taker]] = {
    ColumnType.TEXT: take_text,
    ColumnType.INTEGER: take_integer,
    ColumnType.REAL: take_real,
}
