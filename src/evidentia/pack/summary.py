"""How a pack declares a summary: keys, and measures that merge in any order. Declarations only.

A summary is a table with one row for each key. Every measure is a function of the *stored* columns
of events, never of their raw JSON, and two values of one merge by a rule that is commutative and
associative. So bulk, delta, any cut into batches and any number of workers give equal tables.

The first and the last value of a column are by time. Events of the same time are told apart by the
value itself (the smaller is first), and not by position: the numbers of segments depend on which
log was met first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from evidentia.event.fieldmap import ColumnType, FieldMap

KIND: Final = "kind"
DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
_OF_EVERY_EVENT: Final = {
    KIND: ColumnType.TEXT,
    "event_id": ColumnType.TEXT,
    "ts": ColumnType.INTEGER,
    "actor": ColumnType.TEXT,
    "session_id": ColumnType.TEXT,
}
"""Columns that every event has and that a summary may use."""

Declaration: TypeAlias = dict[str, object]


class Merge(StrEnum):
    """How two values of a measure become one."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    FLAG = "flag"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column that rows of a summary are told apart by.

    Attributes:
        name: The column of the summary.
        column: The column of the event.
        missing: What stands for an event without a value; None leaves such events out.
        is_day: The start of the UTC day of a time, in microseconds, instead of the time itself.
        is_hour: The start of its hour.
    """

    name: str
    column: str
    missing: str | int | None = None
    is_day: bool = False
    is_hour: bool = False

    @property
    def span_us(self) -> int | None:
        """How long the stretch is that its value is the start of; None where it is no such."""
        if self.is_day:
            return DAY_US
        return HOUR_US if self.is_hour else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column of a summary that changes with every event of its key.

    Attributes:
        merge: What it tells of the events.
        column: The column of the event; empty where events are merely counted.
        kinds: The kinds that matter; empty for all.
    """

    name: str
    merge: Merge
    column: str = ""
    kinds: tuple[str, ...] = ()


def count(name: str, *kinds: str) -> Measure:
    """How many events there are, of some kinds or of all."""
    return Measure(name=name, merge=Merge.COUNT, kinds=kinds)


def flag(name: str, *kinds: str) -> Measure:
    """1 where there is an event of these kinds, otherwise 0."""
    return Measure(name=name, merge=Merge.FLAG, kinds=kinds)


def total(name: str, column: str, *kinds: str) -> Measure:
    """The sum of a column of integers."""
    return Measure(name=name, merge=Merge.SUM, column=column, kinds=kinds)


def least(name: str, column: str, *kinds: str) -> Measure:
    """The smallest value of a column; NULL where there is none."""
    return Measure(name=name, merge=Merge.MIN, column=column, kinds=kinds)


def greatest(name: str, column: str, *kinds: str) -> Measure:
    """The largest value of a column; NULL where there is none."""
    return Measure(name=name, merge=Merge.MAX, column=column, kinds=kinds)


def first(name: str, column: str, *kinds: str) -> Measure:
    """The value that a column has first in time; of several at that time the smallest."""
    return Measure(name=name, merge=Merge.FIRST, column=column, kinds=kinds)


def last(name: str, column: str, *kinds: str) -> Measure:
    """The value that a column has last in time; of several at that time the largest."""
    return Measure(name=name, merge=Merge.LAST, column=column, kinds=kinds)


