"""The stand-alone projector's database, read as a guest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evidentia.errors import StoreError, UsageError
from evidentia.store import sqlite
from evidentia.store.projector import is_projector_database, list_projected_events
from evidentia.store.values import EventFilter

COLUMNS = (
    "id INTEGER PRIMARY KEY, log_path, line_no, event_id, ts, kind, actor, role, mode, offer_id, "
    "apply_id, window_key, payload_json, raw_json, sha256, ts_us INTEGER"
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with three events, as the projector would leave it."""
    path = tmp_path / "events.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA application_id = {sqlite.PROJECTOR_APPLICATION_ID}")
        connection.execute(f"CREATE TABLE events ({COLUMNS})")
        for number in (1, 2, 3):
            connection.execute(
                "INSERT INTO events (id, log_path, event_id, ts, ts_us, kind, actor)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    f"/log{number % 2}",
                    f"e{number}",
                    f"t{number}",
                    number,
                    "k",
                    f"a{number}",
                ),
            )
    return path


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), [1, 2, 3]),
        (EventFilter(kind="k", limit=1), [1]),
        (EventFilter(actor="a2"), [2]),
        (EventFilter(event_id="e3"), [3]),
        (EventFilter(log_path="/log1"), [1, 3]),
        (EventFilter(since_us=2), [2, 3]),
        (EventFilter(until_us=2), [1]),
        (EventFilter(after_id=2), [3]),
    ],
)
def test_its_events_are_listed_and_filtered(
    database: Path, wanted: EventFilter, found: list[int]
) -> None:
    """Filters mean what they mean for a store; times compare as times, and show as written."""
    rows = list(list_projected_events(database, wanted))

    assert [row["id"] for row in rows] == found
    assert all(row["ts"] == f"t{row['id']}" for row in rows)


def test_a_filter_that_it_does_not_know_is_refused(database: Path) -> None:
    """Invariant 5: what cannot be filtered is not silently listed whole."""
    with pytest.raises(UsageError, match="have no session"):
        list(list_projected_events(database, EventFilter(session_id="s")))


def test_it_is_recognised_by_its_mark(database: Path, tmp_path: Path) -> None:
    """Neither a folder nor an absent or other file is taken for one."""
    other = tmp_path / "other.db"
    other.touch()

    found = [is_projector_database(path) for path in (database, other, tmp_path, tmp_path / "x")]

    assert found == [True, False, False, False]


def test_it_is_never_written(database: Path) -> None:
    """Listing leaves every byte as it was, and a broken one gives our error."""
    before = database.read_bytes()
    list(list_projected_events(database, EventFilter()))
    after = database.read_bytes()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE events")

    with pytest.raises(StoreError, match="no such table"):
        list(list_projected_events(database, EventFilter()))

    assert after == before
