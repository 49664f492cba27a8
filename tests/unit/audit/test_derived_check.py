"""A pack's database is compared with a replay, and what drifted is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.store.derived_kit import maker, product, state

from evidentia.audit.derived_check import DRIFTS_KEPT, check
from evidentia.audit.derived_replay import catch_up
from evidentia.store.derived_archive import archive

from .derived_scene import Scene, scene_in


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A database that is at the end of its ledger, with a refused event."""
    found = scene_in(tmp_path)
    found.append([maker("ada"), product("ada", grams=7)], [maker("bob")], [product("nobody")])
    found.append([state("ada", word="a")], [state("ada", word="b")])
    catch_up(found.store, found.folder)
    return found


def _change(scene: Scene, *statements: str) -> None:
    with scene.store.changing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_what_the_ledger_gives_is_well(scene: Scene) -> None:
    """Every table is compared, the refused events as well."""
    found = check(scene.store, scene.folder)

    assert found.is_well
    assert found.digest == found.fresh_digest
    assert {each.name: each.rows for each in found.tables} == {
        "makers": 2,
        "products": 1,
        "states": 1,
        "refused_records": 1,
        "row_counters": 3,
    }


@pytest.mark.parametrize(
    ("statement", "table", "key", "columns"),
    [
        ("UPDATE products SET grams = 8", "products", 1, ("grams",)),
        ("UPDATE states SET word = 'a', count = 9", "states", 1, ("word", "count")),
        ("DELETE FROM makers WHERE maker = 'bob'", "makers", 2, ()),
        ("INSERT INTO makers (maker, mood) VALUES ('eve', 'good')", "makers", 3, ()),
        ("UPDATE refused_records SET reason = 'other'", "refused_records", 3, ("reason",)),
        (
            "UPDATE row_counters SET last_id = 9 WHERE table_name = 'makers'",
            "row_counters",
            "makers",
            ("last_id",),
        ),
        ("UPDATE makers SET id = 9 WHERE maker = 'bob'", "makers", 2, ()),
    ],
)
def test_each_drifted_row_is_named(
    scene: Scene, statement: str, table: str, key: object, columns: tuple[str, ...]
) -> None:
    """By table, key and the columns that differ."""
    _change(scene, statement)

    found = check(scene.store, scene.folder)

    assert not found.is_well
    assert (found.drifts[0].table, found.drifts[0].key) == (table, key)
    assert found.drifts[0].columns == columns
    changed = {each.name for each in found.tables if each.digest != each.fresh_digest}
    assert changed == {table}


def test_a_checkpoint_that_was_changed_is_found(scene: Scene) -> None:
    """The digest of what was written is compared as well."""
    _change(scene, "UPDATE ledger_checkpoint SET digest = zeroblob(32)")

    assert not check(scene.store, scene.folder).is_well


def test_many_drifts_are_counted_and_few_are_named(tmp_path: Path) -> None:
    """The first of them, in the order of their ids."""
    scene = scene_in(tmp_path)
    scene.append(*([maker(f"m{number}")] for number in range(DRIFTS_KEPT + 5)))
    catch_up(scene.store, scene.folder)
    _change(scene, "UPDATE makers SET mood = 'bad'")

    found = check(scene.store, scene.folder)

    assert found.drift_count == DRIFTS_KEPT + 5
    assert [each.key for each in found.drifts] == list(range(1, DRIFTS_KEPT + 1))


def test_what_was_appended_since_is_no_drift(scene: Scene) -> None:
    """The replay goes as far as the database has come."""
    scene.append([maker("late")])

    assert check(scene.store, scene.folder).is_well


def test_what_is_archived_is_no_drift(scene: Scene) -> None:
    """The replay takes the same rows out, and refuses the same events."""
    assert archive(scene.store, "2100-01-01") is not None
    scene.append([product("ada")], [maker("new")])
    catch_up(scene.store, scene.folder)

    found = check(scene.store, scene.folder)

    assert found.is_well
    assert {each.name: each.rows for each in found.tables}["makers"] == 1


def test_checking_changes_nothing(scene: Scene) -> None:
    """The database is read, the replay happens elsewhere."""
    before = scene.store.path.read_bytes()

    check(scene.store, scene.folder)

    assert scene.store.path.read_bytes() == before
