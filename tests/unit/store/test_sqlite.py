"""Settings, fallbacks and refusals of the SQLite engine."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine

from evidentia.errors import StoreDamagedError, StoreError, StoreHeldError
from evidentia.store import batches, sqlite
from evidentia.store import reader as store_reader
from evidentia.store.opening import Store
from evidentia.store.values import EventFilter, SqlValue
from evidentia.store.writer import StoreWriter

from .kit import SPAN, batch_of, fill, new_segment, query, rows, writing

WITHOUT_SHARED_MEMORY = "&vfs=unix-dotfile"
"""A file system layer that comes with SQLite and cannot do WAL, like some network mounts."""


@contextmanager
def _raw(store: Store) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as connection:
        yield connection


def test_a_writer_has_the_settings_that_were_promised(store: Store) -> None:
    """WAL, NORMAL, foreign keys, patience and cache are in effect, not only asked for."""
    with writing(store) as writer:
        settings = writer.settings()

    assert settings | {"page_count": "", "page_size": ""} == {
        "journal_mode": "wal",
        "synchronous": "1",
        "foreign_keys": "1",
        "busy_timeout": str(sqlite.BUSY_TIMEOUT_MS),
        "cache_size": "-64000",
        "page_count": "",
        "page_size": "",
    }


def test_a_reader_has_its_settings_too(store: Store) -> None:
    """The reading side waits as long and caches as much."""
    store.create()

    with store.reader() as reader:
        settings = reader.settings()

    assert settings["journal_mode"] == "wal"
    assert (settings["busy_timeout"], settings["cache_size"]) == ("5000", "-64000")


def test_a_file_system_without_wal_is_used_and_named(store: Store) -> None:
    """Where WAL does not work the store falls back to a rollback journal, with every sync."""
    plain = replace(store, options=WITHOUT_SHARED_MEMORY)
    with writing(plain) as writer:
        settings = writer.settings()
        fill(writer)

    with plain.reader() as reader:
        assert reader.counts().events == 3
        (notice,) = reader.notices()
    assert (settings["journal_mode"], settings["synchronous"]) == ("delete", "2")
    assert notice.startswith("the file system does not support WAL, so the journal mode is delete")


def test_a_store_may_move_between_file_systems(store: Store) -> None:
    """A rollback-journal store becomes a WAL store where WAL works."""
    with writing(replace(store, options=WITHOUT_SHARED_MEMORY)) as writer:
        fill(writer)

    with writing(store) as writer, store.reader() as reader:
        assert writer.settings()["journal_mode"] == "wal"
        assert (reader.counts().events, reader.notices()) == (3, ())


@pytest.fixture
def read_only_medium(tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A file system, and a way to make it read-only."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root; the pretended one below does not")
    place = tmp_path / "medium"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def close() -> None:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)

    yield place, close
    subprocess.run(["umount", str(place)], check=True)


def test_a_store_on_a_read_only_medium_can_be_read(
    read_only_medium: tuple[Path, Callable[[], None]],
) -> None:
    """Evidence on a write-protected disk is readable, and said to be protected."""
    folder, close = read_only_medium
    store = Store(path=folder / "evidentia.db")
    with writing(store) as writer:
        fill(writer)
    close()

    with store.reader() as reader:
        assert reader.counts().events == 3
        (notice,) = reader.notices()
    with pytest.raises(StoreError, match="cannot be opened"), writing(store):
        pytest.fail("the store was entered")

    assert notice.startswith("the store lies on a read-only medium")


def test_batches_in_a_wal_are_not_passed_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 5: a WAL that cannot be read beside a protected file is never ignored silently."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    with writing(store) as writer:
        fill(writer)
        with store.reader() as reader:
            events = reader.counts().events
            with_wal = reader.settings()["journal_mode"]
    with store.reader() as reader:
        without_wal = reader.settings()["journal_mode"]
        (notice,) = reader.notices()

    assert (events, with_wal, without_wal) == (3, "wal", "delete")
    assert notice.startswith("the store lies on a read-only medium")


REPLACEMENTS = [
    "INSERT OR REPLACE INTO event_rows SELECT * FROM event_rows",
    "INSERT OR REPLACE INTO kinds SELECT id + 100, name FROM kinds",
    "INSERT OR REPLACE INTO batches SELECT * FROM batches",
    "REPLACE INTO fillers SELECT * FROM fillers",
    "REPLACE INTO dead_letter_rows SELECT * FROM dead_letter_rows",
    "REPLACE INTO gap_rows SELECT * FROM gap_rows",
    "REPLACE INTO audit_log SELECT * FROM audit_log",
    "INSERT INTO kinds (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = 'x'",
    "UPDATE OR REPLACE event_rows SET id = id + 1",
]


@pytest.mark.parametrize("sql", REPLACEMENTS)
def test_rows_cannot_be_replaced_either(store: Store, sql: str) -> None:
    """IT-15: REPLACE deletes without firing a delete trigger, so it is refused on its own."""
    with writing(store) as writer:
        fill(writer)
        writer.resolve_dead_letter(2**40 + 300, "seen")

    with _raw(store) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(sql)


def test_a_large_batch_leaves_the_guard_in_place(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IT-15: the trigger that a large batch does without is never missing for anybody else."""
    monkeypatch.setattr(batches, "_MANY_ROWS", 3)
    seen: list[tuple[str, ...]] = []

    class Rows(list[tuple[SqlValue, ...]]):
        def __iter__(self) -> Iterator[tuple[SqlValue, ...]]:
            for row in super().__iter__():
                yield row
                with store.reader() as reader:
                    seen.append(reader.notices())

    with writing(store) as writer:
        segment = fill(writer)
        write = batch_of(segment.id, 6, 5)
        with pytest.raises(StoreError):
            writer.commit_batch(replace(write, events=[*write.events, write.events[0]]))
        with store.reader() as reader:
            after_failure = reader.notices()

        writer.commit_batch(replace(write, events=Rows(write.events)))

    with store.reader() as reader:
        after_success = reader.notices()
    assert seen == [()] * 5
    assert after_failure == after_success == ()


