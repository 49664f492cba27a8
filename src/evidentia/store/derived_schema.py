"""The tables of a pack's database, built for the engine at hand from the pack's declaration.

Beside the declared tables stand those that keep the database true to its ledger. A rule is a CHECK,
so it holds on every connection, whoever opened it; types are upstream's, which a STRICT table could
not have, so each type is a rule as well. Times are text as SQL's date functions read it.

What surprised: SQLite reads the 30th of February as the 2nd of March and a bare number as a Julian
day, so a time is held against its pattern, and its date against itself with no days added, which
makes SQLite count. PostgreSQL has neither ``json_valid`` nor ``julianday``; it is given both, so
that rules and views are the same text. And a CHECK whose expression raises there would refuse with
an error that names no rule.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    insert,
    inspect,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.elements import ColumnElement, TextClause
from sqlalchemy.types import TypeEngine, UserDefinedType

from evidentia.pack import tables as declared
from evidentia.pack.tables import CellType, DerivedTable, PackDatabase, TableIndex
from evidentia.store.schema import BIG

SQLITE: Final = "sqlite"
GENESIS: Final = bytes(32)
"""The digest of a database to which nothing was applied."""
CHECKPOINT: Final = "ledger_checkpoint"
REFUSED: Final = "refused_records"
COUNTERS: Final = "row_counters"
ARCHIVES: Final = "archives"
ARCHIVED: Final = "archived_rows"
OWN_TABLES: Final = (CHECKPOINT, REFUSED, COUNTERS, ARCHIVES, ARCHIVED)
"""Tables that every such database has; a pack may not use these names."""


class _Timestamp(UserDefinedType[str]):
    """Declared as upstream does; SQLite takes the word and keeps the text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in DDL."""
        return "TIMESTAMP"


_TYPES: Final[dict[CellType, TypeEngine[Any]]] = {
    CellType.TEXT: Text(),
    CellType.INTEGER: BIG,
    CellType.REAL: Double().with_variant(REAL(), SQLITE),
    CellType.JSON: Text(),
    CellType.TIME: Text(),
    CellType.TIMESTAMP: Text().with_variant(_Timestamp(), SQLITE),
}
_SQLITE_TYPEOF: Final = {CellType.INTEGER: "integer", CellType.REAL: "real"}
_DATE_GLOB: Final = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_CLOCK_GLOB: Final = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*"
_TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
    r" ?(Z|[+-][0-9]{2}:[0-9]{2})?$"
)
_NOW: Final = {
    SQLITE: "CURRENT_TIMESTAMP",
    "postgresql": "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
}
_FUNCTION_END: Final = "$$;"


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedSchema:
    """A pack's database on one engine.

    Attributes:
        tables: The declared tables by name, in the order in which they are made.
    """

    database: PackDatabase
    metadata: MetaData
    tables: dict[str, Table]
    checkpoint: Table
    refused: Table
    counters: Table
    archives: Table
    archived: Table


@lru_cache(maxsize=8)
def derived_schema(database: PackDatabase, dialect: str) -> DerivedSchema:
    """The tables of a pack's database. Kept, for building them takes longer than most writes.

    Args:
        database: The declaration.
        dialect: SQLAlchemy's name of the engine.
    """
    metadata = MetaData()
    tables = {each.name: _table(each, metadata, dialect) for each in database.tables}
    return DerivedSchema(
        database=database,
        metadata=metadata,
        tables=tables,
        checkpoint=_checkpoint(metadata),
        refused=_refused(metadata),
        counters=_own(metadata, COUNTERS, _key("table_name", Text()), _filled("last_id", BIG)),
        archives=_archives(metadata),
        archived=_archived(metadata),
    )


def _table(table: DerivedTable, metadata: MetaData, dialect: str) -> Table:
    columns = [_column(each, dialect) for each in table.columns]
    rules = [
        CheckConstraint(text(rule), name=f"ck_{table.name}_{each.name}")
        for each in table.columns
        if (rule := _rule(each, dialect))
    ]
    made = Table(
        table.name,
        metadata,
        Column("id", BIG, primary_key=True),
        *columns,
        *rules,
        sqlite_autoincrement=True,
    )
    for index in table.indexes:
        _index(index, made)
    return made


def _column(column: declared.Column, dialect: str) -> Column[Any]:
    parts: list[SchemaItem] = []
    if column.refers_to:
        parts.append(
            ForeignKey(".".join(column.refers_to), ondelete="RESTRICT", onupdate="RESTRICT")
        )
    return Column(
        column.name,
        _TYPES[column.type],
        *parts,
        nullable=not column.is_required,
        unique=column.is_unique or None,
        server_default=_default(column, dialect),
    )


def _default(column: declared.Column, dialect: str) -> TextClause | str | None:
    if column.stamp is not None:
        return text(_NOW[dialect])
    if isinstance(column.default, int):
        return text(str(column.default))
    return column.default


def _rule(column: declared.Column, dialect: str) -> str:
    """The condition that every value of a column meets; NULL is another rule's matter."""
    name = f'"{column.name}"'
    parts = [_type_rule(column, name)] if dialect == SQLITE else []
    if column.values:
        listed = ", ".join("'" + each.replace("'", "''") + "'" for each in column.values)
        parts.append(f"{name} IN ({listed})")
    if column.type is CellType.JSON:
        parts.append(f"json_valid({name})")
    if column.type in {CellType.TIME, CellType.TIMESTAMP}:
        parts += _time_rules(name, dialect)
    if not parts:
        return ""
    rule = " AND ".join(parts)
    return rule if column.is_required else f"{name} IS NULL OR ({rule})"


