#!/usr/bin/env python3
r"""Project append-only JSONL logs into one SQLite file, exactly once. Standard library only.

    python tools/project_events_to_sqlite.py --db evidence/derived/events.db \
        --log evidence/event_log.jsonl --log evidence/growth_events.jsonl

The logs are the evidence; the database is derived from them and can be deleted and built again.
Only the logs named by ``--log``, and the ``<log>.1`` that one of them was rotated to, are opened,
and only for reading. Every complete line is stored once, also after kill -9: rows and checkpoint
share a transaction. A line that is not an event is kept byte for byte as a dead letter. Bytes
after the last newline wait for it. A truncated, replaced or rotated log begins the next
generation; rows of the old one stay. A suspected loss is a warning and a row in ``gaps``.

Not promised: lines that were gone before they were read; a rewrite that keeps the first 1,024
bytes and the 4,096 before the checkpoint; rotation to other names or into compressed files; the
rest of the old file when a symbolic link is switched. ``sha256`` is a checksum: it finds
accidents, not forgery. ``raw_json`` is exact, ``payload_json`` is written anew.

Exit: 0 done, 1 bad lines or gaps (--strict), 2 usage, 3 failed, 4 held by another projector.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import logging
import math
import os
import re
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x4556504A  # "EVPJ", at byte 68 of the file: it is ours to write.
SCHEMA_VERSION: Final = 1
LINE_BYTES_MAX = 16 * 1024 * 1024  # Longer lines are hashed as they pass, never held.
DEPTH_MAX: Final = 200  # Checked before parsing, so that no nesting exhausts the stack.
DIGITS_MAX: Final = 640  # Integers with more, too long for some Pythons, are kept as bytes.
HEAD_BYTES: Final = 1024
SAME_FILE: Final = 2**63  # More bytes than any file has, so that only its inode will do.
ANCHOR_BYTES: Final = 4096
BLOCK_BYTES = 1024 * 1024
TRANSACTION_BYTES = 16 * 1024 * 1024  # Bounds memory, and what a kill makes the next run redo.
LOCK_WAIT_SECONDS = 5.0
NOTES_MAX: Final = 5  # Bad lines shown per log; -v shows all of them.
INDEXED: Final = ("ts", "ts_us", "offer_id", "apply_id", "room_id")
PLACE: Final = """log_path TEXT NOT NULL, line_no INTEGER NOT NULL,
  generation INTEGER NOT NULL, byte_offset INTEGER NOT NULL"""
SCHEMA: Final = f"""
BEGIN IMMEDIATE; CREATE TABLE events(
  id INTEGER PRIMARY KEY, event_id TEXT, ts TEXT, kind TEXT NOT NULL, actor TEXT, role TEXT,
  mode TEXT, offer_id TEXT, apply_id TEXT, window_key TEXT, payload_json TEXT,
  raw_json TEXT NOT NULL, sha256 TEXT NOT NULL, {PLACE}, other_id TEXT,
  schema_version TEXT, result TEXT, reason TEXT, room_id TEXT, ts_us INTEGER,
  drift INTEGER NOT NULL, UNIQUE(log_path, generation, byte_offset));
CREATE INDEX events_kind ON events(kind); CREATE INDEX events_line ON events(log_path, line_no);
{"".join(f"CREATE INDEX events_{c} ON events({c}) WHERE {c} IS NOT NULL;" for c in INDEXED)}
CREATE TABLE dead_letters(id INTEGER PRIMARY KEY, {PLACE}, reason TEXT NOT NULL,
  detail TEXT NOT NULL, raw BLOB, byte_length INTEGER NOT NULL, sha256 TEXT NOT NULL,
  UNIQUE(log_path, generation, byte_offset));
CREATE TABLE gaps(id INTEGER PRIMARY KEY, {PLACE}, detail TEXT NOT NULL, raw BLOB, found_at TEXT);
CREATE TABLE ingest_state(
  log_path TEXT NOT NULL PRIMARY KEY, last_size INTEGER NOT NULL, last_mtime REAL NOT NULL,
  line_no INTEGER NOT NULL, generation INTEGER NOT NULL, byte_offset INTEGER NOT NULL);
