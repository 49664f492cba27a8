#!/usr/bin/env python3
"""Answer one of five closed questions about a projected database. Standard library only.

    python tools/query_sqlite.py recent --since 2026-02-08T00:00:00Z
    python tools/query_sqlite.py recent --since-id 4711

The database is opened read-only, values are bound, and no SQL is taken from outside. Events whose
time is unknown (no zone, an impossible date) take part everywhere except where ``--since`` asks for
a time; how many were left out is said. ``recent --since-id N`` asks by order of arrival instead,
so that late events and events without a known time are seen, too.

Exit: 0 done, 2 usage, 3 failed, 4 the database is busy.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x4556504A  # "EVPJ": written by project_events_to_sqlite.py.
LOCK_WAIT_SECONDS: Final = 5.0
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
DIGITS_MAX: Final = 18  # Every number of so many digits fits SQLite's integers.
ADVICE: Final = {
    "SQLITE_BUSY": "; a projector is writing: try again",
    "SQLITE_READONLY_ROLLBACK": "; a projector was killed: run it once more",
    "SQLITE_CANTOPEN": "; a projector was killed, or this is not readable: run it once more",
}
Value = str | int | float | bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A named question: one whole SELECT over :since, :since_id and :row_count.

    Attributes:
        sql: Columns that end in ``_us`` are UTC microseconds and are shown as ISO 8601.
        limit: How many rows are shown when ``--limit`` does not say.
        is_newest_first: The SELECT takes the newest rows first; they are shown oldest first.
    """

    title: str
    sql: str
    limit: int
    is_newest_first: bool = False


QUERIES: Final = {
    "recent": Query(
        title="What changed since a time (the last hour, if not said), or since an id",
        limit=200,
        sql="""
            SELECT id, ts_us AS time_us, ts, kind, actor, room_id, result, log_path, line_no
            FROM events WHERE ts_us >= :since ORDER BY ts_us, id LIMIT :row_count""",
    ),
    "growth_story": Query(
        title="Growth: offers, applies and failures, in the order of their times",
        limit=1000,
        is_newest_first=True,
        sql="""
            SELECT id, ts_us AS time_us, ts, kind, actor, window_key, offer_id, apply_id, reason
            FROM events
            WHERE kind >= 'growth.' AND kind < 'growth/' AND (:since IS NULL OR ts_us >= :since)
            ORDER BY ts_us IS NULL DESC, ts_us DESC, id DESC LIMIT :row_count""",
    ),
    # What counts is declared: a result, a whole kind, the last dotted word of a kind, or a family.
    # Patterns such as %rate% would find "generate", and %auth% every "author".
    "security": Query(
        title="What any writer denied, refused, rejected, blocked or limited; newest first",
        limit=200,
        sql="""
            WITH word(denial) AS (VALUES
                ('blocked'), ('denied'), ('deny'), ('rate_limit'), ('rate_limited'), ('refused'),
                ('rejected'), ('unauth'), ('unauthorized')),
            family(start) AS (VALUES
                ('auth.'), ('deny.'), ('DENY_'), ('rate_limit.'), ('security.'), ('unauth.')),
            chosen(name) AS (
                SELECT kind FROM (SELECT DISTINCT kind FROM events)
                WHERE kind IN ('auth', 'auth_failed', 'governance_denial', 'login_failed')
                   OR EXISTS (SELECT 1 FROM word
                              WHERE kind = denial OR kind GLOB '*.' || denial)
                   OR EXISTS (SELECT 1 FROM family WHERE substr(kind, 1, length(start)) = start))
            SELECT id, ts_us AS time_us, ts, kind, actor, role, result, reason, log_path, line_no
            FROM events
            WHERE (kind IN chosen OR result IN word) AND (:since IS NULL OR ts_us >= :since)
            ORDER BY ts_us IS NULL DESC, ts_us DESC, id DESC LIMIT :row_count""",
    ),
    "hot_rooms": Query(
        title="The rooms with the most events, and when they were first and last seen",
        limit=20,
        sql="""
            SELECT room_id, count(*) AS events, min(ts_us) AS first_us, max(ts_us) AS last_us
            FROM events WHERE room_id IS NOT NULL AND (:since IS NULL OR ts_us >= :since)
            GROUP BY room_id ORDER BY events DESC, room_id LIMIT :row_count""",
    ),
    "budget_compliance": Query(
        title="Growth offers and applies of each budget window, newest window first",
        limit=200,
        sql="""
            SELECT window_key, sum(kind = 'growth.offer.created') AS offers_created,
                sum(kind = 'growth.offer.rejected') AS offers_rejected,
                sum(kind = 'growth.apply.started') AS applies_started,
                sum(kind = 'growth.apply.succeeded') AS applies_succeeded,
                sum(kind = 'growth.apply.failed') AS applies_failed
            FROM events WHERE window_key IS NOT NULL AND (:since IS NULL OR ts_us >= :since)
            GROUP BY window_key ORDER BY window_key DESC LIMIT :row_count""",
    ),
}
COUNTS: Final = """
    SELECT count(*) - count(ts_us), ifnull(max(id), 0),
        (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM gaps)
    FROM events"""
