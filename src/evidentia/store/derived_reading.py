"""What stands in a pack's database: rows in order, counts, archives, refused events. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Select, func, insert, select

from evidentia.pack.contract import NamedQuery
from evidentia.store import listings, sqlite
from evidentia.store.derived_rows import Checkpoint, read_checkpoint
from evidentia.store.derived_schema import DerivedSchema
from evidentia.store.scope import EVERYTHING
from evidentia.store.values import QueryResult, SqlValue

ROWS_HELD: Final = 1_000
"""Rows that are in memory at once."""


def streamed(
    connection: Connection, query: Select[*tuple[Any, ...]]
) -> CursorResult[*tuple[Any, ...]]:
    """The rows of a query, of which few are in memory at once."""
    return connection.execute(query, execution_options={"yield_per": ROWS_HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRecord:
    """An event that no rows came of."""

    sequence: int
    event_id: str
    event_type: str
    recorded_at: str
    reason: str
    detail: str
    event_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRecord:
    """An archive that rows were moved into.

    Attributes:
        path: Where it was written.
        size: Events of the ledger that were applied then.
        older_than: Rows before this time went.
        digest: Of its rows.
    """

    number: int
    path: str
    size: int
    older_than: str
    row_count: int
    digest: str
    made_us: int


class DerivedReader:
    """One snapshot of a pack's database.

    Args:
        connection: In a transaction that cannot write.
        schema: Of the engine at hand.
    """

    def __init__(self, connection: Connection, schema: DerivedSchema) -> None:
        self.connection = connection
        self._schema = schema

    def checkpoint(self) -> Checkpoint:
        """How far the database has come in its ledger."""
        return read_checkpoint(self.connection, self._schema)

    def changed_us(self) -> int:
        """When events were last applied, UTC microseconds; 0 where none were."""
        query = select(self._schema.checkpoint.c.changed_us)
        return int(self.connection.execute(query).scalar_one())

    @property
    def compared_tables(self) -> tuple[str, ...]:
        """The tables that a replay gives: the declared ones, the refused events, the counters."""
        return (*self._schema.tables, self._schema.refused.name, self._schema.counters.name)

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table, in order."""
        return tuple(each.name for each in self._schema.metadata.tables[table].columns)

    def rows(self, table: str) -> Iterator[tuple[SqlValue, ...]]:
        """Every row of a table in the order of its key, which is its first column."""
        found = self._schema.metadata.tables[table]
        key = next(iter(found.columns))
        for row in self._streamed(select(found).order_by(key)):
            yield tuple(row)

    def _streamed(self, query: Select[*tuple[Any, ...]]) -> CursorResult[*tuple[Any, ...]]:
        return streamed(self.connection, query)

    def row_counts(self) -> dict[str, int]:
        """How many rows each declared table has."""
        return {
            name: self.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in self._schema.tables.items()
        }

    def refused_counts(self) -> dict[str, int]:
        """How many events were refused, by reason."""
        refused = self._schema.refused.c
        query = select(refused.reason, func.count()).group_by(refused.reason)
        rows = self.connection.execute(query.order_by(refused.reason))
        return {row[0]: row[1] for row in rows}

    def refused_records(self, *, since: int = 0, limit: int = 100) -> tuple[RefusedRecord, ...]:
        """Events that were refused, from a sequence on."""
        refused = self._schema.refused
        query = select(refused).where(refused.c.sequence >= since).order_by(refused.c.sequence)
        rows = self.connection.execute(query.limit(limit)).mappings()
        return tuple(RefusedRecord(**dict(row)) for row in rows)

    def refused_among(self, sequences: Sequence[int]) -> tuple[RefusedRecord, ...]:
        """Those of some events that were refused."""
        refused = self._schema.refused
        query = select(refused).where(refused.c.sequence.in_(sequences))
        rows = self.connection.execute(query.order_by(refused.c.sequence)).mappings()
        return tuple(RefusedRecord(**dict(row)) for row in rows)

    def archives(self) -> tuple[ArchiveRecord, ...]:
        """The archives, in the order in which they were made."""
        archives = self._schema.archives
        rows = self.connection.execute(select(archives).order_by(archives.c.number)).mappings()
        return tuple(ArchiveRecord(**dict(row)) for row in rows)

    def copy_archives(self, writing: Connection) -> None:
        """Tell another database what was taken out of this one, and where in the ledger."""
        for table in (self._schema.archives, self._schema.archived):
            for rows in self._streamed(select(table)).mappings().partitions():
                writing.execute(insert(table), [dict(row) for row in rows])

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
    ) -> QueryResult:
        """The rows of a named query over the database; ``is_over`` may stop it early.

        Raises:
            StoreError: The query took longer than ``is_over`` allows, or is not a plain SELECT.
        """
        with sqlite.stopped_when(self.connection, is_over):
            return listings.run_query(self.connection, query, values, EVERYTHING)

    def settings(self) -> dict[str, str]:
        """The settings that people ask about, as they are in effect."""
        return sqlite.settings(self.connection)