CREATE TABLE generations({PLACE}, identity TEXT NOT NULL, head_sha256 TEXT NOT NULL,
  anchor_sha256 TEXT NOT NULL, held_back BLOB, is_ended INTEGER NOT NULL,
  event_bytes INTEGER NOT NULL, dead_letter_bytes INTEGER NOT NULL,
  skipped_bytes INTEGER NOT NULL, PRIMARY KEY(log_path, generation),
  CHECK(event_bytes + dead_letter_bytes + skipped_bytes = byte_offset));
PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;
"""
SUMMARY: Final = """%s: inserted %d, dead letters %d, gaps %d, held back %d bytes, \
checkpoint byte %d line %d generation %d"""
TOO_LONG: Final = ("too_long", f"longer than {LINE_BYTES_MAX} bytes, not kept")
LOG: Final = logging.getLogger("project_events_to_sqlite")
Event = dict[str, object]
Keys = tuple[str, ...]
Types = tuple[type, ...]
Column = str | int | bytes | None
stop_signals: list[int] = []  # Filled by the handlers of SIGINT and SIGTERM.


class LineError(Exception):
    """A line is not an event: the rule that failed, and where."""


def shown(path: Path | str) -> str:
    """A path as text that is safe to print and to store, whatever bytes its name holds."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


# ---- A line: strict JSON, or a reason why not --------------------------------------------------
def _members(pairs: list[tuple[str, object]]) -> Event:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise LineError("duplicate_key", f"key {twice[:80]!a} occurs twice")
    return members


def _finite(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise LineError("number", f"{text[:40]} is not a JSON number, or too large for one")


DECODE: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_float=_finite,
    parse_int=lambda digits: int(digits) if len(digits) <= DIGITS_MAX else digits.encode(),
    parse_constant=_finite,
).decode
ENCODE: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=bytes.decode
).encode
STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


def depth_of(line: bytes) -> int:
    """The deepest nesting of a line, found without parsing it."""
    brackets = STRINGS.sub(b"", line).translate(None, NOT_BRACKETS)
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def parse(line: bytes) -> tuple[str, Event]:
    """The line's text and its JSON object; raises ``LineError`` when it is not an event."""
    if len(line) > LINE_BYTES_MAX:
        raise LineError(*TOO_LONG)
    if line.count(b"[") + line.count(b"{") > DEPTH_MAX and depth_of(line) > DEPTH_MAX:
        raise LineError("depth", f"nested more than {DEPTH_MAX} deep")
    text = ""
    try:
        text = line.decode()
        value = DECODE(text)
        if "\\ud" in text or "\\uD" in text:
            ENCODE(value).encode()
    except UnicodeDecodeError as error:
        raise LineError("not_utf8", f"{error.reason} at byte {error.start + 1} of it") from None
    except UnicodeEncodeError:
        raise LineError("lone_surrogate", "half of a surrogate pair stands alone") from None
    except json.JSONDecodeError as error:
        reason = "control" if "control character" in error.msg else "syntax"
        place = f"{error.msg} at byte {len(text[: error.pos].encode()) + 1} of it"
        raise LineError("bom" if text[:1] == "\ufeff" else reason, place) from None
    if not isinstance(value, dict):
        raise LineError("not_object", "valid JSON, but not an object")
    return text, value


# ---- Columns: the first key whose value is present, not null, not empty, of the right type -----
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TEXT, NAME = (str,), (str, int)
COLUMNS: Final = (
    (("event_id", "id", "tick_id"), NAME),
    (("ts", "timestamp"), (str, int, float)),
    (("event_type", "kind", "action", "verb", "event"), TEXT),
    (("actor", "player", "player_id", "actor_id"), NAME),
    *(((name,), TEXT) for name in ("role", "mode", "offer_id", "apply_id", "window_key")),
    *(((name,), NAME) for name in ("id", "schema_version")),
    *(((name,), TEXT) for name in ("result", "reason")),
)
KIND, OTHER_ID, REASON = 2, 9, 12  # Where these stand in COLUMNS.
PAYLOAD: Final = ("detail", "args", "snapshot", "state", "metadata", "payload")


