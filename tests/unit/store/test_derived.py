"""A pack's own database as a file: made once, known by its mark, never taken for another."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.errors import (
    StoreError,
    StoreForeignError,
    StoreMissingError,
    StoreVersionError,
)
from evidentia.store import sqlite
from evidentia.store.derived import DerivedStore
from evidentia.store.opening import Store

from .derived_kit import DATABASE, NOW_US, ORIGIN, apply, event, maker, rows, store_in


def _new(folder: Path) -> DerivedStore:
    return DerivedStore(path=folder / "demo.db", database=DATABASE, clock=lambda: NOW_US)


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_making_it_leaves_one_file_with_mark_and_version(tmp_path: Path) -> None:
    """Nothing lies beside it, and its header says what it is."""
    store = _new(tmp_path / "a" / "b")

    store.create()

    assert _names(store.path.parent) == ["demo.db"]
    with closing(sqlite3.connect(store.path)) as plain:
        assert plain.execute("PRAGMA application_id").fetchone() == (sqlite.PACK_APPLICATION_ID,)
        assert plain.execute("PRAGMA user_version").fetchone() == (DATABASE.version,)
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("content", [b"", b"not a database", None])
def test_making_it_leaves_what_is_there_as_it_is(tmp_path: Path, content: bytes | None) -> None:
    """A file, an empty one and a link that leads nowhere are each refused (CL-02)."""
    store = _new(tmp_path)
    if content is None:
        store.path.symlink_to("nowhere")
    else:
        store.path.write_bytes(content)

    with pytest.raises(StoreError, match="stays as it is"):
        store.create()

    assert _names(tmp_path) == ["demo.db"]
    assert content is None or store.path.read_bytes() == content


def test_a_database_with_rows_is_not_made_again(tmp_path: Path) -> None:
    """Not a byte of it changes."""
    store = store_in(tmp_path)
    apply(store, [event(0, maker("ada"))])
    before = store.path.read_bytes()

    with pytest.raises(StoreError, match="stays as it is"):
        store.create()

    assert store.path.read_bytes() == before


def test_making_it_in_a_folder_that_refuses_is_one_of_our_errors(tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match="cannot be reached"):
        _new(tmp_path / "file").create()


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_file_system_without_links_does_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    """The file still gets its name whole, and what came there meanwhile stays as it is."""
    store = _new(tmp_path)

    def refused(*_: object) -> None:
        if is_taken:
            store.path.write_text("mine")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)

    if is_taken:
        with pytest.raises(StoreError, match="stays as it is"):
            store.create()
        assert store.path.read_text() == "mine"
    else:
        store.create()
        assert rows(store, "makers") == []
    assert {each.split("-")[0] for each in _names(tmp_path)} == {"demo.db"}


def test_a_store_and_a_packs_database_refuse_each_other(tmp_path: Path) -> None:
    """Each says what the other is, and neither writes into it."""
    own = store_in(tmp_path)
    store = Store(path=tmp_path / "evidentia.db")
    store.create()
    before = own.path.read_bytes(), store.path.read_bytes()

    with pytest.raises(StoreForeignError, match="a pack's own"):
        Store(path=own.path).create()
    with (
        pytest.raises(StoreForeignError, match="this database is a store"),
        replace(own, path=store.path).writing(),
    ):
        pass

    assert (own.path.read_bytes(), store.path.read_bytes()) == before


@pytest.mark.parametrize("side", ["reading", "writing", "remaking", "upkeep"])
def test_a_missing_database_is_not_made_by_using_it(tmp_path: Path, side: str) -> None:
    """Whoever wants one makes it."""
    store = _new(tmp_path)

    with pytest.raises(StoreMissingError), getattr(store, side)():
        pass

    assert _names(tmp_path) == []


def test_another_packs_database_is_refused(tmp_path: Path) -> None:
    """The mark is the same, the name is not."""
    store = store_in(tmp_path)
    other = replace(store, database=replace(DATABASE, name="other"))

    with pytest.raises(StoreForeignError, match="that of pack demo, not of other"), other.reading():
        pass
    with pytest.raises(StoreForeignError, match="that of pack demo"), other.remaking():
        pass


def test_a_database_without_its_checkpoint_is_refused(tmp_path: Path) -> None:
    """It says so, instead of a missing table's name."""
    store = store_in(tmp_path)
    with closing(sqlite3.connect(store.path)) as plain:
        plain.execute("DROP TABLE ledger_checkpoint")

    with pytest.raises(StoreForeignError, match="lacks its checkpoint"), store.reading():
        pass


def test_another_version_is_refused_until_it_is_made_anew(tmp_path: Path) -> None:
    """Tables of another version are never written to; remaking gives those of now."""
    store = store_in(tmp_path)
    apply(store, [event(0, maker("ada"))])
    newer = replace(store, database=replace(DATABASE, version=4, tables=DATABASE.tables[:2]))

    with pytest.raises(StoreVersionError, match="form 3 of pack demo"), newer.reading():
        pass
    with newer.remaking() as writer:
        writer.apply([event(0, maker("bob"))], ORIGIN)

    assert [row["maker"] for row in rows(newer, "makers")] == ["bob"]
    with closing(sqlite3.connect(store.path)) as plain:
        names = {row[0] for row in plain.execute("SELECT name FROM sqlite_master")}
        assert "states" not in names
        assert plain.execute("PRAGMA user_version").fetchone() == (4,)


def test_remaking_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """Tables and rows are dropped and made in one transaction."""
    store = store_in(tmp_path)
    apply(store, [event(0, maker("ada"))])

    def fail() -> None:
        with store.remaking():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert [row["maker"] for row in rows(store, "makers")] == ["ada"]


def test_foreign_keys_are_on_for_whoever_writes_here(tmp_path: Path) -> None:
    """Each connection that we open enforces them."""
    store = store_in(tmp_path)

    with store.reading() as reader:
        settings = reader.settings()
    with store.changing() as connection:
        written = sqlite.settings(connection)

    assert settings["foreign_keys"] == written["foreign_keys"] == "1"
    assert settings["journal_mode"] == "wal"


def test_reading_cannot_write(tmp_path: Path) -> None:
    """The reading side's connection refuses, whatever the statement."""
    store = store_in(tmp_path)

    with store.reading() as reader, pytest.raises(StoreError):
        reader.connection.exec_driver_sql("DELETE FROM makers")
