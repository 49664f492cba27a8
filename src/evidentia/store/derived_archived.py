"""What archives took out of a pack's database, as events that come after them meet it.

An event whose row takes, or refers to, an archived key is refused, and says where that is. A replay
takes the same rows out at the same place in the ledger, so that it refuses the same events.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, true

from evidentia.pack.tables import Cell, Column, DerivedTable, Refusal, TableRow
from evidentia.store.derived_refusals import archived
from evidentia.store.derived_schema import DerivedSchema


def key_column(table: DerivedTable) -> Column | None:
    """The column that a row is known by to others and to later events."""
    return next((each for each in table.columns if each.is_unique), None)


class ArchivedKeys:
    """The archives of a database, in ledger order."""

    def __init__(self, connection: Connection, schema: DerivedSchema) -> None:
        self._connection = connection
        self._schema = schema
        archives = schema.archives
        query = select(archives.c.number, archives.c.size, archives.c.path)
        self._all = connection.execute(query.order_by(archives.c.number)).all()
        self._reached = 0
        checkpoint = connection.execute(select(schema.checkpoint.c.size)).scalar_one()
        # What was taken out before the checkpoint is out already.
        while self._reached < len(self._all) and self._all[self._reached].size <= checkpoint:
            self._reached += 1

    @property
    def next_size(self) -> int | None:
        """The size of the ledger at which the next archive takes rows out."""
        return self._all[self._reached].size if self._reached < len(self._all) else None

    def reach(self, size: int) -> None:
        """Take out what the archives took out that were made up to a size of the ledger."""
        while self._reached < len(self._all) and self._all[self._reached].size <= size:
            take_out(self._connection, self._schema, self._all[self._reached].number)
            self._reached += 1

    def problem(self, row: TableRow) -> Refusal | None:
        """Whether a row takes or refers to an archived key."""
        if not self._reached:
            return None
        table = self._schema.database.table(row.table)
        key = key_column(table)
        wanted = [(table.name, row.values.get(key.name))] if key else []
        wanted += [
            (each.refers_to[0], row.values.get(each.name))
            for each in table.columns
            if each.refers_to
        ]
        for name, value in wanted:
            path = self._path_of(name, value)
            if path is not None:
                return archived(name, value, path)
        return None

    def _path_of(self, table: str, key: Cell) -> str | None:
        rows = self._schema.archived
        query = select(rows.c.archive_number).where(
            rows.c.table_name == table, rows.c.row_key == key
        )
        number = self._connection.execute(query).scalar()
        paths = {each.number: str(each.path) for each in self._all[: self._reached]}
        return None if number is None else paths.get(number)


def take_out(connection: Connection, schema: DerivedSchema, number: int) -> int:
    """Delete the rows that an archive holds, those first that refer to others; how many."""
    removed = 0
    for name, made in reversed(schema.tables.items()):
        rows = schema.archived
        ids = select(rows.c.row_id).where(
            rows.c.table_name == name, rows.c.archive_number == number
        )
        removed += connection.execute(delete(made).where(made.c.id.in_(ids))).rowcount
    return removed


def forget(connection: Connection, schema: DerivedSchema, numbers: Sequence[int] | None) -> None:
    """Take archives, or all, off the record; what they hold is, or will be, in the tables."""
    for column in (schema.archived.c.archive_number, schema.archives.c.number):
        wanted = true() if numbers is None else column.in_(numbers)
        connection.execute(delete(column.table).where(wanted))
