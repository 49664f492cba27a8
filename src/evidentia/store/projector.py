"""The stand-alone projector's database, read as a guest: never written, never migrated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Select, column, select, table
from sqlalchemy.sql.elements import ColumnElement

from evidentia.errors import UsageError
from evidentia.store import sqlite
from evidentia.store.values import EventFilter, SqlValue

_COLUMNS = (
    "id",
    "log_path",
    "line_no",
    "event_id",
    "ts",
    "kind",
    "actor",
    "role",
    "mode",
    "offer_id",
    "apply_id",
    "window_key",
    "payload_json",
    "raw_json",
    "sha256",
)


def is_projector_database(path: Path) -> bool:
    """Whether a file is the stand-alone projector's, by the mark in its header."""
    return path.is_file() and sqlite.application_id_of(path) == sqlite.PROJECTOR_APPLICATION_ID


def list_projected_events(path: Path, wanted: EventFilter) -> Iterator[Mapping[str, SqlValue]]:
    """Events of the projector's database, in order of id; ``ts`` is the original text there.

    Raises:
        StoreError: The database cannot be read.
        UsageError: The filter asks for what this database does not have.
    """
    if wanted.session_id is not None:
        raise UsageError(
            "the stand-alone projector's events have no session",
            where=str(path),
            fix="ingest the log into a store, and ask that",
        )
    engine = sqlite.open_engine(path, is_read_only=True)
    try:
        with engine.connect() as connection:
            for row in connection.execute(_query(wanted)).mappings():
                yield dict(row)
    finally:
        engine.dispose()


def _query(wanted: EventFilter) -> Select[*tuple[Any, ...]]:
    events = table("events", *(column(name) for name in (*_COLUMNS, "ts_us")))
    conditions: list[ColumnElement[bool]] = [
        events.c[name] == value
        for name in ("kind", "actor", "event_id", "log_path")
        if (value := getattr(wanted, name)) is not None
    ]
    if wanted.since_us is not None:
        conditions.append(events.c.ts_us >= wanted.since_us)
    if wanted.until_us is not None:
        conditions.append(events.c.ts_us < wanted.until_us)
    if wanted.after_id is not None:
        conditions.append(events.c.id > wanted.after_id)
    columns = (events.c[name] for name in _COLUMNS)
    return select(*columns).where(*conditions).order_by(events.c.id).limit(wanted.limit)
