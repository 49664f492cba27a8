"""What a question may see of a store: the batches up to one of them, and the events of a sensor.

A named query says ``FROM events``. The scope puts a common table expression of that name in front
of it, which shadows the relation; the query itself is not touched. ``NOT MATERIALIZED`` lets the
engine use its indexes through it, and the unary plus keeps it from choosing the batch for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, literal_column, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import ColumnElement

from evidentia.errors import StoreError
from evidentia.store.schema import BATCHES, DEAD_LETTER_ROWS, EVENT_ROWS, GAP_ROWS
from evidentia.store.values import SqlValue

SENSOR_COLUMN: Final = "sensor"
"""The promoted column that names the sensor, where a pack's events have one."""
_REFUSED: Final = "present only: "
"""Begins the name of a table that is not there. The engine looks for it only where it is read."""
_REFUSAL: Final = re.compile(rf"{_REFUSED}(?P<name>[a-z0-9_]+)")
_WITH: Final = re.compile(r"with\b(?P<recursive>\s+recursive\b)?", re.IGNORECASE)
_BATCH: Final = "scope_batch_id"
_MOMENT: Final = "scope_moment_us"
_SENSOR: Final = "scope_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """A batch, and everything that was committed up to it.

    Attributes:
        batch_id: 0 for a store without batches.
        committed_us: When it was committed, UTC microseconds.
        is_newest: Nothing was asked for: all that is in the store is seen, also what was found or
            decided after the last batch.
        is_ledger: Of a pack's own database: ``batch_id`` counts the events of its ledger instead.
    """

    batch_id: int
    committed_us: int
    is_newest: bool = False
    is_ledger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a question may see; None means no restriction."""

    as_of: AsOf | None = None
    sensor: str | None = None

    @property
    def limit(self) -> AsOf | None:
        """The batch behind which nothing is seen, if any."""
        return None if self.as_of is None or self.as_of.is_newest else self.as_of


EVERYTHING: Final = Scope()


def scoped(
    sql: str, scope: Scope, projections: Iterable[str] = (), further: Sequence[str] = ()
) -> tuple[str, Mapping[str, SqlValue]]:
    """A statement whose relations show what the scope shows, and the values it needs for that.

    Args:
        sql: One SELECT, which may begin with WITH.
        scope: What it may see.
        projections: Relations that hold the present only. A statement that reads one is refused
            by the engine where the scope is restricted; see ``unscoped``.
        further: Table expressions that it needs besides.
    """
    limit = scope.limit
    relations = [*(_refusal(name) for name in projections), *further]
    if limit is None and scope.sensor is None:
        return (_with_relations(sql, relations) if relations else sql), {}
    values: dict[str, SqlValue] = {}
    conditions: list[str] = []
    if scope.sensor is not None:
        values[_SENSOR] = scope.sensor
        conditions.append(f"+{SENSOR_COLUMN} = :{_SENSOR}")
    if limit is not None:
        values |= {_BATCH: limit.batch_id, _MOMENT: limit.committed_us}
        conditions += [f"+batch_id <= :{_BATCH}", f"id NOT IN ({_READ_LATER})"]
        relations += _PAST_RELATIONS
    events = f"SELECT * FROM main.events WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
    return _with_relations(sql, [shadow("events", events), *relations]), values


def _refusal(name: str) -> str:
    return shadow(name, f'SELECT * FROM "{_REFUSED}{name}"')  # noqa: S608 - names are declared by packs and checked


def unscoped(error: StoreError) -> str | None:
    """The projection that a refused statement reads, though it holds the present only."""
    found = _REFUSAL.search(error.what)
    return found["name"] if found else None


def shadow(relation: str, body: str) -> str:
    """The table expression that stands in front of a relation of its name."""
    return f"{relation} AS NOT MATERIALIZED ({body})"


