"""Old rows go into a file with all that refers to them, and come back as they were."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evidentia.errors import StoreDamagedError, StoreError, StoreMissingError
from evidentia.store import derived_archive
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_archive import archive, archive_at, restore
from evidentia.store.derived_reading import ArchiveRecord

from .derived_kit import (
    ORIGIN,
    apply,
    event,
    maker,
    product,
    refusals,
    rows,
    state,
    store_in,
)

TABLES = ("makers", "products", "states")
CUT = "2026-01-05 00:00:00"
EVENTS = [
    event(0, maker("ada", about="[1]"), product("ada", price=0.5), day=1),
    event(1, maker("bob", mood="bad"), product("bob"), day=1),
    event(2, state("ada", word="old"), day=1),
    event(3, product("ada", grams=9), day=9),
    event(4, maker("cy"), product("cy"), day=9),
]


@pytest.fixture
def store(tmp_path: Path) -> DerivedStore:
    """A database with an old maker, an old one in a bad mood that has to stay, and a new one."""
    found = store_in(tmp_path)
    apply(found, EVENTS)
    return found


def _archived(store: DerivedStore) -> ArchiveRecord:
    record = archive(store, CUT)
    assert record is not None
    return record


def _all(store: DerivedStore) -> dict[str, list[dict[str, object]]]:
    return {name: rows(store, name) for name in TABLES}


def test_children_go_with_their_parent(store: DerivedStore) -> None:
    """Also a child newer than the cut; what is new, has to stay or is a state stays (SC-06)."""
    record = _archived(store)

    assert record.row_count == 3
    assert [each.name for each in store.path.parent.glob("*archive*")] == ["demo-archive-0001.db"]
    assert [row["maker"] for row in rows(store, "makers")] == ["bob", "cy"]
    assert [row["maker"] for row in rows(store, "products")] == ["bob", "cy"]
    assert len(rows(store, "states")) == 1
    with closing(sqlite3.connect(record.path)) as plain:
        assert plain.execute("SELECT maker FROM makers").fetchall() == [("ada",)]
        assert plain.execute("SELECT grams FROM products").fetchall() == [(1,), (9,)]


def test_what_comes_back_is_what_went(store: DerivedStore) -> None:
    """Every value and id, and the archive is off the record."""
    before = _all(store)
    record = _archived(store)

    found = restore(store, Path(record.path))

    assert not found.must_rebuild
    assert _all(store) == before
    with store.reading() as reader:
        assert reader.archives() == ()
    assert Path(record.path).exists()


def test_nothing_old_makes_no_file(store: DerivedStore, tmp_path: Path) -> None:
    """An archive of no rows is none."""
    assert archive(store, "2020-01-01") is None
    assert sorted(each.name for each in tmp_path.glob("*archive*")) == []


def test_a_late_event_of_what_is_archived_is_refused_by_name(store: DerivedStore) -> None:
    """Neither a second row of that key, nor a row that refers to it, lands."""
    record = _archived(store)

    apply(store, [event(5, maker("ada")), event(6, product("ada")), event(7, product("cy"))])

    assert refusals(store) == {5: "archived", 6: "archived"}
    assert record.path in str(rows(store, "refused_records")[0]["detail"])


def test_restoring_after_a_late_event_asks_for_a_rebuild(store: DerivedStore) -> None:
    """Only the ledger gives the rows that there would be without the archive."""
    record = _archived(store)
    apply(store, [event(5, product("ada"))])
    before = _all(store)

    assert restore(store, Path(record.path)).must_rebuild

    assert _all(store) == before


def test_a_replay_takes_out_what_the_archives_took_out(store: DerivedStore) -> None:
    """At the same place in the ledger, so it refuses the same events and gives the same digest."""
    _archived(store)
    late = [event(5, product("ada")), event(6, product("cy"))]
    apply(store, late)
    before, refused = _all(store), refusals(store)
    with store.reading() as reader:
        digest = reader.checkpoint().digest

    with store.remaking() as writer:
        for each in (*EVENTS, *late):
            writer.apply([each], ORIGIN)

    assert _all(store) == before
    assert refusals(store) == refused
    with store.reading() as reader:
        assert reader.checkpoint().digest == digest


def test_forgotten_archives_give_their_rows_back(store: DerivedStore) -> None:
    """A rebuild that forgets them has every row again."""
    before = _all(store)
    _archived(store)

    with store.remaking(forgotten=None) as writer:
        writer.apply(EVENTS, ORIGIN)

    assert _all(store) == before


def test_a_file_that_is_there_is_not_overwritten(store: DerivedStore, tmp_path: Path) -> None:
    """And nothing was deleted."""
    before = _all(store)
    place = tmp_path / "taken.db"
    place.write_text("mine")

    with pytest.raises(StoreError, match="stays as it is"):
        archive(store, CUT, place)

    assert place.read_text() == "mine"
    assert _all(store) == before


def test_an_archive_that_is_not_what_was_written_deletes_nothing(
    store: DerivedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read again before any row goes."""
    before = _all(store)

    def damaged(_: DerivedStore, record: ArchiveRecord) -> None:
        raise StoreDamagedError("not what was written", where=record.path)

    monkeypatch.setattr(derived_archive, "_require_whole", damaged)

    with pytest.raises(StoreDamagedError):
        archive(store, CUT)

    assert _all(store) == before
    assert list(store.path.parent.glob("*archive*")) == []


def test_a_changed_archive_is_not_restored(store: DerivedStore) -> None:
    """Its rows are compared with what it says of itself, and that with the database's record."""
    record = _archived(store)
    before = _all(store)
    with closing(sqlite3.connect(record.path)) as plain:
        plain.execute("UPDATE makers SET about = '[2]'")
        plain.commit()

    with pytest.raises(StoreDamagedError, match="does not hold the rows"):
        restore(store, Path(record.path))

    assert _all(store) == before


def test_an_archive_is_restored_once(store: DerivedStore) -> None:
    """The second time there is no such record."""
    record = _archived(store)
    restore(store, Path(record.path))

    with pytest.raises(StoreError, match="restored before"):
        restore(store, Path(record.path))


def test_the_next_archive_has_another_name(store: DerivedStore) -> None:
    """A restored archive's file stays where it is."""
    first = _archived(store)
    restore(store, Path(first.path))

    second = _archived(store)

    assert second.path != first.path
    assert archive_at(store, Path(second.path)) == second


def test_a_missing_archive_is_named(store: DerivedStore, tmp_path: Path) -> None:
    """As is a file of another sort."""
    with pytest.raises(StoreMissingError):
        restore(store, tmp_path / "none.db")
    with pytest.raises(StoreError, match="a pack's own"):
        restore(store, store.path)
