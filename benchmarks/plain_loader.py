"""The baseline: what one would write by hand with ``json`` and ``sqlite3`` for the same work.

    python benchmarks/plain_loader.py strict|careless LOG DATABASE [--bare]

Same input, same columns, SHA-256 of every line, payload, times in microseconds, the same indexes,
bad lines kept apart, one transaction for each 50,000 lines, and at the end tables of the sessions,
and of commands, credentials, addresses, files and kinds by day or hour, by one statement each;
none of these with ``--bare``.
``strict`` gives the same verdicts: repeated keys, NaN and lone surrogates are refused as the
standard library allows.
``careless`` takes what ``json.loads`` takes. Neither validates a schema, remembers where it
stopped, keeps digests of what it read or can verify anything.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

BATCH_LINES = 50_000
LEFT_OUT = {"eventid", "timestamp", "session", "src_ip", "sensor", "message"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROMOTED = (
    "sensor",
    "protocol",
    "username",
    "password",
    "input",
    "url",
    "shasum",
    "version",
    "hassh",
    "command",
)
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -64000;
CREATE TABLE events (id INTEGER PRIMARY KEY, line_no INTEGER, kind TEXT, ts INTEGER, ts_text TEXT,
    actor TEXT, session_id TEXT, payload_json TEXT, raw BLOB, sha256 BLOB, duration_ms INTEGER,
    sensor TEXT, protocol TEXT, username TEXT, password TEXT, input TEXT, url TEXT, shasum TEXT,
    version TEXT, hassh TEXT, command TEXT);
CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, line_no INTEGER, reason TEXT, raw BLOB);
"""
INDEXES = """
CREATE INDEX ix_ts ON events (ts);
CREATE INDEX ix_kind ON events (kind, ts);
CREATE INDEX ix_session ON events (session_id);
"""
SUMMARIES = """
CREATE TABLE sessions AS SELECT session_id, sensor, min(ts) AS first_ts, max(ts) AS last_ts,
    min(actor) AS src_ip, min(protocol) AS protocol, min(version) AS client_version,
    min(hassh) AS hassh, max(duration_ms) AS duration_ms, count(*) AS event_count,
    sum(kind = 'cowrie.command.input') AS command_count,
    sum(kind = 'cowrie.command.failed') AS failed_commands,
    sum(kind IN ('cowrie.login.failed', 'cowrie.login.success')) AS login_attempts,
    sum(kind = 'cowrie.login.success') AS login_successes,
    sum(kind = 'cowrie.session.file_download') AS file_downloads,
    sum(kind = 'cowrie.session.file_download.failed') AS failed_downloads,
    sum(kind = 'cowrie.session.file_upload') AS file_uploads
    FROM events WHERE session_id IS NOT NULL GROUP BY session_id, sensor;
CREATE UNIQUE INDEX uq_sessions ON sessions (session_id, sensor);
CREATE INDEX ix_sessions ON sessions (first_ts, command_count);
CREATE TABLE command_days AS SELECT ts / 86400000000 AS day, sensor, command,
    sum(kind = 'cowrie.command.input') AS occurrences,
    sum(kind = 'cowrie.command.failed') AS failures, min(ts) AS first_ts, max(ts) AS last_ts
    FROM events WHERE kind IN ('cowrie.command.input', 'cowrie.command.failed') GROUP BY 1, 2, 3;
CREATE TABLE credential_days AS SELECT ts / 86400000000 AS day, sensor, username, password,
    count(*) AS attempts, sum(kind = 'cowrie.login.success') AS successes,
    min(ts) AS first_ts, max(ts) AS last_ts
    FROM events WHERE kind IN ('cowrie.login.failed', 'cowrie.login.success')
    GROUP BY 1, 2, 3, 4;
CREATE TABLE source_days AS SELECT ts / 86400000000 AS day, sensor, actor AS source,
    sum(kind = 'cowrie.session.connect') AS connections,
    sum(kind IN ('cowrie.login.failed', 'cowrie.login.success')) AS attempts,
    sum(kind = 'cowrie.login.success') AS successes,
    sum(kind = 'cowrie.command.input') AS commands,
    sum(kind = 'cowrie.session.file_download') AS downloads,
    min(ts) AS first_ts, max(ts) AS last_ts, count(*) AS event_count
    FROM events WHERE actor IS NOT NULL GROUP BY 1, 2, 3;
CREATE TABLE download_days AS SELECT ts / 86400000000 AS day, sensor, kind, url, shasum,
    actor AS source, count(*) AS occurrences, min(ts) AS first_ts, max(ts) AS last_ts FROM events
    WHERE kind IN ('cowrie.session.file_download', 'cowrie.session.file_download.failed',
    'cowrie.session.file_upload') GROUP BY 1, 2, 3, 4, 5, 6;
CREATE TABLE hourly AS SELECT ts / 3600000000 AS hour, sensor, kind, count(*) AS events FROM events
    GROUP BY 1, 2, 3;
"""
INSERT = f"INSERT INTO events VALUES ({', '.join('?' * 21)})"