def test_a_large_batch_can_be_put_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recover lifts every trigger; what a large batch lifts and restores does not disturb that."""
    monkeypatch.setattr(batches, "_MANY_ROWS", 1)
    with writing(store) as writer:
        segment = fill(writer)
        with store.reader() as reader:
            (batch,) = reader.batches()
        write = batch_of(segment.id, 1, 3)

        writer.replace_rows(batch, replace(write, dead_letters=()))

    with store.reader() as reader:
        assert (reader.counts().events, reader.counts().dead_letters) == (3, 0)
        assert reader.notices() == ()


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode(DELETE)",
        "PRAGMA user_version = 7",
        "PRAGMA database_list",
        "VACUUM",
        "VACUUM INTO 'other.db'",
        "REINDEX",
        "ANALYZE",
        "SAVEPOINT x",
        "CREATE TEMP TABLE t (x)",
        "EXPLAIN DELETE FROM event_rows",
        "INSERT INTO lease DEFAULT VALUES RETURNING 1",
    ],
)
def test_a_query_cannot_reach_past_reading(store: Store, sql: str) -> None:
    """Invariant 6: the engine itself refuses what is not a read of this file."""
    store.create()
    before = store.path.read_bytes()

    words = "other than read|cannot VACUUM from within a transaction"
    with store.reader() as reader, pytest.raises(StoreError, match=words):
        reader.run_query(query(sql), {})

    assert store.path.read_bytes() == before
    assert not store.path.with_name("other.db").exists()


def test_only_settings_that_are_known_are_told(store: Store) -> None:
    """A setting's name stands in a statement, so it comes from a closed list."""
    engine = sqlite.open_engine(store.path, is_read_only=False)

    with engine.connect() as connection, pytest.raises(KeyError):
        sqlite.pragma(connection, "writable_schema")

    engine.dispose()


