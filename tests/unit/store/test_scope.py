"""Relations that show a store as it was after a batch, or one sensor's events alone."""

from __future__ import annotations

import sqlite3

import pytest

from evidentia.store.scope import EVERYTHING, AsOf, Scope, scoped

PAST = Scope(as_of=AsOf(batch_id=2, committed_us=20))


@pytest.fixture
def connection() -> sqlite3.Connection:
    """The relations of a store, reduced to what a scope looks at."""
    made = sqlite3.connect(":memory:")
    made.executescript(
        """
        CREATE TABLE events (id, batch_id, kind, sensor);
        INSERT INTO events VALUES
            (1, 1, 'a', 'n'), (2, 2, 'b', 's'), (3, 3, 'c', 'n'), (4, 1, 'd', 'n');
        CREATE TABLE dead_letter_rows (id, state, resolved_us);
        INSERT INTO dead_letter_rows VALUES (4, 'recovered', 30), (5, 'resolved', 30);
        CREATE TABLE dead_letters (id, batch_id, log_path, line_no, byte_offset, reason, column_no,
            detail, raw, length, has_newline, sha256, attempts, state, resolution, resolved_by,
            resolved_us);
        INSERT INTO dead_letters (id, batch_id, state, resolution, resolved_us)
            VALUES (4, 1, 'recovered', 'read', 30), (5, 1, 'resolved', 'x', 10),
                (6, 3, 'open', NULL, NULL);
        CREATE TABLE gaps (id, found_us);
        INSERT INTO gaps VALUES (1, 20), (2, 21);
        CREATE TABLE batches (id);
        INSERT INTO batches VALUES (1), (2), (3);
        """
    )
    return made


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT kind FROM events ORDER BY id",
        "WITH named AS (SELECT id, kind FROM events) SELECT kind FROM named ORDER BY id",
        "with recursive n(i) AS (SELECT 1) SELECT kind FROM n, events WHERE i > 0 ORDER BY id",
        "SELECT kind FROM (WITH e AS (SELECT * FROM events) SELECT * FROM e) AS x ORDER BY id",
    ],
)
def test_later_batches_are_not_seen_however_a_query_begins(
    connection: sqlite3.Connection, sql: str
) -> None:
    """The name in FROM is the shadow, in tables of the query's own and below it, too."""
    statement, values = scoped(sql, PAST)

    # The fourth event stands in batch 1 but was a dead letter until long after batch 2.
    assert connection.execute(statement, values).fetchall() == [("a",), ("b",)]


def test_dead_letters_gaps_and_batches_are_those_of_the_moment(
    connection: sqlite3.Connection,
) -> None:
    """What was decided later is undone, what was found later is not there."""
    answers = {}
    for sql in (
        "SELECT id, state, resolution FROM dead_letters ORDER BY id",
        "SELECT id FROM gaps",
        "SELECT id FROM batches ORDER BY id",
    ):
        statement, values = scoped(sql, PAST)
        answers[sql.split(" FROM ")[1].split()[0]] = connection.execute(
            statement, values
        ).fetchall()

    assert answers == {
        "dead_letters": [(4, "open", None), (5, "resolved", "x")],
        "gaps": [(1,)],
        "batches": [(1,), (2,)],
    }


def test_one_sensor_alone(connection: sqlite3.Connection) -> None:
    """A sensor and a batch restrict together; the name is a value, whatever is in it."""
    sql = "SELECT id FROM events ORDER BY id"
    north, past_north, hostile = (
        connection.execute(*scoped(sql, scope)).fetchall()
        for scope in (
            Scope(sensor="n"),
            Scope(as_of=PAST.as_of, sensor="n"),
            Scope(sensor="n' OR 1 = 1 --"),
        )
    )

    assert (north, past_north, hostile) == ([(1,), (3,), (4,)], [(1,)], [])


def test_without_a_restriction_the_statement_is_left_alone() -> None:
    """The newest batch hides nothing, so an index that covers a query goes on covering it."""
    newest = Scope(as_of=AsOf(batch_id=9, committed_us=9, is_newest=True))

    assert scoped("SELECT 1", EVERYTHING) == scoped("SELECT 1", newest) == ("SELECT 1", {})