def _type_rule(column: declared.Column, name: str) -> str:
    return f"typeof({name}) = '{_SQLITE_TYPEOF.get(column.type, 'text')}'"


def _time_rules(name: str, dialect: str) -> list[str]:
    if dialect != SQLITE:
        return [f"{name} ~ '{_TIME_PATTERN}'", f"julianday({name}) IS NOT NULL"]
    return [
        f"{name} GLOB '{_DATE_GLOB}[T ]{_CLOCK_GLOB}'",
        f"julianday({name}) IS NOT NULL",
        f"date(substr({name}, 1, 10), '+0 days') = substr({name}, 1, 10)",
    ]


def _index(index: TableIndex, table: Table) -> None:
    parts: list[ColumnElement[Any] | TextClause] = []
    for part in index.parts:
        column: Column[Any] = table.c[part.column]
        if part.is_moment:
            # As text, for only the same expression as in a query lets an engine use the index.
            parts.append(text(f"julianday({part.column})"))
        else:
            parts.append(column.desc() if part.is_descending else column)
    Index(index.name, *parts, _table=table)


def _own(metadata: MetaData, name: str, *parts: SchemaItem) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True)


def _key(name: str, type_: TypeEngine[Any]) -> Column[Any]:
    return Column(name, type_, primary_key=True, autoincrement=False)


def _filled(name: str, type_: TypeEngine[Any]) -> Column[Any]:
    return Column(name, type_, nullable=False)


def _checkpoint(metadata: MetaData) -> Table:
    return _own(
        metadata,
        CHECKPOINT,
        Column("id", Integer, primary_key=True),
        _filled("database_name", Text()),
        _filled("version", Integer()),
        # Of the ledger that the first event came from; no other is read afterwards.
        Column("origin", Text),
        _filled("size", BIG),
        _filled("segment", BIG),
        _filled("byte_start", BIG),
        _filled("byte_end", BIG),
        Column("event_hash", Text),
        _filled("digest", LargeBinary()),
        _filled("changed_us", BIG),
        CheckConstraint("id = 1", name="ck_ledger_checkpoint_single"),
    )


def _refused(metadata: MetaData) -> Table:
    return _own(
        metadata,
        REFUSED,
        _key("sequence", BIG),
        _filled("event_id", Text()),
        _filled("event_type", Text()),
        _filled("recorded_at", Text()),
        _filled("reason", Text()),
        _filled("detail", Text()),
        _filled("event_json", Text()),
        Index("idx_refused_records_reason", "reason"),
    )


def _archives(metadata: MetaData) -> Table:
    return _own(
        metadata,
        ARCHIVES,
        Column("number", Integer, primary_key=True, autoincrement=False),
        _filled("path", Text()),
        # Events that were applied when it was made: a replay takes the same rows out there.
        _filled("size", BIG),
        _filled("older_than", Text()),
        _filled("row_count", BIG),
        _filled("digest", Text()),
        _filled("made_us", BIG),
    )


def _archived(metadata: MetaData) -> Table:
    return _own(
        metadata,
        ARCHIVED,
        _key("table_name", Text()),
        _key("row_id", BIG),
        _filled("archive_number", Integer()),
        # Of a unique column, or of one by which rows are told apart: so that no event takes the
        # place of what is archived.
        Column("row_key", Text),
        Index("idx_archived_rows_archive_number", "archive_number"),
        Index("idx_archived_rows_row_key", "table_name", "row_key"),
        UniqueConstraint("table_name", "row_key", name="uq_archived_rows_row_key"),
    )


def create_all(connection: Connection, schema: DerivedSchema) -> None:
    """Make every table, index and view, and the checkpoint of a database with nothing in it."""
    if connection.dialect.name != SQLITE:
        for function in _functions():
            connection.exec_driver_sql(function)
    schema.metadata.create_all(connection)
    for view in schema.database.views:
        # The names are checked identifiers, and the body is the pack's own file.
        connection.exec_driver_sql(f"CREATE VIEW {view.name} AS {view.sql}")
    connection.execute(
        insert(schema.checkpoint).values(
            id=1,
            database_name=schema.database.name,
            version=schema.database.version,
            size=0,
            segment=0,
            byte_start=0,
            byte_end=0,
            digest=GENESIS,
            changed_us=0,
        )
    )


def _functions() -> list[str]:
    """The functions that PostgreSQL lacks, each as one statement."""
    file = importlib.resources.files("evidentia.store").joinpath("sql/functions_postgresql.sql")
    statements = file.read_text("utf-8").split(_FUNCTION_END)
    return [f"{each}{_FUNCTION_END}" for each in statements if each.strip()]


def drop_declared(connection: Connection) -> None:
    """Drop all that any version of the pack declared, and all that was derived."""
    found = inspect(connection)
    for view in found.get_view_names():
        connection.exec_driver_sql(f'DROP VIEW "{view}"')
    # Those that others refer to come first in this order, and must go last.
    for name, _ in reversed(found.get_sorted_table_and_fkc_names()):
        if name is not None and name not in _KEPT:
            connection.exec_driver_sql(f'DROP TABLE "{name}"')


_KEPT: Final = frozenset({ARCHIVES, ARCHIVED, "alembic_version"})
"""What a rebuild needs: which rows are in archives, of which a ledger knows nothing."""
