"""The table of a state: keys with what is kept of them, folded from events in their order.

Beside the columns that its pack declares, a row keeps the reducer's own value as JSON text and the
place of the last event that it holds. New events that stand behind that place are applied to what
is kept. If one stands before it, it came late, and its key is reduced anew from the stored events.

What surprised: SQLite would walk an index of the key to have events in its order, also where those
of one batch are wanted and the table has millions; and the other way round, would sort a table by
the key because an index of the kinds looks narrow. Hence ``_unindexed``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from time import perf_counter_ns
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    Table,
    Text,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from evidentia.errors import PackError
from evidentia.event.fieldmap import ColumnType
from evidentia.event.line import read_line
from evidentia.event.values import Policy, Verdict, segment_of
from evidentia.pack.contract import Pack
from evidentia.pack.reducing import Reducer
from evidentia.pack.state import Order, State, StateEvent
from evidentia.store.schema import BATCHES, BIG, EVENT_ROWS, KINDS, SEGMENTS
from evidentia.store.spans import Span, inside, of_pack
from evidentia.store.streaming import AnyRow, AnySelect, Rows, streamed
from evidentia.store.summaries import BY_CODE_POINT

_PAGE_EVENTS: Final = 1_000
"""Events of a batch whose keys are looked up together; each is some bound values."""
_FILLED_EVENTS: Final = 100_000
"""Events after which a table that is filled begins its next transaction, at the next key."""
_LENIENT: Final = Policy(is_lenient=True)
"""A stored line was accepted by the policy of its log; this one accepts all of those, and gives
the same object for what a strict one accepts."""
_KEPT: Final = ("_state", "_ts", "_position")
"""Columns behind those that the relation shows. No pack's column begins like these. A digest covers
the first: segments are numbered as they were met, so a position is not the same in every store."""

_TOOK: Final = "_took_us"
"""Behind all others, in tables of states that show it: microseconds, and of this store alone."""

_Place: TypeAlias = tuple[bool, int, int]
"""What orders two events of a key."""
KeyValue: TypeAlias = str | int
_NO_KEYS: Final[frozenset[KeyValue]] = frozenset()


class StateTable:
    """One state of a pack, in one version of its table."""

    def __init__(self, pack: Pack, state: State, number: int) -> None:
        self.name = state.name
        self.pack = pack.name
        self.number = number
        self.keys: tuple[str, ...] = (state.key,)
        self.columns = state.column_names
        self.digested = len(self.columns) + 1
        self._state = state
        self.declaration = json.dumps(state.declaration(pack.fields), sort_keys=True)
        self._promoted = tuple(each.name for each in pack.fields.promoted)
        self._types = state.types(pack.fields)
        self._reducer: Reducer | None = None
        self._key = _event_column(state.key, self._types[state.key])
        self.table = self._described(f"{state.name}_v{number}")

    def _described(self, name: str) -> Table:
        shown = [
            Column(each.name, _SQL_TYPES[each.type], nullable=each.is_nullable)
            for each in self._state.columns
        ]
        return Table(
            name,
            MetaData(),
            Column(self._state.key, _SQL_TYPES[self._types[self._state.key]], primary_key=True),
            *shown,
            Column(_KEPT[0], Text, nullable=False),
            Column(_KEPT[1], BIG),
            Column(_KEPT[2], BIG, nullable=False),
            *([Column(_TOOK, BIG, nullable=False)] if self._state.took_ms else []),
            sqlite_strict=True,
        )

    @property
    def _reducing(self) -> Reducer:
        # Made late: a pack's function that fails must halt its table, and not stop a writer.
        if self._reducer is None:
            self._reducer = Reducer(self._state)
        return self._reducer

    def create(self, connection: Connection) -> None:
        """Make the table, empty, with its indexes."""
        connection.execute(CreateTable(self.table))
        for name in self._state.indexed:
            index = Index(f"ix_{self.table.name}_{name}", self.table.c[name])
            connection.execute(CreateIndex(index))

    def show(self, connection: Connection) -> None:
        """Let the public relation show this table."""
        columns: list[ColumnElement[Any]] = [self.table.c[name] for name in self.columns]
        if self._state.stored_at:
            columns.append(self._stored_at().label(self._state.stored_at))
        if self._state.took_ms:
            rounded_up = (self.table.c[_TOOK] + _literal(999)) // _literal(1_000)
            columns.append(rounded_up.label(self._state.took_ms))
        body = select(*columns).compile(dialect=connection.dialect)
        quote = connection.dialect.identifier_preparer.quote_identifier
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {quote(self.name)}")
        connection.exec_driver_sql(f"CREATE VIEW {quote(self.name)} AS {body}")

    def _stored_at(self) -> ColumnElement[Any]:
        """When the last event of a row was committed."""
        return (
            select(BATCHES.c.committed_us)
            .join_from(BATCHES, EVENT_ROWS, EVENT_ROWS.c.batch_id == BATCHES.c.id)
            .where(EVENT_ROWS.c.id == self.table.c[_KEPT[2]])
            .correlate(self.table)
            .scalar_subquery()
        )

    def shown(self, name: str, value: object) -> object:  # noqa: ARG002 - summaries need the name
        """A stored value of a column as the public relation shows it."""
        return value

    def stored(self, keys: Sequence[tuple[object, ...]] | None = None) -> AnySelect:
        """The rows of the table in key order, or those of some keys."""
        key = self.table.c[self._state.key]
        compared = [column for column in self.table.c if column.name != _TOOK]
        query = select(*compared).order_by(key)
        return query if keys is None else query.where(key.in_([each for (each,) in keys]))

    def fresh(
        self, rows: Rows, batch_id: int, keys: Sequence[tuple[object, ...]] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that all events up to a batch give, in key order, or those of some keys.

        Raises:
            PackError: A function of the pack failed, or gives what cannot be kept.
        """
        query = self._by_key(rows, batch_id)
        if keys is not None:
            query = query.where(self._key.in_([each for (each,) in keys]))
        for key, events in groupby(rows(query), _key_of):
            yield self._folded(rows, key, events)

    def keys_in(self, rows: Rows, among: ColumnElement[bool]) -> AnySelect:
        """The keys of some events, in the order of their positions."""
        return select(self._key).where(among, *self._wanted(rows)).order_by(EVENT_ROWS.c.id)

    def fill(
        self, connection: Connection, batch_id: int, after: KeyValue | None
    ) -> KeyValue | None:
        """Fill an empty table on from a key with all events up to a batch; returns the last key.

        To be called until it returns None, each time in a transaction of its own.
        """
        rows = streamed(connection)
        query = self._by_key(rows, batch_id)
        if after is not None:
            query = query.where(self._key > after)
        last, events = None, 0
        made: list[tuple[Any, ...]] = []
        with closing(rows(query)) as found:
            for key, group in groupby(found, _key_of):
                if events >= _FILLED_EVENTS:
                    self._put(connection, made)
                    return last
                counted = _Counted(group)
                made.append(self._made(rows, key, counted))
                events += counted.count
                last = key
                if len(made) >= _PAGE_EVENTS:
                    self._put(connection, made)
                    made = []
        self._put(connection, made)
        return None

    def merge(self, connection: Connection, spans: Sequence[Span], batch_id: int) -> None:
        """Apply the events of some spans, which are those up to a batch that the table lacks.

        Raises:
            PackError: A function of the pack failed, or gives what cannot be kept.
        """
        rows = streamed(connection)
        places = select(self._key, EVENT_ROWS.c.ts, EVENT_ROWS.c.id).where(
            inside(spans), *self._wanted(rows)
        )
        renewed = _NO_KEYS
        with closing(rows(places.order_by(_unindexed(self._key), *self._order()))) as found:
            while page := list(islice(found, _PAGE_EVENTS)):
                renewed = self._merge_page(connection, page, batch_id, renewed)

    def _merge_page(
        self,
        connection: Connection,
        page: Sequence[AnyRow],
        batch_id: int,
        renewed: frozenset[KeyValue],
    ) -> frozenset[KeyValue]:
        """Apply some events, in key order; returns the last key if it was reduced anew.

        Its events may reach into the next page, and it holds those then, too.
        """
        rows = streamed(connection)
        kept = self._kept(rows, {row[0] for row in page})
        firsts = {row[0]: self._place(row[1], row[2]) for row in reversed(page)}
        late = {key for key in firsts if key in kept and firsts[key] <= kept[key][1]} - renewed
        whole = self._by_key(rows, batch_id).where(self._key.in_(sorted(late)))
        self._put(connection, self._each_made(rows, whole) if late else ())
        left = [row[2] for row in page if row[0] not in late | renewed]
        behind = self._wide().where(EVENT_ROWS.c.id.in_(left))
        behind = behind.order_by(_unindexed(self._key), *self._order())
        self._put(
            connection,
            (
                self._made(rows, key, events, kept[key][0] if key in kept else None)
                for key, events in groupby(rows(behind) if left else (), _key_of)
            ),
        )
        return (renewed | late) & {page[-1][0]}

    def _each_made(self, rows: Rows, query: AnySelect) -> Iterator[tuple[Any, ...]]:
        return (self._made(rows, key, events) for key, events in groupby(rows(query), _key_of))

    def _kept(self, rows: Rows, keys: Iterable[KeyValue]) -> dict[KeyValue, tuple[str, _Place]]:
        """What is kept of some keys, with the place of the last event in it."""
        columns = self.table.c
        key = columns[self._state.key]
        query = select(key, *(columns[name] for name in _KEPT)).where(key.in_(sorted(keys)))
        return {row[0]: (row[1], self._place(row[2], row[3])) for row in rows(query)}

    def _place(self, ts: int | None, position: int) -> _Place:
        if self._state.order is Order.POSITION:
            return (False, 0, position)
        return (ts is None, ts or 0, position)

    def _order(self) -> tuple[ColumnElement[Any], ...]:
        events = EVENT_ROWS.c
        if self._state.order is Order.POSITION:
            return (events.id,)
        return (events.ts.is_(None), events.ts, events.id)

    def _wanted(self, rows: Rows) -> tuple[ColumnElement[bool], ...]:
        """The conditions that all events of a state meet, of whatever log."""
        has_key = self._key.is_not(None)
        if not self._state.kinds:
            return (has_key,)
        named = select(KINDS.c.id).where(KINDS.c.name.in_(sorted(self._state.kinds)))
        # A kind that no event has yet has no number; 0 is nobody's.
        ids = [row[0] for row in rows(named)] or [0]
        return (has_key, _unindexed(EVENT_ROWS.c.kind_id).in_(ids))

    def _wide(self) -> AnySelect:
        events = EVENT_ROWS.c
        promoted: list[ColumnElement[Any]] = [
            literal_column(f'event_rows."{name}"') for name in self._promoted
        ]
        return select(
            *(self._key.label("key"), events.id, events.raw, KINDS.c.name),
            *(events.event_id, events.ts, events.actor, events.session_id, *promoted),
        ).join_from(EVENT_ROWS, KINDS, KINDS.c.id == events.kind_id, isouter=True)

    def _by_key(self, rows: Rows, batch_id: int) -> AnySelect:
        """All events up to a batch, key by key, each in its order, along the key's index."""
        query = self._wide().where(of_pack(self.pack, batch_id), *self._wanted(rows))
        return query.order_by(self._key, *self._order())

    def _folded(
        self, rows: Rows, key: KeyValue, events: Iterable[AnyRow], kept: str | None = None
    ) -> tuple[Any, ...]:
        """The row of a key after some more events; they are at least one."""
        reducing = self._reducing
        found = reducing.begin() if kept is None else reducing.read(kept)
        for row in events:
            try:
                found = reducing.apply(found, self._event(row))
            except PackError as error:
                raise _placed(rows, error, row) from error.__cause__
        try:
            text = reducing.text(found)
            values = reducing.row(text)
        except PackError as error:
            raise _placed(rows, error, row) from error.__cause__
        return (key, *values, text, row.ts, row.id)

    def _made(
        self, rows: Rows, key: KeyValue, events: Iterable[AnyRow], kept: str | None = None
    ) -> tuple[Any, ...]:
        """The same as it is written: with how long it took, where the state shows that."""
        began = perf_counter_ns()
        row = self._folded(rows, key, events, kept)
        return (*row, (perf_counter_ns() - began) // 1000) if self._state.took_ms else row

    def _event(self, row: AnyRow) -> StateEvent:
        _, position, raw, kind, event_id, ts, actor, session_id, *promoted = row
        read = read_line(raw, _LENIENT)
        if isinstance(read, Verdict):
            raise PackError(f"the stored line is no event: {read.reason}: {read.detail}")
        return StateEvent(
            position=position,
            kind=kind,
            event_id=event_id,
            ts=ts,
            actor=actor,
            session_id=session_id,
            columns=dict(zip(self._promoted, promoted, strict=True)),
            line=read[0],
        )

    def _put(self, connection: Connection, made: Iterable[tuple[Any, ...]]) -> None:
        """Write rows over those of their keys, some at a time."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(self.table)
        names = [column.name for column in self.table.columns]
        changed = {name: statement.excluded[name] for name in names[1:]}
        upsert = statement.on_conflict_do_update(index_elements=names[:1], set_=changed)
        rest = iter(made)
        while rows := list(islice(rest, _PAGE_EVENTS)):
            connection.execute(upsert, [dict(zip(names, row, strict=True)) for row in rows])


class _Counted:
    """Events that are counted while they are read."""

    def __init__(self, events: Iterator[AnyRow]) -> None:
        self._events = events
        self.count = 0

    def __iter__(self) -> Iterator[AnyRow]:
        for event in self._events:
            self.count += 1
            yield event


_SQL_TYPES: Final[dict[ColumnType, Any]] = {
    ColumnType.TEXT: BY_CODE_POINT,
    ColumnType.INTEGER: BIG,
}


def _literal(number: int) -> ColumnElement[int]:
    # Views take no bound values.
    return literal_column(str(number), BIG)


def _key_of(row: AnyRow) -> KeyValue:
    found: KeyValue = row[0]
    return found


def _event_column(name: str, kind: ColumnType) -> ColumnElement[Any]:
    if name in EVENT_ROWS.c:
        return EVENT_ROWS.c[name]
    return literal_column(f'event_rows."{name}"', BIG if kind is ColumnType.INTEGER else Text())


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, where no index of it should be walked; a unary plus would do it for numbers."""
    return func.coalesce(column, literal_column("NULL"))


def _placed(rows: Rows, error: PackError, row: AnyRow) -> PackError:
    """The error with the line at which it came up."""
    path = select(SEGMENTS.c.path).where(SEGMENTS.c.id == segment_of(row.id)).scalar_subquery()
    line = select(path, EVENT_ROWS.c.line_no).where(EVENT_ROWS.c.id == row.id)
    place = [f"{each[0]}:{each[1]}" for each in rows(line)]
    where = " ".join((*place, f"position {row.id}"))
    return PackError(error.what, where=where, fix=error.fix)
