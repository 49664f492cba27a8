"""The columns of many events at once, as ``Extractor`` reads them from each. Pure.

Most columns of most blocks hold texts, or nothing, and that is settled for a whole column by the
set of its types. Only the events that such a look does not settle are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from evidentia.event.column import (
    INTEGER_MAX,
    INTEGER_MIN,
    TAKERS,
    Column,
    SqlValue,
    Taker,
    getters_of,
    storable,
    take_integer,
    take_name,
    take_text,
    take_time,
)
from evidentia.event.extract import FIXED_COLUMNS, ODD_LINE, payload_readers
from evidentia.event.fieldmap import FieldMap, FromKey, Source
from evidentia.event.timestamp import parse_times
from evidentia.event.values import Flag, JsonObject, JsonValue

Values: TypeAlias = list[SqlValue]

_TEXT_TAKERS: Final = frozenset({take_text, take_name, take_time})
_TEXT_OR_NONE: Final = frozenset({str, type(None)})
_INTEGER_OR_NONE: Final = frozenset({int, type(None)})
_REMEMBERED_MAX: Final = 20_000
_REMEMBERED_LENGTH: Final = 200
"""Texts of which a column remembers what its function made of them, and their longest: 4 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How a column is read.

    Attributes:
        column: What reads the column of one event.
        key: The key of the first source, where that is a plain key; of the only one, where that is
            a function of one member.
        is_text, is_integer: Whether such a value of the first source is taken as it is.
        guards: Keys without which no further source has a value; None where only asking tells.
        results: What that function gave for texts so far; None where there is no such function.
    """

    column: Column
    key: str | None
    is_text: bool
    is_integer: bool
    guards: tuple[str, ...] | None
    results: dict[str, tuple[SqlValue, int]] | None = None


class BlockExtractor:
    """Reads the columns of many events, for one field map.

    Args:
        fields: Where the columns come from.
        leaves_rest_in_line: As for ``Extractor``.
        null: What stands for NULL in the columns.

    Attributes:
        column_names: The columns in the order that ``extract`` returns them.
    """

    def __init__(
        self, fields: FieldMap, *, leaves_rest_in_line: bool = False, null: SqlValue = None
    ) -> None:
        self.column_names: tuple[str, ...] = (
            *FIXED_COLUMNS,
            *(column.name for column in fields.promoted),
        )
        self._null = null
        self._kind_default = fields.kind_default
        self._epoch_unit = fields.epoch_unit
        self._read_payload, self._read_odd_payload = payload_readers(
            fields, leaves_rest_in_line=leaves_rest_in_line
        )
        self._event_id = _plan("event_id", fields.event_id, take_name)
        self._ts = _plan("ts", fields.ts, take_time)
        self._kind = _plan("kind", fields.kind, take_text)
        self._others = (
            _plan("actor", fields.actor, take_name),
            _plan("session_id", fields.session_id, take_name),
        )
        self._promoted = tuple(
            _plan(column.name, column.sources, TAKERS[column.type]) for column in fields.promoted
        )

    def extract(
        self, events: Sequence[JsonObject], flags: Mapping[int, Flag], *, may_hold_nul: bool
    ) -> tuple[list[Values], list[int]]:
        """The columns, and the flags of each event with those of the extraction added.

        Args:
            events: Objects of lines; they are not changed.
            flags: By index, what the reading of the lines has found already.
            may_hold_nul: False where no text of any event holds U+0000.

        Raises:
            PackError: A function of the field map failed.
        """
        bits = [0] * len(events)
        for index, flag in flags.items():
            bits[index] = int(flag)
        reading = _Reading(events=events, bits=bits, may_hold_nul=may_hold_nul)
        columns = [
            reading.column(self._event_id, self._null),
            *self._times(reading),
            reading.column(self._kind, self._kind_default),
            *(reading.column(plan, self._null) for plan in self._others),
            self._payloads(reading, flags),
            *(reading.column(plan, self._null) for plan in self._promoted),
        ]
        return columns, bits

    def _times(self, reading: _Reading) -> tuple[Values, Values]:
        null = self._null
        stated = reading.column(self._ts, None)
        instants, others = parse_times(stated, self._epoch_unit)
        texts: Values = stated
        for index, stamp in others.items():
            text, more = (None, 0) if stamp.text is None else storable(stamp.text)
            texts[index] = text
            reading.bits[index] |= int(stamp.flag) | more
        if others or None in texts:
            texts = [null if text is None else text for text in texts]
            return [null if us is None else us for us in instants], texts
        return [*instants], texts

    def _payloads(self, reading: _Reading, flags: Mapping[int, Flag]) -> Values:
        null = self._null
        payloads: Values = [null] * len(reading.events)
        odd = {index for index, flag in flags.items() if flag & ODD_LINE}
        for index in odd if self._read_payload is None else range(len(payloads)):
            read = self._read_odd_payload if index in odd else self._read_payload
            if read is not None:
                value, more = read(reading.events[index])
                payloads[index] = null if value is None else value
                reading.bits[index] |= more
        return payloads


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """The events that are read, and the bits of their flags so far."""

    events: Sequence[JsonObject]
    bits: list[int]
    may_hold_nul: bool

    def column(self, plan: _Plan, filler: SqlValue) -> Values:
        """One column; ``filler`` where an event has no value for it."""
        if not plan.column.getters:
            return [filler] * len(self.events)
        if plan.key is None:
            column: Values = [filler] * len(self.events)
            self._read_each(plan, column, range(len(column)), filler)
            return column
        if plan.results is not None:
            return self._remembered(plan, plan.key, plan.results, filler)
        return self._settled(plan, plan.key, filler)

    def _remembered(
        self, plan: _Plan, key: str, results: dict[str, tuple[SqlValue, int]], filler: SqlValue
    ) -> Values:
        """The column of a function of one member: texts come again and again."""
        read, events, bits = plan.column.read, self.events, self.bits
        column: Values = [filler] * len(events)
        for index, found in enumerate([event.get(key) for event in events]):
            if found is None:
                continue
            # Other types may be equal and yet not the same, as 1 and true are.
            if type(found) is not str or len(found) > _REMEMBERED_LENGTH:
                value, more = read(events[index])
            elif found in results:
                value, more = results[found]
            else:
                value, more = read(events[index])
                if len(results) < _REMEMBERED_MAX:
                    results[found] = value, more
            column[index] = filler if value is None else value
            bits[index] |= more
        return column

    def _settled(self, plan: _Plan, key: str, filler: SqlValue) -> Values:
        """The column of a member, where whole columns do not settle it read event by event."""
        found = [event.get(key) for event in self.events]
        unsettled = self._unsettled(plan, found)
        column: Values
        # What is no text, number or None here is unsettled, and replaced below.
        if plan.is_text:
            column = [value or filler for value in found]  # type: ignore[misc]  # see above
        else:
            column = [filler if value is None else value for value in found]  # type: ignore[misc]  # see above
        self._read_each(plan, column, unsettled, filler)
        return column

    def _read_each(
        self, plan: _Plan, column: Values, indexes: Iterable[int], filler: SqlValue
    ) -> None:
        events, bits = self.events, self.bits
        for index in indexes:
            value, more = plan.column.read(events[index])
            column[index] = filler if value is None else value
            if more:
                bits[index] |= more

    def _unsettled(self, plan: _Plan, found: Sequence[JsonValue]) -> Iterable[int]:
        """The events whose value is not simply what the first source has."""
        odd: list[int] = []
        if not self._are_usual(plan, found):
            is_text, is_integer = plan.is_text, plan.is_integer
            odd = [
                index
                for index, value in enumerate(found)
                if value is not None
                and not (is_text and type(value) is str and "\0" not in value)
                and not (is_integer and type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX)
            ]
        if plan.guards == ():
            return odd
        absent = (index for index, value in enumerate(found) if value is None or value == "")
        if plan.guards is None:
            return {*odd, *absent}
        events = self.events
        holders = {
            index for key in plan.guards for index, event in enumerate(events) if key in event
        }
        return {*odd, *holders.intersection(absent)} if holders else odd

    def _are_usual(self, plan: _Plan, found: Sequence[JsonValue]) -> bool:
        """Whether all values can be taken as they are; a False may be wrong."""
        types = set(map(type, found))
        if plan.is_text:
            return types <= _TEXT_OR_NONE and not self.may_hold_nul
        if not plan.is_integer or not types <= _INTEGER_OR_NONE:
            return False
        integers = [value for value in found if isinstance(value, int)]
        return not integers or (min(integers) >= INTEGER_MIN and max(integers) <= INTEGER_MAX)


def _plan(name: str, sources: tuple[Source, ...], take: Taker) -> _Plan:
    key = sources[0] if sources and isinstance(sources[0], str) else None
    guards = tuple(map(_guard, sources[1:]))
    function = sources[0] if len(sources) == 1 and isinstance(sources[0], FromKey) else None
    return _Plan(
        column=Column(getters=getters_of(name, sources), take=take),
        key=function.key if function else key,
        results={} if function else None,
        is_text=take in _TEXT_TAKERS,
        is_integer=take is take_integer,
        guards=None if None in guards else tuple(guard for guard in guards if guard is not None),
    )


def _guard(source: Source) -> str | None:
    """A key without which the source has no value; None where there is no such key."""
    if isinstance(source, str):
        return source
    if isinstance(source, tuple):
        return source[0] if source else None
    return source.key if isinstance(source, FromKey) else None
