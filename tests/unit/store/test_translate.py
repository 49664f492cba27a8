"""Driver errors never leak."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import ResourceClosedError, StatementError

from evidentia.errors import (
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreFullError,
    StoreHeldError,
    UsageError,
)
from evidentia.store.translate import translated, translator

CODES = {
    "SQLITE_FULL": (StoreFullError, "no space left"),
    "SQLITE_IOERR_SHMSIZE": (StoreFullError, "no space left"),
    "SQLITE_BUSY": (StoreHeldError, "another program is writing"),
    "SQLITE_BUSY_SNAPSHOT": (StoreHeldError, "another program is writing"),
    "SQLITE_BUSY_RECOVERY": (StoreHeldError, "another program is writing"),
    "SQLITE_LOCKED": (StoreHeldError, "another connection of this process"),
    "SQLITE_CORRUPT": (StoreDamagedError, "the database file is damaged"),
    "SQLITE_CORRUPT_INDEX": (StoreDamagedError, "the database file is damaged"),
    "SQLITE_NOTADB": (StoreForeignError, "not an SQLite database"),
    "SQLITE_CANTOPEN": (StoreError, "cannot be opened"),
    "SQLITE_READONLY": (StoreError, "read-only"),
    "SQLITE_READONLY_DIRECTORY": (StoreError, "read-only"),
    "SQLITE_IOERR": (StoreError, "the disk under the database fails"),
    "SQLITE_IOERR_WRITE": (StoreError, "the disk under the database fails"),
    "SQLITE_INTERRUPT": (StoreError, "took longer than its time limit"),
    "SQLITE_AUTH": (StoreError, "other than read"),
}


def _failure(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("the driver's words")
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize("name", sorted(CODES))
def test_each_code_becomes_its_error(name: str) -> None:
    """Primary and extended codes give the error whose name says what to do, at both doors."""
    kind, words = CODES[name]
    failure = _failure(name)

    with pytest.raises(kind, match=words) as caught, translated("here"):
        raise failure
    made = translator("here")(SimpleNamespace(original_exception=failure))

    assert type(caught.value) is type(made) is kind
    assert caught.value.where == made.where == "here"
    assert caught.value.fix is not None
    assert caught.value.__cause__ is failure


@pytest.mark.parametrize(
    "error",
    [
        _failure("SQLITE_CONSTRAINT_UNIQUE"),
        sqlite3.ProgrammingError("without a code"),
        sqlite3.InterfaceError("x"),
    ],
)
def test_any_other_driver_error_keeps_its_words(error: sqlite3.Error) -> None:
    """What has no translation of its own is still ours."""
    with pytest.raises(StoreError, match=f"the database refuses: {error}"), translated("here"):
        raise error


@pytest.mark.parametrize("error", [OverflowError("too big"), "\udcff".encode])
def test_a_value_that_the_driver_cannot_bind_is_named(error: object) -> None:
    """The driver raises Python's own errors for those; they are translated as well."""

    def fail() -> None:
        if isinstance(error, Exception):
            raise error
        error()

    with pytest.raises(StoreError, match="a value does not fit the database"), translated("here"):
        fail()


def test_a_closed_store_is_named() -> None:
    """Using a store after its block is a defect of the caller, and says so."""
    with pytest.raises(StoreError, match="the store was closed"), translated("here"):
        raise ResourceClosedError


@pytest.mark.parametrize("error", [UsageError("ours"), StoreHeldError("ours"), ZeroDivisionError()])
def test_everything_else_passes(error: Exception) -> None:
    """Our own errors and defects of the program stay what they are."""
    with pytest.raises(type(error)) as caught, translated("here"):
        raise error

    assert caught.value is error
    assert translator("here")(SimpleNamespace(original_exception=error)) is None


def test_what_sqlalchemy_refuses_itself_is_translated() -> None:
    """A statement that never reaches the driver fails as ours too."""
    error = StatementError("a value is missing", "SELECT :x", {}, ValueError("x"))

    made = translator("here")(SimpleNamespace(original_exception=error))

    assert isinstance(made, StoreError)
    assert "a value is missing" in made.what
