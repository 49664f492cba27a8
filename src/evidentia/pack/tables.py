"""How a pack declares a database of its own: tables, rules and views, filled from its ledger.

Declarations only. The room ``store`` makes the tables and writes the rows, on every engine; a pack
gives the data below and one pure function, from an event to rows. The database is derived: dropped
and filled again from the ledger it has the same rows.

A row that a rule refuses ends in ``refused_records`` of that database, with its reason and the
exact event, and stops nothing: all rows of an event land, or none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from evidentia.event.values import JsonObject, JsonValue

Cell: TypeAlias = "str | int | float | None"


class CellType(StrEnum):
    """What a column holds. Each is a rule that the database itself keeps, on any connection."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    JSON = "json"
    """Text that is valid JSON, kept as it was written."""
    TIME = "time"
    """Text, ``2026-01-29T12:34:56.000000Z`` by custom: ISO 8601, date and time of day, checked."""
    TIMESTAMP = "timestamp"
    """Text, ``2026-01-29 12:34:56`` with or without a fraction, in UTC: as SQL writes a time."""


class Stamp(StrEnum):
    """Which time of the record a column takes where its row does not say."""

    CREATED = "created"
    """When the ledger recorded the event that made the row; a later event does not change it."""
    CHANGED = "changed"
    """When the ledger recorded the event that made or last changed the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        is_required: NULL is refused.
        is_unique: No two rows have the same value.
        default: What a row takes that does not say.
        values: The only values there are; empty for any.
        refers_to: The table and column that hold every value of this one.
        stamp: Filled with the time of the record. Whoever writes by hand gets the engine's clock.
    """

    name: str
    type: CellType
    is_required: bool = False
    is_unique: bool = False
    default: int | str | None = None
    values: tuple[str, ...] = ()
    refers_to: tuple[str, str] | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPart:
    """What an index sorts by.

    Attributes:
        is_moment: By the time that a text states, as ``julianday(column)``.
    """

    column: str
    is_descending: bool = False
    is_moment: bool = False


def up(column: str) -> IndexPart:
    """A column, smallest first."""
    return IndexPart(column=column)


def down(column: str) -> IndexPart:
    """A column, largest first."""
    return IndexPart(column=column, is_descending=True)


def moment(column: str) -> IndexPart:
    """The time that a column states, whatever its text looks like."""
    return IndexPart(column=column, is_moment=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableIndex:
    """An index of a table."""

    name: str
    parts: tuple[IndexPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """When a row may go into an archive. Rows that refer to it go with it.

    Attributes:
        age: The column of the time that counts.
        stay_column: A column that keeps a row where it is ..
        stay_values: .. while it has one of these values.
    """

    age: str
    stay_column: str = ""
    stay_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedTable:
    """A table. Every table has ``id`` as its first column: an integer that counts its rows.

    Attributes:
        columns: All but ``id``, in order.
        state_key: Columns of which at most one row exists. A later row of the same key changes the
            columns it names and leaves the others. Empty where every row is a new one.
        retention: None where rows are never archived by themselves.
    """

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[TableIndex, ...] = ()
    state_key: tuple[str, ...] = ()
    retention: Retention | None = None

    def column(self, name: str) -> Column:
        """A column by its name.

        Raises:
            KeyError: There is none.
        """
        return {each.name: each for each in self.columns}[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Every column in order, ``id`` first."""
        return ("id", *(each.name for each in self.columns))

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that rows of this one refer to."""
        return tuple(each.refers_to[0] for each in self.columns if each.refers_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view: one SELECT that every engine runs. Made by ``load_views`` from a ``.sql`` file.

    It may use ``julianday(text)``, which evidentia provides where the engine does not.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    sql: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """An event of the ledger, as a pack reads it."""

    sequence: int
    id: str
    event_type: str
    observed_at: str
    recorded_at: str
    payload: JsonValue
    source: JsonObject = field(default_factory=dict)
    session_id: str | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row that an event makes or, in a table with a ``state_key``, changes.

    Attributes:
        values: By column; those that are left out take their default. ``id`` is never among them.
    """

    table: str
    values: Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an event gives no rows.

    Attributes:
        reason: One lower-case word or two, stable, to count by: ``operation``, ``bad_time``.
        detail: One sentence for people, with the field and the value.
    """

    reason: str
    detail: str


RowsOf: TypeAlias = "Callable[[LedgerEvent], tuple[TableRow, ...] | Refusal]"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDatabase:
    """A database of a pack's own.

    Attributes:
        name: Lower-case identifier; the pack's name by custom.
        title: One phrase for people.
        version: Raised whenever tables, rules, views or what an event gives change; a database of
            another version is made anew from the ledger.
        tables: Those that others refer to come before them.
        rows_of: What an event gives: nothing where it is none of the pack's. Pure; must not raise.
    """

    name: str
    title: str
    version: int
    tables: tuple[DerivedTable, ...]
    rows_of: RowsOf
    views: tuple[View, ...] = ()

    def table(self, name: str) -> DerivedTable:
        """A table by its name.

        Raises:
            KeyError: There is none.
        """
        return {each.name: each for each in self.tables}[name]
