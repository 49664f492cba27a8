"""The stand-alone projector's database, read as a guest: never written, never migrated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import column, select, table

from evidentia.store import sqlite
from evidentia.store.translate import translated
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
    """
    engine = sqlite.open_engine(path, is_read_only=True)
    try:
        with translated(str(path)), engine.connect() as connection:
            events = table("events", *(column(name) for name in (*_COLUMNS, "ts_us")))
            query = select(*(events.c[name] for name in _COLUMNS)).order_by(events.c.id)
            for name in ("kind", "actor", "event_id", "log_path"):
                value = getattr(wanted, name)
                if value is not None:
                    query = query.where(events.c[name] == value)
            if wanted.since_us is not None:
                query = query.where(events.c.ts_us >= wanted.since_us)
            if wanted.until_us is not None:
                query = query.where(events.c.ts_us < wanted.until_us)
            if wanted.after_id is not None:
                query = query.where(events.c.id > wanted.after_id)
            if wanted.limit is not None:
                query = query.limit(wanted.limit)
            for row in connection.execute(query).mappings():
                yield dict(row)
    finally:
        engine.dispose()
