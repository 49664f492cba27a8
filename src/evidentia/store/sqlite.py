"""The SQLite engine: one connection, its settings, and the marks that tell our files from others.

Only the standard library's SQLite is used: two SQLite libraries in one process drop each other's
file locks.

What surprised: in WAL mode the file's header keeps the application id of before the WAL until a
WAL checkpoint moves the first page. So the id is written before WAL is switched on; a process
killed in its first second would otherwise leave a store that no later one takes for its own.
A file system without shared memory answers ``PRAGMA journal_mode = WAL`` with ``delete`` and no
error. The begin event must open the transaction: the driver's ``isolation_level=None`` leaves
SQLAlchemy's ``begin`` without any BEGIN, and every statement would commit by itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from evidentia.errors import StoreDamagedError, StoreForeignError
from evidentia.store.translate import translated, translator

APPLICATION_ID: Final = 0x45564944
"""``EVID`` in the file's header: a store of the full product."""
PROJECTOR_APPLICATION_ID: Final = 0x4556504A
"""``EVPJ`` in the file's header: a database of the stand-alone projector."""
PACK_APPLICATION_ID: Final = 0x45565044
"""``EVPD`` in the file's header: a pack's own database, derived from its ledger."""
ARCHIVE_APPLICATION_ID: Final = 0x45565041
"""``EVPA`` in the file's header: rows that were taken out of a pack's own database."""
BUSY_TIMEOUT_MS: Final = 5_000
BULK_TIMEOUT_MS: Final = 60_000
"""How long a bulk load waits for readers, which without a WAL stand in the way of a commit."""
CACHE_KIBIBYTES: Final = 64_000
# Above this size the WAL file is cut back after a checkpoint instead of being kept for reuse.
WAL_KEEP_BYTES: Final = 64 * 1024 * 1024
_HEADER_BYTES: Final = 100
_STEPS_BETWEEN_LOOKS: Final = 10_000
"""Steps of SQLite's machine between two looks at a query's time limit; well under 1 ms."""


def application_id_of(path: Path) -> int | None:
    """The application id in a database file's header; None for an absent or empty file.

    Raises:
        StoreForeignError: The file is not an SQLite database.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header.startswith(b"SQLite format 3\x00"):
        raise StoreForeignError(
            "this file is not a store: it is not an SQLite database",
            where=str(path),
            fix="name another file with --db",
        )
    return int.from_bytes(header[68:72], "big")


_OWNERS: Final = {
    APPLICATION_ID: (
        "this database is a store",
        "name another file; a pack's own database is not its store",
    ),
    PROJECTOR_APPLICATION_ID: (
        "this database belongs to the stand-alone projector (project_events_to_sqlite.py)",
        "list its events with 'evidentia events --db FILE'; ingest into another file",
    ),
    PACK_APPLICATION_ID: (
        "this database is a pack's own, derived from its ledger, and not a store",
        "name another file with --db; this one is for the commands of its pack",
    ),
    ARCHIVE_APPLICATION_ID: (
        "this file is an archive of a pack's own database",
        "put its rows back with the pack's 'restore' command",
    ),
}


def check_ownership(path: Path, mark: int = APPLICATION_ID) -> None:
    """Refuse a database that is not ours to write to.

    Raises:
        StoreForeignError: Its mark is another one: it is another part's of evidentia, or another
            program's.
    """
    found = application_id_of(path)
    if found in (None, mark):
        return
    what, fix = _OWNERS.get(
        found, ("this database belongs to another program", "name another file with --db")
    )
    raise StoreForeignError(what, where=str(path), fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a database file is opened.

    Attributes:
        mark: The application id that a new file gets.
        busy_timeout_ms: How long a statement waits for another process.
        options: Further URI parameters (``&vfs=..``), for unusual file systems.
    """

    is_read_only: bool
    mark: int = APPLICATION_ID
    busy_timeout_ms: int = BUSY_TIMEOUT_MS
    options: str = ""


def open_engine(path: Path, *, is_read_only: bool, options: str = "") -> Engine:
    """An engine with one connection to a store's file, its settings applied.

    Args:
        path: The database file; its folder must exist.
        is_read_only: Open with ``mode=ro`` and ``query_only``.
        options: Further URI parameters (``&vfs=..``), for unusual file systems.
    """
    return engine_for(path, Access(is_read_only=is_read_only, options=options))


def engine_for(path: Path, access: Access) -> Engine:
    """An engine with one connection to a file of any of our marks, its settings applied."""
    engine = create_engine(
        "sqlite://", creator=partial(_connect, path, access), poolclass=StaticPool
    )
    # A deferred transaction that turns into a writer later can fail at once with SQLITE_BUSY; an
    # immediate one waits its turn for busy_timeout. A reader's first read begins its snapshot.
    begin = "BEGIN" if access.is_read_only else "BEGIN IMMEDIATE"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    event.listen(engine, "handle_error", translator(str(path)))
    return engine