def microseconds(text: str | None) -> int | None:
    """UTC microseconds of an ISO 8601 text with a zone."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return None
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def duration(event: dict[str, object]) -> int | None:
    """A session's length in milliseconds."""
    found = event.get("duration_ms")
    if isinstance(found, int):
        return found
    seconds = event.get("duration")
    return round(float(seconds) * 1000) if isinstance(seconds, int | float | str) else None


def without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The members of an object, none of them twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members


def refuse(constant: str) -> object:
    """NaN and Infinity are not JSON."""
    raise ValueError(f"{constant} is not JSON")


STRICT = json.JSONDecoder(object_pairs_hook=without_repeats, parse_constant=refuse)


def read_strictly(raw: bytes) -> dict[str, object]:
    """The object on a line, or ValueError."""
    text = raw.decode()
    event = STRICT.decode(text)
    if "\\u" in text:
        json.dumps(event, ensure_ascii=False).encode()
    if not isinstance(event, dict):
        raise TypeError("not an object")
    return event


def rows(
    path: Path,
    read: Callable[[bytes], dict[str, object]],
    dead: list[tuple[int, int, str, bytes]],
) -> Iterator[tuple[object, ...]]:
    """One tuple for each line that is an event."""
    offset = 0
    with path.open("rb") as file:
        for line_no, line in enumerate(file, 1):
            raw = line.rstrip(b"\n")
            try:
                event = read(raw)
                payload = {key: value for key, value in event.items() if key not in LEFT_OUT}
                yield (
                    offset,
                    line_no,
                    event.get("eventid", "unknown"),
                    microseconds(event.get("timestamp")),
                    event.get("timestamp"),
                    event.get("src_ip"),
                    event.get("session"),
                    json.dumps(payload, separators=(",", ":"), ensure_ascii=False),
                    raw,
                    hashlib.sha256(raw).digest(),
                    duration(event),
                    *(event.get(name) for name in PROMOTED[:-1]),
                    " ".join(str(event["input"]).split()) if "input" in event else None,
                )
            except (ValueError, AttributeError, TypeError) as error:
                dead.append((offset, line_no, str(error), raw))
            offset += len(line)


def main() -> None:
    """Load a log into a new database."""
    read = {"strict": read_strictly, "careless": json.loads}[sys.argv[1]]
    log, database = Path(sys.argv[2]), Path(sys.argv[3])
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript(SCHEMA)
    dead: list[tuple[int, int, str, bytes]] = []
    batch: list[tuple[object, ...]] = []

    def commit() -> None:
        connection.execute("BEGIN")
        connection.executemany(INSERT, batch)
        connection.executemany("INSERT INTO dead_letters VALUES (?, ?, ?, ?)", dead)
        connection.execute("COMMIT")
        batch.clear()
        dead.clear()

    for row in rows(log, read, dead):
        batch.append(row)
        if len(batch) >= BATCH_LINES:
            commit()
    commit()
    connection.executescript(INDEXES)
    if "--bare" not in sys.argv:
        connection.executescript(SUMMARIES)
    connection.close()


if __name__ == "__main__":
    main()