def test_another_driver_is_not_taken_for_sqlites() -> None:
    """The bulk path talks to one driver only, and says so to any other."""
    other = SimpleNamespace(connection=SimpleNamespace(driver_connection=object()))

    with pytest.raises(TypeError, match="not an SQLite connection"):
        sqlite.driver_connection(other)


def test_a_database_locked_by_another_program_is_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-29: a batch that cannot get its turn fails whole, is named, and goes in afterwards."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    with writing(store) as writer:
        segment = fill(writer)
        with _raw(store) as other:
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(StoreHeldError, match="another program is writing") as caught:
                writer.commit_batch(batch_of(segment.id, 6, 1))

        assert caught.value.where == str(store.path)
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        writer.commit_batch(batch_of(segment.id, 6, 1))


def test_a_writer_in_a_long_transaction_is_named_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-29: who finds the store locked and held learns by whom, without waiting for the lock."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 60_000)
    with writing(store), _raw(store) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreHeldError, match="the store is held by process"), writing(store):
            pytest.fail("the store was entered")

        other.execute("ROLLBACK")


def _interrupt_next_statement(writer: StoreWriter) -> None:
    dialect = writer._connection.dialect
    real = dialect.do_execute

    def interrupted(*_: object) -> None:
        dialect.do_execute = real
        raise KeyboardInterrupt

    dialect.do_execute = interrupted


def test_an_interrupt_in_the_middle_of_a_statement_gives_the_lease_back(store: Store) -> None:
    """SQLAlchemy throws the connection away then; the lease is given back on a new one."""
    context = writing(store)
    writer = context.__enter__()
    _interrupt_next_statement(writer)

    with pytest.raises(KeyboardInterrupt) as caught:
        writer.renew()
    context.__exit__(KeyboardInterrupt, caught.value, None)

    with store.reader() as reader:
        assert reader.lease_holder() is None
    assert not hasattr(caught.value, "__notes__")


def _damage(store: Store) -> None:
    """Overwrite every page after the first two with something else."""
    size = store.path.stat().st_size
    with store.path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xa5" * (size - 2 * 4096))


def test_a_damaged_file_is_named_as_such(store: Store) -> None:
    """Reading and writing each say that the file is damaged, and where the evidence is."""
    with writing(store) as writer:
        fill(writer)
    _damage(store)

    with pytest.raises(StoreDamagedError, match="is damaged") as caught, store.reader():
        pytest.fail("the store was entered")
    with pytest.raises(StoreDamagedError), writing(store):
        pytest.fail("the store was entered")

    assert caught.value.fix == "the log is the evidence: move the file away and ingest again"


def test_a_damaged_row_is_found_in_the_middle_of_a_listing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong while rows stream out is translated where it happens."""
    monkeypatch.setattr(store_reader, "_FETCH_ROWS", 2)
    with writing(store) as writer:
        segment = new_segment(writer)
        writer.kind_ids(["login"])
        big = rows(segment.id, 1, 400, size=4_000)
        writer.commit_batch(
            replace(
                batch_of(segment.id, 1, 400, size=4_000), events=big, dead_letters=(), fillers=()
            )
        )
    with store.path.open("r+b") as file:
        file.seek(store.path.stat().st_size - 50 * 4096)
        file.write(b"\xa5" * (50 * 4096))

    with store.reader() as reader:
        listing = reader.events(segment.id, SPAN)
        next(listing)
        with pytest.raises(StoreDamagedError):
            list(listing)
        assert reader.integrity_problems() != ()


def test_text_that_is_not_text_is_damage(store: Store) -> None:
    """Bytes that somebody stored as text cannot be read as such; that is no query's fault."""
    with writing(store):
        pass
    with _raw(store) as connection:
        connection.execute("INSERT INTO kinds (name) VALUES (CAST(x'ff' AS TEXT))")

    with store.reader() as reader, pytest.raises(StoreDamagedError, match="not valid UTF-8"):
        reader.run_query(query("SELECT name FROM kinds"), {})