def is_on_read_only_medium(path: Path) -> bool:
    """Whether a file cannot change, because its file system is mounted read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _mode(path: Path, *, is_read_only: bool) -> str:
    if not is_read_only:
        return "rwc"
    if not is_on_read_only_medium(path):
        # A killed bulk load leaves a rollback journal; only a connection that may write can undo
        # what it says, before anything is read.
        journal = path.with_name(f"{path.name}-journal")
        return "rw" if journal.exists() else "ro"
    # Even reading a WAL database makes files beside it. Where nothing can change, SQLite may be
    # told so; but it would then pass over a WAL that holds committed batches.
    wal = path.with_name(f"{path.name}-wal")
    return "ro" if wal.exists() and wal.stat().st_size else "ro&immutable=1"


def _connect(path: Path, access: Access) -> sqlite3.Connection:
    mode = _mode(path, is_read_only=access.is_read_only)
    # Bytes, because a name need not be UTF-8; absolute, because two slashes would begin a host.
    place = quote(b"/" + os.fsencode(path.absolute()).lstrip(b"/"))
    with translated(str(path)):
        connection = sqlite3.connect(
            f"file:{place}?mode={mode}{access.options}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            _configure(connection, access)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _configure(connection: sqlite3.Connection, access: Access) -> None:
    connection.execute(f"PRAGMA busy_timeout = {access.busy_timeout_ms}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
    if access.is_read_only:
        # Of no effect here, but ``doctor`` shows it for what a writer would have.
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        _set_synchronous(connection, mode)
        connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(_allow_reading)
        return
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute(f"PRAGMA application_id = {access.mark}")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    _set_synchronous(connection, mode)
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEEP_BYTES}")


def _set_synchronous(connection: sqlite3.Connection, journal_mode: str) -> None:
    # Only a WAL survives a power cut whole with NORMAL; a rollback journal needs every sync.
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if journal_mode == 'wal' else 'FULL'}")


_READING: Final = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
    }
)


def _allow_reading(
    action: int, first: str | None, second: str | None, database: str | None, source: str | None
) -> int:
    del database, source
    if action in _READING:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in READABLE_PRAGMAS and _only_asks(first, second):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _only_asks(name: str | None, value: str | None) -> bool:
    # These take what they tell of as an argument; an argument of any other sets it.
    return value is None or name in {
        "foreign_key_check",
        "index_info",
        "index_list",
        "index_xinfo",
        "table_info",
        "table_xinfo",
    }


READABLE_PRAGMAS: Final = frozenset(
    {
        "application_id",
        "busy_timeout",
        "cache_size",
        "foreign_key_check",
        "foreign_keys",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "journal_mode",
        "page_count",
        "page_size",
        "query_only",
        "read_uncommitted",
        "synchronous",
        "table_info",
        "table_xinfo",
    }
)


_SETTINGS: Final = (
    "journal_mode",
    "synchronous",
    "foreign_keys",
    "busy_timeout",
    "cache_size",
    "page_size",
    "page_count",
)


def pragma(connection: Connection, name: str) -> str:
    """The effective value of a setting, as text."""
    if name not in READABLE_PRAGMAS:
        raise KeyError(name)
    return str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def settings(connection: Connection) -> dict[str, str]:
    """The settings that people ask about, as they are in effect on this connection."""
    return {name: pragma(connection, name) for name in _SETTINGS}


def driver_connection(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, for bulk statements that need no SQLAlchemy."""
    found = connection.connection.driver_connection
    if not isinstance(found, sqlite3.Connection):
        raise TypeError(f"not an SQLite connection: {found!r}")
    return found


@contextmanager
def stopped_when(connection: Connection, is_over: Callable[[], bool] | None) -> Iterator[None]:
    """Interrupt any statement on this connection once ``is_over()`` says so, until left."""
    driver = driver_connection(connection)
    if is_over is not None:
        driver.set_progress_handler(lambda: int(is_over()), _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def references_checked_at_end(connection: Connection) -> Iterator[None]:
    """No foreign key is enforced until left, so that a migration may make a table anew.

    SQLite ignores this inside a transaction, so it goes around it; ``check_references`` stands at
    the transaction's end.
    """
    driver = driver_connection(connection)
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def check_references(connection: Connection) -> None:
    """Return when every foreign key points to a row.

    Raises:
        StoreDamagedError: One does not; the caller's transaction must not be committed.
    """
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if dangling is not None:
        raise StoreDamagedError(
            f"rows of table {dangling[0]} point to nothing in table {dangling[2]}",
            fix="the log is the evidence: move the file away and ingest again",
        )


@contextmanager
def pages_written_once(connection: Connection) -> Iterator[None]:
    """A rollback journal instead of the WAL: appended pages go to the file and nowhere else first.

    The journal can only change while nobody else has the database open; where somebody does, the
    WAL stays, and the load merely takes longer. FULL, because a rollback journal in NORMAL may be
    damaged by a power cut.
    """
    driver = driver_connection(connection)
    if _journal(driver, "DELETE") != "delete":
        yield
        return
    driver.execute("PRAGMA synchronous = FULL")
    driver.execute(f"PRAGMA busy_timeout = {BULK_TIMEOUT_MS}")
    try:
        yield
    finally:
        if not driver.in_transaction:
            driver.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            if _journal(driver, "WAL") == "wal":
                driver.execute("PRAGMA synchronous = NORMAL")


def _journal(driver: sqlite3.Connection, mode: str) -> str:
    try:
        return str(driver.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0])
    except sqlite3.OperationalError:
        return str(driver.execute("PRAGMA journal_mode").fetchone()[0])
