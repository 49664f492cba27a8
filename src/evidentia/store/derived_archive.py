"""Old rows go into a file of their own, with the rows that refer to them, and come back from it.

The file is written, read again and compared before a row is deleted; both happen under the
database's write lock, so nothing changes in between. The archive is not the only copy: the ledger
still holds every event.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from blake3 import blake3
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from evidentia.errors import StoreDamagedError, StoreError
from evidentia.pack.tables import DerivedTable
from evidentia.store import sqlite
from evidentia.store.derived import DerivedStore, new_file, opened, require_file
from evidentia.store.derived_archived import forget, key_column, take_out
from evidentia.store.derived_reading import ROWS_HELD, ArchiveRecord, streamed
from evidentia.store.derived_refusals import RefusalReason
from evidentia.store.derived_rows import Checkpoint, read_checkpoint
from evidentia.store.derived_schema import DerivedSchema, create_all

_CONTEXT: Final = "evidentia 2026-11 archived rows v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What putting an archive back found.

    Attributes:
        number: Of the archive.
        rows: Rows that were put back.
        must_rebuild: Events were refused because of the archive, so only a rebuild gives the rows
            that there would be without it; nothing was changed.
    """

    number: int
    rows: int
    must_rebuild: bool = False


def archive(store: DerivedStore, older_than: str, path: Path | None = None) -> ArchiveRecord | None:
    """Move old rows into a new file; None where there are none.

    Args:
        store: The database, which should be at the end of its ledger.
        older_than: A time as ``created_at`` has it. Rows before it go, and all that refer to them.
        path: The file; by default one beside the database.

    Raises:
        StoreError: The file is there already, or the disk refuses; nothing was deleted.
    """
    with store.changing() as connection:
        schema = store.schema
        number = _next_number(connection, store, is_named=path is not None)
        _choose(connection, schema, number, older_than)
        count = _count(connection, schema, number)
        if not count:
            return None
        # Absolute, for it is told of later, from wherever that is.
        place = (path or _beside(store, number)).absolute()
        record = ArchiveRecord(
            number=number,
            path=str(place),
            size=read_checkpoint(connection, schema).size,
            older_than=older_than,
            row_count=count,
            digest=_digest(_archived_rows(connection, schema, number)),
            made_us=store.clock(),
        )
        _write(connection, store, record)
        try:
            _require_whole(store, record)
            take_out(connection, schema, number)
            connection.execute(insert(schema.archives).values(**_values(record)))
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        return record


def _next_number(connection: Connection, store: DerivedStore, *, is_named: bool) -> int:
    """The number of the next archive: after those on the record and the files that lie there.

    The file of an archive that was put back stays, and keeps its name.
    """
    highest = connection.scalar(select(func.max(store.schema.archives.c.number)))
    number = 1 + (highest or 0)
    while not is_named and os.path.lexists(_beside(store, number)):
        number += 1
    return number


def _beside(store: DerivedStore, number: int) -> Path:
    return store.path.with_name(f"{store.path.stem}-archive-{number:04d}.db")


def restore(store: DerivedStore, path: Path) -> Restored:
    """Put the rows of an archive back, and take it off the record. The file stays.

    Raises:
        StoreError: It is no archive of this database, was restored before, or was changed; nothing
            was changed.
    """
    record = archive_at(store, path)
    with store.changing() as connection:
        schema = store.schema
        _require_recorded(connection, schema, record)
        refused = schema.refused.c
        late = select(refused.sequence).where(refused.reason == RefusalReason.ARCHIVED.value)
        if connection.execute(late.limit(1)).first() is not None:
            return Restored(number=record.number, rows=record.row_count, must_rebuild=True)
        with _read(path) as kept:
            for table, rows in _grouped(_stored_rows(kept, schema)):
                connection.execute(insert(table), rows)
        forget(connection, schema, (record.number,))
    return Restored(number=record.number, rows=record.row_count)


def archive_at(store: DerivedStore, path: Path) -> ArchiveRecord:
    """What an archive says of itself, once its rows were compared with that.

    Raises:
        StoreError: There is none, it is another database's, or its rows are not those that it had.
    """
    require_file(path, sqlite.ARCHIVE_APPLICATION_ID)
    with _read(path) as connection:
        row = connection.execute(select(store.schema.archives)).mappings().one()
        own = connection.execute(select(store.schema.checkpoint.c.database_name)).scalar_one()
        record = ArchiveRecord(**dict(row))
        digest = _digest(_stored_rows(connection, store.schema))
    if own != store.database.name or digest != record.digest:
        raise StoreDamagedError(
            f"the archive is that of pack {own}"
            if own != store.database.name
            else "the archive does not hold the rows that were written to it",
            where=str(path),
            fix="the ledger has every event: 'rebuild' with all archives forgotten gives the rows",
        )
    return record


