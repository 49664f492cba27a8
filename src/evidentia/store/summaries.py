"""The SQL of a summary, made from its declaration: the table, the views, filling, merging.

A column of texts is compared by code point on both engines, or the first of two values would
depend on the database's language.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from evidentia.event.fieldmap import ColumnType
from evidentia.pack.contract import Pack
from evidentia.pack.sketch import EMPTY, ESTIMATE_DIGITS, estimate_of
from evidentia.pack.summary import KIND, Key, Measure, Merge, Score, Summary, event_columns
from evidentia.store import moments
from evidentia.store.rollups import rolled_up
from evidentia.store.schema import BIG, EVENT_ROWS, KINDS
from evidentia.store.sketches import Sketches
from evidentia.store.spans import Span, inside, of_pack
from evidentia.store.streaming import AnySelect, Rows, streamed
from evidentia.store.values import PartialRow

_ROWS_AT_ONCE: Final = 20
"""Rows of one statement that merges, as for events."""
BY_CODE_POINT: Final = Text(collation="C").with_variant(Text(), "sqlite")
KindIds = Mapping[str, int]


class SummarySql:
    """Statements about one summary of a pack, in one version of its table."""

    def __init__(self, pack: Pack, summary: Summary, number: int) -> None:
        self.summary = summary
        self.name = summary.name
        self.pack = pack.name
        self.number = number
        self.keys = tuple(key.name for key in summary.keys)
        self.columns = summary.columns
        self.digested = len(self.columns)
        self.declaration = json.dumps(summary.declaration(pack.fields), sort_keys=True)
        self._columns = event_columns(pack.fields)
        self._types = summary.types(pack.fields)
        self.table = self._described(f"{summary.name}_v{number}")
        self._distinct = [each for each in summary.measures if each.merge is Merge.DISTINCT]
        names = [each.name for each in self._distinct]
        self._sketches = Sketches(self.table, self.keys, names)

    def _described(self, name: str) -> Table:
        keys = [
            Column(key.name, self._stored_type(key.name), primary_key=True, nullable=False)
            for key in self.summary.keys
        ]
        measures = [
            Column(each.name, self._stored_type(each.name), nullable=_is_nullable(each))
            for each in self.summary.measures
        ]
        return Table(
            name, MetaData(), *keys, *measures, sqlite_strict=True, sqlite_with_rowid=False
        )

    def _stored_type(self, name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's types have no common public one
        is_text = any(each.name == name and each.merge in _TEXTS for each in self.summary.measures)
        if is_text or self._types[name] is ColumnType.TEXT:
            return BY_CODE_POINT
        return BIG

    def create(self, connection: Connection) -> None:
        """Make the table, empty, with its indexes."""
        connection.execute(CreateTable(self.table))
        for names in self.summary.indexes:
            columns = [self.table.c[name] for name in names]
            index = Index("_".join(("ix", self.table.name, *names)), *columns)
            connection.execute(CreateIndex(index))

    def show(self, connection: Connection) -> None:
        """Let the public relations show this table."""
        quote = connection.dialect.identifier_preparer.quote_identifier
        for name, query in self.relations(self.table).items():
            body = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {quote(name)}")
            connection.exec_driver_sql(f"CREATE VIEW {quote(name)} AS {body}")

    def relations(self, rows: FromClause) -> dict[str, AnySelect]:
        """What each public relation shows, out of rows as they are stored."""
        columns: list[ColumnElement[Any]] = [rows.c[key.name] for key in self.summary.keys]
        columns += [self._shown(each, rows).label(each.name) for each in self.summary.measures]
        columns += [self._scored(each, rows).label(each.name) for each in self.summary.scores]
        found = {self.summary.name: select(*columns)}
        for rollup in self.summary.rollups:
            found[rollup.name] = rolled_up(self.summary, rollup, self._types, rows)
        return found

    def _shown(self, measure: Measure, rows: FromClause) -> ColumnElement[Any]:
        column = rows.c[measure.name]
        if measure.merge is Merge.DISTINCT:
            return cast(func.substr(column, 1, ESTIMATE_DIGITS), BIG)
        if not _is_ordered(measure):
            return column
        return moments.value_of(column, self._types[measure.name])

    def _scored(self, score: Score, rows: FromClause) -> ColumnElement[Any]:
        parts = []
        measures = {each.name: each for each in self.summary.measures}
        for each in score.points:
            number = func.coalesce(self._shown(measures[each.measure], rows), 0)
            # Compared before it is multiplied, or a huge number would be too large for the engine.
            is_most = number > each.most // each.each
            parts.append(case((is_most, each.most), else_=number * each.each))
        return functools.reduce(operator.add, parts, literal_column("0", BIG))

    def shown(self, name: str, value: object) -> object:
        """A stored value of a column as the public relation shows it."""
        merge = next((each.merge for each in self.summary.measures if each.name == name), None)
        if value is None or merge not in _TEXTS:
            return value
        if merge is Merge.DISTINCT:
            return estimate_of(str(value))
        text = str(value)[moments.DIGITS :]
        # Somebody's hand may have put anything there.
        is_integer = self._types[name] is ColumnType.INTEGER and text.lstrip("-").isdecimal()
        return int(text) if is_integer else text

    def stored(self, keys: Sequence[tuple[object, ...]] | None = None) -> AnySelect:
        """The rows of the table in key order, or those of some keys."""
        names = [key.name for key in self.summary.keys]
        columns = [self.table.c[name] for name in names]
        query = select(self.table).order_by(*columns)
        return query if keys is None else query.where(_among(columns, keys))

    def fresh(
        self, rows: Rows, batch_id: int, keys: Sequence[tuple[object, ...]] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that all events up to a batch give, in key order, or those of some keys."""
        kinds, among = self.kind_ids(rows), of_pack(self.pack, batch_id)
        found = map(tuple, rows(self._in_key_order(self.grouped(kinds, among), keys)))
        if not self._distinct:
            return found
        values = [self._values(each, kinds, among) for each in self._distinct]
        return self._sketches.beside(
            found, [rows(self._in_key_order(each, keys)) for each in values]
        )

    def keys_in(self, rows: Rows, among: ColumnElement[bool]) -> AnySelect:
        """The keys of some events, in the order of their positions."""
        keys = [self._key(key).label(key.name) for key in self.summary.keys]
        wanted = self._wanted(self.kind_ids(rows))
        query = select(*keys).select_from(EVENT_ROWS).where(among, *wanted)
        return query.order_by(EVENT_ROWS.c.id)

    def merge(self, connection: Connection, spans: Sequence[Span], batch_id: int) -> None:  # noqa: ARG002 - only states look back
        """Merge what the events of some spans give into the table."""
        rows = streamed(connection)
        kinds, among = self.kind_ids(rows), inside(spans)
        connection.execute(self.merged(connection, kinds, among))
        for each in self._distinct:
            with closing(rows(self._in_key_order(self._values(each, kinds, among)))) as found:
                self._sketches.add(connection, each.name, found)

    def kind_ids(self, rows: Rows) -> KindIds:
        """The numbers of the kinds that the summary names and that the store knows."""
        names = sorted(self.summary.all_kinds)
        query = select(KINDS.c.name, KINDS.c.id).where(KINDS.c.name.in_(names))
        return {row.name: row.id for row in rows(query)}

    def _values(self, measure: Measure, kinds: KindIds, among: ColumnElement[bool]) -> AnySelect:
        """The different values of a column, each behind the keys of its row."""
        value = self._column(measure.column)
        wanted = [among, *self._wanted(kinds), value.is_not(None)]
        if measure.kinds:
            wanted.append(_of_kinds(measure.kinds, kinds))
        keys = [self._key(key).label(key.name) for key in self.summary.keys]
        return select(*keys, value).select_from(EVENT_ROWS).where(*wanted).distinct()

    def _in_key_order(
        self, query: AnySelect, keys: Sequence[tuple[object, ...]] | None = None
    ) -> AnySelect:
        whole = [self._key(key) for key in self.summary.keys]
        if keys is not None:
            query = query.where(_among(whole, keys))
            # Plain, besides: an index is over the column, not over what stands for its absence.
            for place, key in enumerate(self.summary.keys):
                if key.missing is None and not key.span_us and key.column != KIND:
                    values = sorted({row[place] for row in keys}, key=repr)
                    query = query.where(self._column(key.column).in_(values))
        return query.order_by(*(literal_column(str(n + 1)) for n in range(len(whole))))

    def _wanted(self, kinds: KindIds) -> list[ColumnElement[bool]]:
        """The conditions that events must meet to make a row."""
        wanted = [_of_kinds(self.summary.kinds, kinds)] if self.summary.kinds else []
        return wanted + [
            self._column(key.column).is_not(None)
            for key in self.summary.keys
            if key.missing is None and key.column != KIND
        ]

    def grouped(self, kinds: KindIds, among: ColumnElement[bool]) -> AnySelect:
        """One row for each key of some events."""
        wanted = [among, *self._wanted(kinds)]
        keys = [self._key(key).label(key.name) for key in self.summary.keys]
        measures = [self._measured(each, kinds).label(each.name) for each in self.summary.measures]
        groups = [self._group(key) for key in self.summary.keys]
        return select(*keys, *measures).select_from(EVENT_ROWS).where(*wanted).group_by(*groups)

    def merged(self, connection: Connection, kinds: KindIds, among: ColumnElement[bool]) -> Any:  # noqa: ANN401 - one type for each engine
        """The statement that merges what some events give into the table."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(self.table).from_select(
            list(self.summary.columns), self.grouped(kinds, among)
        )
        # What events add to sketches is not in the statement; those of rows that are there stay.
        return self._on_conflict(statement, self._distinct)

    def merge_rows(self, connection: Connection, rows: Sequence[PartialRow]) -> None:
        """Merge rows that were counted elsewhere, by the driver's own bulk call."""
        if not rows:
            return
        if self._distinct:
            rows = [*self._sketches.completed(connection, rows)]
        whole = len(rows) - len(rows) % _ROWS_AT_ONCE
        values = chain.from_iterable(rows[:whole])
        many = [values] * (_ROWS_AT_ONCE * len(self.columns))
        self._merge_by(connection, _ROWS_AT_ONCE, [*zip(*many, strict=True)])
        self._merge_by(connection, 1, rows[whole:])

    def _merge_by(
        self, connection: Connection, at_once: int, values: Sequence[tuple[Any, ...]]
    ) -> None:
        """Run a statement that merges so many rows with the values of each."""
        if not values:
            return
        names = list(self.summary.columns)
        statement = self._on_conflict(sqlite.insert(self.table))
        text = str(statement.compile(dialect=connection.dialect, column_keys=names))
        row = f"({', '.join('?' * len(names))})"
        connection.exec_driver_sql(text.replace(row, ", ".join([row] * at_once), 1), [*values])

    def _on_conflict(self, statement: Any, left_out: Sequence[Measure] = ()) -> Any:  # noqa: ANN401 - one type for each engine
        merges = {
            each.name: _merge(each, self.table.c[each.name], statement.excluded[each.name])
            for each in self.summary.measures
            if each not in left_out
        }
        keys = [key.name for key in self.summary.keys]
        if not merges:
            return statement.on_conflict_do_nothing(index_elements=keys)
        return statement.on_conflict_do_update(index_elements=keys, set_=merges)

    def _column(self, name: str) -> ColumnElement[Any]:
        if name in EVENT_ROWS.c:
            return EVENT_ROWS.c[name]
        kind = BIG if self._columns[name] is ColumnType.INTEGER else Text()
        return literal_column(f'event_rows."{name}"', kind)

    def _group(self, key: Key) -> ColumnElement[Any]:
        return EVENT_ROWS.c.kind_id if key.column == KIND else self._key(key)

    def _key(self, key: Key) -> ColumnElement[Any]:
        if key.column == KIND:
            return (
                select(KINDS.c.name)
                .where(KINDS.c.id == EVENT_ROWS.c.kind_id)
                .correlate(EVENT_ROWS)
                .scalar_subquery()
            )
        column = self._column(key.column)
        if key.span_us:
            column = moments.start_of(column, key.span_us)
        if key.missing is None:
            return column
        return func.coalesce(column, moments.literal(key.missing))

    def _measured(self, measure: Measure, kinds: KindIds) -> ColumnElement[Any]:
        wanted = _of_kinds(measure.kinds, kinds) if measure.kinds else true()
        if not measure.column:
            number = func.count()
            counted = number.filter(wanted) if measure.kinds else number
            return counted if measure.merge is Merge.COUNT else case((counted > 0, 1), else_=0)
        if measure.merge is Merge.DISTINCT:
            return literal_column(f"'{EMPTY}'")
        column = self._column(measure.column)
        if _is_ordered(measure):
            is_first = measure.merge is Merge.FIRST
            column = moments.in_time(EVENT_ROWS.c.ts, column, is_first=is_first)
        function = _FUNCTIONS[measure.merge](column)
        if _is_ordered(measure):
            # Most events have no value in most columns, and need not be put in time for it.
            wanted = and_(self._column(measure.column).is_not(None), wanted)
        has_filter = measure.kinds or _is_ordered(measure)
        found = function.filter(wanted) if has_filter else function
        return func.coalesce(found, 0) if measure.merge is Merge.SUM else found


