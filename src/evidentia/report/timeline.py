"""Hours and days of a period, each with its numbers, those without any included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from evidentia.report.periodic import Section, Span
from evidentia.store.values import SqlValue

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
_HOURLY_US_MAX: Final = 2 * DAY_US
_SLOTS_MAX: Final = 400
"""More than a year of days: what is longer is no report's period."""
_HOURS_PER_TICK: Final = 4
_DAYS_PER_TICK: Final = 7
_DAYS_ALL_TICKED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place on the horizontal axis.

    Attributes:
        tick: What stands below the axis; empty for most where there are many.
        values: One for each series.
    """

    label: str
    tick: str
    values: tuple[float, ...]


def slots_of(section: Section, span: Span) -> tuple[Slot, ...]:
    """The hours or days of a timeline's section."""
    length = HOUR_US if span.until_us - span.since_us <= _HOURLY_US_MAX else DAY_US
    count = min(_SLOTS_MAX, -(-(span.until_us - span.since_us) // length))
    sums = [[0.0] * len(section.series) for _ in range(count)]
    for row in section.answer.rows:
        place = _place(row[0], span.since_us, length)
        if 0 <= place < count:
            for index, column in enumerate(section.series):
                sums[place][index] += number_of(row[column])
    return tuple(
        _slot(span.since_us + place * length, length, count, tuple(values))
        for place, values in enumerate(sums)
    )


def _place(value: SqlValue, since_us: int, length: int) -> int:
    return (value - since_us) // length if isinstance(value, int) else -1


def number_of(value: SqlValue) -> float:
    """A number of a result; 0 for what is none."""
    return value if isinstance(value, int | float) else 0


def _slot(us: int, length: int, count: int, values: Sequence[float]) -> Slot:
    when = datetime.fromtimestamp(us // 1_000_000, UTC)
    if length == HOUR_US:
        is_ticked = when.hour % _HOURS_PER_TICK == 0
        label, tick = f"{when:%Y-%m-%d %H:%M}", f"{when:%H:%M}"
    else:
        is_ticked = count <= _DAYS_ALL_TICKED or (when.day - 1) % _DAYS_PER_TICK == 0
        label = f"{when:%Y-%m-%d}"
        # On a phone there is no room for more below seven columns.
        tick = f"{when:%a}" if count <= _DAYS_ALL_TICKED else f"{when.day} {when:%b}"
    return Slot(label=label, tick=tick if is_ticked else "", values=tuple(values))


def classes_of(section: Section) -> tuple[Slot, ...]:
    """The classes of a histogram's section, in their order."""
    return tuple(
        Slot(
            label=str(row[0]),
            tick=str(row[0]),
            values=tuple(number_of(row[column]) for column in section.series),
        )
        for row in section.answer.rows
    )
