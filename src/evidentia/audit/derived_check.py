"""Whether a pack's database is what its ledger gives: replayed aside and compared, row by row.

Both sides are read in the order of their keys, so memory does not grow with a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from evidentia.audit.derived_replay import replay_to
from evidentia.projection.digest import TableDigest
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_reading import DerivedReader
from evidentia.store.values import SqlValue

DRIFTS_KEPT: Final = 20
"""Drifted rows that are named; all are counted."""
Row: TypeAlias = tuple[SqlValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDrift:
    """A row that is not what the ledger gives.

    Attributes:
        key: Its id, or what else its table is sorted by.
        was: What is stored, by column; None where nothing is.
        should_be: What the ledger gives; None where it gives no such row.
    """

    table: str
    key: SqlValue
    was: dict[str, SqlValue] | None
    should_be: dict[str, SqlValue] | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ; none where one side has no row."""
        if self.was is None or self.should_be is None:
            return ()
        return tuple(name for name, value in self.was.items() if value != self.should_be[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheck:
    """What comparing a table found.

    Attributes:
        rows: Rows that are stored.
        digest: Of the stored rows.
        fresh_digest: Of the replayed ones.
    """

    name: str
    rows: int
    digest: str
    fresh_digest: str
    drift_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedCheck:
    """What comparing a database with a replay found.

    Attributes:
        size: Events of the ledger that are applied, and were replayed.
        digest: Of what was written, as the checkpoint says.
        fresh_digest: Of what the replay wrote.
        drifts: The first rows that differ.
    """

    size: int
    digest: str
    fresh_digest: str
    tables: tuple[TableCheck, ...]
    drifts: tuple[RowDrift, ...]

    @property
    def drift_count(self) -> int:
        """How many rows differ."""
        return sum(each.drift_count for each in self.tables)

    @property
    def is_well(self) -> bool:
        """Whether the database is what the ledger gives."""
        return not self.drift_count and self.digest == self.fresh_digest


def check(store: DerivedStore, folder: Path) -> DerivedCheck:
    """Replay a ledger aside, as far as the database has come, and compare. The database is read.

    Raises:
        DivergenceError: The ledger does not hold what was applied.
        LedgerError: The ledger cannot be read.
        StoreError: The database cannot be read, or there is no room to replay aside.
    """
    with TemporaryDirectory(prefix="evidentia-check-") as aside, store.reading() as stored:
        fresh_store = replace(store, path=Path(aside) / "replayed.db")
        fresh_store.create()
        with fresh_store.changing() as connection:
            stored.copy_archives(connection)
        with fresh_store.writing() as writer:
            replay_to(writer, folder, stored.checkpoint().size)
        with fresh_store.reading() as fresh:
            return _compared(stored, fresh)


def _compared(stored: DerivedReader, fresh: DerivedReader) -> DerivedCheck:
    drifts: list[RowDrift] = []
    tables: list[TableCheck] = []
    for name in stored.compared_tables:
        digest, fresh_digest = TableDigest(), TableDigest()
        drift_count = 0
        pairs = _paired(stored.rows(name), fresh.rows(name))
        for was, should_be in pairs:
            for row, side in ((was, digest), (should_be, fresh_digest)):
                if row is not None:
                    side.add(row)
            if was != should_be:
                drift_count += 1
                drifts += [_drift(stored, name, was, should_be)][: DRIFTS_KEPT - len(drifts)]
        tables.append(
            TableCheck(
                name=name,
                rows=digest.rows,
                digest=digest.hexdigest(),
                fresh_digest=fresh_digest.hexdigest(),
                drift_count=drift_count,
            )
        )
    found = stored.checkpoint()
    return DerivedCheck(
        size=found.size,
        digest=found.digest.hex(),
        fresh_digest=fresh.checkpoint().digest.hex(),
        tables=tuple(tables),
        drifts=tuple(drifts),
    )


def _paired(left: Iterator[Row], right: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of both sides by their first value, by which each side is sorted."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        order = _order(one, other)
        yield (one if order <= 0 else None, other if order >= 0 else None)
        one = next(left, None) if order <= 0 else one
        other = next(right, None) if order >= 0 else other


def _order(one: Row | None, other: Row | None) -> int:
    """Which row comes first: -1 the one, 1 the other, 0 both."""
    if one is None or other is None:
        return 1 if one is None else -1
    first, second = one[0], other[0]
    if first == second:
        return 0
    if isinstance(first, str) and isinstance(second, str):
        return -1 if first.encode() < second.encode() else 1
    return -1 if float(str(first)) < float(str(second)) else 1


def _drift(stored: DerivedReader, name: str, was: Row | None, should_be: Row | None) -> RowDrift:
    columns = stored.columns(name)
    row = was or should_be or ("",)
    return RowDrift(
        table=name,
        key=row[0],
        was=None if was is None else dict(zip(columns, was, strict=True)),
        should_be=None if should_be is None else dict(zip(columns, should_be, strict=True)),
    )
