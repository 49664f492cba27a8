"""Indexes of the events, and the bulk mode that builds them after a large load."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.schema import CreateIndex, DropIndex

from evidentia.pack.contract import Pack
from evidentia.store.registration import indexed_columns, promoted_index_name, promoted_indexes
from evidentia.store.schema import EVENT_INDEXES


def create_missing(connection: Connection, packs: Sequence[Pack]) -> None:
    """Create every index of the events that is not there."""
    for index in EVENT_INDEXES:
        connection.execute(CreateIndex(index, if_not_exists=True))
    for statement in promoted_indexes(connection, packs):
        connection.exec_driver_sql(statement)


def drop_all(connection: Connection, packs: Sequence[Pack]) -> None:
    """Drop the events' indexes, so that a large load does not keep them sorted row by row.

    The indexes of packs other than ``packs`` stay: nobody would build them again.
    """
    for index in EVENT_INDEXES:
        connection.execute(DropIndex(index, if_exists=True))
    for name in indexed_columns(packs):
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {promoted_index_name(name)}")
