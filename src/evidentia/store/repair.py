"""Putting the log's rows back where the store was damaged. The one door past the triggers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, select

from evidentia.event.values import position_of
from evidentia.store import relations
from evidentia.store.batches import insert_dead_letters, insert_rows
from evidentia.store.schema import DEAD_LETTER_ROWS, EVENT_ROWS, FILLERS, SCHEMA_FINDINGS
from evidentia.store.values import Batch, BatchWrite


def replace_rows(connection: Connection, batch: Batch, write: BatchWrite) -> None:
    """Put the rows that the log gives in the place of what a batch's range holds.

    Dead letters whose bytes are intact stay, with their attempts and resolution.
    """
    first = position_of(batch.segment_id, batch.byte_start)
    end = position_of(batch.segment_id, batch.byte_end - 1) + 1
    with _triggers_lifted(connection):
        for table in (SCHEMA_FINDINGS, EVENT_ROWS, FILLERS):
            inside = (table.c.id >= first) & (table.c.id < end)
            connection.execute(delete(table).where(inside))
        insert_rows(connection, write, batch.id)
        _replace_dead_letters(connection, batch, write, (first, end))


def _replace_dead_letters(
    connection: Connection, batch: Batch, write: BatchWrite, span: tuple[int, int]
) -> None:
    letters = DEAD_LETTER_ROWS.c
    inside = (letters.id >= span[0]) & (letters.id < span[1])
    stored = {
        row.id: (row.sha256, row.raw, row.state)
        for row in connection.execute(
            select(letters.id, letters.sha256, letters.raw, letters.state).where(inside)
        )
    }
    wanted = {row.position: (row.sha256, row.raw) for row in write.dead_letters}
    events = {row[0] for row in write.events}
    intact = {
        position
        for position, (sha256, raw, state) in stored.items()
        if wanted.get(position) == (sha256, raw) or (state == "recovered" and position in events)
    }
    for position in stored.keys() - intact:
        connection.execute(delete(DEAD_LETTER_ROWS).where(letters.id == position))
    missing = [row for row in write.dead_letters if row.position not in intact]
    insert_dead_letters(connection, missing, batch.id)


@contextmanager
def _triggers_lifted(connection: Connection) -> Iterator[None]:
    # Schema changes are part of the transaction: a crash inside brings the triggers back.
    statements = relations.trigger_statements(connection.dialect.name)
    for statement in statements:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {relations.trigger_name(statement)}")
    yield
    for statement in statements:
        connection.exec_driver_sql(statement)
