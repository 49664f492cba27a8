"""Looking after a pack's database: what is amiss is named, copies are compared."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.errors import StoreDamagedError, StoreError
from evidentia.store import derived_upkeep
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_upkeep import backup, maintain, validate

from .derived_kit import apply, event, maker, product, rows, store_in


@pytest.fixture
def store(tmp_path: Path) -> DerivedStore:
    """A database with some rows."""
    found = store_in(tmp_path)
    apply(found, [event(n, maker(f"m{n}"), product(f"m{n}")) for n in range(50)])
    return found


def test_a_new_database_is_found_well(tmp_path: Path) -> None:
    """Everything that was looked at is as it should be."""
    findings = validate(store_in(tmp_path))

    assert all(each.is_well for each in findings), findings
    assert [each.name for each in findings] == [
        *("tables", "indexes", "views", "views answer", "JSON", "foreign keys", "journal"),
        "integrity",
    ]


@pytest.mark.parametrize(
    ("statement", "name", "detail"),
    [
        ("DROP INDEX idx_makers_created_at", "indexes", "missing: idx_makers_created_at"),
        ("DROP TABLE products", "tables", "missing: products"),
        ("DELETE FROM makers WHERE maker = 'm1'", "integrity", "products refers to nothing"),
    ],
)
def test_what_is_amiss_is_named(
    store: DerivedStore, statement: str, name: str, detail: str
) -> None:
    """A change by hand is found, each by its own look."""
    with closing(sqlite3.connect(store.path)) as plain:
        plain.execute("DROP VIEW weights")
        plain.execute(statement)
        plain.commit()
    without_views = replace(store, database=replace(store.database, views=()))

    found = {each.name: each for each in validate(without_views)}

    assert not found[name].is_well
    assert detail in found[name].detail


def test_a_backup_has_the_same_rows(store: DerivedStore, tmp_path: Path) -> None:
    """It opens as the database does, and what is written later is not in it."""
    found = backup(store, tmp_path / "copy.db")
    apply(store, [event(50, maker("late"))])

    copy = replace(store, path=tmp_path / "copy.db")
    assert found.rows == 100
    assert found.size == 50
    assert [row["maker"] for row in rows(copy, "makers")] == [f"m{n}" for n in range(50)]
    apply(copy, [event(50, maker("other"))])


def test_a_backup_is_taken_while_others_write(store: DerivedStore, tmp_path: Path) -> None:
    """A writer in the middle of its transaction neither stops it nor gets into it."""
    with store.writing() as writer:
        writer.apply([event(50, maker("open"))], "demo.ledger")
        found = backup(store, tmp_path / "copy.db")

    assert found.size == 50


def test_a_backup_takes_no_others_place(store: DerivedStore, tmp_path: Path) -> None:
    """What is there stays as it is."""
    (tmp_path / "copy.db").write_text("mine")

    with pytest.raises(StoreError, match="stays as it is"):
        backup(store, tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_copy_that_is_not_equal_gets_no_name(
    store: DerivedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restore check compares every row."""
    digests = iter(["one", "other"])
    monkeypatch.setattr(derived_upkeep, "content_digest", lambda *_: next(digests))

    with pytest.raises(StoreDamagedError, match="not the database"):
        backup(store, tmp_path / "copy.db")

    assert sorted(each.name for each in tmp_path.iterdir() if "copy" in each.name) == []


@pytest.mark.parametrize("is_vacuuming", [False, True])
def test_maintenance_keeps_the_rows(store: DerivedStore, *, is_vacuuming: bool) -> None:
    """The query planner knows more, the WAL is empty, the rows are the same."""
    before = rows(store, "makers")

    found = maintain(store, is_vacuuming=is_vacuuming)

    assert found.problems == ()
    assert found.is_vacuumed is is_vacuuming
    assert rows(store, "makers") == before
    with closing(sqlite3.connect(store.path)) as plain:
        assert plain.execute("SELECT count(*) FROM sqlite_stat1").fetchone() > (0,)


def test_a_damaged_file_is_left_alone(store: DerivedStore) -> None:
    """What is found wrong is told, and nothing is vacuumed."""
    with closing(sqlite3.connect(store.path)) as plain:
        plain.execute("DELETE FROM makers WHERE maker = 'm1'")
        plain.commit()

    found = maintain(store, is_vacuuming=True)

    assert found.problems == ("a row of products refers to nothing in makers",)
    assert not found.is_vacuumed
