"""The page on a pack's own database, from its declaration; used by ``generate_docs.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidentia.pack.registry import load_packs
from evidentia.pack.tables import (
    CellType,
    Column,
    DerivedTable,
    IndexPart,
    PackDatabase,
    Stamp,
    TableIndex,
)

_NOTICE: Final = "<!-- Written by tools/generate_docs.py: change the source, then run it again. -->"
_INTRODUCTION: Final = """\
What `evidentia pipeline init` makes, from the declaration in `packs/pipeline/tables.py`. The
database is derived: it is made anew from the ledger at any time
([how](../how-to/keep-a-packs-database.md)).

Every rule below is a CHECK, UNIQUE, NOT NULL or foreign key of the database itself, on SQLite and
on PostgreSQL, so it holds whoever writes. SQLite checks foreign keys on connections that ask for
it, `PRAGMA foreign_keys = ON`; evidentia does so on every connection that it opens. Each table has
`id` as its first column, an INTEGER PRIMARY KEY AUTOINCREMENT.
"""
_TYPES: Final = {
    CellType.TEXT: "TEXT",
    CellType.INTEGER: "INTEGER",
    CellType.REAL: "REAL",
    CellType.JSON: "TEXT, valid JSON",
    CellType.TIME: "TEXT, a time such as `2026-01-29T12:34:56.000000Z`",
    CellType.TIMESTAMP: "TIMESTAMP, a time such as `2026-01-29 12:34:56.000000`, in UTC",
}
_STAMPS: Final = {
    Stamp.CREATED: "when the ledger recorded the event",
    Stamp.CHANGED: "when the ledger recorded the last event that changed the row",
}
_OWN: Final = {
    "ledger_checkpoint": "one row, committed with the rows that it counts: whose database this is,"
    " its version, the ledger it was filled from, how many events are applied, where the last one"
    " stands, and a digest over all that was written",
    "refused_records": "each event that no rows came of: its sequence, the reason, the exact line",
    "row_counters": "the last `id` of each table",
    "archives": "the files that old rows were moved into",
    "archived_rows": "which rows those are: a later event of one is refused with the reason"
    " `archived`",
}
_MARKS: Final = """
The file's application id is `EVPD`, that of an archive `EVPA`; `user_version` is the version of the
declaration.
"""


def database_page() -> str:
    """docs/reference/pipeline-database.md."""
    database = load_packs()["pipeline"].database
    if database is None:
        raise ValueError("the pack has no database")
    parts = [_NOTICE, "", "# The pipeline's database", "", _INTRODUCTION]
    for table in database.tables:
        parts += _table_section(table)
    parts += _views(database)
    parts += ["## What else is in the file", "", "| table | holds |", "|---|---|"]
    parts += [f"| `{name}` | {text} |" for name, text in _OWN.items()]
    return "\n".join([*parts, _MARKS])


def _table_section(table: DerivedTable) -> Iterator[str]:
    yield from (f"## {table.name}", "")
    if table.state_key:
        keys = ", ".join(f"`{each}`" for each in table.state_key)
        yield from (
            f"One row for each {keys}: a later record changes the columns that it names.",
            "",
        )
    yield from ("| column | type | rules |", "|---|---|---|")
    for column in table.columns:
        yield f"| `{column.name}` | {_TYPES[column.type]} | {'; '.join(_rules(column))} |"
    yield ""
    if table.indexes:
        yield from ("Indexes:", "")
        for index in table.indexes:
            yield _index(index)
        yield ""


def _rules(column: Column) -> Iterator[str]:
    if column.is_required:
        yield "not NULL"
    if column.is_unique:
        yield "unique"
    if column.refers_to is not None:
        yield f"refers to `{'.'.join(column.refers_to)}`, which cannot go or change (RESTRICT)"
    if column.default is not None:
        yield f"{column.default} by default"
    if column.values:
        yield f"one of {', '.join(f'`{each}`' for each in column.values)}"
    if column.stamp is not None:
        yield _STAMPS[column.stamp]


def _index(index: TableIndex) -> str:
    return f"- `{index.name}` ({', '.join(_part(each) for each in index.parts)})"


def _part(part: IndexPart) -> str:
    name = f"julianday({part.column})" if part.is_moment else part.column
    return f"{name} DESC" if part.is_descending else name


def _views(database: PackDatabase) -> Iterator[str]:
    yield from ("## Views", "")
    for view in database.views:
        columns = ", ".join(f"`{each}`" for each in view.columns)
        yield f"- **{view.name}** ({columns}): {view.description}"
    yield ""
