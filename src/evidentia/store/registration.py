"""Packs in a store: the columns they add to events, and the logs they read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Column, Connection, Index, MetaData, Table, insert, select, update
from sqlalchemy.schema import CreateIndex

from evidentia.errors import PackError, UsageError
from evidentia.event.fieldmap import AllExcept, PromotedColumn
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.store.relations import EVENTS_COLUMNS, create_views, promoted_types
from evidentia.store.schema import EVENT_ROWS, LOGS, PACKS, PROMOTED_TYPES

# Names stand in DDL, which binds nothing. The length leaves room for the name of the index.
_COLUMN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def register_pack(connection: Connection, pack: Pack, now_us: int) -> None:
    """Make room for a pack's promoted columns; a no-op when nothing changed.

    Raises:
        PackError: A column is misnamed or reserved, or the store has it with another type.
    """
    declared = {part.name: part.type.value for part in pack.fields.promoted}
    values = {
        "version": pack.version,
        "columns": json.dumps(declared, sort_keys=True),
        "left_out": _left_out(pack),
    }
    known = connection.execute(select(PACKS).where(PACKS.c.name == pack.name)).mappings().first()
    if known and {name: known[name] for name in values} == values:
        return
    _check_names(pack, declared)
    _check_types(connection, pack)
    _add_columns(connection, pack.fields.promoted)
    _record(connection, pack.name, {**values, "registered_us": now_us}, is_known=bool(known))
    create_views(connection, tuple(promoted_types(connection)), left_out_by_pack(connection))


def _left_out(pack: Pack) -> str | None:
    payload = pack.fields.payload
    if isinstance(payload, AllExcept) and payload.is_derivable:
        return json.dumps(sorted(payload.keys))
    return None


def left_out_by_pack(connection: Connection) -> dict[str, list[str]]:
    """The packs whose payload is the line but a few members, and which those are."""
    query = select(PACKS.c.name, PACKS.c.left_out).where(PACKS.c.left_out.is_not(None))
    return {row.name: json.loads(row.left_out) for row in connection.execute(query)}


def _record(
    connection: Connection, name: str, values: Mapping[str, object], *, is_known: bool
) -> None:
    if is_known:
        connection.execute(update(PACKS).where(PACKS.c.name == name).values(values))
    else:
        connection.execute(insert(PACKS).values(name=name, **values))


def _check_names(pack: Pack, declared: Mapping[str, str]) -> None:
    misnamed = sorted(name for name in declared if not _COLUMN_NAME.fullmatch(name))
    if misnamed:
        raise PackError(
            f"these are no lower-case identifiers of at most 40 letters: {', '.join(misnamed)}",
            where=f"pack {pack.name}",
            fix="give the promoted columns other names",
        )
    reserved = sorted({*EVENTS_COLUMNS, "kind_id", "raw"} & declared.keys())
    if reserved:
        raise PackError(
            f"columns of every event cannot be promoted again: {', '.join(reserved)}",
            where=f"pack {pack.name}",
            fix="give the promoted columns other names",
        )


def _check_types(connection: Connection, pack: Pack) -> None:
    # The table itself is asked, not what packs have said: a column stays when its pack drops it
    # or changes its mind, and the engine would quietly turn a number into a text to fit it.
    present = promoted_types(connection)
    for part in pack.fields.promoted:
        found = present.get(part.name)
        if found not in (None, _sql_type(connection, part)):
            others = ", ".join(_packs_with(connection, part.name)) or "an earlier pack"
            raise PackError(
                f"column {part.name} is {part.type.value} here and {found} in this store, "
                f"where {others} made it",
                where=f"pack {pack.name}",
                fix="agree on one type, use another name, or ingest into another store",
            )


def _sql_type(connection: Connection, part: PromotedColumn) -> str:
    return PROMOTED_TYPES[part.type].compile(dialect=connection.dialect)


def _packs_with(connection: Connection, name: str) -> tuple[str, ...]:
    rows = connection.execute(select(PACKS.c.name, PACKS.c.columns).order_by(PACKS.c.name))
    return tuple(f"pack {row.name}" for row in rows if name in json.loads(row.columns))


def _add_columns(connection: Connection, promoted: Sequence[PromotedColumn]) -> None:
    present = promoted_types(connection)
    quote = connection.dialect.identifier_preparer.quote_identifier
    for part in promoted:
        if part.name not in present:
            connection.exec_driver_sql(
                f"ALTER TABLE event_rows ADD COLUMN {quote(part.name)}"
                f" {_sql_type(connection, part)}"
            )


def indexed_columns(packs: Sequence[Pack]) -> tuple[str, ...]:
    """The promoted columns that packs want to look up by, in name order."""
    return tuple(
        sorted({part.name for pack in packs for part in pack.fields.promoted if part.is_indexed})
    )


def promoted_index_name(name: str) -> str:
    """The name of the index on a promoted column."""
    return f"ix_event_rows_promoted_{name}"


def promoted_indexes(connection: Connection, packs: Sequence[Pack]) -> tuple[str, ...]:
    """CREATE INDEX statements for the promoted columns that packs want to look up by."""
    statements = []
    for name in indexed_columns(packs):
        # Not on EVENT_ROWS: an index joins its table's description for the life of the process.
        column: Column[object] = Column(name)
        Table(EVENT_ROWS.name, MetaData(), column)
        present = column.is_not(None)
        index = Index(
            promoted_index_name(name), column, sqlite_where=present, postgresql_where=present
        )
        create = CreateIndex(index, if_not_exists=True)
        statements.append(str(create.compile(dialect=connection.dialect)))
    return tuple(statements)


def register_log(connection: Connection, source: LogSource, now_us: int) -> int:
    """The id of an allow-list entry in this store, made on first sight.

    Raises:
        UsageError: The same entry was ingested with another pack before.
    """
    row = connection.execute(select(LOGS).where(LOGS.c.source == source.pattern)).mappings().first()
    if row is None:
        made = connection.execute(
            insert(LOGS)
            .values(
                source=source.pattern,
                pack=source.pack,
                is_lenient=source.is_lenient,
                created_us=now_us,
            )
            .returning(LOGS.c.id)
        )
        return int(made.scalar_one())
    if row["pack"] != source.pack or bool(row["is_lenient"]) != source.is_lenient:
        raise UsageError(
            f"this log is in the store as pack {row['pack']}"
            f"{' (lenient)' if row['is_lenient'] else ''}, not {source.pack}"
            f"{' (lenient)' if source.is_lenient else ''}",
            where=source.pattern,
            fix="name the same pack, or ingest it into another store",
        )
    return int(row["id"])
