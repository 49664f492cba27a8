"""Queries behind the reading side that answer people rather than checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, case, column, func, inspect, select, table, true
from sqlalchemy.sql.elements import ColumnElement

from evidentia.errors import StoreError
from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.pack.contract import NamedQuery, Pack
from evidentia.store import records, sqlite
from evidentia.store.relations import EVENTS_COLUMNS, missing_triggers
from evidentia.store.schema import (
    AUDIT_LOG,
    BATCHES,
    DEAD_LETTER_ROWS,
    EVENT_INDEXES,
    EVENT_ROWS,
    FILLERS,
    GAP_ROWS,
    KINDS,
    LOGS,
    PACKS,
    PROJECTIONS,
    SEGMENTS,
)
from evidentia.store.scope import (
    Scope,
    event_conditions,
    gap_conditions,
    open_letters,
    public_conditions,
    scoped,
    unscoped,
)
from evidentia.store.shadows import shadows
from evidentia.store.values import (
    AuditEntry,
    DeadLetter,
    EventFilter,
    FillerKind,
    PeriodCounts,
    QueryResult,
    RowCounts,
    SqlValue,
    StoreCounts,
    StoredGap,
)


def counts(connection: Connection) -> StoreCounts:
    """How much the store holds."""
    letters = DEAD_LETTER_ROWS.c
    return StoreCounts(
        events=_count(connection, select(func.count()).select_from(EVENT_ROWS)),
        dead_letters=_count(connection, select(func.count()).select_from(DEAD_LETTER_ROWS)),
        open_dead_letters=_count(
            connection,
            select(func.count()).select_from(DEAD_LETTER_ROWS).where(letters.state == "open"),
        ),
        gaps=_count(connection, select(func.count()).select_from(GAP_ROWS)),
        batches=_count(connection, select(func.count()).select_from(BATCHES)),
        segments=_count(connection, select(func.count()).select_from(SEGMENTS)),
    )


def _count(connection: Connection, query: Select[int]) -> int:
    return connection.execute(query).scalar_one()


def gaps(connection: Connection, scope: Scope) -> tuple[StoredGap, ...]:
    """Every known or suspected loss within a scope, in the order found."""
    query = (
        select(GAP_ROWS, SEGMENTS.c.path)
        .join_from(GAP_ROWS, SEGMENTS, SEGMENTS.c.id == GAP_ROWS.c.segment_id)
        .where(*gap_conditions(scope))
        .order_by(GAP_ROWS.c.id)
    )
    return tuple(
        StoredGap(
            path=row["path"],
            segment_id=row["segment_id"],
            byte_offset=row["byte_offset"],
            kind=row["kind"],
            detail=row["detail"],
            evidence=row["evidence"],
            found_us=row["found_us"],
        )
        for row in connection.execute(query).mappings()
    )


def first_line_sha256(connection: Connection, segment_id: int) -> bytes | None:
    """SHA-256 of a segment's first event or dead letter; None where it has none yet."""
    first = segment_id * SEGMENT_BYTES_MAX
    found: list[tuple[int, bytes]] = []
    for rows in (EVENT_ROWS.c, DEAD_LETTER_ROWS.c):
        query = (
            select(rows.id, rows.sha256)
            .where(rows.id.between(first, first + SEGMENT_BYTES_MAX - 1))
            .order_by(rows.id)
            .limit(1)
        )
        found += [(row.id, row.sha256) for row in connection.execute(query)]
    return min(found)[1] if found else None


def dead_letter(connection: Connection, position: int) -> DeadLetter | None:
    """The dead letter at a position, if there is one."""
    query = select(DEAD_LETTER_ROWS).where(DEAD_LETTER_ROWS.c.id == position)
    row = connection.execute(query).mappings().first()
    return None if row is None else records.dead_letter_from(row)


def list_dead_letters(
    connection: Connection, *, state: str | None, reason: str | None, limit: int
) -> tuple[DeadLetter, ...]:
    """Dead letters in order of position, at most ``limit``."""
    letters = DEAD_LETTER_ROWS.c
    query = select(DEAD_LETTER_ROWS).order_by(letters.id).limit(limit)
    if state is not None:
        query = query.where(letters.state == state)
    if reason is not None:
        query = query.where(letters.reason == reason)
    return tuple(records.dead_letter_from(row) for row in connection.execute(query).mappings())


