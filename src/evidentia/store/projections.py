"""The projections of a store: which there are, how far each has come, and keeping them current.

Each version of a projection has a table of its own, ``<name>_v<number>``, and a row here. The view
``<name>`` shows the table of the version that is live. A batch is merged into the live tables in
the transaction that commits it. Where that is put off (a large load, a pack that was not installed
for a while), a projection stands at an earlier batch, and the next writer merges what it lacks
before anything else: what was merged and how far that went are one transaction too, so that no
crash loses or doubles a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.schema import DropTable

from evidentia.errors import PackError, StoreError, UsageError
from evidentia.event.values import segment_of
from evidentia.pack.contract import Pack
from evidentia.pack.summary import Summary
from evidentia.store.declared import drop_retired, refuse_doubled
from evidentia.store.pending import PendingRows
from evidentia.store.schema import EVENT_ROWS, LOGS, PROJECTIONS, SEGMENTS
from evidentia.store.spans import Reading, Span, batch_span, missing_spans, newest_batch
from evidentia.store.states import KeyValue, StateTable
from evidentia.store.summaries import SummarySql
from evidentia.store.tables import Declared, ProjectionTable, check_names, table_of
from evidentia.store.translate import is_refusal
from evidentia.store.values import Partials

_T = TypeVar("_T")
Writing = Callable[[], AbstractContextManager[int]]
Merging = Callable[[str, int, int], None]
"""Told which projection is being made of stored events, up to which batch, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProjection:
    """A version of a projection, as the store knows it.

    Attributes:
        number: Of the version; part of its table's name.
        declaration: What it was made by, as JSON.
        batch_id: Every batch up to this one is in it.
        state: ``live``, ``building``, or ``halted`` where its last batch could not be merged.
        detail: Why it was halted.
    """

    name: str
    number: int
    pack: str
    declaration: str
    batch_id: int
    state: str
    detail: str
    changed_us: int


def stored_projections(connection: Connection) -> tuple[StoredProjection, ...]:
    """Every version of every projection, by name."""
    query = select(PROJECTIONS).order_by(PROJECTIONS.c.name, PROJECTIONS.c.number)
    rows = connection.execute(query).mappings()
    return tuple(StoredProjection(**dict(row)) for row in rows)


