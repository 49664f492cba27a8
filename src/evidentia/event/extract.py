"""From a decoded event to the values of its columns. Pure.

The rules are those of ``fieldmap``; the flags say where an event and its field map disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from evidentia.event.column import (
    INTEGER_MAX,
    INTEGER_MIN,
    TAKERS,
    Column,
    SqlValue,
    Taker,
    encoded,
    getters_of,
    storable,
    take_integer,
    take_name,
    take_payload,
    take_text,
    take_time,
)
from evidentia.event.fieldmap import AllExcept, FieldMap, Source
from evidentia.event.timestamp import parse_time
from evidentia.event.values import Flag, JsonObject

FIXED_COLUMNS: Final = (
    "event_id",
    "ts",
    "ts_text",
    "kind",
    "actor",
    "session_id",
    "payload_json",
)
_TEXT_TAKERS: Final = frozenset({take_text, take_name, take_time})


ODD_LINE: Final = Flag.DUPLICATE_KEY | Flag.LONE_SURROGATE
"""What engines read differently, so that the payload of such a line is always stored."""

PayloadReader: TypeAlias = Callable[[JsonObject], tuple[SqlValue, int]]
"""The payload of an event and the bits of its flags."""

_Step: TypeAlias = tuple[str, bool, bool, bool, Column]
"""One column, after what decides its usual cases without a call.

The key of its first source; whether a string there, or an integer there, can be taken as it is;
whether nothing else is to be tried where the key is absent. A plain tuple, because the loop over
these unpacks one for each column of each event.
"""


class Extractor:
    """Reads the columns of events, for one field map.

    Args:
        fields: Where the columns come from.
        leaves_rest_in_line: Give no payload where it is all of the line but a few members and the
            line is ordinary, so that SQL can derive it; see ``AllExcept``.

    Attributes:
        column_names: The columns in the order of the values that ``extract`` returns.
    """

    __slots__ = (
        "_epoch_unit",
        "_kind_default",
        "_read_odd_payload",
        "_read_payload",
        "_steps",
        "column_names",
    )

    def __init__(self, fields: FieldMap, *, leaves_rest_in_line: bool = False) -> None:
        promoted = fields.promoted
        self.column_names: tuple[str, ...] = (
            *FIXED_COLUMNS,
            *(column.name for column in promoted),
        )
        self._epoch_unit = fields.epoch_unit
        self._kind_default = fields.kind_default
        read_payload, self._read_odd_payload = payload_readers(
            fields, leaves_rest_in_line=leaves_rest_in_line
        )
        self._read_payload = read_payload or _leave_in_line
        self._steps = (
            _step("event_id", fields.event_id, take_name),
            _step("ts", fields.ts, take_time),
            _step("kind", fields.kind, take_text),
            _step("actor", fields.actor, take_name),
            _step("session_id", fields.session_id, take_name),
            *(_step(column.name, column.sources, TAKERS[column.type]) for column in promoted),
        )

    def extract(self, event: JsonObject, flags: Flag) -> tuple[tuple[SqlValue, ...], Flag]:
        """The values of ``column_names``, and the flags with those of the extraction added.

        Args:
            event: The object of a line; it is not changed.
            flags: What the reading of the line has found already.

        Raises:
            PackError: A function of the field map failed.
        """
        bits = 0
        values: list[SqlValue] = []
        for key, is_text, is_integer, is_only, column in self._steps:
            value = event.get(key)
            if is_text and type(value) is str and value and "\0" not in value:
                values.append(value)
            elif is_only and value is None:
                values.append(None)
            elif is_integer and type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX:
                values.append(value)
            else:
                taken, more = column.read(event)
                values.append(taken)
                bits |= more
        event_id, stated, kind, actor, session_id, *promoted = values
        us, ts_text = None, None
        if stated is not None:
            stamp = parse_time(stated, self._epoch_unit)
            us, ts_text = stamp.us, stamp.text
            if stamp.flag:
                ts_text, more = _storable_or_none(ts_text)
                bits |= int(stamp.flag) | more
        is_odd = flags and flags & ODD_LINE
        payload, more = (self._read_odd_payload if is_odd else self._read_payload)(event)
        bits |= more
        row = (
            event_id,
            us,
            ts_text,
            kind or self._kind_default,
            actor,
            session_id,
            payload,
            *promoted,
        )
        return row, Flag(flags | bits) if bits else flags


def _storable_or_none(text: str | None) -> tuple[str | None, int]:
    return (None, 0) if text is None else storable(text)


def _leave_in_line(event: JsonObject) -> tuple[None, int]:
    del event
    return None, 0


def payload_readers(
    fields: FieldMap, *, leaves_rest_in_line: bool
) -> tuple[PayloadReader | None, PayloadReader]:
    """What reads the payload of an ordinary line (None: it stays there), and of an odd one."""
    read = _payload_reader(fields)
    is_in_line = isinstance(fields.payload, AllExcept) and fields.payload.is_derivable
    return None if leaves_rest_in_line and is_in_line else read, read


def _payload_reader(fields: FieldMap) -> PayloadReader:
    if not isinstance(fields.payload, AllExcept):
        getters = getters_of("payload_json", fields.payload)
        return Column(getters=getters, take=take_payload).read
    left_out = fields.payload.keys

    def read_rest(event: JsonObject) -> tuple[SqlValue, int]:
        # Taking a few members out of a copy is faster than copying the many others one by one.
        members = event.copy()
        for key in left_out:
            members.pop(key, None)
        return encoded(members)

    return read_rest


def _step(name: str, sources: tuple[Source, ...], take: Taker) -> _Step:
    key = sources[0] if sources else None
    is_plain = isinstance(key, str)
    return (
        key if isinstance(key, str) else "",
        is_plain and take in _TEXT_TAKERS,
        is_plain and take is take_integer,
        not sources or (is_plain and len(sources) == 1),
        Column(getters=getters_of(name, sources), take=take),
    )
