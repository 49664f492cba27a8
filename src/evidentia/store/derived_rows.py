"""Events become rows of a pack's database, in ledger order, with the checkpoint beside them.

All rows of an event land, or none of them and its refusal instead. The caller's transaction holds
the rows of many events and the checkpoint that counts them.

Most events are written a group at a time, by table, which is many times as fast as one by one.
Where an engine refuses a group, or where order inside it matters, it is cut in two, in the end
into single events; all ways give the same rows with the same ids. Ids are counted here and not by
the engine, whose counters leave holes where a row was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, insert, select, update

from evidentia.pack.tables import (
    Cell,
    DerivedTable,
    LedgerEvent,
    Refusal,
    Stamp,
    TableRow,
)
from evidentia.store.derived_archived import ArchivedKeys
from evidentia.store.derived_refusals import (
    RefusalReason,
    declaration_problem,
    is_refused,
    refusal_of,
)
from evidentia.store.derived_schema import GENESIS, DerivedSchema

_CONTEXT: Final = "evidentia 2026-11 derived rows v1"
_Values = dict[str, Cell]
Outcome: TypeAlias = "tuple[TableRow, ...] | Refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a pack's database has come in its ledger.

    Attributes:
        origin: The ledger's; None as long as nothing was applied.
        size: Events of the ledger that are applied, those that give no rows included.
        segment: The sequence that names the segment of the last one,
        byte_start: where its line begins there,
        byte_end: and where the next one begins.
        event_hash: Of the last one.
        digest: A chain over everything that was written: equal for equal rows and refusals.
    """

    origin: str | None = None
    size: int = 0
    segment: int = 0
    byte_start: int = 0
    byte_end: int = 0
    event_hash: str | None = None
    digest: bytes = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedEvent:
    """An event, its exact line, and where in the ledger it stands."""

    event: LedgerEvent
    line: bytes
    event_hash: str
    segment: int
    byte_start: int