def test_an_abandoned_listing_does_not_keep_the_wal(store: Store) -> None:
    """A listing that somebody forgot is ended with its reader, so the WAL can be emptied."""
    with writing(store) as writer:
        segment = new_segment(writer)
        writer.kind_ids(["login"])
        writer.commit_batch(batch_of(segment.id, 1, 2_000))
        with store.reader() as reader:
            forgotten = reader.events(segment.id, SPAN)
            next(forgotten)
        writer.commit_batch(batch_of(segment.id, 2_003, 10))

        with _raw(store) as connection:
            (is_blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert is_blocked == 0
    assert forgotten is not None


def test_a_listing_that_is_given_up_ends(store: Store) -> None:
    """Closing a listing early frees it; the reader goes on."""
    with writing(store) as writer:
        fill(writer)

    with store.reader() as reader:
        listing = reader.list_events(EventFilter())
        next(listing)
        listing.close()

        assert reader.counts().events == 3


PLANS = [
    ("SELECT * FROM events WHERE id = 7", "SEARCH event_rows USING INTEGER PRIMARY KEY (rowid=?)"),
    (
        "SELECT * FROM events WHERE id > 7 AND id < 9",
        "SEARCH event_rows USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
    ),
    (
        "SELECT * FROM events WHERE session_id = 's'",
        "SEARCH event_rows USING INDEX ix_event_rows_session (session_id=?)",
    ),
    (
        "SELECT * FROM events WHERE event_id = 'e'",
        "SEARCH event_rows USING INDEX ix_event_rows_event_id (event_id=?)",
    ),
    (
        "SELECT * FROM events WHERE ts >= 1 AND ts < 2",
        "SEARCH event_rows USING INDEX ix_event_rows_ts (ts>? AND ts<?)",
    ),
    (
        "SELECT * FROM events WHERE kind = 'k' AND ts >= 1 AND ts < 2",
        "SEARCH event_rows USING INDEX ix_event_rows_kind (kind_id=? AND ts>? AND ts<?)",
    ),
    (
        "SELECT count(*) FROM events WHERE kind = 'k'",
        "SEARCH event_rows USING COVERING INDEX ix_event_rows_kind (kind_id=?)",
    ),
    (
        "SELECT kind, count(*) FROM events WHERE ts >= 1 AND ts < 2 GROUP BY kind",
        "SEARCH event_rows USING COVERING INDEX ix_event_rows_ts (ts>? AND ts<?)",
    ),
    (
        "SELECT * FROM events WHERE role = 'r'",
        "SEARCH event_rows USING INDEX ix_event_rows_promoted_role (role=?)",
    ),
]


@pytest.mark.parametrize(("sql", "step"), PLANS)
def test_a_filter_reaches_its_index_through_the_view(store: Store, sql: str, step: str) -> None:
    """Look-ups by id, session, event id, time, kind and promoted column never scan the events."""
    with writing(store):
        pass

    with store.reader() as reader:
        plan = [row[3] for row in reader.run_query(query(f"EXPLAIN QUERY PLAN {sql}"), {}).rows]

    assert step in plan
    assert not any(each.startswith("SCAN event_rows") for each in plan)


def test_a_listing_pays_only_for_what_it_asks_for(store: Store) -> None:
    """Names of kind and path are looked up only by those who want them."""
    with writing(store):
        pass
    sql = "EXPLAIN QUERY PLAN SELECT id, ts, session_id FROM events WHERE ts >= 1"

    with store.reader() as reader:
        plan = [row[3] for row in reader.run_query(query(sql), {}).rows]

    assert plan == ["SEARCH event_rows USING INDEX ix_event_rows_ts (ts>?)"]


def test_the_standard_librarys_sqlite_is_used() -> None:
    """Two SQLite libraries in one process would drop each other's locks."""
    engine = create_engine("sqlite://")

    assert engine.dialect.import_dbapi() is sqlite3.dbapi2
