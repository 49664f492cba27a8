"""A store of the first form is brought to the second by whoever opens it for writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from evidentia.errors import StoreDamagedError, StoreError, StoreHeldError
from evidentia.event.values import position_of
from evidentia.store import migrate, relations, sqlite
from evidentia.store.opening import Store
from evidentia.store.values import SegmentChange, SegmentState

from .first_form import make_first_form
from .kit import NOW_US, SPAN, new_segment, writing

KEPT = (
    "runs",
    "logs",
    "packs",
    "kinds",
    "batches",
    "event_rows",
    "schema_findings",
    "dead_letter_rows",
    "fillers",
    "gap_rows",
    "audit_log",
)
"""Tables that the second form leaves as they are."""


def rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    """What the database itself answers."""
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(sql).fetchall()


def dump(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, and how they and the views are made."""
    names = rows(store, "SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {str(name): rows(store, f"SELECT * FROM {name} ORDER BY 1") for (name,) in names}  # noqa: S608 - names come from the catalog
    return tables | {
        "schema": rows(store, "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
    }


@pytest.fixture
def old(store: Store) -> Store:
    """A store of the first form."""
    make_first_form(store)
    return store


def test_the_first_form_is_the_first_form(old: Store) -> None:
    """What these tests begin with lacks all that the second form adds."""
    columns = {name for _no, name, *_rest in rows(old, "PRAGMA table_info(segments)")}
    tables = {name for (name,) in rows(old, "SELECT name FROM sqlite_master")}

    assert rows(old, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert not {"generation", "first_path"} & columns
    assert not {"decisions", "segment_names", "stale_copies"} & tables


def test_every_row_is_kept(old: Store) -> None:
    """Opening it for writing changes no row of the tables that stay; no head is known yet."""
    before = dump(old)

    old.create()

    after = dump(old)
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}
    assert after["alembic_version"] == [(migrate.HEAD_REVISION,)]
    assert after["tree_heads"] == []


def test_segments_get_a_past(old: Store) -> None:
    """Where they began is where they are; that is their one name, since they were stored."""
    wanted = "SELECT id, path, inode, checkpoint, state, tail_bytes, head_hash, created_us FROM "
    before = rows(old, wanted + "segments ORDER BY id")

    old.create()

    assert rows(old, wanted + "segments ORDER BY id") == before
    assert rows(old, "SELECT first_path, generation FROM segments ORDER BY id") == [
        ("/logs/a", None),
        ("/logs/b.gz", None),
    ]
    assert rows(old, "SELECT segment_id, path, first_seen_us FROM segment_names ORDER BY 1") == [
        (1, "/logs/a", 11),
        (2, "/logs/b.gz", 12),
    ]
    assert rows(old, "SELECT count(*) FROM decisions UNION ALL SELECT 0 FROM stale_copies") == [
        (0,)
    ]


def test_views_and_triggers_are_those_of_a_new_store(old: Store) -> None:
    """Everything but the packs' columns is made as for a store that was never older."""
    new = Store(path=old.path.with_name("new.db"))
    with writing(new):
        pass
    with writing(old):
        pass
    wanted = (
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY 2"
    )

    found = rows(old, wanted)

    assert found == rows(new, wanted)
    assert {name for kind, name, _sql in found if kind == "view"} == set(relations.VIEWS)


def test_it_can_be_read_and_written_afterwards(old: Store) -> None:
    """Views answer with the old rows, a segment of old goes on, and a new one gets the next id."""
    with writing(old) as writer:
        segment, broken = writer.segments()
        writer.change_segment(
            segment.id,
            SegmentChange(
                state=SegmentState.GONE,
                tail_bytes=0,
                last_size=1,
                last_mtime_us=1,
                path="/logs/a.1",
                device=1,
                inode=2,
                generation=3,
            ),
        )
        added = new_segment(writer)

    with old.reader() as reader:
        (event,) = reader.events(1, SPAN, ("role",))
        gone = reader.segments()[0]
        notices = reader.notices()
    assert (event.position, event.columns[-1]) == (position_of(1, 0), "admin")
    assert (gone.state, gone.generation, gone.source) == (SegmentState.GONE, 3, "/logs/*")
    assert (broken.state, added.id, notices) == (SegmentState.BROKEN, 3, ())
    assert rows(old, "SELECT log_path, kind FROM events") == [("/logs/a.1", "login")]
    assert rows(old, "SELECT count(*) FROM gaps") == [(1,)]


def test_references_hold_and_are_enforced_again(old: Store) -> None:
    """None dangles after the tables were made anew, and none may from now on."""
    with writing(old) as writer:
        driver = sqlite.driver_connection(writer._connection)
        is_enforced = driver.execute("PRAGMA foreign_keys").fetchone()
        with pytest.raises(StoreError):
            writer.add_names(99, ["/logs/x"])

    assert is_enforced == (1,)
    assert rows(old, "PRAGMA foreign_key_check") == []
    assert {
        table for _id, _seq, table, *_rest in rows(old, "PRAGMA foreign_key_list(batches)")
    } == {
        "segments",
        "runs",
    }


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE segments SET log_id = 9 WHERE id = 2", "segments"),
        ("INSERT INTO gap_rows VALUES (9, 77, 0, 'k', 'd', '{}', 1)", "gap_rows"),
    ],
)
def test_a_reference_to_nothing_makes_it_fail_and_changes_nothing(
    store: Store, statement: str, table: str
) -> None:
    """Invariant 2: the store is damaged, says so, and stays as it is."""
    make_first_form(store, statement)
    before = dump(store)

    with pytest.raises(StoreDamagedError, match=f"rows of table {table} point to nothing"):
        store.create()

    assert dump(store) == before


def test_a_migration_that_fails_half_way_changes_nothing(
    old: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2: also when the tables were made anew already; the next try succeeds."""

    def fail(*_: object) -> None:
        raise StoreError("triggers are out")

    before = dump(old)
    monkeypatch.setattr(relations, "create_triggers", fail)
    with pytest.raises(StoreError, match="triggers are out"):
        old.create()
    after = dump(old)
    monkeypatch.undo()

    old.create()

    assert after == before
    assert rows(old, "SELECT version_num FROM alembic_version") == [(migrate.HEAD_REVISION,)]


def test_a_store_that_an_older_program_holds_is_left_alone(old: Store) -> None:
    """Its tables do not change beneath a running process."""
    with closing(sqlite3.connect(old.path)) as connection, connection:
        connection.execute(
            "INSERT INTO lease VALUES ('ingest', 't', 'ingest', 'a', 'elsewhere', 1, '', ?, ?)",
            (NOW_US, NOW_US),
        )
    before = dump(old)

    with pytest.raises(StoreHeldError, match="elsewhere"), writing(old):
        pass

    assert dump(old) == before


def test_reading_does_not_migrate(old: Store) -> None:
    """Who only reads is told what to do, and changes nothing."""
    before = dump(old)

    with pytest.raises(StoreError, match="older form"), old.reader():
        pass

    assert dump(old) == before
