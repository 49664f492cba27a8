"""The reading side of a store: one snapshot, on a connection that cannot write.

What surprised: a result that is not read to its end keeps SQLite's snapshot, and with it the WAL,
alive after the connection is closed. So every result is closed with its generator, and those still
open with the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    CursorResult,
    Row,
    RowMapping,
    Select,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from evidentia.errors import StoreDamagedError, StoreError
from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.pack.contract import NamedQuery, Pack
from evidentia.store import (
    lines,
    listings,
    projections,
    records,
    scope,
    sightings,
    spans,
    sqlite,
)
from evidentia.store.heads import StoredHead, stored_head, stored_heads
from evidentia.store.lease import Holder, holder_of
from evidentia.store.lines import EventLine
from evidentia.store.projected import Projected
from evidentia.store.projections import StoredProjection
from evidentia.store.relations import promoted_columns
from evidentia.store.schema import (
    BATCHES,
    DEAD_LETTER_ROWS,
    EVENT_ROWS,
    FILLERS,
    KINDS,
    SCHEMA_FINDINGS,
)
from evidentia.store.scope import EVERYTHING, AsOf, Scope
from evidentia.store.sightings import StaleCopy, StoredDecision
from evidentia.store.tables import ProjectionTable
from evidentia.store.values import (
    EVENT_COLUMNS,
    AuditEntry,
    Batch,
    DeadLetter,
    EventFilter,
    EventRow,
    Filler,
    FillerKind,
    Owner,
    PeriodCounts,
    QueryResult,
    RowCounts,
    SchemaFinding,
    Segment,
    SqlValue,
    StoreCounts,
    StoredGap,
)

_FETCH_ROWS: Final = 1_000
Span = tuple[int, int]
"""A half-open range of byte offsets in a segment."""


class StoreReader:
    """Answers questions about one snapshot of a store: nothing changes while it is open."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._live: Connection | None = connection
        self.path = path
        self._open: set[CursorResult[*tuple[Any, ...]]] = set()

    def close(self) -> None:
        """End every listing that was not read to its end; the store's ``reader`` calls this."""
        self._live = None
        for result in self._open:
            result.close()

    @property
    def _connection(self) -> Connection:
        if self._live is None:
            raise self._closed()
        return self._live

    def _closed(self) -> StoreError:
        return StoreError(
            "the store was closed before all was read",
            where=str(self.path),
            fix="this is a defect of the program: please report it",
        )

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""
        rows = self._connection.execute(records.segments_query()).mappings()
        return tuple(records.segment_from(row) for row in rows)

    def batches(self, segment_id: int | None = None) -> Iterator[Batch]:
        """Batches in the order they were committed, of one segment or of all."""
        query = select(BATCHES).order_by(BATCHES.c.id)
        if segment_id is not None:
            query = query.where(BATCHES.c.segment_id == segment_id)
        for row in self._mappings(query):
            yield records.batch_from(row)

    def events(
        self, segment_id: int, span: Span, promoted: tuple[str, ...] = ()
    ) -> Iterator[EventRow]:
        """Stored events whose byte offset lies in a range, in order."""
        rows = EVENT_ROWS.c
        columns = [KINDS.c.name if name == "kind" else rows[name] for name in EVENT_COLUMNS]
        quote = self._connection.dialect.identifier_preparer.quote_identifier
        extra: list[ColumnElement[Any]] = [
            literal_column(f"event_rows.{quote(name)}") for name in promoted
        ]
        query: Select[*tuple[Any, ...]] = (
            select(rows.id, rows.line_no, rows.raw, rows.sha256, rows.flags, *columns, *extra)
            .join_from(EVENT_ROWS, KINDS, KINDS.c.id == rows.kind_id, isouter=True)
            .where(_inside(rows.id, segment_id, span))
            .order_by(rows.id)
        )
        for row in self._rows(query):
            yield EventRow(
                position=row[0],
                line_no=row[1],
                raw=row[2],
                sha256=row[3],
                flags=row[4],
                columns=tuple(row[5:]),
            )

    def lines(self, segment_id: int, span: Span) -> Iterator[tuple[int, int, bytes]]:
        """Position, line number and raw bytes of the stored events in a range, in order."""
        rows = EVENT_ROWS.c
        query = (
            select(rows.id, rows.line_no, rows.raw)
            .where(_inside(rows.id, segment_id, span))
            .order_by(rows.id)
        )
        for row in self._rows(query):
            yield row[0], row[1], row[2]

    def dead_letters(self, segment_id: int, span: Span) -> Iterator[DeadLetter]:
        """Dead letters whose byte offset lies in a range, in order."""
        letters = DEAD_LETTER_ROWS.c
        query = (
            select(DEAD_LETTER_ROWS)
            .where(_inside(letters.id, segment_id, span))
            .order_by(letters.id)
        )
        for row in self._mappings(query):
            yield records.dead_letter_from(row)

    def fillers(self, segment_id: int, span: Span) -> Iterator[Filler]:
        """Blank lines, byte-order marks and NUL runs in a range, in order."""
        query = (
            select(FILLERS).where(_inside(FILLERS.c.id, segment_id, span)).order_by(FILLERS.c.id)
        )
        for row in self._mappings(query):
            yield Filler(
                position=row["id"],
                kind=FillerKind(row["kind"]),
                length=row["length"],
                raw=row["raw"],
            )

    def findings(self, segment_id: int, span: Span) -> Iterator[SchemaFinding]:
        """Schema findings in a range, in order."""
        findings = SCHEMA_FINDINGS.c
        query = (
            select(SCHEMA_FINDINGS)
            .where(_inside(findings.id, segment_id, span))
            .order_by(findings.id)
        )
        for row in self._mappings(query):
            yield SchemaFinding(position=row["id"], schema=row["schema"], message=row["message"])

    def first_line_sha256(self, segment_id: int) -> bytes | None:
        """SHA-256 of a segment's first event or dead letter; None where it has none yet."""
        return listings.first_line_sha256(self._connection, segment_id)

    def decisions(self, segment_id: int | None = None) -> tuple[StoredDecision, ...]:
        """What was decided on files, in order; on one segment or on all."""
        return sightings.decisions(self._connection, segment_id)

    def segment_names(self) -> dict[int, tuple[str, ...]]:
        """The names that each segment was seen under, oldest first."""
        return sightings.names(self._connection)

    def stale_copies(self) -> tuple[StaleCopy, ...]:
        """Files that held nothing new when they were last looked at."""
        return sightings.stale_copies(self._connection)

    def event_lines(self, segment_id: int, span: Span) -> Iterator[EventLine]:
        """The bytes and the ids of stored events in a range of byte offsets, in order."""
        for row in self._rows(lines.lines_query(_inside(EVENT_ROWS.c.id, segment_id, span))):
            yield EventLine(*row)

    def last_event_line(self, segment_id: int) -> EventLine | None:
        """The last stored event of a segment, if it has any."""
        for row in self._rows(lines.last_line_query(segment_id)):
            return EventLine(*row)
        return None

    def events_with_ids(self, event_ids: Sequence[str]) -> Iterator[EventLine]:
        """Every stored event that has one of some ids, of whatever log."""
        for query in lines.queries_by_id(event_ids):
            for row in self._rows(query):
                yield EventLine(*row)

    def repeated_ids(self, segment_ids: Sequence[int], limit: int) -> tuple[str, ...]:
        """Ids that more than one event of some segments has, in order, at most ``limit``."""
        return lines.repeated_ids(self._connection, segment_ids, limit)

    def tree_head(self, origin: str) -> StoredHead | None:
        """The last tree head that is kept of a ledger."""
        return stored_head(self._connection, origin)

    def tree_heads(self) -> tuple[StoredHead, ...]:
        """The last tree head of each ledger, by origin."""
        return stored_heads(self._connection)

    def counts(self) -> StoreCounts:
        """How much the store holds."""
        return listings.counts(self._connection)

    def rows_per_batch(self) -> tuple[RowCounts, ...]:
        """What the rows of each batch add up to; batches without rows are absent."""
        return listings.rows_per_batch(self._connection)

    def as_of(self, *, batch_id: int | None = None, us: int | None = None) -> AsOf | None:
        """A batch by its id, or the last one committed at or before a time; else the newest."""
        if batch_id is not None:
            return scope.at_batch(self._connection, batch_id)
        return scope.newest(self._connection) if us is None else scope.at_time(self._connection, us)

    def period_counts(
        self, pack: str, since_us: int, until_us: int, within: Scope = EVERYTHING
    ) -> PeriodCounts:
        """What stands behind a report on a pack's logs over a period."""
        return listings.period_counts(self._connection, pack, (since_us, until_us), within)

    def latest_us(self, pack: str, within: Scope = EVERYTHING) -> int | None:
        """The newest event time in a pack's logs; None when none has a usable time."""
        return listings.latest_us(self._connection, pack, within)

    def sensors(self, pack: str, within: Scope = EVERYTHING) -> tuple[str, ...]:
        """The sensors that a pack's events name, in order."""
        return scope.sensors(self._connection, pack, within)

    def gaps(self, within: Scope = EVERYTHING) -> tuple[StoredGap, ...]:
        """Every known or suspected loss, in the order found."""
        return listings.gaps(self._connection, within)

    def dead_letter(self, position: int) -> DeadLetter | None:
        """The dead letter at a position, if there is one."""
        return listings.dead_letter(self._connection, position)

    def list_dead_letters(
        self, *, state: str | None, reason: str | None, limit: int
    ) -> tuple[DeadLetter, ...]:
        """Dead letters in order of position, at most ``limit``."""
        return listings.list_dead_letters(self._connection, state=state, reason=reason, limit=limit)

    def dead_letter_groups(self) -> tuple[tuple[str, str, int], ...]:
        """(reason, state, count) of the dead letters, most first."""
        return listings.dead_letter_groups(self._connection)

    def list_events(
        self, wanted: EventFilter, within: Scope = EVERYTHING
    ) -> Iterator[Mapping[str, SqlValue]]:
        """Events as mappings with the public column names, in order of position."""
        promoted = self.promoted()
        left = wanted.limit
        for part in listings.parts_of(self._connection, wanted):
            for row in self._mappings(listings.events_query(part, promoted, left, within)):
                yield dict(row)
                left = None if left is None else left - 1

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
        within: Scope = EVERYTHING,
        packs: Sequence[Pack] = (),
    ) -> QueryResult:
        """The rows of a named query over what the scope shows; ``is_over`` may stop it early.

        The summaries of ``packs`` show what the scope shows, as the events do; those of others
        are read as they stand, and refused where the scope shows less than they hold.

        Raises:
            StoreError: The query took longer than ``is_over`` allows, or is not a plain SELECT.
        """
        with sqlite.stopped_when(self._connection, is_over):
            return listings.run_query(self._connection, query, values, within, packs)

    def kinds(self) -> tuple[tuple[str, str, int], ...]:
        """(pack, kind, events) for every kind in the store, most first."""
        return listings.kinds(self._connection)

    def promoted(self) -> tuple[str, ...]:
        """The columns that packs have added to events."""
        return promoted_columns(self._connection)

    def settings(self) -> dict[str, str]:
        """Effective engine settings, by name."""
        return sqlite.settings(self._connection)

    def notices(self) -> tuple[str, ...]:
        """What is not as it should be in the engine or the tables, one sentence each."""
        return listings.notices(self._connection, self.path)

    def audit_entries(self, *, limit: int) -> tuple[AuditEntry, ...]:
        """Administrative changes to the store, newest first, at most ``limit``."""
        return listings.audit_entries(self._connection, limit=limit)

    def lease_holder(self) -> Owner | None:
        """Who holds the lease, if anybody."""
        held = self.holder()
        return None if held is None else held.owner

    def holder(self) -> Holder | None:
        """Who holds the lease, if anybody, and whether that process lives."""
        return holder_of(self._connection)

    def pack_versions(self) -> dict[str, int]:
        """The version with which each pack was last registered."""
        return listings.pack_versions(self._connection)

    def projections(self) -> tuple[StoredProjection, ...]:
        """Every version of every projection, by name."""
        return projections.stored_projections(self._connection)

    def projected(self, table: ProjectionTable) -> Projected:
        """One version of a projection's table, to be compared with its events."""
        return Projected(self._rows, table)

    def newest_batch(self) -> int:
        """The id of the newest batch; 0 where there is none."""
        return spans.newest_batch(self._connection)

    def integrity_problems(self) -> tuple[str, ...]:
        """What the engine's own integrity check finds; empty when all is well."""
        found = []
        try:
            for row in self._connection.exec_driver_sql("PRAGMA integrity_check").scalars():
                found.append(str(row))  # noqa: PERF401 - what was found before it fails counts
        except StoreDamagedError as error:
            found.append(error.what)
        return tuple(problem for problem in found if problem != "ok")

    def _mappings(self, query: Select[*tuple[Any, ...]]) -> Iterator[RowMapping]:
        return (row._mapping for row in self._rows(query))  # noqa: SLF001 - SQLAlchemy's public name

    def _rows(self, query: Select[*tuple[Any, ...]]) -> Generator[Row[*tuple[Any, ...]]]:
        result = self._connection.execute(query, execution_options={"stream_results": True})
        self._open.add(result)
        try:
            while rows := self._fetch(result):
                yield from rows
        finally:
            self._open.discard(result)
            result.close()

    def _fetch(self, result: CursorResult[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        if self._live is None:
            raise self._closed()
        return result.fetchmany(_FETCH_ROWS)


def _inside(identity: ColumnElement[int], segment_id: int, span: Span) -> ColumnElement[bool]:
    # Not position_of: the end of the largest range lies just outside the segment, and after the
    # last segment outside 64 bits as well. Hence the last position inside, and not that end.
    base = segment_id * SEGMENT_BYTES_MAX
    return identity.between(base + span[0], base + span[1] - 1)
