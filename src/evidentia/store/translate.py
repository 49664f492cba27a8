"""Driver errors become our errors at the store's door."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError

from evidentia.errors import (
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreFullError,
    StoreHeldError,
)

_TRANSLATIONS: Final[dict[int, tuple[type[StoreError], str, str]]] = {
    sqlite3.SQLITE_FULL: (
        StoreFullError,
        "there is no space left for the store; the last batch was rolled back, nothing is lost",
        "free some space and run the same command again",
    ),
    sqlite3.SQLITE_BUSY: (
        StoreHeldError,
        "another program is writing to this database",
        "wait until it has finished, or stop it",
    ),
    sqlite3.SQLITE_LOCKED: (
        StoreHeldError,
        "another connection of this process is writing to this database",
        "use one writer per store",
    ),
    sqlite3.SQLITE_CORRUPT: (
        StoreDamagedError,
        "the database file is damaged",
        "the log is the evidence: move the file away and ingest again",
    ),
    sqlite3.SQLITE_NOTADB: (
        StoreForeignError,
        "this file is not an SQLite database",
        "name another file with --db",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreError,
        "the database file cannot be opened",
        "check that the folder exists and that you may write to it",
    ),
    sqlite3.SQLITE_READONLY: (
        StoreError,
        "the database file is read-only",
        "check the file's owner and permissions",
    ),
    sqlite3.SQLITE_IOERR: (
        StoreError,
        "the disk under the database fails",
        "check the disk and the system's log",
    ),
    sqlite3.SQLITE_INTERRUPT: (
        StoreError,
        "the query took longer than its time limit",
        "narrow it, or raise the limit with --timeout",
    ),
    sqlite3.SQLITE_AUTH: (
        StoreError,
        "the query tried to do something other than read",
        "a named query is one SELECT over the public relations",
    ),
}
_PRIMARY_CODE: Final = 0xFF


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever the driver raises inside into a ``StoreError`` at ``where``."""
    try:
        yield
    except DBAPIError as error:
        raise _translation(error.orig or error, where) from error
    except sqlite3.Error as error:
        raise _translation(error, where) from error


def _translation(error: BaseException, where: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code & _PRIMARY_CODE in _TRANSLATIONS:
        kind, what, fix = _TRANSLATIONS[code & _PRIMARY_CODE]
        return kind(what, where=where, fix=fix)
    return StoreError(f"the database refuses: {error}", where=where)
