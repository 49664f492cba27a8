"""What a large load does without: the indexes of the events, and the trigger on every insert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex, DropIndex

from evidentia.pack.contract import Pack
from evidentia.store.registration import indexed_columns, promoted_index_name, promoted_indexes
from evidentia.store.relations import drop_trigger
from evidentia.store.schema import EVENT_INDEXES

INSERT_TRIGGER: Final = "event_rows_no_replace"
"""Costs a sixth of an insert. The primary key refuses a second event at a position as well; what
is missing while a large load runs is only the guard against another program's REPLACE."""


def create_missing(connection: Connection, packs: Sequence[Pack]) -> None:
    """Create every index of the events that is not there."""
    for index in EVENT_INDEXES:
        connection.execute(CreateIndex(index, if_not_exists=True))
    for statement in promoted_indexes(connection, packs):
        connection.exec_driver_sql(statement)


def drop_all(connection: Connection, packs: Sequence[Pack]) -> None:
    """Drop the events' indexes and the insert trigger, for a load that would pay for each row.

    The indexes of packs other than ``packs`` stay: nobody would build them again.
    """
    for index in EVENT_INDEXES:
        connection.execute(DropIndex(index, if_exists=True))
    for name in indexed_columns(packs):
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {promoted_index_name(name)}")
    drop_trigger(connection, INSERT_TRIGGER)
