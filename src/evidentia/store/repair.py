"""Putting the log's rows back where the store was damaged. The one door past the triggers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from evidentia.event.values import position_of
from evidentia.store import relations
from evidentia.store.batches import insert_dead_letters, insert_rows
from evidentia.store.records import dead_letter_from
from evidentia.store.schema import (
    DEAD_LETTER_ROWS,
    EVENT_ROW_COLUMNS,
    EVENT_ROWS,
    FILLERS,
    SCHEMA_FINDINGS,
)
from evidentia.store.values import Batch, BatchWrite, DeadLetter, DeadLetterRow, SqlValue


def replace_rows(connection: Connection, batch: Batch, write: BatchWrite) -> None:
    """Put the rows that the log gives in the place of what a batch's range holds.

    Dead letters whose bytes are intact stay, with their attempts and resolution.
    """
    first = position_of(batch.segment_id, batch.byte_start)
    last = position_of(batch.segment_id, batch.byte_end - 1)
    with _triggers_lifted(connection):
        for table in (SCHEMA_FINDINGS, EVENT_ROWS, FILLERS):
            connection.execute(delete(table).where(table.c.id.between(first, last)))
        insert_rows(connection, write, batch.id)
        _replace_dead_letters(connection, batch, write, (first, last))


def _replace_dead_letters(
    connection: Connection, batch: Batch, write: BatchWrite, span: tuple[int, int]
) -> None:
    letters = DEAD_LETTER_ROWS.c
    inside = letters.id.between(*span)
    stored = {
        row["id"]: dead_letter_from(row)
        for row in connection.execute(select(DEAD_LETTER_ROWS).where(inside)).mappings()
    }
    wanted = {row.position: row for row in write.dead_letters}
    events = {row[0]: row for row in write.events}
    intact = {
        position
        for position, letter in stored.items()
        if letter.batch_id == batch.id
        and _is_intact(letter, wanted.get(position), events.get(position))
    }
    for position in stored.keys() - intact:
        connection.execute(delete(DEAD_LETTER_ROWS).where(letters.id == position))
    missing = [row for row in write.dead_letters if row.position not in intact]
    insert_dead_letters(connection, missing, batch.id)


def _is_intact(
    letter: DeadLetter, wanted: DeadLetterRow | None, event: tuple[SqlValue, ...] | None
) -> bool:
    row = letter.row
    if letter.state == "recovered":
        # A retry made it an event, so the log must give that event.
        held = dict(zip(EVENT_ROW_COLUMNS, event or (), strict=False))
        return (row.raw, row.sha256) == (held.get("raw"), held.get("sha256"))
    # Why it is no event may have been said differently by an earlier version; its bytes may not.
    return wanted is not None and row == replace(
        wanted, reason=row.reason, column_no=row.column_no, detail=row.detail
    )


@contextmanager
def _triggers_lifted(connection: Connection) -> Iterator[None]:
    # Schema changes are part of the transaction: a crash or an exception inside brings the triggers
    # back with everything else, so there is nothing to clean up here.
    relations.drop_triggers(connection)
    yield
    relations.create_triggers(connection)
