"""The public relations that are views, and the triggers, built for the engine at hand.

``events`` lists the promoted columns of every registered pack, so it is made anew when a pack is
registered; the other views never change.
"""

from __future__ import annotations

import importlib.resources
from typing import Final

from sqlalchemy import Connection, Select, Text, cast, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.store.schema import (
    DEAD_LETTER_ROWS,
    EVENT_ROW_COLUMNS,
    EVENT_ROWS,
    GAP_ROWS,
    KINDS,
    SEGMENTS,
)

_SEGMENT_BYTES: Final[ColumnElement[int]] = literal_column(str(SEGMENT_BYTES_MAX))
VIEWS: Final = ("events", "dead_letters", "gaps", "ingest_state")
EVENTS_COLUMNS: Final = (
    "id",
    "batch_id",
    "log_path",
    "line_no",
    "byte_offset",
    "event_id",
    "ts",
    "ts_text",
    "kind",
    "actor",
    "session_id",
    "payload_json",
    "raw_json",
    "sha256",
    "flags",
)
"""The columns of ``events`` that every store has; promoted columns follow in name order."""


def _text_of_raw(connection: Connection) -> ColumnElement[str]:
    # An event's raw bytes are valid UTF-8 without NUL by the strict parser's verdict, so showing
    # them as text loses nothing.
    if connection.dialect.name == "postgresql":
        return func.convert_from(EVENT_ROWS.c.raw, "UTF8")
    return cast(EVENT_ROWS.c.raw, Text)


def _hex_of(connection: Connection, column: ColumnElement[bytes]) -> ColumnElement[str]:
    if connection.dialect.name == "postgresql":
        return func.encode(column, "hex")
    return func.lower(func.hex(column))


def _events(connection: Connection, promoted: tuple[str, ...]) -> Select[tuple[object, ...]]:
    rows = EVENT_ROWS.c
    position: ColumnElement[int] = literal_column("event_rows.id")
    return (
        select(
            rows.id,
            rows.batch_id,
            SEGMENTS.c.path.label("log_path"),
            rows.line_no,
            (position % _SEGMENT_BYTES).label("byte_offset"),
            rows.event_id,
            rows.ts,
            rows.ts_text,
            KINDS.c.name.label("kind"),
            rows.actor,
            rows.session_id,
            rows.payload_json,
            _text_of_raw(connection).label("raw_json"),
            _hex_of(connection, rows.sha256).label("sha256"),
            rows.flags,
            *(literal_column(f'event_rows."{name}"').label(name) for name in promoted),
        )
        # Outer joins on a unique key: the planner drops those whose columns a query does not ask
        # for, and turns them into inner joins where a query filters by them.
        .join_from(EVENT_ROWS, KINDS, KINDS.c.id == rows.kind_id, isouter=True)
        .join(SEGMENTS, SEGMENTS.c.id == position / _SEGMENT_BYTES, isouter=True)
    )


def _dead_letters(connection: Connection) -> Select[tuple[object, ...]]:
    rows = DEAD_LETTER_ROWS.c
    position: ColumnElement[int] = literal_column("dead_letter_rows.id")
    return select(
        rows.id,
        rows.batch_id,
        SEGMENTS.c.path.label("log_path"),
        rows.line_no,
        (position % _SEGMENT_BYTES).label("byte_offset"),
        rows.reason,
        rows.column_no,
        rows.detail,
        rows.raw,
        rows.length,
        rows.has_newline,
        _hex_of(connection, rows.sha256).label("sha256"),
        rows.attempts,
        rows.state,
        rows.resolution,
        rows.resolved_by,
        rows.resolved_us,
    ).join_from(
        DEAD_LETTER_ROWS, SEGMENTS, SEGMENTS.c.id == position / _SEGMENT_BYTES, isouter=True
    )


def _gaps() -> Select[tuple[object, ...]]:
    rows = GAP_ROWS.c
    return select(
        rows.id,
        SEGMENTS.c.path.label("log_path"),
        rows.segment_id,
        rows.byte_offset,
        rows.kind,
        rows.detail,
        rows.evidence,
        rows.found_us,
    ).join_from(GAP_ROWS, SEGMENTS, SEGMENTS.c.id == rows.segment_id)


def _ingest_state() -> Select[tuple[object, ...]]:
    return select(
        SEGMENTS.c.path.label("log_path"),
        SEGMENTS.c.id.label("segment_id"),
        SEGMENTS.c.last_size,
        SEGMENTS.c.last_mtime_us.label("last_mtime"),
        SEGMENTS.c.checkpoint.label("byte_checkpoint"),
        SEGMENTS.c.state,
    )


def create_views(connection: Connection, promoted: tuple[str, ...]) -> None:
    """Make every view anew; ``promoted`` are the columns that packs added to ``event_rows``."""
    bodies = {
        "events": _events(connection, promoted),
        "dead_letters": _dead_letters(connection),
        "gaps": _gaps(),
        "ingest_state": _ingest_state(),
    }
    for name, body in bodies.items():
        sql = body.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        # The colon and percent rules of bound parameters do not apply: nothing is bound here.
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {sql}")


def trigger_statements(dialect: str) -> tuple[str, ...]:
    """Every CREATE TRIGGER statement of an engine, in file order."""
    text = (
        importlib.resources.files("evidentia.store")
        .joinpath(f"sql/triggers_{dialect}.sql")
        .read_text("utf-8")
    )
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return tuple(part.strip() + "\nEND" for part in code.split("END;") if part.strip())


def trigger_name(statement: str) -> str:
    """The name in a CREATE TRIGGER statement."""
    return statement.split()[2]


def promoted_columns(connection: Connection) -> tuple[str, ...]:
    """The columns that packs have added to ``event_rows``, in name order."""
    from sqlalchemy import inspect  # noqa: PLC0415 - costs 30 ms that reading commands never need

    names = {str(column["name"]) for column in inspect(connection).get_columns("event_rows")}
    return tuple(sorted(names - set(EVENT_ROW_COLUMNS) - {"batch_id"}))
