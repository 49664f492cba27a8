"""Driver errors become our errors at the store's door.

There are two doors. What SQLAlchemy runs is translated by ``translator``, which the engine calls
for every error, wherever the caller catches it: a ``with translated(..)`` around a caller's block
would translate too late for someone who catches inside it, and would take the caller's own errors
for the driver's. What goes to the driver directly stands in ``translated``.

What surprised: a driver does not only raise its own errors. An integer beyond 64 bits raises
``OverflowError``, a text with a lone surrogate ``UnicodeEncodeError``. And SQLite reports a disk
quota or a file size limit that is used up as an input/output error; only ``ENOSPC`` counts as full,
and not even that where the WAL's shared memory does not fit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ResourceClosedError, StatementError

from evidentia.errors import (
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreFullError,
    StoreHeldError,
)

_FULL: Final = (
    StoreFullError,
    "there is no space left for the store; the last batch was rolled back, nothing is lost",
    "free some space and run the same command again",
)
_TRANSLATIONS: Final[dict[int, tuple[type[StoreError], str, str]]] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE: _FULL,
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
        "check that the folder exists and that you may write to it; reading makes files there too",
    ),
    sqlite3.SQLITE_READONLY: (
        StoreError,
        "the database file is read-only",
        "check the file's owner and permissions",
    ),
    sqlite3.SQLITE_IOERR: (
        StoreError,
        "the disk under the database fails, or a quota is used up; the last batch was rolled back",
        "check quotas, file size limits and the disk, then run the same command again",
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
_REFUSALS: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
    }
)
_PRIMARY_CODE: Final = 0xFF
_NOT_TEXT: Final = "Could not decode to UTF-8"
"""The beginning of the driver's own message, which comes without a code."""
_UNFIT_VALUES: Final = (OverflowError, UnicodeEncodeError)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever the driver raises inside into a ``StoreError`` at ``where``."""
    try:
        yield
    except (sqlite3.Error, *_UNFIT_VALUES) as error:
        raise _translation(error, where) from error
    except ResourceClosedError as error:
        raise StoreError(
            "the store was closed before all was written",
            where=where,
            fix="this is a defect of the program: please report it",
        ) from error


def translator(where: str) -> Callable[[ExceptionContext], BaseException | None]:
    """What an engine's ``handle_error`` event calls: the error to raise instead, if any."""

    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if isinstance(error, (sqlite3.Error, StatementError, *_UNFIT_VALUES)):
            return _translation(error, where)
        return None

    return translate


def is_refusal(error: StoreError) -> bool:
    """Whether the engine refused a statement or its values, and nothing else is wrong.

    So another statement may go on; after a full disk or a damaged file none may.
    """
    if isinstance(error.__cause__, OverflowError):
        return True
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY_CODE in _REFUSALS


def _translation(error: BaseException, where: str) -> StoreError:
    if "no such column" in str(error):
        return StoreError(
            f"the store lacks a column that is asked for: {error}",
            where=where,
            fix="a pack was installed after the store was filled; any ingest makes room for it",
        )
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        known = _TRANSLATIONS.get(code) or _TRANSLATIONS.get(code & _PRIMARY_CODE)
        if known:
            kind, what, fix = known
            return kind(what, where=where, fix=fix)
    if str(error).startswith(_NOT_TEXT):
        return StoreDamagedError(
            "the database holds text that is not valid UTF-8, which no part of evidentia writes",
            where=where,
            fix=_TRANSLATIONS[sqlite3.SQLITE_CORRUPT][2],
        )
    if isinstance(error, _UNFIT_VALUES):
        return StoreError(f"a value does not fit the database: {error}", where=where)
    return StoreError(f"the database refuses: {error}", where=where)