def dead_letter_groups(connection: Connection) -> tuple[tuple[str, str, int], ...]:
    """(reason, state, count) of the dead letters, most first."""
    letters = DEAD_LETTER_ROWS.c
    query = (
        select(letters.reason, letters.state, func.count())
        .group_by(letters.reason, letters.state)
        .order_by(func.count().desc(), letters.reason, letters.state)
    )
    return tuple((reason, state, total) for reason, state, total in connection.execute(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a filter asks for inside one range of positions; None means all of them."""

    wanted: EventFilter
    positions: tuple[int, int] | None = None


def parts_of(connection: Connection, wanted: EventFilter) -> Iterator[Part]:
    """A filter in parts whose events follow each other.

    A path is not in the events; its segments are known by range of positions, which is an index.
    """
    if wanted.log_path is None:
        yield Part(wanted=wanted)
        return
    query = select(SEGMENTS.c.id).where(SEGMENTS.c.path == wanted.log_path).order_by(SEGMENTS.c.id)
    for segment_id in connection.execute(query).scalars().all():
        first = segment_id * SEGMENT_BYTES_MAX
        yield Part(wanted=wanted, positions=(first, first + SEGMENT_BYTES_MAX - 1))


def events_query(
    part: Part, promoted: tuple[str, ...], limit: int | None, within: Scope
) -> Select[*tuple[Any, ...]]:
    """The listing of events that a part of a filter asks for, over the public relation."""
    names = (*EVENTS_COLUMNS, *promoted)
    events = table("events", *(column(name) for name in names))
    wanted = part.wanted
    conditions: list[ColumnElement[bool]] = [
        events.c[name] == value
        for name in ("kind", "session_id", "actor", "event_id")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.since_us is not None:
        conditions.append(events.c.ts >= wanted.since_us)
    if wanted.until_us is not None:
        conditions.append(events.c.ts < wanted.until_us)
    if wanted.after_id is not None:
        conditions.append(events.c.id > wanted.after_id)
    if part.positions is not None:
        conditions.append(events.c.id.between(*part.positions))
    conditions += public_conditions(events.c, within)
    return select(*events.c).where(*conditions).order_by(events.c.id).limit(limit)


def run_query(
    connection: Connection,
    query: NamedQuery,
    values: Mapping[str, SqlValue],
    scope: Scope,
    packs: Sequence[Pack] = (),
) -> QueryResult:
    """The rows of a named query, its parameters bound by the driver; ``packs`` have the summaries.

    The driver knows where a text or a comment begins; SQLAlchemy's ``text`` would take a ``:word``
    in either for a parameter.

    Raises:
        StoreError: The statement gives no rows, or reads a projection within a narrower scope.
    """
    found = shadows(connection, query.sql, values, scope, packs)
    why = dict(found.refused)
    held = [*why, *(each for each in _present_only(connection, scope) if each not in found.names)]
    sql, limits = scoped(query.sql, scope, held, found.relations)
    try:
        result = connection.exec_driver_sql(sql, {**values, **limits})
    except StoreError as error:
        name = unscoped(error)
        if name is None:
            raise
        raise StoreError(
            f"{name} cannot be read, for {why[name]}"
            if name in why
            else f"{name} holds the present, of all sensors together",
            where=f"query {query.name}",
            fix="'evidentia projection rebuild' makes it anew"
            if name in why
            else "ask it without --as-of and without --sensor",
        ) from error
    if not result.returns_rows:
        raise StoreError(
            "the statement gives no rows",
            where=f"query {query.name}",
            fix="a named query is one SELECT over the public relations",
        )
    return QueryResult(
        columns=tuple(result.keys()),
        rows=tuple(tuple(row) for row in result),
        computed=found.computed,
    )


def _present_only(connection: Connection, scope: Scope) -> Sequence[str]:
    """The relations that a narrower scope cannot show; a store of before has none of them."""
    if scope.limit is None and scope.sensor is None:
        return ()
    if not inspect(connection).has_table(PROJECTIONS.name):
        return ()
    return connection.execute(select(PROJECTIONS.c.name).distinct()).scalars().all()


def kinds(connection: Connection) -> tuple[tuple[str, str, int], ...]:
    """(pack, kind, events) for every kind in the store, most first."""
    rows = EVENT_ROWS.c
    segment = rows.id.op("/")(SEGMENT_BYTES_MAX)
    grouped = (
        select(rows.kind_id, segment.label("segment_id"), func.count().label("total"))
        .group_by(rows.kind_id, segment)
        .subquery()
    )
    query = (
        select(LOGS.c.pack, KINDS.c.name, func.sum(grouped.c.total).label("total"))
        .join_from(grouped, KINDS, KINDS.c.id == grouped.c.kind_id)
        .join(SEGMENTS, SEGMENTS.c.id == grouped.c.segment_id)
        .join(LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .group_by(LOGS.c.pack, KINDS.c.name)
        .order_by(func.sum(grouped.c.total).desc(), KINDS.c.name)
    )
    return tuple((pack, kind, int(total)) for pack, kind, total in connection.execute(query))


def pack_versions(connection: Connection) -> dict[str, int]:
    """The version with which each pack was last registered."""
    return {row.name: row.version for row in connection.execute(select(PACKS))}


def rows_per_batch(connection: Connection) -> tuple[RowCounts, ...]:
    """What the rows of each batch add up to, in order of batch; batches without rows are absent."""
    found: dict[int, RowCounts] = {}
    letters = DEAD_LETTER_ROWS.c
    is_recovered = case((letters.state == "recovered", 1), else_=0)
    by_kind = {kind: _bytes_of(kind) for kind in FillerKind}
    for query in (
        select(EVENT_ROWS.c.batch_id, func.count().label("events")).group_by(EVENT_ROWS.c.batch_id),
        select(
            letters.batch_id,
            func.count().label("dead_letters"),
            func.sum(is_recovered).label("recovered"),
        ).group_by(letters.batch_id),
        select(
            FILLERS.c.batch_id,
            by_kind[FillerKind.BLANK].label("blank_bytes"),
            by_kind[FillerKind.BOM].label("bom_bytes"),
            by_kind[FillerKind.NUL].label("nul_bytes"),
        ).group_by(FILLERS.c.batch_id),
    ):
        for row in connection.execute(query).mappings():
            values = {name: int(value) for name, value in row.items()}
            known = found.get(row["batch_id"], RowCounts(batch_id=row["batch_id"]))
            found[row["batch_id"]] = replace(known, **values)
    return tuple(found[batch_id] for batch_id in sorted(found))


def _bytes_of(kind: FillerKind) -> ColumnElement[int]:
    return func.sum(case((FILLERS.c.kind == kind.value, FILLERS.c.length), else_=0))


def period_counts(
    connection: Connection, pack: str, span: tuple[int, int], scope: Scope
) -> PeriodCounts:
    """What stands behind a report on a pack's logs over a period: not before, and before."""
    since_us, until_us = span
    segment_ids = (
        select(SEGMENTS.c.id)
        .join_from(SEGMENTS, LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .where(LOGS.c.pack == pack)
    )
    rows, letters, places = EVENT_ROWS.c, DEAD_LETTER_ROWS.c, GAP_ROWS.c
    seen = event_conditions(scope)
    in_events: ColumnElement[bool] = rows.id.op("/")(SEGMENT_BYTES_MAX).in_(segment_ids)
    others = select(LOGS.c.id).where(LOGS.c.pack != pack).limit(1)
    if connection.execute(others).first() is None:
        # The usual case: no event has to be asked whose it is, which takes longer than counting it.
        in_events = true()
    in_letters = letters.id.op("/")(SEGMENT_BYTES_MAX).in_(segment_ids)
    events = select(func.count()).select_from(EVENT_ROWS)
    return PeriodCounts(
        events=_count(
            connection, events.where(in_events, rows.ts >= since_us, rows.ts < until_us, *seen)
        ),
        untimed_events=_count(connection, events.where(in_events, rows.ts.is_(None), *seen)),
        open_dead_letters=_count(
            connection,
            select(func.count())
            .select_from(DEAD_LETTER_ROWS)
            .where(in_letters, open_letters(scope)),
        ),
        gaps=_count(
            connection,
            select(func.count())
            .select_from(GAP_ROWS)
            .where(places.segment_id.in_(segment_ids), *gap_conditions(scope)),
        ),
    )


def latest_us(connection: Connection, pack: str, scope: Scope) -> int | None:
    """The newest event time in a pack's logs; None when none has a usable time."""
    query = (
        select(EVENT_ROWS.c.ts)
        .join_from(
            EVENT_ROWS, SEGMENTS, SEGMENTS.c.id == EVENT_ROWS.c.id.op("/")(SEGMENT_BYTES_MAX)
        )
        .join(LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .where(LOGS.c.pack == pack, EVENT_ROWS.c.ts.is_not(None), *event_conditions(scope))
        .order_by(EVENT_ROWS.c.ts.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def audit_entries(connection: Connection, *, limit: int) -> tuple[AuditEntry, ...]:
    """Administrative changes, newest first, at most ``limit``."""
    query = select(AUDIT_LOG).order_by(AUDIT_LOG.c.id.desc()).limit(limit)
    return tuple(AuditEntry(**row) for row in connection.execute(query).mappings())


def notices(connection: Connection, path: Path) -> tuple[str, ...]:
    """What is not as it should be in the engine or the tables, one sentence each."""
    found = []
    mode = sqlite.pragma(connection, "journal_mode")
    if sqlite.is_on_read_only_medium(path):
        found.append("the store lies on a read-only medium: it can be read, not written")
    elif mode != "wal":
        found.append(
            f"the file system does not support WAL, so the journal mode is {mode}: "
            "reading and writing wait for each other"
        )
    found += [
        f"the trigger {name} is missing: another program dropped it; any ingest restores it"
        for name in missing_triggers(connection)
    ]
    present = {index["name"] for index in inspect(connection).get_indexes("event_rows")}
    found += [
        f"the index {index.name} is missing: a load did not finish; any ingest builds it"
        for index in EVENT_INDEXES
        if index.name not in present
    ]
    return tuple(found)
