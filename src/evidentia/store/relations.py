"""The public relations that are views, and the triggers, built for the engine at hand.

``events`` lists the promoted columns of every registered pack, so it is made anew when a pack is
registered; the other views never change.

What surprised: SQLAlchemy renders ``/`` as true division (``id / (1099511627776 + 0.0)``), which
finds a segment only for its first byte; integer division is ``//`` and needs an integer type on
both sides. And SQLite drops an unused outer join from a listing but not from an aggregate, so
the path is a subquery, which costs nothing where it is not asked for.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement

from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.store.schema import (
    DEAD_LETTER_ROWS,
    EVENT_ROW_COLUMNS,
    EVENT_ROWS,
    GAP_ROWS,
    KINDS,
    LOGS,
    SEGMENTS,
)

_SEGMENT_BYTES: Final = literal_column(str(SEGMENT_BYTES_MAX), BigInteger)
VIEWS: Final = ("events", "dead_letters", "gaps", "ingest_state")
EVENTS_COLUMNS: Final = (
    "id",
    "batch_id",
    "log_path",
    "pack",
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
_INSERT_TRIGGER: Final = "event_rows_no_replace"
_TRIGGER_NAMES: Final = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


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


def _log_path(position: ColumnElement[int]) -> ColumnElement[str]:
    return (
        select(SEGMENTS.c.path)
        .where(SEGMENTS.c.id == position // _SEGMENT_BYTES)
        .scalar_subquery()
        .label("log_path")
    )


def _pack(position: ColumnElement[int]) -> ColumnElement[str]:
    return (
        select(LOGS.c.pack)
        .join_from(SEGMENTS, LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .where(SEGMENTS.c.id == position // _SEGMENT_BYTES)
        .scalar_subquery()
    )


def _payload(
    connection: Connection, left_out: Mapping[str, Sequence[str]]
) -> ColumnElement[str | None]:
    """The stored payload, or the line's own members where a pack leaves the payload there.

    No report reads a payload; this is for people and exports, so the engine's own JSON functions
    may derive it. Lines that engines read differently have theirs stored.
    """
    rows = EVENT_ROWS.c
    if not left_out:
        return rows.payload_json
    text = _text_of_raw(connection)
    derived = case(
        {
            pack: func.json_remove(text, *(f"$.{key}" for key in keys))
            for pack, keys in sorted(left_out.items())
        },
        value=_pack(rows.id),
    )
    return func.coalesce(rows.payload_json, derived).label("payload_json")


def _events(
    connection: Connection, promoted: tuple[str, ...], left_out: Mapping[str, Sequence[str]]
) -> Select[tuple[object, ...]]:
    rows = EVENT_ROWS.c
    return (
        select(
            rows.id,
            rows.batch_id,
            _log_path(rows.id),
            _pack(rows.id).label("pack"),
            rows.line_no,
            (rows.id % _SEGMENT_BYTES).label("byte_offset"),
            rows.event_id,
            rows.ts,
            rows.ts_text,
            KINDS.c.name.label("kind"),
            rows.actor,
            rows.session_id,
            _payload(connection, left_out),
            _text_of_raw(connection).label("raw_json"),
            _hex_of(connection, rows.sha256).label("sha256"),
            rows.flags,
            *(literal_column(f'event_rows."{name}"').label(name) for name in promoted),
        )
        # A join, not a subquery: a filter by kind must reach the index over kind and time. Outer,
        # so that a listing that does not ask for the kind does not pay for it.
        .join_from(EVENT_ROWS, KINDS, KINDS.c.id == rows.kind_id, isouter=True)
    )


def _dead_letters(connection: Connection) -> Select[tuple[object, ...]]:
    rows = DEAD_LETTER_ROWS.c
    return select(
        rows.id,
        rows.batch_id,
        _log_path(rows.id),
        rows.line_no,
        (rows.id % _SEGMENT_BYTES).label("byte_offset"),
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


def create_views(
    connection: Connection, promoted: tuple[str, ...], left_out: Mapping[str, Sequence[str]]
) -> None:
    """Make every view anew, with the columns that packs added to ``event_rows``.

    ``left_out`` names the packs whose payload is not stored but is the line without some members.
    """
    bodies = {
        "events": _events(connection, promoted, left_out),
        "dead_letters": _dead_letters(connection),
        "gaps": _gaps(),
        "ingest_state": _ingest_state(),
    }
    for name, body in bodies.items():
        sql = body.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
        # The colon and percent rules of bound parameters do not apply: nothing is bound here.
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {sql}")


def drop_views(connection: Connection) -> None:
    """Drop every view."""
    for name in VIEWS:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


@cache
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


def missing_triggers(connection: Connection) -> dict[str, str]:
    """The CREATE TRIGGER statements, by name, of the triggers that are not there."""
    present = set(connection.exec_driver_sql(_TRIGGER_NAMES).scalars())
    wanted = trigger_statements(connection.dialect.name)
    statements = {trigger_name(statement): statement for statement in wanted}
    return {name: text for name, text in statements.items() if name not in present}


def create_triggers(connection: Connection) -> None:
    """Make every trigger anew."""
    for statement in trigger_statements(connection.dialect.name):
        drop_trigger(connection, trigger_name(statement))
        connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection) -> None:
    """Drop every trigger."""
    for statement in trigger_statements(connection.dialect.name):
        drop_trigger(connection, trigger_name(statement))


def restore_triggers(connection: Connection) -> tuple[str, ...]:
    """Create the triggers that are not there, and return their names."""
    missing = missing_triggers(connection)
    for statement in missing.values():
        connection.exec_driver_sql(statement)
    return tuple(missing)


@contextmanager
def replacing_unguarded(connection: Connection) -> Iterator[None]:
    """Insert events without the trigger against REPLACE, until left; inside one transaction.

    The trigger is for other programs' statements, and costs a third of an insert even where it
    never fires. Nobody sees it missing: the schema is part of the transaction, so others go on
    with it, and a crash or an exception inside brings it back.
    """
    is_guarded = _INSERT_TRIGGER not in missing_triggers(connection)
    drop_trigger(connection, _INSERT_TRIGGER)
    yield
    # Only this one, and only if it was there: recover has lifted all of them, and goes on.
    if is_guarded:
        connection.exec_driver_sql(missing_triggers(connection)[_INSERT_TRIGGER])


def drop_trigger(connection: Connection, name: str) -> None:
    """Drop a trigger, where it is there."""
    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def promoted_types(connection: Connection) -> dict[str, str]:
    """The columns that packs have added to ``event_rows`` with their SQL types, in name order."""
    from sqlalchemy import inspect  # noqa: PLC0415 - costs 30 ms that reading commands never need

    own = {*EVENT_ROW_COLUMNS, "batch_id"}
    return {
        str(column["name"]): column["type"].compile(dialect=connection.dialect)
        for column in sorted(
            inspect(connection).get_columns("event_rows"), key=lambda column: column["name"]
        )
        if column["name"] not in own
    }


def promoted_columns(connection: Connection) -> tuple[str, ...]:
    """The columns that packs have added to ``event_rows``, in name order."""
    return tuple(promoted_types(connection))
