"""What one transaction commits: rows, dead letters, fillers, gaps, batch record, checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Final

from sqlalchemy import Connection, Table, insert, select, update

from evidentia.errors import StoreError
from evidentia.proof.chain import GENESIS, BatchFacts, link_batch
from evidentia.store.records import (
    batch_from_facts,
    batch_values,
    dead_letter_values,
    filler_values,
    finding_values,
    fingerprint_values,
    gap_values,
)
from evidentia.store.relations import replacing_unguarded
from evidentia.store.schema import (
    BATCHES,
    DEAD_LETTER_ROWS,
    EVENT_ROW_COLUMNS,
    FILLERS,
    GAP_ROWS,
    SCHEMA_FINDINGS,
    SEGMENTS,
)
from evidentia.store.sqlite import driver_connection
from evidentia.store.values import (
    Batch,
    BatchWrite,
    DeadLetterRow,
    EventTuples,
    FillerKind,
    Gap,
    SchemaFinding,
    SqlValue,
)

_MANY_ROWS: Final = 1_000
"""From here on a batch is quicker for two changes of the schema than for a trigger per row."""
_ROWS_AT_ONCE: Final = 20
"""Rows of one statement. SQLite opens the tables that rows refer to, and the indexes, once for each
statement, which took a quarter of the time; more rows gain nothing."""
_VALUES_MAX: Final = 32_766
"""Values that SQLite binds in one statement."""


def commit(connection: Connection, write: BatchWrite, *, run_id: int, now_us: int) -> Batch:
    """Insert a batch and all it holds, inside the caller's transaction.

    Raises:
        StoreError: The batch does not begin at the segment's checkpoint and next line.
    """
    _advance(connection, write)
    last = last_link(connection)
    last_id, last_chain = last or (0, GENESIS)
    facts = BatchFacts(
        batch_id=last_id + 1,
        segment_id=write.segment_id,
        byte_start=write.byte_start,
        byte_end=write.byte_end,
        first_line=write.first_line,
        next_line=write.next_line,
        event_count=len(write.events),
        dead_letter_count=len(write.dead_letters),
        blank_bytes=_filler_bytes(write, FillerKind.BLANK),
        bom_bytes=_filler_bytes(write, FillerKind.BOM),
        nul_bytes=_filler_bytes(write, FillerKind.NUL),
        digest=write.digest,
        run_id=run_id,
        committed_us=now_us,
    )
    batch = batch_from_facts(facts, link_batch(last_chain, facts))
    connection.execute(insert(BATCHES).values(**batch_values(batch)))
    insert_rows(connection, write, batch.id)
    insert_dead_letters(connection, write.dead_letters, batch.id)
    insert_gaps(connection, write.gaps, now_us)
    return batch


def last_link(connection: Connection) -> tuple[int, bytes] | None:
    """Id and link of the newest batch, if there is one."""
    query = select(BATCHES.c.id, BATCHES.c.chain).order_by(BATCHES.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (row.id, row.chain)


def _filler_bytes(write: BatchWrite, kind: FillerKind) -> int:
    return sum(filler.length for filler in write.fillers if filler.kind is kind)


def insert_rows(connection: Connection, write: BatchWrite, batch_id: int) -> None:
    """Insert events, fillers and schema findings under a batch."""
    if write.events:
        names = (*EVENT_ROW_COLUMNS, *write.promoted)
        insert_events(connection, names, write.events, batch_id=batch_id)
    _insert(connection, FILLERS, [filler_values(row, batch_id) for row in write.fillers])
    insert_findings(connection, write.findings)


def insert_findings(connection: Connection, rows: Sequence[SchemaFinding]) -> None:
    """Insert schema findings of events that are stored."""
    _insert(connection, SCHEMA_FINDINGS, [finding_values(row) for row in rows])


def insert_dead_letters(
    connection: Connection, rows: Sequence[DeadLetterRow], batch_id: int
) -> None:
    """Insert dead letters under a batch."""
    _insert(connection, DEAD_LETTER_ROWS, [dead_letter_values(row, batch_id) for row in rows])


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, SqlValue]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def insert_events(
    connection: Connection,
    names: Sequence[str],
    rows: EventTuples,
    *,
    batch_id: int,
) -> None:
    """Insert event tuples by the driver's own bulk call, three times as fast as through Core.

    The batch id stands in the statement as a literal: it is an integer of ours, the same for all
    rows, and a million tuples need not be copied to carry it. What the driver raises is for the
    caller to translate.
    """
    driver = driver_connection(connection)
    rest = iter(rows)
    if len(rows) >= _MANY_ROWS:
        at_once = min(_ROWS_AT_ONCE, _VALUES_MAX // len(names))
        statement = _insert_statement(connection, names, batch_id, at_once)
        values = chain.from_iterable(islice(rest, len(rows) - len(rows) % at_once))
        with replacing_unguarded(connection):
            driver.executemany(statement, zip(*[values] * (len(names) * at_once), strict=True))
    driver.executemany(_insert_statement(connection, names, batch_id), rest)


def _insert_statement(
    connection: Connection, names: Sequence[str], batch_id: int, rows: int = 1
) -> str:
    quote = connection.dialect.identifier_preparer.quote_identifier
    columns = ", ".join(quote(name) for name in names)
    row = f"({batch_id:d}, {', '.join('?' * len(names))})"
    return f"INSERT INTO event_rows (batch_id, {columns}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - names are declared by packs, checked and quoted; every value is bound


def insert_gaps(connection: Connection, gaps: Sequence[Gap], now_us: int) -> None:
    """Insert suspected losses; a place and kind that is known already stays as it was found."""
    for gap in gaps:
        known = select(GAP_ROWS.c.id).where(
            GAP_ROWS.c.segment_id == gap.segment_id,
            GAP_ROWS.c.byte_offset == gap.byte_offset,
            GAP_ROWS.c.kind == gap.kind,
        )
        if connection.execute(known).first() is None:
            connection.execute(insert(GAP_ROWS).values(**gap_values(gap), found_us=now_us))


def _advance(connection: Connection, write: BatchWrite) -> None:
    moved = connection.execute(
        update(SEGMENTS)
        .where(
            SEGMENTS.c.id == write.segment_id,
            SEGMENTS.c.checkpoint == write.byte_start,
            SEGMENTS.c.next_line == write.first_line,
        )
        .values(
            checkpoint=write.byte_end,
            next_line=write.next_line,
            state=write.state.value,
            tail_bytes=0,
            **fingerprint_values(write.fingerprint),
        )
    )
    if moved.rowcount != 1:
        raise StoreError(
            "the batch does not begin at the segment's checkpoint; nothing was written",
            where=f"segment {write.segment_id}, byte {write.byte_start}, line {write.first_line}",
            fix="this is a defect of the program: please report it",
        )