_Given = tuple[PlacedEvent, Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a group of events became."""

    rows: int = 0
    refused: int = 0


class RowWriter:
    """Writes the rows of events inside the caller's transaction.

    Args:
        connection: With a transaction open.
        schema: Of the engine at hand.
        clock: UTC microseconds.
    """

    def __init__(
        self, connection: Connection, schema: DerivedSchema, clock: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._schema = schema
        self._clock = clock
        self.checkpoint = read_checkpoint(connection, schema)
        self._saved = self._read_counters()
        self._counters = dict.fromkeys(schema.tables, 0) | self._saved
        self._archived = ArchivedKeys(connection, schema)

    def _read_counters(self) -> dict[str, int]:
        rows = self._connection.execute(select(self._schema.counters)).all()
        return {row[0]: row[1] for row in rows}

    def apply(self, events: Sequence[PlacedEvent], origin: str) -> Applied:
        """Write what events give, which follow those that were applied before."""
        if not events:
            return Applied()
        self._archived.reach(events[0].event.sequence)
        outcomes = self._written([(each, self._given(each.event)) for each in events])
        last = events[-1]
        self.checkpoint = Checkpoint(
            origin=origin,
            size=last.event.sequence + 1,
            segment=last.segment,
            byte_start=last.byte_start,
            byte_end=last.byte_start + len(last.line) + 1,
            event_hash=last.event_hash,
            digest=self._chained(events, outcomes),
        )
        refused = sum(isinstance(each, Refusal) for each in outcomes)
        rows = sum(len(each) for each in outcomes if not isinstance(each, Refusal))
        return Applied(rows=rows, refused=refused)

    def next_archive(self) -> int | None:
        """The size of the ledger at which an archive takes rows out, if one is still to do so."""
        return self._archived.next_size

    def _given(self, event: LedgerEvent) -> Outcome:
        try:
            rows = self._schema.database.rows_of(event)
        except Exception as error:  # noqa: BLE001 - a pack's defect holds up no other event
            return Refusal(reason=RefusalReason.DECLARATION.value, detail=f"the pack: {error!r}")
        if isinstance(rows, Refusal):
            return rows
        for row in rows:
            problem = declaration_problem(self._schema, row) or self._archived.problem(row)
            if problem is not None:
                return problem
        return rows

    def _written(self, given: Sequence[_Given]) -> list[Outcome]:
        """Write a group, by halves where it cannot be written as a whole."""
        if len(given) == 1:
            placed, rows = given[0]
            outcome = rows if isinstance(rows, Refusal) else self._write(placed.event, rows)
            self._put_aside([(placed, outcome)])
            return [outcome]
        if self._has_order(given) and self._is_together(given):
            self._put_aside(given)
            return [rows for _, rows in given]
        middle = len(given) // 2
        return self._written(given[:middle]) + self._written(given[middle:])

    def _is_together(self, given: Sequence[_Given]) -> bool:
        """Write a group by table; whether the engine took all of it."""
        counters = dict(self._counters)
        new: dict[str, list[_Values]] = {}
        for event, row in _rows(given):
            table = self._schema.database.table(row.table)
            new.setdefault(table.name, []).append(self._new_row(table, row, event))
        try:
            with self._connection.begin_nested():
                for name in (each for each in self._schema.tables if each in new):
                    self._connection.execute(insert(self._schema.tables[name]), new[name])
        except Exception as error:
            if not is_refused(error):
                raise
            self._counters = counters
            return False
        return True

    def _has_order(self, given: Sequence[_Given]) -> bool:
        """Whether writing a group by table gives what writing it by event gives.

        So no row may change one that is there, nor refer to one that a later event makes.
        """
        made: set[tuple[str, str, Cell]] = set()
        wanted: set[tuple[str, str, Cell]] = set()
        for _, row in _rows(given):
            table = self._schema.database.table(row.table)
            if table.state_key:
                return False
            for column in table.columns:
                value = row.values.get(column.name)
                if column.refers_to is not None:
                    wanted.add((*column.refers_to, value))
                if column.is_unique:
                    made.add((table.name, column.name, value))
                    if (table.name, column.name, value) in wanted:
                        return False
        return True

    def _write(self, event: LedgerEvent, rows: tuple[TableRow, ...]) -> Outcome:
        counters = dict(self._counters)
        savepoint = self._connection.begin_nested()
        for row in rows:
            try:
                self._write_row(self._schema.database.table(row.table), row, event)
            except Exception as error:
                savepoint.rollback()
                if not is_refused(error):
                    raise
                self._counters = counters
                return refusal_of(error, self._connection, self._schema, row)
        savepoint.commit()
        return rows

    def _write_row(self, table: DerivedTable, row: TableRow, event: LedgerEvent) -> None:
        made = self._schema.tables[table.name]
        if table.state_key:
            stamps = _stamps(table, event, (Stamp.CHANGED,))
            known = [made.c[name] == row.values.get(name) for name in table.state_key]
            changed = self._connection.execute(
                update(made).where(*known).values(stamps | dict(row.values))
            )
            if changed.rowcount:
                return
        self._connection.execute(insert(made), [self._new_row(table, row, event)])

    def _new_row(self, table: DerivedTable, row: TableRow, event: LedgerEvent) -> _Values:
        self._counters[table.name] += 1
        defaults: _Values = {each.name: each.default for each in table.columns}
        return (
            {"id": self._counters[table.name]}
            | defaults
            | _stamps(table, event, tuple(Stamp))
            | dict(row.values)
        )

    def _put_aside(self, given: Sequence[_Given]) -> None:
        rows = [
            {
                "sequence": placed.event.sequence,
                "event_id": placed.event.id,
                "event_type": placed.event.event_type,
                "recorded_at": placed.event.recorded_at,
                "reason": refusal.reason,
                "detail": refusal.detail,
                "event_json": placed.line.decode(),
            }
            for placed, refusal in given
            if isinstance(refusal, Refusal)
        ]
        if rows:
            self._connection.execute(insert(self._schema.refused), rows)

    def _chained(self, events: Sequence[PlacedEvent], outcomes: Sequence[Outcome]) -> bytes:
        digest = self.checkpoint.digest
        for placed, outcome in zip(events, outcomes, strict=True):
            if outcome == ():
                continue
            said = (
                [outcome.reason]
                if isinstance(outcome, Refusal)
                else [(row.table, sorted(row.values.items())) for row in outcome]
            )
            body = msgspec.msgpack.encode((placed.event.sequence, said))
            digest = blake3(digest + body, derive_key_context=_CONTEXT).digest()
        return digest

    def save(self) -> None:
        """Write the checkpoint and the counters; the caller commits."""
        self._archived.reach(self.checkpoint.size)
        self._connection.execute(
            update(self._schema.checkpoint).values(
                **{name: getattr(self.checkpoint, name) for name in Checkpoint.__slots__},
                changed_us=self._clock(),
            )
        )
        counters = self._schema.counters
        for name, last in self._counters.items():
            if last == self._saved.get(name):
                continue
            statement = (
                update(counters).where(counters.c.table_name == name).values(last_id=last)
                if name in self._saved
                else insert(counters).values(table_name=name, last_id=last)
            )
            self._connection.execute(statement)
        self._saved = dict(self._counters)


def read_checkpoint(connection: Connection, schema: DerivedSchema) -> Checkpoint:
    """How far the database has come."""
    row = connection.execute(select(schema.checkpoint)).mappings().one()
    return replace(Checkpoint(), **{name: row[name] for name in Checkpoint.__slots__})


def _stamps(table: DerivedTable, event: LedgerEvent, wanted: Sequence[Stamp]) -> _Values:
    # As SQL writes a time, of which the ledger's is the ISO form.
    at = event.recorded_at.rstrip("Z").replace("T", " ")
    return {each.name: at for each in table.columns if each.stamp in wanted}


def _rows(given: Sequence[_Given]) -> Iterator[tuple[LedgerEvent, TableRow]]:
    for placed, rows in given:
        for row in () if isinstance(rows, Refusal) else rows:
            yield placed.event, row