class Projections:
    """Keeps the tables of the registered packs current, on the writing side's connection.

    Args:
        connection: The writing side's.
        writing: Opens a transaction of the writing side, or joins the open one; gives the time.
        reading: The same for reading.
    """

    def __init__(self, connection: Connection, writing: Writing, reading: Reading) -> None:
        self._connection = connection
        self._writing = writing
        self._reading = reading
        self._known: dict[str, tuple[Pack, Declared]] = {}
        self._live: dict[str, ProjectionTable] = {}
        self._replaced: set[str] = set()
        self._is_put_off = False
        self._pending = PendingRows()
        self.on_merge: Merging = lambda _name, _batch_id, _newest: None

    def register(self, packs: Sequence[Pack]) -> None:
        """Make what the packs declare and the store lacks, and merge what is behind.

        Raises:
            PackError: A projection is misnamed, or two packs declare one of that name.
        """
        self._known = {each.name: (pack, each) for pack in packs for each in pack.projections}
        for pack in packs:
            check_names(pack)
            self._refuse_taken(pack)
        refuse_doubled(packs)
        self.forget()
        for name in self._known:
            found = self._shown(name)
            if found is None or found.declaration != self._table(name, 0).declaration:
                self.rebuild(name)
        self._drop_retired(packs)
        self.catch_up()

    def _drop_retired(self, packs: Sequence[Pack]) -> None:
        stored = [(each.name, each.number, each.pack) for each in self._stored()]
        with self._writing():
            drop_retired(self._connection, packs, stored)

    def _refuse_taken(self, pack: Pack) -> None:
        stored = {each.name: each.pack for each in self._stored()}
        for each in pack.projections:
            owners = {stored.get(each.name, pack.name), self._known[each.name][0].name}
            if owners != {pack.name}:
                raise PackError(
                    f"pack {min(owners - {pack.name})} declares projection {each.name} as well",
                    where=f"pack {pack.name}",
                    fix="give one of them another name, or ingest into another store",
                )

    def _stored(self) -> tuple[StoredProjection, ...]:
        with self._reading():
            return stored_projections(self._connection)

    def _shown(self, name: str) -> StoredProjection | None:
        """The version that the public relation shows."""
        every = (each for each in self._stored() if each.name == name)
        return next((each for each in every if each.state != "building"), None)

    def forget(self) -> None:
        """Read anew which tables are live: a transaction that changed it was rolled back."""
        self._live = {}
        self._pending.drop()

    def put_off(self) -> None:
        """Merge no batch with its commit, until ``catch_up``."""
        self._is_put_off = True
        self._pending = PendingRows()

    def _drop_unfinished(self, name: str) -> None:
        for each in self._stored():
            if each.name == name and each.state == "building":
                self._drop(each)

    def _drop(self, stored: StoredProjection) -> None:
        table = self._table(stored.name, stored.number).table
        self._connection.execute(DropTable(table, if_exists=True))
        self._connection.execute(delete(PROJECTIONS).where(_is(stored.name, stored.number)))

    def _table(self, name: str, number: int) -> ProjectionTable:
        pack, declared = self._known[name]
        return table_of(pack, declared, number)

    def rebuild(self, name: str) -> None:
        """Make a projection anew from the stored events, in a new version of its table.

        The version that is shown stays until the new one holds every batch; then one transaction
        shows the new one and drops the other. A rebuild that is cut off leaves the shown one, and
        is begun anew.

        Raises:
            UsageError: No registered pack declares one of that name.
        """
        if name not in self._known:
            raise UsageError(
                f"there is no projection {name}", fix="list them: evidentia projection list"
            )
        shown = self._shown(name)
        number = shown.number + 1 if shown else 1
        table = self._table(name, number)
        with self._writing() as now:
            self._drop_unfinished(name)
            table.create(self._connection)
            self._record(table, now)
        if isinstance(table, StateTable):
            refused = self._fill(table)
        else:
            refused = self._merge_missing(table, after=0)
        with self._writing() as now:
            self._show(table, shown, refused, now)
        self.forget()

    def _fill(self, table: StateTable) -> str:
        """Fill a new table with all events, key by key; returns what was refused, if anything."""
        with self._reading():
            batch_id = newest_batch(self._connection)
        self.on_merge(table.name, batch_id, batch_id)
        last: KeyValue | None = None
        is_left = batch_id > 0
        while is_left:
            with self._writing():
                refused, last = self._tried(partial(table.fill, after=last, batch_id=batch_id))
                if refused:
                    return refused
                is_left = last is not None
                if not is_left:
                    self._set(table.name, table.number, batch_id=batch_id)
        return ""

    def _record(self, table: ProjectionTable, now_us: int) -> None:
        self._connection.execute(
            insert(PROJECTIONS).values(
                name=table.name,
                number=table.number,
                pack=table.pack,
                declaration=table.declaration,
                batch_id=0,
                state="building",
                detail="",
                changed_us=now_us,
            )
        )

    def _show(
        self,
        table: ProjectionTable,
        old: StoredProjection | None,
        refused: str,
        now_us: int,
    ) -> None:
        """Show a new version, whole or halted; a halted one does not take another's place."""
        name, number = table.name, table.number
        if refused and old is not None:
            self._drop_unfinished(name)
            self._halt(name, old.number, refused, now_us)
            return
        table.show(self._connection)
        if old is not None:
            self._drop(old)
        self._set(name, number, state="live", changed_us=now_us)
        if refused:
            self._halt(name, number, refused, now_us)

    def _halt(self, name: str, number: int, detail: str, now_us: int) -> None:
        self._set(name, number, state="halted", detail=detail, changed_us=now_us)
        self._live = {}

    def _set(self, name: str, number: int, **values: object) -> None:
        self._connection.execute(update(PROJECTIONS).where(_is(name, number)).values(**values))

    def catch_up(self, *, has_indexes: bool = True) -> None:
        """Merge every batch that a live projection lacks.

        Args:
            has_indexes: Whether the events have their indexes. Where they do not have them yet,
                states wait: they look up the other events of their keys.
        """
        with self._writing() as now:
            self._merge_pending(now)
        for stored in self._stored():
            if stored.state == "live" and stored.name in self._known:
                table = self._table(stored.name, stored.number)
                if has_indexes or not isinstance(table, StateTable):
                    self._catch_up_with(table, stored)
        self._is_put_off = not has_indexes

    def _catch_up_with(self, table: ProjectionTable, stored: StoredProjection) -> None:
        if isinstance(table, StateTable) and self._is_empty_behind(stored):
            # One walk along the index of the key, instead of looking back once for each part.
            self.rebuild(table.name)
            return
        refused = self._merge_missing(table, after=stored.batch_id)
        if refused:
            with self._writing() as now:
                self._halt(stored.name, stored.number, refused, now)

    def _is_empty_behind(self, stored: StoredProjection) -> bool:
        with self._reading():
            return stored.batch_id == 0 < newest_batch(self._connection)

    def _merge_missing(self, table: ProjectionTable, *, after: int) -> str:
        """Merge all batches after one, some at a time; returns what was refused, if anything."""
        with self._reading():
            newest = newest_batch(self._connection)
        for batch_id, spans in missing_spans(self._connection, self._reading, after):
            self.on_merge(table.name, batch_id, newest)
            ours = [span for span in spans if span.pack == table.pack]
            with self._writing():
                refused = self._merge(table, ours, batch_id) if ours else ""
                if refused:
                    return refused
                self._set(table.name, table.number, batch_id=batch_id)
        return ""

    def batch_committed(
        self, batch_id: int, now_us: int, partials: Sequence[Partials] | None = None
    ) -> None:
        """Merge a batch into every live projection, inside the transaction that commits it.

        Args:
            batch_id: The newest batch.
            now_us: The time.
            partials: What its events add to the summaries of their pack, if that is known.
        """
        if not self._known:
            return
        event_count, span = batch_span(self._connection, batch_id)
        if self._is_put_off:
            self._pending.add(batch_id, self._summaries_of(span.pack), partials)
            if self._pending.is_full:
                self._merge_pending(now_us)
            return
        if event_count:
            for table in list(self._tables().values()):
                self._merge_or_halt(table, span, batch_id, now_us)
        self._advance(batch_id, self._tables())

    def _advance(self, batch_id: int, names: Iterable[str]) -> None:
        self._connection.execute(
            update(PROJECTIONS)
            .where(PROJECTIONS.c.name.in_([*names]), PROJECTIONS.c.state == "live")
            .values(batch_id=batch_id)
        )

    def _summaries_of(self, pack_name: str) -> Sequence[Summary]:
        return next(
            (pack.summaries for pack, _ in self._known.values() if pack.name == pack_name), ()
        )

    def _merge_pending(self, now_us: int) -> None:
        """Merge what was counted while a large load was parsed, and say up to where."""
        batch_id, found = self._pending.drain()
        summaries = [each for each in self._tables().values() if isinstance(each, SummarySql)]
        for table in summaries:
            merge = partial(table.merge_rows, rows=found.get(table.name, ()))
            refused = self._tried(merge)[0]
            if refused:
                self._halt(table.name, table.number, refused, now_us)
        if batch_id:
            self._advance(batch_id, [each.name for each in summaries])

    def rows_replaced(self, segment_id: int) -> None:
        """Remember whose rows were put back: nothing is merged, for they were counted before."""
        self._replaced.add(self._pack_of(segment_id))

    def outdated(self) -> tuple[str, ...]:
        """The projections of packs whose rows were put back since this was last asked."""
        names = [name for name, (pack, _) in self._known.items() if pack.name in self._replaced]
        self._replaced = set()
        return tuple(names)

    def _pack_of(self, segment_id: int) -> str:
        query = select(LOGS.c.pack).join_from(SEGMENTS, LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        found = self._connection.execute(query.where(SEGMENTS.c.id == segment_id))
        return str(found.scalar_one())

    def event_added(self, position: int, now_us: int) -> None:
        """Merge one event that joined a batch, wherever that batch is merged already."""
        span = Span(pack=self._pack_of(segment_of(position)), first=position, last=position)
        query = select(EVENT_ROWS.c.batch_id).where(EVENT_ROWS.c.id == position)
        joined = int(self._connection.execute(query).scalar_one())
        stands = {(each.name, each.number): each.batch_id for each in self._stored()}
        for table in list(self._tables().values()):
            batch_id = stands[table.name, table.number]
            if joined <= batch_id:
                self._merge_or_halt(table, span, batch_id, now_us)

    def _merge_or_halt(
        self, table: ProjectionTable, span: Span, batch_id: int, now_us: int
    ) -> None:
        refused = self._merge(table, [span], batch_id) if table.pack == span.pack else ""
        if refused:
            self._halt(table.name, table.number, refused, now_us)

    def _merge(self, table: ProjectionTable, spans: Sequence[Span], batch_id: int) -> str:
        """Merge the events of spans, which are those up to a batch; returns what was refused."""
        return self._tried(partial(table.merge, spans=spans, batch_id=batch_id))[0]

    def _tried(self, change: Callable[[Connection], _T]) -> tuple[str, _T | None]:
        """What the engine or a pack's own function says where it refuses, or what comes back.

        A projection that stands still is to be seen, and is no reason for losing evidence.
        """
        try:
            with self._connection.begin_nested():
                return "", change(self._connection)
        except PackError as error:
            return f"{error.what}, at {error.where}" if error.where else error.what, None
        except StoreError as error:
            if not is_refusal(error):
                raise
            return error.what, None

    def _tables(self) -> dict[str, ProjectionTable]:
        if not self._live:
            self._live = {
                each.name: self._table(each.name, each.number)
                for each in self._stored()
                if each.state == "live" and each.name in self._known
            }
        return self._live


def _is(name: str, number: int) -> ColumnElement[bool]:
    return (PROJECTIONS.c.name == name) & (PROJECTIONS.c.number == number)