def pick(event: Event, keys: Keys, drift: list[str], types: Types) -> object:
    """The first value of one of the types; keys that hold another type are added to ``drift``."""
    for key in keys:
        value = event.get(key)
        if value is None or value == "":
            continue
        if type(value) in types:
            return value
        drift.append(key)
    return None


def text_of(event: Event, keys: Keys, drift: list[str], types: Types = TEXT) -> str | None:
    """The first value of one of the types, as text."""
    value = pick(event, keys, drift, types)
    return value if value is None or isinstance(value, str) else repr(value)


def late_kind_of(event: Event, drift: list[str]) -> str:
    """What sort of event it is, where none of the usual keys says so."""
    result, is_bot = event.get("result"), event.get("source") == "ai_player"
    if isinstance(result, str) and result and (is_bot or "cmd_text" in event):
        return f"bot.{result}"
    found = text_of(event, ("source", "type"), drift)
    return found or ("heartbeat" if "tick_id" in event else "unknown")


def room_of(event: Event, inner: Event, drift: list[str]) -> str | None:
    """The room's id, whether ``room`` is an object or a name; else where ``room_id`` stands."""
    room = event.get("room")
    place, key = (room, "id") if isinstance(room, dict) else (event, "room")
    found = text_of(place, (key,), drift)
    return found or text_of(event, ("room_id",), drift) or text_of(inner, ("room_id",), drift)


