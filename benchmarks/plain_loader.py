"""The baseline: what one would write by hand with ``json`` and ``sqlite3`` for the same work.

Same input, same columns, SHA-256 of every line, payload, times in microseconds, the same indexes,
bad lines kept apart, one transaction for each 50,000 lines. It does not check for duplicate keys,
does not remember where it stopped, keeps no digests of what it read and cannot verify anything.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

BATCH_LINES = 50_000
LEFT_OUT = {"eventid", "timestamp", "session", "src_ip", "sensor", "message"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROMOTED = ("sensor", "protocol", "username", "password", "input", "url", "shasum")
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -64000;
CREATE TABLE events (id INTEGER PRIMARY KEY, line_no INTEGER, kind TEXT, ts INTEGER, ts_text TEXT,
    actor TEXT, session_id TEXT, payload_json TEXT, raw BLOB, sha256 BLOB, duration_ms INTEGER,
    sensor TEXT, protocol TEXT, username TEXT, password TEXT, input TEXT, url TEXT, shasum TEXT);
CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, line_no INTEGER, reason TEXT, raw BLOB);
"""
INDEXES = """
CREATE INDEX ix_ts ON events (ts);
CREATE INDEX ix_kind ON events (kind, ts);
CREATE INDEX ix_session ON events (session_id);
"""
INSERT = f"INSERT INTO events VALUES ({', '.join('?' * 18)})"


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


def rows(path: Path, dead: list[tuple[int, int, str, bytes]]) -> Iterator[tuple[object, ...]]:
    """One tuple for each line that is an event."""
    offset = 0
    with path.open("rb") as file:
        for line_no, line in enumerate(file, 1):
            raw = line.rstrip(b"\n")
            try:
                event = json.loads(raw)
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
                    *(event.get(name) for name in PROMOTED),
                )
            except (ValueError, AttributeError, TypeError) as error:
                dead.append((offset, line_no, str(error), raw))
            offset += len(line)


def main() -> None:
    """Load the log named first into the database named second."""
    log, database = Path(sys.argv[1]), Path(sys.argv[2])
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

    for row in rows(log, dead):
        batch.append(row)
        if len(batch) >= BATCH_LINES:
            commit()
    commit()
    connection.executescript(INDEXES)
    connection.close()


if __name__ == "__main__":
    main()