_FUNCTIONS: Final[dict[Merge, Any]] = {
    Merge.SUM: func.sum,
    Merge.MIN: func.min,
    Merge.FIRST: func.min,
    Merge.MAX: func.max,
    Merge.LAST: func.max,
}


_TEXTS: Final = frozenset({Merge.FIRST, Merge.LAST, Merge.DISTINCT})
"""Measures that are kept as a text of which the relation shows a part."""


def _is_ordered(measure: Measure) -> bool:
    return measure.merge in (Merge.FIRST, Merge.LAST)


def _is_nullable(measure: Measure) -> bool:
    return measure.merge not in (Merge.COUNT, Merge.SUM, Merge.FLAG, Merge.DISTINCT)


def _of_kinds(names: Sequence[str], kinds: KindIds) -> ColumnElement[bool]:
    ids = sorted(kinds[name] for name in names if name in kinds)
    # A kind that no event has yet has no number; 0 is nobody's.
    return EVENT_ROWS.c.kind_id.in_([literal_column(str(each), Integer) for each in ids or [0]])


def _merge(
    measure: Measure, old: ColumnElement[Any], new: ColumnElement[Any]
) -> ColumnElement[Any]:
    if measure.merge in (Merge.COUNT, Merge.SUM):
        return old + new
    if measure.merge is Merge.DISTINCT:
        # Merged before the statement is run.
        return new
    is_less = measure.merge in (Merge.MIN, Merge.FIRST)
    is_better = new < old if is_less else new > old
    # CASE, because the least of two values has a name of its own on each engine. A NULL is never
    # better, and always worse.
    return case((old.is_(None), new), (is_better, new), else_=old)


def _among(
    columns: Sequence[ColumnElement[Any]], keys: Sequence[tuple[object, ...]]
) -> ColumnElement[bool]:
    return tuple_(*columns).in_(keys)
