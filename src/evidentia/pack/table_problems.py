"""Whether a pack's declaration of a database makes sense, before any engine is asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from evidentia.pack.tables import CellType, Column, DerivedTable, PackDatabase

RESERVED_TABLES: Final = frozenset(
    (
        *("ledger_checkpoint", "refused_records", "row_counters", "archives", "archived_rows"),
        "alembic_version",
    )
)
"""What every such database has; a pack cannot declare a table of that name."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NAME_CHARACTERS_MAX: Final = 40
"""PostgreSQL cuts names at 63 bytes; a rule's name holds those of its table and column."""
_RULE_CHARACTERS_MAX: Final = 60
_TIMES: Final = (CellType.TIME, CellType.TIMESTAMP)


def database_problems(database: PackDatabase) -> Iterator[str]:
    """Every way in which a declaration contradicts itself."""
    tables = [each.name for each in database.tables]
    views = [each.name for each in database.views]
    indexes = [index.name for table in database.tables for index in table.indexes]
    yield from _doubled("table, view or index", [*tables, *views, *indexes])
    for name in (database.name, *tables, *views, *indexes):
        if not _is_name(name, _RULE_CHARACTERS_MAX if name in indexes else _NAME_CHARACTERS_MAX):
            yield f"{name!r} is no lower-case identifier of at most {_NAME_CHARACTERS_MAX} letters"
        if name in RESERVED_TABLES:
            yield f"{name!r} is a table that every pack's database has"
    if database.version < 1:
        yield f"version {database.version} is below 1"
    for number, table in enumerate(database.tables):
        before = {each.name: each for each in database.tables[:number]}
        for problem in _table_problems(table, before):
            yield f"table {table.name!r}: {problem}"


def _is_name(name: str, characters_max: int) -> bool:
    return len(name) <= characters_max and _NAME.fullmatch(name) is not None


def _doubled(what: str, names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is declared {count} times"


def _table_problems(table: DerivedTable, before: dict[str, DerivedTable]) -> Iterator[str]:
    columns = {each.name: each for each in table.columns}
    yield from _doubled("column", table.names)
    for column in table.columns:
        if not _is_name(column.name, _RULE_CHARACTERS_MAX - len(table.name)):
            yield f"column {column.name!r} is no lower-case identifier, or too long"
        for problem in _column_problems(column, before):
            yield f"column {column.name!r}: {problem}"
    for index in table.indexes:
        for part in index.parts:
            if part.column not in table.names:
                yield f"index {index.name!r} has no column {part.column!r}"
    yield from _key_problems(table, columns)
    yield from _retention_problems(table, columns)


def _column_problems(column: Column, before: dict[str, DerivedTable]) -> Iterator[str]:
    if column.values and column.type is not CellType.TEXT:
        yield "only a text has a list of values"
    if column.stamp is not None and column.type is not CellType.TIMESTAMP:
        yield "only a timestamp is filled with the time of the record"
    if isinstance(column.default, int) != (column.type is CellType.INTEGER) and (
        column.default is not None
    ):
        yield "the default is of another type"
    if column.refers_to is not None:
        parent, key = column.refers_to
        found = before[parent].columns if parent in before else ()
        if key not in [each.name for each in found if each.is_unique]:
            yield f"it refers to {parent}.{key}, which is no unique column of an earlier table"


def _key_problems(table: DerivedTable, columns: dict[str, Column]) -> Iterator[str]:
    for name in table.state_key:
        if name not in columns or not columns[name].is_required:
            yield f"the state's key {name!r} is no column that every row has"
    if len([each for each in table.columns if each.is_unique]) > 1:
        yield "more than one column is unique, and a row is known by one"


def _retention_problems(table: DerivedTable, columns: dict[str, Column]) -> Iterator[str]:
    retention = table.retention
    if retention is None:
        return
    if retention.age not in columns or columns[retention.age].type not in _TIMES:
        yield f"its age {retention.age!r} is no time"
    if retention.stay_column and retention.stay_column not in columns:
        yield f"there is no column {retention.stay_column!r} for rows to stay by"
