"""Looking after a pack's database: is it what the pack declares, backup, maintenance."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from blake3 import blake3
from sqlalchemy import Connection, inspect, literal_column, select, table

from evidentia.errors import StoreDamagedError
from evidentia.store import sqlite
from evidentia.store.derived import DerivedStore, new_place
from evidentia.store.derived_reading import streamed
from evidentia.store.derived_schema import OWN_TABLES, DerivedSchema
from evidentia.store.translate import translated

_CONTEXT: Final = "evidentia 2026-11 database content v1"
_JSON_ANSWERS: Final = (
    ("json_valid('{\"a\": [1, 2]}')", 1),
    ("json_valid('{not json')", 0),
    ("json_extract('{\"a\": {\"b\": [1, 2]}}', '$.a.b[1]')", 2),
)
_BACKUP_PAGES: Final = 4_096
"""Copied at a time, between which others may write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    is_well: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was opened and compared.

    Attributes:
        size: Events of the ledger that are in it.
        digest: Of all its rows, equal to the database's.
    """

    path: str
    file_bytes: int
    size: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """What looking after the file did.

    Attributes:
        problems: What ``integrity_check`` and ``foreign_key_check`` say; empty where all is well.
    """

    problems: tuple[str, ...]
    is_vacuumed: bool
    bytes_before: int
    bytes_after: int


def validate(store: DerivedStore) -> tuple[Finding, ...]:
    """Tables, indexes, views, foreign keys, JSON and the file itself, each looked at."""
    with store.upkeep() as connection, connection.begin():
        return tuple(_findings(connection, store.schema))


def _findings(connection: Connection, schema: DerivedSchema) -> Iterator[Finding]:
    found = inspect(connection)
    wanted = [*schema.tables, *OWN_TABLES]
    yield _names("tables", wanted, found.get_table_names())
    names = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    indexes = [str(each) for each in connection.exec_driver_sql(names).scalars()]
    declared = [index.name for each in schema.database.tables for index in each.indexes]
    yield _names("indexes", declared, indexes)
    views = [each.name for each in schema.database.views]
    yield _names("views", views, found.get_view_names())
    yield _answered(connection, views)
    yield _json(connection)
    is_enforced = sqlite.pragma(connection, "foreign_keys") == "1"
    yield Finding(
        name="foreign keys",
        is_well=is_enforced,
        detail="enforced" if is_enforced else "not enforced on this connection",
    )
    mode = sqlite.pragma(connection, "journal_mode")
    yield Finding(name="journal", is_well=mode in {"wal", "delete"}, detail=mode)
    problems = _file_problems(connection)
    yield Finding(name="integrity", is_well=not problems, detail="; ".join(problems) or "ok")


def _names(what: str, wanted: list[str], found: list[str]) -> Finding:
    missing = sorted(set(wanted) - set(found))
    detail = f"missing: {', '.join(missing)}" if missing else f"all {len(wanted)} are there"
    return Finding(name=what, is_well=not missing, detail=detail)


def _answered(connection: Connection, views: Sequence[str]) -> Finding:
    for name in views:
        connection.execute(select(literal_column("*")).select_from(table(name)).limit(1)).all()
    return Finding(name="views answer", is_well=True, detail=f"{len(views)} were asked")


def _json(connection: Connection) -> Finding:
    for expression, wanted in _JSON_ANSWERS:
        answer = connection.exec_driver_sql(f"SELECT {expression}").scalar_one()
        if answer != wanted:
            return Finding(name="JSON", is_well=False, detail=f"{expression} gives {answer!r}")
    return Finding(name="JSON", is_well=True, detail="valid, invalid and extracted as they should")


def _file_problems(connection: Connection) -> tuple[str, ...]:
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars()
    broken = [str(each) for each in rows if each != "ok"]
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check")
    return (*broken, *(f"a row of {row[0]} refers to nothing in {row[2]}" for row in dangling))


def backup(store: DerivedStore, path: Path) -> Backup:
    """Copy the database while others use it; the copy has its name once it was found whole.

    Raises:
        StoreError: The file is there already, the disk refuses, or the copy is not equal.
    """
    with new_place(path) as fresh:
        with store.reading() as reader:
            wanted = content_digest(reader.connection, store.schema)
            _copy(sqlite.driver_connection(reader.connection), fresh)
        copied = DerivedStore(path=fresh, database=store.database, clock=store.clock)
        with copied.reading() as copy:
            digest = content_digest(copy.connection, store.schema)
            problems = _file_problems(copy.connection)
            if digest != wanted or problems:
                raise StoreDamagedError(
                    f"the copy is not the database: {'; '.join(problems) or 'other rows'}",
                    where=str(path),
                    fix="check the disk; the database itself is as it was",
                )
            found = Backup(
                path=str(path),
                file_bytes=fresh.stat().st_size,
                size=copy.checkpoint().size,
                rows=sum(copy.row_counts().values()),
                digest=digest,
            )
    return found


def _copy(source: sqlite3.Connection, path: Path) -> None:
    with translated(str(path)), closing(sqlite3.connect(path)) as target:
        source.backup(target, pages=_BACKUP_PAGES)


def content_digest(connection: Connection, schema: DerivedSchema) -> str:
    """A digest of every row of every table, in order."""
    hasher = blake3(derive_key_context=_CONTEXT)
    for name, made in sorted(schema.metadata.tables.items()):
        key = next(iter(made.columns))
        for row in streamed(connection, select(made).order_by(key)):
            hasher.update(msgspec.msgpack.encode((str(name), *row)))
    return hasher.hexdigest()


def maintain(store: DerivedStore, *, is_vacuuming: bool = False) -> Maintenance:
    """Check the file, tell the query planner what is in it, move the WAL into it.

    Raises:
        StoreHeldError: Vacuuming needs the database for itself, and others write.
    """
    before = store.path.stat().st_size
    with store.upkeep() as connection:
        driver = sqlite.driver_connection(connection)
        with connection.begin():
            problems = _file_problems(connection)
        with translated(str(store.path)):
            if not problems:
                driver.execute("ANALYZE")
                driver.execute("PRAGMA optimize")
                if is_vacuuming:
                    driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Maintenance(
        problems=problems,
        is_vacuumed=is_vacuuming and not problems,
        bytes_before=before,
        bytes_after=store.path.stat().st_size,
    )