RECENT_BY_ID: Final = Query(
    title="What arrived after an id, in the order of arrival",
    limit=200,
    sql="""
        SELECT id, ts_us AS time_us, ts, kind, actor, room_id, result, log_path, line_no
        FROM events WHERE id > :since_id ORDER BY id LIMIT :row_count""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of a query, and what a reader must know about those that are not shown.

    Attributes:
        is_cut: There are more rows than the limit.
        untimed: Events without a known time, which ``--since`` cannot find.
        next_id: What to give ``recent --since-id`` in order to go on from here.
    """

    columns: list[str]
    rows: list[list[Value]]
    is_cut: bool
    untimed: int
    next_id: int
    dead_letters: int
    gaps: int


class DatabaseError(Exception):
    """There is no database at that place, or it is not the projector's."""


def microseconds_of(text: str) -> int:
    """UTC microseconds since 1970; raises ``ArgumentTypeError`` for a time that leaves doubt."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an ISO 8601 time: {text!a}") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!a} has no zone; add Z or an offset like +01:00")
    return (moment - EPOCH) // MICROSECOND


def iso_of(us: int) -> str:
    """The instant as ISO 8601, or its bare number where the calendar ends."""
    try:
        return f"{(EPOCH + us * MICROSECOND).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:
        return str(us)


def whole_number(text: str) -> int:
    """A whole number from 0 on that SQLite can hold."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise argparse.ArgumentTypeError(f"not a whole number: {text!a}")
    return int(text)


def row_limit(text: str) -> int:
    """A whole number from 1 on."""
    if (number := whole_number(text)) == 0:
        raise argparse.ArgumentTypeError("a limit is at least 1")
    return number


def opened(path: Path) -> sqlite3.Connection:
    """The database, opened so that nothing can be written to it."""
    if not path.is_file():
        raise DatabaseError("no database here; run project_events_to_sqlite.py or give --db")
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise_foreign()
    except (sqlite3.Error, DatabaseError):
        connection.close()
        raise
    return connection


def raise_foreign() -> None:
    """Refuse a database that somebody else made."""
    raise DatabaseError("not a database of project_events_to_sqlite.py")


def answer(connection: sqlite3.Connection, query: Query, arguments: argparse.Namespace) -> Answer:
    """Run the query in one read transaction, so that rows and counts belong together."""
    limit = arguments.limit or query.limit
    values = {"since": arguments.since, "since_id": arguments.since_id, "row_count": limit + 1}
    connection.execute("BEGIN")
    cursor = connection.execute(query.sql, values)
    names = [column[0] for column in cursor.description]
    found = cursor.fetchall()
    untimed, last_id, dead_letters, gaps = connection.execute(COUNTS).fetchone()
    connection.execute("COMMIT")
    is_cut, rows = len(found) > limit, found[:limit]
    return Answer(
        columns=[name.removesuffix("_us") for name in names],
        rows=[readable(row, names) for row in (rows[::-1] if query.is_newest_first else rows)],
        is_cut=is_cut,
        untimed=0 if arguments.since is None else untimed,
        dead_letters=dead_letters,
        gaps=gaps,
        next_id=rows[-1][0] if is_cut and query is RECENT_BY_ID else last_id,
    )


def readable(row: tuple[Value, ...], names: list[str]) -> list[Value]:
    """A row whose microseconds have become ISO 8601."""
    cells = zip(row, names, strict=True)
    return [iso_of(cell) if name.endswith("_us") and isinstance(cell, int) else cell
            for cell, name in cells]  # fmt: skip


def printable(value: Value) -> str:
    """A cell as text that cannot move the cursor or break the line, whoever wrote it."""
    text = "-" if value is None else str(value)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def table_of(found: Answer) -> list[str]:
    """The rows as aligned lines of text, then what is not shown."""
    header: list[Value] = [*found.columns]
    cells = [[printable(cell) for cell in row] for row in [header, *found.rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    lines.append(f"({len(found.rows)} rows; go on with: recent --since-id {found.next_id})")
    lines.append(f"(in the database: {found.dead_letters} dead letters, {found.gaps} gaps)")
    if found.is_cut:
        lines.append("(there are more rows: raise --limit)")
    if found.untimed:
        lines.append(f"({found.untimed} events have no known time and are not looked at)")
    return lines


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; exits with status 2 and the names when it makes no sense."""
    listing = "\n".join(f"  {name:18} {query.title}" for name, query in QUERIES.items())
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog=f"queries:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=list(QUERIES), metavar="NAME", help="a query, see below")
    parser.add_argument("--db", default="evidence/derived/events.db", help="%(default)s")
    since = parser.add_mutually_exclusive_group()
    since.add_argument("--since", type=microseconds_of, metavar="TS", help="ISO 8601 with a zone")
    since.add_argument("--since-id", type=whole_number, metavar="N", help="recent: later ids only")
    parser.add_argument("--limit", type=row_limit, metavar="N", help="at most so many rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    if arguments.since_id is not None and arguments.name != "recent":
        parser.error("--since-id goes with recent only")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Print the answer and return the exit status."""
    arguments = arguments_of(argv)
    query = QUERIES[arguments.name] if arguments.since_id is None else RECENT_BY_ID
    if query is QUERIES["recent"] and arguments.since is None:
        arguments.since = (datetime.now(UTC) - timedelta(hours=1) - EPOCH) // MICROSECOND
    place = printable(arguments.db)
    try:
        with closing(opened(Path(arguments.db))) as connection:
            found = answer(connection, query, arguments)
    except (DatabaseError, OSError, ValueError) as error:
        print(f"error: {place}: {error}", file=sys.stderr)
        return 3
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        print(f"error: {place}: {error}{ADVICE.get(name, '')}", file=sys.stderr)
        return 4 if name.startswith("SQLITE_BUSY") else 3
    if arguments.json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        print(json.dumps({"query": arguments.name, **asdict(found), "rows": rows}))
    else:
        print("\n".join(table_of(found)))
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # "| head" ends it, without a traceback.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