def distinct(name: str, column: str, *kinds: str) -> Measure:
    """How many different values a column has: exact up to 255, then an estimate (``sketch``)."""
    return Measure(name=name, merge=Merge.DISTINCT, column=column, kinds=kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What a measure adds to a score.

    Attributes:
        measure: The measure; an integer.
        each: Points for each of it.
        most: The most points that it gives.
    """

    measure: str
    each: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A column that is computed from others of its row whenever somebody asks; it is not stored."""

    name: str
    points: tuple[Points, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """A relation that adds the rows of a summary up under fewer keys. It is not stored.

    Attributes:
        name: The relation in the store; what queries select from.
        title: One phrase for people.
        keys: Made of keys of the summary. One without ``missing`` leaves out the rows in which
            the summary's key is missing; another keeps them, and has the same ``missing``.
        measures: Sums, least and greatest values of columns of the summary. The first value is
            by the time in ``time``, and of one of its keys.
        time: The column of the summary that tells when a row began; for first values.
        kinds: Only the rows of these kinds, where the kind is a key of the summary.
    """

    name: str
    title: str
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    time: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, keys first."""
        return (*(key.name for key in self.keys), *(each.name for each in self.measures))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A table that is kept current while events come in, and can be made anew from them.

    Attributes:
        name: The relation in the store; what queries select from.
        version: Raised whenever a column of the events changes meaning. A change of the
            declaration itself is noticed without.
        title: One phrase for people.
        keys: In the order of the primary key.
        measures: The other columns.
        kinds: The kinds that make a row; empty for all.
        indexed: Measures that rows are looked up by; several in one are an index over all of
            them, so that a query which needs no others reads the index alone.
        scores: Columns that the relation shows behind the others.
        rollups: Relations over its rows.
    """

    name: str
    version: int
    title: str
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    kinds: tuple[str, ...] = ()
    indexed: tuple[str | tuple[str, ...], ...] = ()
    scores: tuple[Score, ...] = ()
    rollups: tuple[Rollup, ...] = ()

    @property
    def relations(self) -> tuple[str, ...]:
        """The names that queries select from."""
        return (self.name, *(each.name for each in self.rollups))

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each index."""
        return tuple((each,) if isinstance(each, str) else each for each in self.indexed)

    @property
    def parts(self) -> tuple[Key | Measure, ...]:
        """What each column is made of, keys first."""
        return (*self.keys, *self.measures)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is stored, keys first."""
        return tuple(each.name for each in self.parts)

    @property
    def all_kinds(self) -> frozenset[str]:
        """Every kind that the declaration names."""
        return frozenset((*self.kinds, *(kind for each in self.measures for kind in each.kinds)))

    def types(self, fields: FieldMap) -> Mapping[str, ColumnType]:
        """What each column holds, as those who read the relation see it."""
        known = event_columns(fields)
        types = {key.name: known[key.column] for key in self.keys}
        for each in self.measures:
            is_number = not each.column or each.merge is Merge.DISTINCT
            types[each.name] = ColumnType.INTEGER if is_number else known[each.column]
        return types

    def declaration(self, fields: FieldMap) -> Declaration:
        """Everything that decides what the table holds, to be compared with what it was."""
        types = self.types(fields)
        rollups = [_declared(each) for each in self.rollups]
        return {
            "version": self.version,
            "kinds": sorted(self.kinds),
            "keys": [[*_key(each), types[each.name].value] for each in self.keys],
            "measures": [
                [
                    *(each.name, each.merge.value, each.column),
                    *(sorted(each.kinds), types[each.name].value),
                ]
                for each in self.measures
            ],
            "indexed": list(self.indexed),
            "scores": [
                [score.name, *([each.measure, each.each, each.most] for each in score.points)]
                for score in self.scores
            ],
            # Left out where there are none, so that a table which has none is not made anew.
            **({"rollups": rollups} if rollups else {}),
        }


def _key(key: Key) -> list[object]:
    span = "hour" if key.is_hour else key.is_day
    return [key.name, key.column, key.missing, span]


def _declared(rollup: Rollup) -> list[object]:
    measures = [[each.name, each.merge.value, each.column] for each in rollup.measures]
    keys = [_key(each) for each in rollup.keys]
    return [rollup.name, keys, measures, rollup.time, sorted(rollup.kinds)]


def event_columns(fields: FieldMap) -> Mapping[str, ColumnType]:
    """The columns of an event that a summary may use, with what they hold."""
    return {**_OF_EVERY_EVENT, **{each.name: each.type for each in fields.promoted}}


def summary_problems(summary: Summary, fields: FieldMap) -> Iterator[str]:
    """Every way in which a declaration makes no sense."""
    known = event_columns(fields)
    used = [(each.name, each.column) for each in summary.parts]
    unknown = [(name, column) for name, column in used if column and column not in known]
    for name, column in unknown:
        yield f"column {name!r} is made of {column!r}, which no event has"
    if not summary.keys:
        yield "there is no key"
    if summary.version < 1:
        yield f"version {summary.version} is below 1"
    yield from doubled((*summary.columns, *(score.name for score in summary.scores)))
    yield from _score_problems(summary)
    yield from _index_problems(summary)
    if not unknown:
        yield from _type_problems(summary, known)


def _score_problems(summary: Summary) -> Iterator[str]:
    known = {each.name for each in summary.measures}
    for score in summary.scores:
        for each in score.points:
            if each.measure not in known:
                yield f"score {score.name!r} counts {each.measure!r}, which is no measure"
            if each.each < 1 or each.most < each.each:
                yield f"score {score.name!r}: {each.each} points each and at most {each.most}"


def doubled(names: Iterable[str]) -> Iterator[str]:
    """A problem for each column that is declared before."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"column {name!r} is declared twice"
        seen.add(name)


def _type_problems(summary: Summary, known: Mapping[str, ColumnType]) -> Iterator[str]:
    for key in summary.keys:
        yield from _key_problems(key, known[key.column])
    for measure in summary.measures:
        yield from _measure_problems(measure, known.get(measure.column))
    # Floats have no one text, so digests of tables would depend on the engine.
    for each in summary.parts:
        if known.get(each.column) is ColumnType.REAL:
            yield f"column {each.name!r}: {each.column!r} holds floats"


def _key_problems(key: Key, found: ColumnType) -> Iterator[str]:
    if key.span_us and found is not ColumnType.INTEGER:
        yield f"key {key.name!r} is a day or an hour, and {key.column!r} holds no times"
    if key.is_day and key.is_hour:
        yield f"key {key.name!r} is a day and an hour"
    wanted = int if found is ColumnType.INTEGER else str
    if key.missing is not None and type(key.missing) is not wanted:
        yield f"key {key.name!r}: {key.missing!r} is no {found.value}"


def _index_problems(summary: Summary) -> Iterator[str]:
    estimates = {each.name for each in summary.measures if each.merge is Merge.DISTINCT}
    for name in (name for index in summary.indexes for name in index):
        if name not in summary.columns:
            yield f"there is no column {name!r} to look up by"
        if name in estimates:
            yield f"column {name!r} is an estimate, which nothing is looked up by"


def _measure_problems(measure: Measure, found: ColumnType | None) -> Iterator[str]:
    is_counted = measure.merge in (Merge.COUNT, Merge.FLAG)
    if is_counted == bool(measure.column):
        yield f"column {measure.name!r}: a {measure.merge.value} of {measure.column!r}"
    if measure.merge is Merge.SUM and found is not ColumnType.INTEGER:
        yield f"column {measure.name!r}: only integers are summed"
    if measure.column == KIND:
        yield f"column {measure.name!r}: a kind is for keys"
