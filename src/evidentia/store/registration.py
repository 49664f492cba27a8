"""Packs in a store: the columns they add to events, and the logs they read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Index, column, insert, select, text, update
from sqlalchemy.schema import CreateIndex

from evidentia.errors import PackError, UsageError
from evidentia.event.fieldmap import PromotedColumn
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.store.relations import EVENTS_COLUMNS, create_views, promoted_columns
from evidentia.store.schema import EVENT_ROWS, LOGS, PACKS, PROMOTED_TYPES


def register_pack(connection: Connection, pack: Pack, now_us: int) -> None:
    """Make room for a pack's promoted columns; a no-op when nothing changed.

    Raises:
        PackError: A column is reserved, or another pack declared it with another type.
    """
    declared = {part.name: part.type.value for part in pack.fields.promoted}
    known = connection.execute(select(PACKS).where(PACKS.c.name == pack.name)).mappings().first()
    if known and known["version"] == pack.version and json.loads(known["columns"]) == declared:
        return
    _check_columns(connection, pack, declared)
    _add_columns(connection, pack.fields.promoted)
    create_views(connection, promoted_columns(connection))
    values = {
        "version": pack.version,
        "columns": json.dumps(declared, sort_keys=True),
        "registered_us": now_us,
    }
    if known:
        connection.execute(update(PACKS).where(PACKS.c.name == pack.name).values(values))
    else:
        connection.execute(insert(PACKS).values(name=pack.name, **values))


def _check_columns(connection: Connection, pack: Pack, declared: dict[str, str]) -> None:
    reserved = sorted({*EVENTS_COLUMNS, "kind_id", "raw"} & declared.keys())
    if reserved:
        raise PackError(
            f"columns of every event cannot be promoted again: {', '.join(reserved)}",
            where=f"pack {pack.name}",
            fix="give the promoted columns other names",
        )
    others = select(PACKS).where(PACKS.c.name != pack.name)
    for other in connection.execute(others).mappings():
        theirs = json.loads(other["columns"])
        for name in sorted(declared.keys() & theirs.keys()):
            if declared[name] != theirs[name]:
                raise PackError(
                    f"column {name} is {declared[name]} here and {theirs[name]} "
                    f"in pack {other['name']}",
                    where=f"pack {pack.name}",
                    fix="agree on one type, or use another name",
                )


def _add_columns(connection: Connection, promoted: Sequence[PromotedColumn]) -> None:
    present = promoted_columns(connection)
    quote = connection.dialect.identifier_preparer.quote_identifier
    for part in promoted:
        if part.name not in present:
            kind = PROMOTED_TYPES[part.type].compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE event_rows ADD COLUMN {quote(part.name)} {kind}"))


def promoted_indexes(connection: Connection, packs: Sequence[Pack]) -> tuple[str, ...]:
    """CREATE INDEX statements for the promoted columns that packs want to look up by."""
    names = sorted(
        {part.name for pack in packs for part in pack.fields.promoted if part.is_indexed}
    )
    statements = []
    for name in names:
        present = column(name).is_not(None)
        index = Index(
            f"ix_event_rows_promoted_{name}",
            text(connection.dialect.identifier_preparer.quote_identifier(name)),
            _table=EVENT_ROWS,
            sqlite_where=present,
            postgresql_where=present,
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
