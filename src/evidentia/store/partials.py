"""What the events of a block add to the summaries of their pack, counted while they are parsed.

The rows are those that the SQL of ``store.summaries`` gives for the same events; a test compares
the two. A large load counts here, in the process that has the columns at hand anyway, because
reading millions of stored rows again would be a quarter of its time. Pure.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import compress
from typing import Any, Final, TypeAlias

from evidentia.event.fieldmap import ColumnType, FieldMap
from evidentia.pack.sketch import merged_sketches, sketch_of
from evidentia.pack.summary import KIND, Key, Measure, Merge, Summary
from evidentia.store.values import EVENT_COLUMNS, PartialRow, Partials, SqlValue

LIFT: Final = 4 * 10**18
"""Added to a time, so that it has 19 digits; times are within the years 1 to 9999."""
FAR: Final = 3 * 10**18
"""The time of an event without one: after all others for the first, before them for the last."""

# A ``PartialRow`` is a row of a summary as it is stored, keys first, made of some of its events;
# ``Partials`` are such rows for each summary of a pack, in the order in which it declares them.
_Values: TypeAlias = Sequence[Any]
_Columns: TypeAlias = dict[str, _Values]
_OTHERS: Final = tuple(name for name in EVENT_COLUMNS if name != KIND)


class PartialSummaries:
    """Counts the events of blocks for every summary of a pack.

    Args:
        summaries: As the pack declares them.
        fields: The pack's field map.
    """

    def __init__(self, summaries: Sequence[Summary], fields: FieldMap) -> None:
        names = (*_OTHERS, *(each.name for each in fields.promoted))
        used = {part.column for each in summaries for part in each.parts} | {"ts"}
        self._used = [(place, name) for place, name in enumerate(names) if name in used]
        self._each = [_PartialSummary(each, fields) for each in summaries]

    def rows(self, kinds: Sequence[str], others: Sequence[_Values]) -> Partials:
        """The rows that some events give; ``others`` are their columns but the kind."""
        columns: _Columns = {KIND: kinds, **{name: others[place] for place, name in self._used}}
        return [each.rows(columns) for each in self._each]


@dataclass(frozen=True, kw_only=True)
class _Grouped:
    """Events with the number of the row that each belongs to.

    NULL is a NaN in all columns, which alone differs from itself.
    """

    numbers: Sequence[int]
    size: int
    columns: _Columns

    @cached_property
    def by_kind(self) -> dict[str, list[tuple[int, int]]]:
        """For each kind the rows that have such events, and how many."""
        found: dict[str, list[tuple[int, int]]] = {}
        for (kind, number), count in Counter(
            zip(self.columns[KIND], self.numbers, strict=True)
        ).items():
            found.setdefault(kind, []).append((number, count))
        return found

    def counts(self, kinds: Sequence[str]) -> list[int]:
        """How many events of some kinds, or of all, each row has."""
        if not kinds:
            return [*map(Counter(self.numbers).__getitem__, range(self.size))]
        found = [0] * self.size
        for kind in kinds:
            for number, count in self.by_kind.get(kind, ()):
                found[number] += count
        return found

    def numbered(self, measure: Measure) -> Iterable[tuple[Any, ...]]:
        """Row, value and time of every event that matters to a measure."""
        columns = self.columns
        found = zip(self.numbers, columns[measure.column], columns["ts"], strict=True)
        if not measure.kinds:
            return found
        return compress(found, map(frozenset(measure.kinds).__contains__, columns[KIND]))


class _PartialSummary:
    def __init__(self, summary: Summary, fields: FieldMap) -> None:
        types = summary.types(fields)
        self._keys = summary.keys
        self._kinds = frozenset(summary.kinds)
        self._used = {part.column for part in summary.parts if part.column} | {KIND, "ts"}
        self._measures = [
            partial(_COLLECTORS[each.merge], each, types[each.name] is ColumnType.INTEGER)
            for each in summary.measures
        ]

    def rows(self, columns: _Columns) -> list[PartialRow]:
        if self._kinds:
            columns = self._chosen(columns, [*map(self._kinds.__contains__, columns[KIND])])
        keys = [_key_values(each, columns[each.column]) for each in self._keys]
        if any(None in each for each in keys):
            is_whole = [None not in each for each in zip(*keys, strict=True)]
            columns = self._chosen(columns, is_whole)
            keys = [[*compress(each, is_whole)] for each in keys]
        rows: dict[tuple[SqlValue, ...], int] = {}
        number = rows.setdefault
        numbers = [number(each, len(rows)) for each in zip(*keys, strict=True)]
        events = _Grouped(numbers=numbers, size=len(rows), columns=columns)
        measures = [collect(events) for collect in self._measures]
        return [(*key, *row) for key, *row in zip(rows, *measures, strict=True)]

    def _chosen(self, columns: _Columns, is_wanted: Sequence[bool]) -> _Columns:
        return {name: [*compress(columns[name], is_wanted)] for name in self._used}


def _key_values(key: Key, values: _Values) -> _Values:
    missing = key.missing
    span = key.span_us
    if span:
        return [missing if value != value else value - value % span for value in values]  # noqa: PLR0124 - NULL
    return [missing if value != value else value for value in values]  # noqa: PLR0124 - NULL


def _count(measure: Measure, _is_integer: bool, events: _Grouped) -> list[SqlValue]:  # noqa: FBT001 - one signature for all
    return [*events.counts(measure.kinds)]


def _flag(measure: Measure, _is_integer: bool, events: _Grouped) -> list[SqlValue]:  # noqa: FBT001 - see above
    return [int(count > 0) for count in events.counts(measure.kinds)]


def _sum(measure: Measure, _is_integer: bool, events: _Grouped) -> list[SqlValue]:  # noqa: FBT001 - see above
    found = [0] * events.size
    for number, value, _ in events.numbered(measure):
        if value == value:  # noqa: PLR0124 - no NULL
            found[number] += value
    return [*found]


def _extreme(
    is_better: Callable[[Any, Any], bool],
    measure: Measure,
    _is_integer: bool,  # noqa: FBT001 - see above
    events: _Grouped,
) -> list[SqlValue]:
    found: list[SqlValue] = [None] * events.size
    for number, value, _ in events.numbered(measure):
        if value == value:  # noqa: PLR0124 - no NULL
            best = found[number]
            if best is None or is_better(value, best):
                found[number] = value
    return found


def _in_time(
    is_better: Callable[[Any, Any], bool],
    measure: Measure,
    is_integer: bool,  # noqa: FBT001 - see above
    events: _Grouped,
) -> list[SqlValue]:
    far = FAR if measure.merge is Merge.FIRST else -FAR
    moments: list[Any] = [None] * events.size
    texts = [""] * events.size
    for number, value, ts in events.numbered(measure):
        if value != value:  # noqa: PLR0124 - NULL
            continue
        moment = ts if ts == ts else far  # noqa: PLR0124 - see above
        best = moments[number]
        if best is None or is_better(moment, best):
            moments[number] = moment
            texts[number] = _text(value, is_integer)
        elif moment == best and is_better(_text(value, is_integer), texts[number]):
            texts[number] = _text(value, is_integer)
    return [
        None if moment is None else f"{moment + LIFT}{text}"
        for moment, text in zip(moments, texts, strict=True)
    ]


def _distinct(measure: Measure, _is_integer: bool, events: _Grouped) -> list[SqlValue]:  # noqa: FBT001 - see above
    found: list[set[Any]] = [set() for _ in range(events.size)]
    for number, value, _ in events.numbered(measure):
        if value == value:  # noqa: PLR0124 - no NULL
            found[number].add(value)
    return [*map(sketch_of, found)]


def _text(value: Any, is_integer: bool) -> str:  # noqa: ANN401, FBT001 - see above
    # A truth is stored as an integer.
    return str(int(value)) if is_integer else value


_COLLECTORS: Final[dict[Merge, Callable[..., list[SqlValue]]]] = {
    Merge.COUNT: _count,
    Merge.FLAG: _flag,
    Merge.SUM: _sum,
    Merge.MIN: partial(_extreme, operator.lt),
    Merge.MAX: partial(_extreme, operator.gt),
    Merge.FIRST: partial(_in_time, operator.lt),
    Merge.LAST: partial(_in_time, operator.gt),
    Merge.DISTINCT: _distinct,
}


def merge_rows(
    summary: Summary, into: dict[PartialRow, PartialRow], rows: Iterable[PartialRow]
) -> None:
    """Merge partial rows into others, by key; ``into`` holds whole rows."""
    keys = len(summary.keys)
    merges = [_MERGES[each.merge] for each in summary.measures]
    for row in rows:
        key = row[:keys]
        old = into.setdefault(key, row)
        if old is not row:
            both = zip(merges, old[keys:], row[keys:], strict=True)
            into[key] = (*key, *(merge(one, other) for merge, one, other in both))


def _better(choose: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:  # noqa: ANN401 - values of any column
    if one is None or other is None:
        return one if other is None else other
    return choose(one, other)


_MERGES: Final[dict[Merge, Callable[[Any, Any], Any]]] = {
    Merge.COUNT: operator.add,
    Merge.SUM: operator.add,
    Merge.FLAG: max,
    Merge.MIN: partial(_better, min),
    Merge.FIRST: partial(_better, min),
    Merge.MAX: partial(_better, max),
    Merge.LAST: partial(_better, max),
    Merge.DISTINCT: merged_sketches,
}