def _choose(connection: Connection, schema: DerivedSchema, number: int, older_than: str) -> None:
    """Note which rows go: old ones, and those that refer to them, whatever their age."""
    for table in schema.database.tables:
        made = schema.tables[table.name]
        wanted = or_(
            false(),
            *(_is_old(made, table, older_than),) if table.retention else (),
            *_refers_to_chosen(schema, made, table, number),
        )
        key = key_column(table)
        row_key = null() if key is None else made.c[key.name]
        chosen = select(literal(table.name), made.c.id, literal(number), row_key).where(wanted)
        names = ("table_name", "row_id", "archive_number", "row_key")
        if table.retention or table.parents:
            connection.execute(insert(schema.archived).from_select(names, chosen))


def _is_old(made: Table, table: DerivedTable, older_than: str) -> ColumnElement[bool]:
    retention = table.retention
    if retention is None:
        return false()
    is_old = made.c[retention.age] < older_than
    if not retention.stay_column:
        return is_old
    return and_(is_old, made.c[retention.stay_column].not_in(retention.stay_values))


def _refers_to_chosen(
    schema: DerivedSchema, made: Table, table: DerivedTable, number: int
) -> Iterator[ColumnElement[bool]]:
    archived = schema.archived.c
    for column in table.columns:
        if column.refers_to is not None:
            keys = select(archived.row_key).where(
                archived.table_name == column.refers_to[0], archived.archive_number == number
            )
            yield made.c[column.name].in_(keys)


def _count(connection: Connection, schema: DerivedSchema, number: int) -> int:
    archived = schema.archived
    query = select(func.count()).select_from(archived)
    return int(connection.execute(query.where(archived.c.archive_number == number)).scalar_one())


_Streamed = Iterator[tuple[Table, dict[str, Any]]]


def _archived_rows(connection: Connection, schema: DerivedSchema, number: int) -> _Streamed:
    """The chosen rows, by table and id, while they are still in the database."""
    archived = schema.archived.c
    for name, table in schema.tables.items():
        ids = select(archived.row_id).where(
            archived.table_name == name, archived.archive_number == number
        )
        yield from _each(connection, table, select(table).where(table.c.id.in_(ids)))


def _stored_rows(connection: Connection, schema: DerivedSchema) -> _Streamed:
    """Every row of an archive, by table and id."""
    for table in schema.tables.values():
        yield from _each(connection, table, select(table))


def _each(connection: Connection, table: Table, query: Select[*tuple[Any, ...]]) -> _Streamed:
    for row in streamed(connection, query.order_by(table.c.id)).mappings():
        yield table, dict(row)


def _grouped(rows: _Streamed) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Rows of one table some at a time."""
    waiting: list[dict[str, Any]] = []
    current: Table | None = None
    for table, row in rows:
        if current is not None and (table is not current or len(waiting) >= ROWS_HELD):
            yield current, waiting
            waiting = []
        current = table
        waiting.append(row)
    if current is not None:
        yield current, waiting


def _digest(rows: _Streamed) -> str:
    hasher = blake3(derive_key_context=_CONTEXT)
    for table, row in rows:
        # MessagePack writes each value with its type and length.
        hasher.update(msgspec.msgpack.encode((str(table.name), *row.values())))
    return hasher.hexdigest()


def _write(connection: Connection, store: DerivedStore, record: ArchiveRecord) -> None:
    schema = store.schema
    checkpoint = read_checkpoint(connection, schema)
    with new_file(Path(record.path), sqlite.ARCHIVE_APPLICATION_ID) as target:
        create_all(target, schema)
        for table, rows in _grouped(_archived_rows(connection, schema, record.number)):
            target.execute(insert(schema.tables[table.name]), rows)
        values = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
        target.execute(update(schema.checkpoint).values(**values, changed_us=record.made_us))
        target.execute(insert(schema.archives).values(**_values(record)))


def _values(record: ArchiveRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ArchiveRecord.__slots__}


def _require_whole(store: DerivedStore, record: ArchiveRecord) -> None:
    """Pass if the file on the disk holds what was to be archived, and nothing refers to nothing."""
    if archive_at(store, Path(record.path)).digest != record.digest:
        raise StoreDamagedError("the archive is not what was written", where=record.path)
    with _read(Path(record.path)) as kept:
        sqlite.check_references(kept)


def _require_recorded(connection: Connection, schema: DerivedSchema, record: ArchiveRecord) -> None:
    archives = schema.archives.c
    found = connection.execute(select(archives.digest).where(archives.number == record.number))
    if found.scalar() != record.digest:
        raise StoreError(
            f"the database has no archive {record.number} with these rows: it was restored before,"
            " or is another database's",
            where=record.path,
            fix="see the archives of the database with 'status'",
        )


def _read(path: Path) -> AbstractContextManager[Connection]:
    access = sqlite.Access(is_read_only=True, mark=sqlite.ARCHIVE_APPLICATION_ID)
    return opened(path, access)
