"""Times in the SQL of summaries: the day or hour of one, and values that are kept in their order.

The first and the last value of a column are kept as one text: 19 digits that order its time, then
the value. So they merge as the least and the greatest text do, and each is one aggregate, where
value and time apart would need a second reading.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, func, literal_column

from evidentia.event.fieldmap import ColumnType
from evidentia.store.partials import FAR, LIFT
from evidentia.store.schema import BIG

DIGITS: Final = 19
"""Of the time in front of a value."""


def in_time(
    ts: ColumnElement[Any], column: ColumnElement[Any], *, is_first: bool
) -> ColumnElement[Any]:
    """A value with its time in front; NULL, and so of no part in a group, where it is NULL."""
    far = literal_column(str(FAR if is_first else -FAR), BIG)
    moment = func.coalesce(ts, far) + literal_column(str(LIFT), BIG)
    return cast(moment, Text).concat(cast(column, Text))


def value_of(column: ColumnElement[Any], type_: ColumnType) -> ColumnElement[Any]:
    """A value without the time in front of it."""
    value = func.substr(column, DIGITS + 1)
    return cast(value, BIG) if type_ is ColumnType.INTEGER else value


def start_of(ts: ColumnElement[Any], span_us: int) -> ColumnElement[Any]:
    """The start of the stretch of so many microseconds that a time lies in."""
    span = literal_column(str(span_us), BIG)
    # The remainder has the sign of the time on both engines.
    return ts - (ts % span + span) % span


def literal(value: str | int) -> ColumnElement[Any]:
    """A value of a declaration, as it stands in a statement."""
    text = str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
    return literal_column(text)