def microseconds_of(ts: str | None) -> int | None:
    """UTC microseconds since 1970; None without zone or for an impossible date."""
    try:
        moment = datetime.fromisoformat(ts or "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment - EPOCH) // timedelta(microseconds=1)


def columns_of(event: Event, text: str) -> tuple[list[Column], list[Column]]:
    """Its columns: those up to ``payload_json``, and those from ``other_id`` to ``drift``."""
    drift: list[str] = []
    absent = event.keys().isdisjoint  # Most events lack most keys; asking first saves a third.
    found = [None if absent(keys) else text_of(event, keys, drift, t) for keys, t in COLUMNS]
    payload = pick(event, PAYLOAD, drift, (dict, list))
    inner = payload if isinstance(payload, dict) else {}
    found[KIND] = found[KIND] or late_kind_of(event, drift)
    found[OTHER_ID] = found[OTHER_ID] if event.get("event_id") else None
    found[REASON] = found[REASON] or text_of(inner, ("reason",), drift)
    found.append(room_of(event, inner, drift))
    ts_us = microseconds_of(found[1])
    if "\\u0000" in text:  # SQLite's text functions stop at a NUL, so columns show it escaped.
        found = [column and column.replace("\0", "\\u0000") for column in found]
    payload_json = None if payload is None else ENCODE(payload)
    return [*found[:9], payload_json], [*found[9:], ts_us, len(drift)]


# ---- Files: opened for reading only, recognised by content -------------------------------------
@dataclass(slots=True)
class Generation:
    """How far one byte stream of a log was read, and how to recognise it: a row of its table."""

    log_path: str
    line_no: int = 0
    generation: int = 1
    byte_offset: int = 0
    identity: str = ""
    head_sha256: str = ""
    anchor_sha256: str = ""
    held_back: bytes | None = None
    is_ended: int = 0
    event_bytes: int = 0
    dead_letter_bytes: int = 0
    skipped_bytes: int = 0  # Blank lines, the byte-order mark, runs of NULs.

    def place(self) -> tuple[Column, ...]:
        """Where it stands, as most tables say it."""
        return self.log_path, self.line_no, self.generation, self.byte_offset


# A run of NULs, then whole lines, or length and SHA-256 of one line that is too long to hold.
Piece = tuple[int, bytes, tuple[int, str] | None]


class LogFile:
    """A log opened for reading; nothing beyond the size it had at that moment is ever read."""

    def __init__(self, path: Path, files: contextlib.ExitStack) -> None:
        if not path.is_file():
            raise OSError(f"{shown(path)}: not a regular file, or no file at all")
        self.descriptor = files.enter_context(path.open("rb", buffering=0)).fileno()
        status = os.fstat(self.descriptor)
        self.size, self.mtime = status.st_size, status.st_mtime
        self.identity = f"{status.st_dev}:{status.st_ino}"
        self.head = self.read(0, HEAD_BYTES)

    def read(self, start: int, end: int) -> bytes:
        """The bytes of a range, as far as they are there."""
        return os.pread(self.descriptor, max(0, min(end, self.size) - start), start)

    def fingerprint(self, byte_offset: int) -> tuple[str, str]:
        """SHA-256 of the first bytes and of those before a checkpoint."""
        anchor = self.read(max(0, byte_offset - ANCHOR_BYTES), byte_offset)
        head = self.head[:byte_offset]
        return hashlib.sha256(head).hexdigest(), hashlib.sha256(anchor).hexdigest()

    def agrees(self, known: Generation, least: int = 0) -> bool:
        """Whether the bytes already read are here; fewer than ``least`` only in the same file."""
        at = known.byte_offset
        if self.size < at or (at < least and self.identity != known.identity):
            return False
        return at == 0 or self.fingerprint(at) == (known.head_sha256, known.anchor_sha256)

    def is_unchanged(self) -> bool:
        """Whether the file still begins as it did when it was opened."""
        return self.read(0, HEAD_BYTES) == self.head

    def pieces(self, start: int) -> Iterator[Piece]:
        """Whole lines from ``start`` on; what follows the last newline is not among them."""
        pending, nul_bytes, byte_length, digest = b"", 0, 0, hashlib.sha256()
        while block := self.read(start, start + BLOCK_BYTES):
            if not self.is_unchanged():
                return  # The next run will see what it is now.
            start, data = start + len(block), pending + block
            if byte_length:  # In the middle of a line that is too long to hold.
                line, newline, data = data.partition(b"\n")
                byte_length += len(line) - len(pending)
                digest.update(line.removesuffix(b"\r") if newline else line[:-1])
                if not newline:
                    pending = line[-1:]
                    continue
                yield nul_bytes, b"", (byte_length, digest.hexdigest())
                nul_bytes = byte_length = 0
            if cut := data.rfind(b"\n") + 1:
                yield nul_bytes, data[:cut], None
                nul_bytes = 0
            pending = data[cut:]
            if len(pending) > LINE_BYTES_MAX:  # Most often the hole that a truncation leaves.
                bare = pending.lstrip(b"\0")
                nul_bytes, pending = nul_bytes + len(pending) - len(bare), bare
            if len(pending) > LINE_BYTES_MAX:
                byte_length, digest = len(pending), hashlib.sha256(pending[:-1])
                pending = pending[-1:]


# ---- A batch: rows that wait for their transaction ---------------------------------------------
@dataclass(slots=True)
class Batch:
    """Turns pieces into rows and moves its generation's checkpoint past them."""

    known: Generation
    events: list[tuple[Column, ...]] = field(default_factory=list)
    dead_letters: list[tuple[Column, ...]] = field(default_factory=list)
    notes: int = 0

    def take(self, nul_bytes: int, data: bytes, long: tuple[int, str] | None) -> None:
        """Account for every byte of a piece."""
        self.skip(nul_bytes)
        if long:
            self.known.line_no += 1
            self.refuse(LineError(*TOO_LONG), None, *long)
        for line in data.split(b"\n")[:-1]:
            self.known.line_no += 1
            bare = line
            if line[:1] != b"{":
                mark = b"\xef\xbb\xbf" if self.known.byte_offset == 0 else b""
                bare = line.removeprefix(mark).lstrip(b"\0")
                self.skip(len(line) - len(bare))
            self.take_line(bare)

    def skip(self, byte_length: int) -> None:
        """Account for bytes that are neither event nor dead letter."""
        self.known.skipped_bytes += byte_length
        self.known.byte_offset += byte_length

    def refuse(self, verdict: LineError, raw: bytes | None, byte_length: int, sha256: str) -> None:
        """Make the line a dead letter."""
        letter = (*verdict.args, raw, byte_length, sha256)
        self.dead_letters.append((*self.known.place(), *letter))
        self.known.dead_letter_bytes += byte_length + 1
        self.known.byte_offset += byte_length + 1

    def take_line(self, line: bytes) -> None:
        """Store a line as event or dead letter, unless it is blank."""
        if line[:1] != b"{" and not line.strip(b" \t\r"):
            self.skip(len(line) + 1)
            return
        sha256 = hashlib.sha256(line[:-1] if line[-1:] == b"\r" else line).hexdigest()
        try:
            text, event = parse(line)
        except LineError as verdict:
            raw = line if len(line) <= LINE_BYTES_MAX else None
            self.refuse(verdict, raw, len(line), sha256)
            return
        leading, trailing = columns_of(event, text)
        self.events.append((*leading, text, sha256, *self.known.place(), *trailing))
        self.known.event_bytes += len(line) + 1
        self.known.byte_offset += len(line) + 1


# ---- The run: one SQLite file, written in whole transactions -----------------------------------
@dataclass(slots=True)
class Run:
    """The database, and which files were read in this run."""

    database: sqlite3.Connection
    seen: set[str] = field(default_factory=set)

    def counts(self, before: Sequence[int] = (0, 0, 0)) -> list[int]:
        """Events, dead letters and gaps stored since ``before``: their ids have no holes."""
        query = "SELECT ifnull(max(id), 0) FROM"
        tables = zip(("events", "dead_letters", "gaps"), before, strict=True)
        return [int(self.database.execute(f"{query} {t}").fetchone()[0]) - b for t, b in tables]

    def insert(self, table: str, rows: list[tuple[Column, ...]]) -> None:
        """Move rows into the open transaction; their first column, the id, counts up."""
        if rows:
            marks = ", ?" * len(rows[0])
            self.database.executemany(f"INSERT INTO {table} VALUES(NULL{marks})", rows)
            rows.clear()

    def write(self, batch: Batch) -> None:
        """Move a batch's rows into the open transaction; the first bad lines are shown."""
        for letter in batch.dead_letters:
            batch.notes += 1
            level = logging.WARNING if batch.notes <= NOTES_MAX else logging.DEBUG
            LOG.log(level, "warning: %s line %s generation %s byte %s: %s: %s", *letter[:6])
        self.insert("events", batch.events)
        self.insert("dead_letters", batch.dead_letters)

    def gap(self, known: Generation, detail: str, raw: bytes | None = None) -> None:
        """Record a suspected loss in the open transaction."""
        LOG.warning("warning: %s line %s generation %s byte %s: %s", *known.place(), detail)
        self.insert("gaps", [(*known.place(), detail, raw, f"{datetime.now(UTC):%FT%TZ}")])

    def commit(self, known: Generation, file: LogFile | None, *, is_live: bool = False) -> None:
        """Make rows and checkpoint durable together."""
        replace = "INSERT OR REPLACE INTO"
        if file:
            known.head_sha256, known.anchor_sha256 = file.fingerprint(known.byte_offset)
            known.identity = file.identity
        self.database.execute(f"{replace} generations VALUES(?{', ?' * 11})", astuple(known))
        if file and is_live:
            state = (known.log_path, file.size, file.mtime, *known.place()[1:])
            self.database.execute(f"{replace} ingest_state VALUES(?{', ?' * 5})", state)
        self.database.execute("COMMIT")

    def drain(self, file: LogFile, known: Generation, *, is_live: bool) -> None:
        """Store the file's complete new lines; each transaction carries the checkpoint along."""
        batch, start = Batch(known), known.byte_offset
        self.seen.add(file.identity)
        self.database.execute("BEGIN IMMEDIATE")
        if known.held_back and file.read(start, start + len(known.held_back)) != known.held_back:
            self.gap(known, "bytes held back for their newline were replaced", known.held_back)
        known.held_back, known.is_ended = None, 0
        for piece in file.pieces(start):
            batch.take(*piece)
            self.write(batch)
            if stop_signals:
                break
            if known.byte_offset - start >= TRANSACTION_BYTES:
                start = known.byte_offset
                self.commit(known, file, is_live=is_live)
                self.database.execute("BEGIN IMMEDIATE")
        else:
            tail = file.read(known.byte_offset, known.byte_offset + LINE_BYTES_MAX + 1)
            is_kept = 0 < len(tail) <= LINE_BYTES_MAX and file.is_unchanged()
            known.held_back = tail if is_kept else None
            known.is_ended = int(not is_live)
        self.commit(known, file, is_live=is_live)

    def close(self, known: Generation) -> None:
        """Report a generation whose end was not seen, and store what was held back of it."""
        batch = Batch(known)
        self.database.execute("BEGIN IMMEDIATE")
        if not known.is_ended:
            self.gap(known, "truncated, replaced or rotated away; lines after this were not seen")
        if known.held_back:
            batch.take(0, known.held_back + b"\n", None)
            batch.skip(-1)  # The newline that never came.
            batch.dead_letters = [(*row[:4], "torn", *row[5:]) for row in batch.dead_letters]
            self.write(batch)
        known.held_back, known.is_ended = None, 1
        self.commit(known, None)

    def generations(self, log_path: str, identity: str = "") -> list[Generation]:
        """The generations of a log, newest first; then those of a file under other names."""
        query = """SELECT * FROM generations WHERE log_path = ?1 OR identity = ?2
                   ORDER BY log_path = ?1 DESC, generation DESC"""
        return [Generation(*row) for row in self.database.execute(query, (log_path, identity))]

    def project(self, path: Path, files: contextlib.ExitStack) -> None:
        """Bring the store up to date with one log of the allow-list."""
        own, old = shown(path), path.with_name(path.name + ".1")
        live = LogFile(path, files) if path.exists() else None
        if live and live.identity in self.seen:
            LOG.info("%s: the same file as a log above", own)
            return
        known, before = self.generations(own, live.identity if live else ""), self.counts()
        same = (g for g in known if live and g.byte_offset and live.agrees(g, SAME_FILE))
        origin = next(same, None)  # Perhaps read under another name, in an earlier run.
        log_path = origin.log_path if origin else own
        known = [origin] if origin and log_path != own else self.generations(own)
        is_there = known and old.is_file() and os.access(old, os.R_OK)
        rotated = LogFile(old, files) if is_there else None
        mine, theirs = claims(live, rotated, known) if known else (None, None)
        if rotated and theirs:
            self.drain(rotated, theirs, is_live=False)
        if not live or stop_signals:
            raise OSError(f"{own}: {'not reached' if live else 'no such file'}")
        if mine or live.size:
            rest = [g for g in known if g not in (mine, theirs)]
            for generation in (g for g in rest if g.held_back or not g.is_ended):
                self.close(generation)
            number = known[0].generation + 1 if known else 1
            mine = mine or Generation(log_path, generation=number)
            self.drain(live, mine, is_live=True)
        mine = mine or Generation(log_path)
        ends = (live.size - mine.byte_offset, mine.byte_offset, mine.line_no, mine.generation)
        LOG.info(SUMMARY, log_path, *self.counts(before), *ends)
        if stop_signals:
            raise OSError(f"{log_path}: stopped at this checkpoint by signal {stop_signals[0]}")


def claims(
    live: LogFile | None, rotated: LogFile | None, known: list[Generation]
) -> tuple[Generation | None, Generation | None]:
    """The generations that the live and the rotated file continue, each the newest that fits."""
    newest, mine, theirs = known[0], None, None
    if live and live.agrees(newest, SAME_FILE):
        mine = newest
    if rotated and not (live and live.identity == rotated.identity):
        fitting = (g for g in known if rotated.agrees(g, 1 if g is newest else HEAD_BYTES))
        theirs = next((g for g in fitting if g is not mine), None)
    if live and not mine:  # Of the older ones, short beginnings look alike.
        fitting = (g for g in known if g is newest or g.byte_offset >= HEAD_BYTES)
        mine = next((g for g in fitting if g is not theirs and live.agrees(g)), None)
    return mine, theirs


def database_at(path: Path, resources: contextlib.ExitStack) -> sqlite3.Connection:
    """The database, made if need be; any file that this program did not make is refused."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = LogFile(path, resources).read(0, 100) if path.exists() else b""
    if header and int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        mark = f"not this program's database ({header[68:72]!r} at byte 68)"
        raise OSError(f"{mark}; nothing was written, choose another --db")
    lock = resources.enter_context(path.with_name(path.name + ".lock").open("a"))
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Let go by the kernel, however we end.
    database = sqlite3.connect(path, timeout=LOCK_WAIT_SECONDS, isolation_level=None)
    resources.callback(database.close)
    database.execute("PRAGMA cache_size = -64000")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise OSError("written by a newer projector; nothing was written")
    if version == 0:
        database.executescript(SCHEMA)
    return database


def project_all(arguments: argparse.Namespace, resources: contextlib.ExitStack) -> int:
    """Project each log; one that cannot be read does not stop the rest. Returns the status."""
    run, failures = Run(database_at(Path(os.path.realpath(arguments.db)), resources)), 0
    before = run.counts()
    for log in arguments.log:
        try:
            with contextlib.ExitStack() as files:
                run.project(Path(os.path.realpath(log)), files)
        except (OSError, ValueError) as error:
            if run.database.in_transaction:
                run.database.execute("ROLLBACK")
            failures += 1
            LOG.warning("error: %s", error)
    news = run.counts(before)
    LOG.info("total: inserted %d, dead letters %d, gaps %d, failures %d", *news, failures)
    return 3 if failures else int(arguments.strict and sum(news[1:]) > 0)


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; exits with status 2 when it makes no sense."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--db", default="evidence/derived/events.db", help="%(default)s")
    parser.add_argument("--log", action="append", required=True, help="a log to read; repeatable")
    parser.add_argument("--error-log", help="append warnings and errors to this file, too")
    parser.add_argument("--strict", action="store_true", help="exit 1 on bad lines or gaps")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every bad line")
    arguments = parser.parse_args(argv)
    written = [os.path.realpath(path) for path in (arguments.db, arguments.error_log) if path]
    if not set(written).isdisjoint(map(os.path.realpath, arguments.log)):
        parser.error("a file to write is given as --log, too: logs are only ever read")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Project the logs and return the exit status."""
    arguments = arguments_of(argv)
    LOG.setLevel(logging.DEBUG if arguments.verbose else logging.INFO)
    LOG.handlers[:] = [logging.StreamHandler(sys.stdout)]
    with contextlib.ExitStack() as resources:
        try:
            if arguments.error_log:
                Path(arguments.error_log).parent.mkdir(parents=True, exist_ok=True)
                file = logging.FileHandler(arguments.error_log, errors="backslashreplace")
                resources.callback(file.close)
                file.setLevel(logging.WARNING)
                file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
                LOG.addHandler(file)
            return project_all(arguments, resources)
        except (OSError, ValueError, sqlite3.Error) as error:
            is_held = isinstance(error, BlockingIOError)
            what = "another projector is at work on it" if is_held else error
            LOG.warning("error: %s: %s; what is stored is safe", shown(arguments.db), what)
            return 4 if is_held else 3


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: stop_signals.append(received))
    sys.exit(main())
