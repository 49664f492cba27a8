"""Why an engine refused a row, in the words of the declaration.

The engines are asked, not second-guessed: a row is written, and what the rule that refused it is
called tells the reason. SQLite does not say which foreign key has no row, so that is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Table, select
from sqlalchemy.exc import DataError, IntegrityError

from evidentia.errors import StoreError
from evidentia.pack.tables import CellType, Column, DerivedTable, Refusal, TableRow
from evidentia.store.derived_schema import DerivedSchema
from evidentia.store.translate import is_refusal

_RULE: Final = re.compile(r"\bck_\w+")
_SHOWN_CHARACTERS: Final = 80
_INTEGER_END: Final = 2**63


class RefusalReason(StrEnum):
    """Why rows were refused, where the pack itself took them. The words are stored."""

    DUPLICATE = "duplicate"
    UNKNOWN_REFERENCE = "unknown_reference"
    ARCHIVED = "archived"
    MISSING = "missing"
    NOT_IN_VOCABULARY = "not_in_vocabulary"
    BAD_JSON = "bad_json"
    BAD_TIME = "bad_time"
    BAD_NUMBER = "bad_number"
    BAD_TEXT = "bad_text"
    DECLARATION = "declaration"
    """The pack gave a row that its own declaration has no place for."""


_OF_TYPE: Final = {
    CellType.TEXT: RefusalReason.BAD_TEXT,
    CellType.JSON: RefusalReason.BAD_JSON,
    CellType.TIME: RefusalReason.BAD_TIME,
    CellType.TIMESTAMP: RefusalReason.BAD_TIME,
    CellType.INTEGER: RefusalReason.BAD_NUMBER,
    CellType.REAL: RefusalReason.BAD_NUMBER,
}


def is_refused(error: Exception) -> bool:
    """Whether an engine refused a row, and nothing else is wrong."""
    if isinstance(error, StoreError):
        return is_refusal(error) or isinstance(error.__cause__, (OverflowError, UnicodeEncodeError))
    return isinstance(error, (IntegrityError, DataError))


def declaration_problem(schema: DerivedSchema, row: TableRow) -> Refusal | None:
    """What is wrong with a row before any engine sees it."""
    if row.table not in schema.tables:
        return _refusal(RefusalReason.DECLARATION, f"there is no table {row.table}")
    table = schema.database.table(row.table)
    for name in sorted(set(row.values) - {each.name for each in table.columns}):
        return _refusal(RefusalReason.DECLARATION, f"{row.table} has no column {name}")
    for column in table.columns:
        value = row.values.get(column.name)
        problem = None if value is None else _value_problem(column, value)
        if problem is not None:
            return problem
    return None


def _value_problem(column: Column, value: object) -> Refusal | None:
    """What SQLite would take and PostgreSQL would not, or what fits neither."""
    if isinstance(value, bool) or not isinstance(value, _PYTHON_TYPES[column.type]):
        return _refusal(_OF_TYPE[column.type], f"{column.name} is {_shown(value)}")
    if isinstance(value, int) and not -_INTEGER_END <= value < _INTEGER_END:
        return _refusal(RefusalReason.BAD_NUMBER, f"{column.name} is beyond 64 bits")
    if isinstance(value, str) and "\0" in value:
        return _refusal(RefusalReason.BAD_TEXT, f"{column.name} holds a NUL")
    return None


_PYTHON_TYPES: Final[dict[CellType, tuple[type, ...]]] = {
    CellType.TEXT: (str,),
    CellType.JSON: (str,),
    CellType.TIME: (str,),
    CellType.TIMESTAMP: (str,),
    CellType.INTEGER: (int,),
    CellType.REAL: (int, float),
}


def refusal_of(
    error: Exception, connection: Connection, schema: DerivedSchema, row: TableRow
) -> Refusal:
    """Why a row was refused; the transaction stands as it did before the row."""
    table = schema.database.table(row.table)
    ways = (
        *_broken_rule(str(error), table, row),
        *_missing(table, row),
        *_taken(connection, schema.tables[table.name], table, row),
        *_unknown(connection, schema, table, row),
    )
    return ways[0] if ways else _refusal(RefusalReason.DECLARATION, str(error).split(";")[0])


def _broken_rule(message: str, table: DerivedTable, row: TableRow) -> Iterator[Refusal]:
    match = _RULE.search(message)
    names = {f"ck_{table.name}_{each.name}": each for each in table.columns}
    column = names.get(match.group()) if match else None
    if column is not None:
        value = row.values.get(column.name)
        if column.values:
            yield _refusal(
                RefusalReason.NOT_IN_VOCABULARY,
                f"{column.name} is {_shown(value)}, not one of {', '.join(column.values)}",
            )
        else:
            yield _refusal(_OF_TYPE[column.type], f"{column.name} is {_shown(value)}")


def _missing(table: DerivedTable, row: TableRow) -> Iterator[Refusal]:
    for column in table.columns:
        has_other = column.default is not None or column.stamp is not None
        if column.is_required and row.values.get(column.name) is None and not has_other:
            yield _refusal(RefusalReason.MISSING, f"{column.name} is missing")


def _taken(
    connection: Connection, made: Table, table: DerivedTable, row: TableRow
) -> Iterator[Refusal]:
    for column in table.columns:
        value = row.values.get(column.name)
        if column.is_unique and value is not None:
            found = connection.execute(select(made.c.id).where(made.c[column.name] == value))
            if found.first() is not None:
                yield _refusal(
                    RefusalReason.DUPLICATE,
                    f"there is a row in {table.name} with {column.name} {_shown(value)} already",
                )


def _unknown(
    connection: Connection, schema: DerivedSchema, table: DerivedTable, row: TableRow
) -> Iterator[Refusal]:
    for column in table.columns:
        value = row.values.get(column.name)
        if column.refers_to is None or value is None:
            continue
        parent, key = column.refers_to
        made = schema.tables[parent]
        if connection.execute(select(made.c.id).where(made.c[key] == value)).first() is None:
            yield unknown_reference(column, parent, value)


def unknown_reference(column: Column, parent: str, value: object) -> Refusal:
    """A row refers to one that is not there."""
    return _refusal(
        RefusalReason.UNKNOWN_REFERENCE,
        f"{column.name} is {_shown(value)}, which no row of {parent} has",
    )


def archived(table: str, key: object, path: str) -> Refusal:
    """A row would take, or refer to, a key whose row is in an archive."""
    return _refusal(RefusalReason.ARCHIVED, f"{_shown(key)} of {table} is in the archive {path}")


def _refusal(reason: RefusalReason, detail: str) -> Refusal:
    return Refusal(reason=reason.value, detail=detail)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