_READ_LATER: Final = (
    # A retry puts an event of a later moment into an earlier batch.
    "SELECT id FROM main.dead_letter_rows "  # noqa: S608 - constants
    f"WHERE state = 'recovered' AND resolved_us > :{_MOMENT}"
)
_LATER: Final = f"resolved_us > :{_MOMENT}"
_PAST_RELATIONS: Final = (
    shadow(
        "dead_letters",
        "SELECT id, batch_id, log_path, line_no, byte_offset, reason, column_no, detail, raw, "  # noqa: S608 - constants
        "length, has_newline, sha256, attempts, "
        f"CASE WHEN {_LATER} THEN 'open' ELSE state END AS state, "
        f"CASE WHEN {_LATER} THEN NULL ELSE resolution END AS resolution, "
        f"CASE WHEN {_LATER} THEN NULL ELSE resolved_by END AS resolved_by, "
        f"CASE WHEN {_LATER} THEN NULL ELSE resolved_us END AS resolved_us "
        f"FROM main.dead_letters WHERE batch_id <= :{_BATCH}",
    ),
    shadow("gaps", f"SELECT * FROM main.gaps WHERE found_us <= :{_MOMENT}"),  # noqa: S608 - constants
    shadow("batches", f"SELECT * FROM main.batches WHERE id <= :{_BATCH}"),  # noqa: S608 - constants
)


def _with_relations(sql: str, relations: Sequence[str]) -> str:
    ours = ", ".join(relations)
    match = _WITH.match(sql)
    if match is None:
        return f"WITH {ours} {sql}"
    # Tables of the query's own may follow; they see ours, as they would see the relations.
    return f"WITH{match['recursive'] or ''} {ours}, {sql[match.end() :]}"


def newest(connection: Connection) -> AsOf:
    """The newest batch, with everything that is in the store."""
    found = _as_of(connection, select(BATCHES).order_by(BATCHES.c.id.desc()).limit(1))
    if found is None:
        return AsOf(batch_id=0, committed_us=0, is_newest=True)
    return AsOf(batch_id=found.batch_id, committed_us=found.committed_us, is_newest=True)


def at_batch(connection: Connection, batch_id: int) -> AsOf | None:
    """A batch by its id."""
    return _as_of(connection, select(BATCHES).where(BATCHES.c.id == batch_id))


def at_time(connection: Connection, us: int) -> AsOf | None:
    """The last batch that was committed at or before a time."""
    return _as_of(
        connection,
        select(BATCHES).where(BATCHES.c.committed_us <= us).order_by(BATCHES.c.id.desc()).limit(1),
    )


def _as_of(connection: Connection, query: Select[Any]) -> AsOf | None:
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return AsOf(batch_id=row["id"], committed_us=row["committed_us"])


def event_conditions(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """What keeps events out of a scope, over ``event_rows``."""
    found = public_conditions(EVENT_ROWS.c, scope)
    if scope.sensor is None:
        return found
    return (*found, literal_column(f'event_rows."{SENSOR_COLUMN}"') == scope.sensor)


def public_conditions(
    columns: ReadOnlyColumnCollection[str, Any], scope: Scope
) -> tuple[ColumnElement[bool], ...]:
    """What keeps events of later batches out of a scope, over any relation of events."""
    limit = scope.limit
    if limit is None:
        return ()
    letters = DEAD_LETTER_ROWS.c
    read_later = select(letters.id).where(
        letters.state == "recovered", letters.resolved_us > limit.committed_us
    )
    return columns.batch_id <= limit.batch_id, columns.id.not_in(read_later)


def open_letters(scope: Scope) -> ColumnElement[bool]:
    """Which dead letters are, or were, open in a scope."""
    letters = DEAD_LETTER_ROWS.c
    limit = scope.limit
    if limit is None:
        return letters.state == "open"
    return and_(
        letters.batch_id <= limit.batch_id,
        or_(letters.state == "open", letters.resolved_us > limit.committed_us),
    )


def gap_conditions(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """What keeps gaps out of a scope."""
    limit = scope.limit
    return () if limit is None else (GAP_ROWS.c.found_us <= limit.committed_us,)


def sensors(connection: Connection, pack: str, scope: Scope) -> tuple[str, ...]:
    """The sensors that a pack's events name, in order."""
    sql, values = scoped(
        f"SELECT DISTINCT {SENSOR_COLUMN} FROM events "  # noqa: S608 - constants
        f"WHERE pack = :pack AND {SENSOR_COLUMN} IS NOT NULL ORDER BY {SENSOR_COLUMN}",
        scope,
    )
    result = connection.exec_driver_sql(sql, {**values, "pack": pack})
    return tuple(str(name) for name in result.scalars())
