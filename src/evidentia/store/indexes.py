"""Indexes of the events, and the bulk mode that builds them after a large load."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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


def drop_filled(
    connection: Connection, packs: Sequence[Pack], loaded: Collection[str] | None
) -> None:
    """Drop the events' indexes, so that a large load does not keep them sorted row by row.

    An index without NULLs on a column that none of the loaded packs fills stays: keeping it costs
    nothing, building it a reading of the whole table. The indexes of packs other than ``packs``
    stay too: nobody would build them again.

    Args:
        connection: A transaction of the writing side.
        packs: The packs whose indexes are built after the load.
        loaded: The names of those that the load's logs are of; None where that is not known.
    """
    fields = [pack.fields for pack in packs if loaded is None or pack.name in loaded]
    is_filled = {
        "event_id": loaded is None or any(each.event_id for each in fields),
        "session_id": loaded is None or any(each.session_id for each in fields),
    }
    for index in EVENT_INDEXES:
        if any(is_filled.get(column.name, True) for column in index.columns):
            connection.execute(DropIndex(index, if_exists=True))
    promoted = {column.name for each in fields for column in each.promoted}
    for name in promoted.intersection(indexed_columns(packs)):
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {promoted_index_name(name)}")
