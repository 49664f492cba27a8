"""What the stand-alone projector promises, on logs made here; nothing outside tmp_path is used."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import tracemalloc
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOOL = Path(__file__).parents[2] / "tools" / "project_events_to_sqlite.py"
QUERY_TOOL = TOOL.with_name("query_sqlite.py")

OFFER = (
    b'{"event_id":"ge_1","ts":"2026-02-08T10:00:00Z","event_type":"growth.offer.created",'
    b'"actor":"bruce","window_key":"2026-02-08","offer_id":"off_1","detail":{"cost":1}}'
)
APPLY = (
    b'{"event_id":"ge_2","ts":"2026-02-08T10:01:00Z","event_type":"growth.apply.started",'
    b'"actor":"bruce","window_key":"2026-02-08","offer_id":"off_1","apply_id":"ap_1"}'
)
LOOK = b'{"ts":"2026-02-08T10:02:00Z","action":"look","room":{"id":"spawn","name":"Clearing"}}'
BOT = (
    b'{"ts":"2026-02-08T10:03:00Z","actor_id":"bot7","role":"guest","source":"ai_player",'
    b'"cmd_text":"dig","result":"denied","reason":"no consent"}'
)
HEARTBEAT = (
    b'{"ts":"2026-02-08T10:04:00Z","tick_id":"hb_1","player_id":"Bruce",'
    b'"room":{"id":"spawn"},"snapshot":{"npcs":1}}'
)
MARKER = b'{"ts":"2026-02-08T10:05:00Z","event":"log_rotated","rotated_to":"x.1"}'


def load() -> ModuleType:
    """The tool as a fresh module, without running it."""
    spec = importlib.util.spec_from_file_location("projector_under_test", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


projector = load()


Row = tuple[Any, ...]


class World:
    """A folder with one log and one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "event_log.jsonl"
        self.database = folder / "derived" / "events.db"

    def write(self, *lines: bytes) -> None:
        """Make the log anew, of whole lines."""
        self.log.write_bytes(b"".join(line + b"\n" for line in lines))

    def append(self, data: bytes) -> None:
        """Add bytes at the log's end."""
        with self.log.open("ab") as file:
            file.write(data)

    def run(self, *arguments: str, logs: list[Path] | None = None) -> int:
        """Run the projector in this process; returns its exit status."""
        named = [part for log in logs or [self.log] for part in ("--log", str(log))]
        return int(projector.main(["--db", str(self.database), *named, *arguments]))

    def ask(self, query: str) -> list[Row]:
        """The rows of a query."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def raws(self) -> list[bytes]:
        """The stored lines in the order of arrival."""
        return [row[0].encode() for row in self.ask("SELECT raw_json FROM events ORDER BY id")]

    def dump(self) -> dict[str, list[Row]]:
        """All tables that are a function of the log."""
        tables = ("events", "dead_letters", "ingest_state", "generations")
        query = "SELECT * FROM {}"
        return {table: sorted(self.ask(query.format(table)), key=repr) for table in tables}

    def rotate(self) -> Path:
        """Rename the log to its .1, as its writer does."""
        old = self.log.with_name(self.log.name + ".1")
        self.log.replace(old)
        return old


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A folder for a log and a database; the database's own folder is not there yet."""
    return World(tmp_path)


def numbered(start: int, stop: int) -> list[bytes]:
    """Events that can be told apart."""
    return [b'{"ts":"2026-02-08T10:00:00Z","kind":"n","id":"%d"}' % i for i in range(start, stop)]


def run_script(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code that finds the tool loaded as ``tool``."""
    preamble = f"""
import importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("tool", {str(TOOL)!r})
tool = importlib.util.module_from_spec(spec); sys.modules["tool"] = tool
spec.loader.exec_module(tool)
"""
    return subprocess.run(
        [sys.executable, "-c", preamble + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# ---- what the seed asks to be tested


def test_known_events_give_as_many_rows(world: World) -> None:
    """Each line of a small log becomes one row, with the seed's columns filled."""
    world.write(OFFER, APPLY, LOOK)

    status = world.run()

    assert status == 0
    rows = world.ask(
        "SELECT event_id, ts, kind, actor, offer_id, apply_id, window_key, line_no FROM events"
    )
    assert rows == [
        ("ge_1", "2026-02-08T10:00:00Z", "growth.offer.created", "bruce", "off_1", None,
         "2026-02-08", 1),
        ("ge_2", "2026-02-08T10:01:00Z", "growth.apply.started", "bruce", "off_1", "ap_1",
         "2026-02-08", 2),
        (None, "2026-02-08T10:02:00Z", "look", None, None, None, None, 3),
    ]  # fmt: skip


def test_schema_has_the_seeds_tables_columns_and_indexes(world: World) -> None:
    """Tables, columns and indexes stand under the seed's names, its columns first."""
    world.write(OFFER)

    world.run()

    events = [row[1] for row in world.ask("PRAGMA table_info(events)")]
    state = [row[1] for row in world.ask("PRAGMA table_info(ingest_state)")]
    indexed = {
        tuple(row[2] for row in world.ask(f"PRAGMA index_info({index[1]})"))
        for index in world.ask("PRAGMA index_list(events)")
    }
    assert " ".join(events[:15]) == (
        "id event_id ts kind actor role mode offer_id apply_id window_key "
        "payload_json raw_json sha256 log_path line_no"
    )
    assert state[:3] == ["log_path", "last_size", "last_mtime"]
    assert {("ts",), ("kind",), ("offer_id",), ("apply_id",), ("room_id",)} <= indexed
    assert {("log_path", "line_no"), ("log_path", "generation", "byte_offset")} <= indexed
    assert world.ask("PRAGMA application_id") == [(0x4556504A,)]
    assert world.ask("PRAGMA user_version") == [(1,)]


def test_raw_text_checksum_and_payload_are_stored(world: World) -> None:
    """raw_json is the exact line, sha256 its checksum, the payload JSON of its own."""
    world.write(OFFER)

    world.run()

    row = world.ask("SELECT raw_json, sha256, payload_json, log_path FROM events")[0]
    assert row == (
        OFFER.decode(), hashlib.sha256(OFFER).hexdigest(), '{"cost":1}', str(world.log.resolve())
    )  # fmt: skip


def test_second_run_inserts_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing new in the log means no new row, and the summary says so."""
    world.write(OFFER, APPLY)
    world.run()
    before = world.dump()
    capsys.readouterr()

    status = world.run()

    assert status == 0
    assert world.dump() == before
    assert "inserted 0, dead letters 0, gaps 0, held back 0 bytes" in capsys.readouterr().out


def test_only_new_lines_are_inserted(world: World) -> None:
    """Lines appended since the last run are stored after those that were there."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY]
    state = world.ask("SELECT last_size, byte_offset, line_no FROM ingest_state")
    assert state == [(len(OFFER) + len(APPLY) + 2,) * 2 + (2,)]


def test_shrunken_log_is_read_from_its_start(world: World) -> None:
    """After a truncation in place the new lines are stored from line 1 on."""
    world.write(OFFER, APPLY)
    world.run()
    with world.log.open("r+b") as file:
        file.truncate(0)
    world.append(LOOK + b"\n")

    status = world.run()

    assert status == 0
    rows = world.ask("SELECT generation, line_no, byte_offset, kind FROM events ORDER BY id")
    assert rows[-1] == (2, 1, 0, "look")


def test_database_folder_is_made(world: World) -> None:
    """The database's parent directories are created."""
    world.write(OFFER)

    world.run()

    assert world.database.is_file()


# ---- ingest defects


def test_in01_torn_last_line_waits_for_its_newline(world: World) -> None:
    """IN-01: a half-written line gives no row, and one row at its own offset once complete."""
    world.log.write_bytes(OFFER + b"\n" + APPLY[:20])
    world.run()
    torn = world.raws()
    held = world.ask("SELECT held_back FROM generations")
    world.append(APPLY[20:] + b"\n")

    world.run()

    assert torn == [OFFER]
    assert held == [(APPLY[:20],)]
    assert world.raws() == [OFFER, APPLY]
    assert world.ask("SELECT byte_offset, line_no FROM events")[1] == (len(OFFER) + 1, 2)
    assert world.ask("SELECT count(*) FROM dead_letters") == [(0,)]


def test_in01_complete_object_without_newline_waits_too(world: World) -> None:
    """IN-01: even a whole object is no line before its newline."""
    world.log.write_bytes(OFFER)

    world.run()
    world.append(b"\n")
    world.run()
    world.run()

    assert world.raws() == [OFFER]


@pytest.mark.parametrize("stop", [5, 10, 30], ids=["smaller", "equal", "larger"])
@pytest.mark.parametrize("is_in_place", [True, False], ids=["same inode", "new inode"])
def test_in02_replaced_log_begins_the_next_generation(
    world: World, stop: int, *, is_in_place: bool
) -> None:
    """IN-02: a replacement of any size is read from 0, and the lines of both files are stored."""
    first, second = numbered(10, 20), numbered(20, 20 + stop)
    world.write(*first)
    world.run()
    if not is_in_place:
        world.log.rename(world.folder / "elsewhere")
    world.write(*second)

    status = world.run()

    assert status == 0
    assert world.raws() == first + second
    assert {row[0] for row in world.ask("SELECT generation FROM events")} == {1, 2}
    assert world.ask("SELECT byte_offset FROM events WHERE generation = 2 AND line_no = 1") == [
        (0,)
    ]


@pytest.mark.parametrize("changed", [0, 399], ids=["first line", "last line"])
def test_in02_one_changed_line_is_noticed(world: World, changed: int) -> None:
    """IN-02: the first bytes and those before the checkpoint are both compared."""
    lines = numbered(100, 500)
    world.write(*lines)
    world.run()
    lines[changed] = lines[changed].replace(b'"n"', b'"m"')
    world.write(*lines)

    world.run()

    assert world.ask("SELECT generation, count(*) FROM events GROUP BY 1") == [(1, 400), (2, 400)]


def test_in02_old_file_moved_back_goes_on(world: World) -> None:
    """IN-02: an older generation that returns under the log's name is not read again."""
    world.write(*numbered(0, 50))
    world.run()
    old = world.rotate()
    world.write(*numbered(50, 100))
    world.run()
    old.replace(world.log)
    world.append(OFFER + b"\n")

    world.run()

    assert world.raws() == [*numbered(0, 100), OFFER]


def test_in02_old_modification_time_decides_nothing(world: World) -> None:
    """IN-02: a time that runs backwards is no reset."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")
    os.utime(world.log, (1, 1))

    world.run()

    assert world.raws() == [OFFER, APPLY]


def test_in02_copy_with_the_same_bytes_goes_on(world: World) -> None:
    """IN-02: a new inode with the old bytes and more is the same generation."""
    world.write(*numbered(0, 50))
    world.run()
    copy = world.folder / "copy"
    shutil.copyfile(world.log, copy)
    copy.replace(world.log)
    world.append(OFFER + b"\n")

    world.run()

    assert world.raws() == [*numbered(0, 50), OFFER]


def test_in03_rows_of_the_old_generation_stay(world: World) -> None:
    """IN-03: after a rotation the old rows are there and still match the renamed file."""
    world.write(OFFER, APPLY)
    world.run()
    old = world.rotate()
    world.write(LOOK)

    world.run()

    lines = old.read_bytes().splitlines()
    rows = world.ask("SELECT raw_json, sha256 FROM events WHERE generation = 1 ORDER BY line_no")
    assert [row[0].encode() for row in rows] == lines
    assert [row[1] for row in rows] == [hashlib.sha256(line).hexdigest() for line in lines]
    assert world.raws() == [OFFER, APPLY, LOOK]


@pytest.mark.parametrize("is_copied", [False, True], ids=["renamed", "copied and truncated"])
def test_in04_unread_tail_of_the_rotated_file_is_read_first(
    world: World, *, is_copied: bool
) -> None:
    """IN-04: lines written between the last run and the rotation are stored, in order."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")
    if is_copied:
        shutil.copyfile(world.log, world.log.with_name(world.log.name + ".1"))
    else:
        world.rotate()
    world.write(LOOK)

    status = world.run("--strict")

    assert status == 0
    assert world.raws() == [OFFER, APPLY, LOOK]
    assert world.ask("SELECT generation, line_no FROM events") == [(1, 1), (1, 2), (2, 1)]
    assert world.ask("SELECT count(*) FROM gaps") == [(0,)]


def test_in04_second_rotation_gives_a_gap(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """IN-04: when the old file is gone for good, a warning and a gap say so, once."""
    world.write(OFFER)
    world.run()
    for line in (APPLY, LOOK):
        world.rotate()
        world.write(line)
    capsys.readouterr()

    status = world.run()
    output = capsys.readouterr().out
    world.run()

    assert status == 0
    assert world.raws() == [OFFER, LOOK]
    assert world.ask("SELECT generation, byte_offset FROM gaps") == [(1, len(OFFER) + 1)]
    assert "warning:" in output
    assert "gaps 1" in output


def test_in02_log_rewritten_during_a_read_mixes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-02: what is read after a rewrite in mid-run is not taken for the old generation."""
    first, second = numbered(100, 200), numbered(200, 400)
    world.write(*first)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 512)
    read, left = projector.LogFile.read, [8]

    def read_while_rewritten(self: object, start: int, end: int) -> bytes:
        left[0] -= 1
        if left[0] == 0:
            world.write(*second)
        return bytes(read(self, start, end))

    monkeypatch.setattr(projector.LogFile, "read", read_while_rewritten)

    world.run()
    kept = world.raws()
    world.run()

    assert 0 < len(kept) < 100
    assert kept == first[: len(kept)]
    assert world.raws() == kept + second
    assert world.ask("SELECT count(*) FROM gaps") == [(1,)]


def test_in04_copy_that_is_not_truncated_yet_is_not_read(world: World) -> None:
    """IN-04: a run between the copy and the truncation neither doubles nor misses a line."""
    world.write(OFFER)
    world.run()
    shutil.copyfile(world.log, world.log.with_name(world.log.name + ".1"))
    world.append(APPLY + b"\n")
    world.run()
    world.log.write_bytes(b"")
    world.run()
    world.append(LOOK + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY, LOOK]


def test_in04_short_equal_beginning_is_no_proof(world: World) -> None:
    """IN-04: a strange .1 that begins like a short old generation is not read."""
    for line in (OFFER, APPLY):
        world.write(line)
        world.run()
    world.log.with_name(world.log.name + ".1").write_bytes(OFFER + b"\n" + LOOK + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY]


def test_in04_short_line_that_comes_again_is_read_again(world: World) -> None:
    """IN-04: a log that begins anew with the line of an earlier generation loses nothing."""
    for line in (OFFER, APPLY, OFFER):
        world.write(line)
        world.run()
    world.append(LOOK + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY, OFFER, LOOK]


def test_in11_hard_link_named_like_a_rotation_changes_nothing(world: World) -> None:
    """IN-11: a .1 that is the log itself is neither read twice nor taken for the old file."""
    world.write(OFFER)
    world.run()
    copy = world.folder / "copy"
    shutil.copyfile(world.log, copy)
    copy.replace(world.log)
    world.log.with_name(world.log.name + ".1").hardlink_to(world.log)
    world.append(APPLY + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY]


def test_in04_gap_makes_a_strict_run_fail(world: World) -> None:
    """IN-04: with --strict a suspected loss is exit status 1."""
    world.write(OFFER)
    world.run()
    world.write(LOOK)

    status = world.run("--strict")

    assert status == 1


def test_in04_line_completed_after_the_rotation_is_stored_once(world: World) -> None:
    """IN-04: a torn line that its writer completes in the renamed file is one event."""
    world.log.write_bytes(OFFER + b"\n" + APPLY[:30])
    world.run()
    old = world.rotate()
    world.write(LOOK)
    world.run()
    with old.open("ab") as file:
        file.write(APPLY[30:] + b"\n")

    world.run()
    world.run()

    assert sorted(world.raws()) == sorted([OFFER, APPLY, LOOK])
    assert world.ask("SELECT count(*) FROM dead_letters") == [(0,)]


def test_in04_line_never_completed_is_kept_as_a_dead_letter(world: World) -> None:
    """IN-04: what was held back of a file that is gone is stored byte for byte."""
    world.log.write_bytes(OFFER + b"\n" + APPLY[:30])
    world.run()
    world.write(LOOK)

    world.run()

    letters = world.ask("SELECT reason, raw, byte_offset, line_no FROM dead_letters")
    assert letters == [("torn", APPLY[:30], len(OFFER) + 1, 2)]
    assert world.raws() == [OFFER, LOOK]


def test_in04_whole_object_held_back_is_kept_as_an_event(world: World) -> None:
    """IN-04: the last line of a file that is gone is an event where it is one."""
    world.log.write_bytes(OFFER + b"\n" + APPLY)
    world.run()
    world.write(LOOK)

    world.run()

    assert sorted(world.raws()) == sorted([OFFER, APPLY, LOOK])
    assert world.ask("SELECT byte_offset FROM generations ORDER BY generation")[0] == (
        len(OFFER) + 1 + len(APPLY),
    )


def test_rotation_after_rotation_is_followed(world: World) -> None:
    """IN-04: ten rotations with a run between each lose and double nothing."""
    expected: list[bytes] = []
    for turn in range(10):
        lines = numbered(turn * 10, turn * 10 + 10)
        if turn:
            world.append(b"".join(line + b"\n" for line in lines[:5]))
            world.rotate()
            world.write(*lines[5:])
        else:
            world.write(*lines)
        expected += lines
        world.run()

    assert world.raws() == expected
    assert world.ask("SELECT count(*) FROM gaps") == [(0,)]


def test_rotated_file_in_the_allow_list_is_not_read_twice(world: World) -> None:
    """IN-11: a log and the file that it was rotated to are one set of rows in any order."""
    world.write(OFFER, APPLY)
    world.run()
    old = world.rotate()
    world.write(LOOK)

    for logs in ([world.log, old], [old, world.log], [old]):
        world.run(logs=logs)

    assert world.raws() == [OFFER, APPLY, LOOK]


def test_missing_log_still_drains_the_rotated_file(world: World) -> None:
    """IN-04: between rename and create the log is missing, and nothing is lost."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")
    world.rotate()

    status = world.run()

    assert status == 3
    assert world.raws() == [OFFER, APPLY]


def test_unrelated_file_named_like_a_rotation_is_not_read(world: World) -> None:
    """Only the allow-list is read: a strange .1 beside a log is left alone."""
    world.log.with_name(world.log.name + ".1").write_bytes(LOOK + b"\n")
    world.write(OFFER)

    world.run()
    world.run()

    assert world.raws() == [OFFER]


def test_replaced_held_back_bytes_are_reported(world: World) -> None:
    """A writer that cuts its torn line off and goes on leaves a gap with the bytes."""
    world.log.write_bytes(OFFER + b"\n" + b'{"torn')
    world.run()
    world.write(OFFER, APPLY)

    world.run()

    assert world.raws() == [OFFER, APPLY]
    assert world.ask("SELECT byte_offset, raw FROM gaps") == [(len(OFFER) + 1, b'{"torn')]


@pytest.mark.parametrize("line", [b"[1]", b"3", b'"text"', b"null", b"true", b"[]"])
def test_in05_json_that_is_no_object_is_one_dead_letter(world: World, line: bytes) -> None:
    """IN-05: it does not end the run, and the other lines are stored."""
    world.write(OFFER, line, APPLY)

    status = world.run()

    assert status == 0
    assert world.ask("SELECT reason, raw FROM dead_letters") == [("not_object", line)]
    assert world.raws() == [OFFER, APPLY]


BAD_LINES = {
    "syntax": b'{"a":1,}',
    "syntax_two": b'{"a":1} {"b":2}',
    "not_utf8": b'{"a":"\xff"}',
    "not_utf8_overlong": b'{"a":"\xc0\x80"}',
    "lone_surrogate": rb'{"a":"\ud800"}',
    "lone_surrogate_key": rb'{"\uDC00":1}',
    "depth": b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    "depth_bottomless": b"[" * 100_000,
    "duplicate_key": b'{"a":{"b":1,"b":2}}',
    "control": b'{"a":"\x01"}',
    "control_nul": b'{"a":"\x00"}',
    "bom": b'\xef\xbb\xbf{"a":1}',
    "number": b'{"a":1e400}',
}


def test_in06_no_input_ends_the_run(world: World) -> None:
    """IN-06: good lines between one bad line of each sort are stored, the bad ones exactly."""
    good = [
        b'{"kind":"object id","id":{"a":1}}',
        b'{"kind":"big id","id":9223372036854775808}',
        b'{"kind":"huge id","id":' + b"7" * 5000 + b"}",
        b'{"kind":"huge payload","detail":{"n":' + b"7" * 5000 + b"}}",
        rb'{"kind":"pair","actor":"\ud83d\ude00"}',
        rb'{"kind":"nul","actor":"a\u0000b"}',
        b'{"kind":"deep","a":' + b"[" * 199 + b"]" * 199 + b"}",
        b'{"kind":"brackets in a text","a":"' + b"[" * 5000 + b'"}',
        b'{"":1,"kind":"odd keys","$":2,"a.b":3,"\xc3\xa9":4}',
    ]
    lines = [line for pair in zip(BAD_LINES.values(), good * 2, strict=False) for line in pair]
    world.write(OFFER, *lines, APPLY)

    status = world.run()

    assert status == 0
    assert world.ask("SELECT reason, raw FROM dead_letters ORDER BY id") == [
        (name.removesuffix("_two").removesuffix("_overlong").removesuffix("_key").
         removesuffix("_bottomless").removesuffix("_nul"), line)
        if name != "duplicate_key" else (name, line)
        for name, line in BAD_LINES.items()
    ]  # fmt: skip
    assert world.raws() == [OFFER, *(line for line in lines if line in good), APPLY]


def test_in06_ids_of_every_type_follow_the_rules_of_columns(world: World) -> None:
    """IN-06: wrong types are skipped and counted; 0 is a value; integers keep their digits."""
    lines = {
        b'{"event_id":{"a":1},"id":"b"}': ("b", 1),
        b'{"event_id":"","id":null,"tick_id":"c"}': ("c", 0),
        b'{"event_id":0,"id":"b"}': ("0", 0),
        b'{"event_id":false,"id":[1]}': (None, 2),
        b'{"event_id":9223372036854775808}': ("9223372036854775808", 0),
        b'{"event_id":' + b"7" * 5000 + b"}": (None, 1),
    }
    world.write(*lines)

    world.run()

    assert world.ask("SELECT event_id, drift FROM events ORDER BY id") == [
        (event_id, drift + (b"[1]" in line)) for line, (event_id, drift) in lines.items()
    ]


def test_in07_bad_lines_are_visible_and_strict_runs_fail(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """IN-07: the default output names place and reason; --strict exits 1; the raw line stays."""
    world.write(OFFER, b"{broken", APPLY)
    error_log = world.folder / "errors" / "projector.log"

    status = world.run("--strict", "--error-log", str(error_log))

    output = capsys.readouterr().out
    assert status == 1
    assert f"{world.log.resolve()} line 2 generation 1 byte {len(OFFER) + 1}: syntax:" in output
    assert "dead letters 1" in output
    assert "syntax" in error_log.read_text()
    assert world.ask("SELECT line_no, byte_offset, raw, byte_length, sha256 FROM dead_letters") == [
        (2, len(OFFER) + 1, b"{broken", 7, hashlib.sha256(b"{broken").hexdigest())
    ]


def test_in07_output_of_a_bad_file_stays_short_unless_asked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """IN-07: the first five bad lines are shown, all of them with -v, and all are stored."""
    world.write(*[b"bad"] * 40)

    world.run()
    quiet = capsys.readouterr().out
    world.database.unlink()
    world.run("-v")
    verbose = capsys.readouterr().out

    assert quiet.count("syntax") == 5
    assert verbose.count("syntax") == 40
    assert world.ask("SELECT count(*) FROM dead_letters") == [(40,)]


def test_in08_byte_order_mark_at_the_start_is_skipped(world: World) -> None:
    """IN-08: the first event is stored, at the byte after the mark, and the mark accounted for."""
    world.log.write_bytes(b"\xef\xbb\xbf" + OFFER + b"\n" + APPLY + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY]
    assert world.ask("SELECT byte_offset FROM events")[0] == (3,)
    assert world.ask("SELECT skipped_bytes FROM generations") == [(3,)]


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1E999"])
def test_in09_numbers_that_json_does_not_have_are_dead_letters(world: World, number: bytes) -> None:
    """IN-09: they are refused by name, wherever they stand."""
    world.write(b'{"detail":[{"n":%s}]}' % number, OFFER)

    world.run()

    assert world.ask("SELECT reason FROM dead_letters") == [("number",)]
    assert world.raws() == [OFFER]


def test_in10_writer_that_appends_during_every_read_doubles_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-10: over 10,000 lines each is stored once, in order, whenever it was appended."""
    lines = iter(numbered(0, 10_000))
    world.write(*[next(lines) for _ in range(100)])
    read = projector.LogFile.read
    monkeypatch.setattr(projector, "BLOCK_BYTES", 512)

    def read_and_append(self: object, start: int, end: int) -> bytes:
        world.append(b"".join(line + b"\n" for line in islice(lines, 5)))
        return bytes(read(self, start, end))

    monkeypatch.setattr(projector.LogFile, "read", read_and_append)
    turns = 0
    while (world.raws() if turns else []) != numbered(0, 10_000):
        turns += 1
        assert turns < 50
        world.run()

    assert world.ask("SELECT count(*), count(DISTINCT event_id) FROM events") == [(10_000, 10_000)]
    assert turns > 1


def test_in11_every_spelling_of_a_log_is_one_log(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """IN-11: relative, absolute, symbolic, hard-linked and repeated names give one set of rows."""
    world.write(OFFER, APPLY)
    symbolic, hard = world.folder / "symbolic", world.folder / "hard"
    symbolic.symlink_to(world.log)
    hard.hardlink_to(world.log)
    monkeypatch.chdir(world.folder)
    spellings = [world.log, Path("event_log.jsonl"), Path("./derived/../event_log.jsonl"),
                 symbolic, hard, world.log]  # fmt: skip

    status = world.run(logs=spellings)
    output = capsys.readouterr().out
    for spelling in spellings:
        status += world.run(logs=[spelling])
    world.append(LOOK + b"\n")
    status += world.run(logs=[hard])
    status += world.run(logs=spellings[::-1])

    assert status == 0
    assert output.count("the same file as a log above") == 5
    assert world.raws() == [OFFER, APPLY, LOOK]
    assert world.ask("SELECT log_path FROM ingest_state") == [(str(world.log.resolve()),)]


def test_in11_renamed_log_is_recognised(world: World) -> None:
    """IN-11: the same file under a new name is not read again."""
    world.write(OFFER, APPLY)
    world.run()
    moved = world.log.rename(world.folder / "moved.jsonl")
    with moved.open("ab") as file:
        file.write(LOOK + b"\n")

    world.run(logs=[moved])

    assert world.raws() == [OFFER, APPLY, LOOK]


def test_in12_offsets_and_line_numbers_are_exact_across_resumes(world: World) -> None:
    """IN-12: blank and bad lines, CRLF and resumes move neither byte_offset nor line_no."""
    lines = [b"", OFFER, b"bad", b"  ", APPLY + b"\r", b"\r", LOOK, b"[]", b"", BOT]
    for line in lines:
        world.append(line + b"\n")
        world.run()

    data = world.log.read_bytes()
    physical = data.split(b"\n")
    for raw, line_no, byte_offset in world.ask("SELECT raw_json, line_no, byte_offset FROM events"):
        assert data[byte_offset:].startswith(raw.encode() + b"\n")
        assert physical[line_no - 1] == raw.encode()
    assert world.ask("SELECT line_no FROM events") == [(2,), (5,), (7,), (10,)]
    assert world.ask("SELECT line_no FROM dead_letters") == [(3,), (8,)]
    assert world.ask("SELECT line_no, byte_offset FROM ingest_state") == [(10, len(data))]


def test_in13_heartbeats_and_rotation_markers_have_a_kind(world: World) -> None:
    """IN-13: no shape of the world's logs is unknown; a line without any kind still is."""
    world.write(OFFER, LOOK, BOT, HEARTBEAT, MARKER, b'{"x":1}')

    world.run()

    assert [row[0] for row in world.ask("SELECT kind FROM events ORDER BY id")] == [
        "growth.offer.created", "look", "bot.denied", "heartbeat", "log_rotated", "unknown"
    ]  # fmt: skip


@pytest.mark.parametrize("result", ["allowed", "denied", "rate_limited"])
def test_in14_bot_audit_rows_have_an_actor_and_a_telling_kind(world: World, result: str) -> None:
    """IN-14, VR-04: actor_id is the actor, and the kind shows the outcome."""
    world.write(BOT.replace(b'"denied"', b'"%s"' % result.encode()))

    world.run()

    row = world.ask("SELECT kind, actor, role, result, reason FROM events")[0]
    assert row == (f"bot.{result}", "bot7", "guest", result, "no consent")


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        (b'{"event_type":"a","kind":"b"}', ("a", None, None, None, None)),
        (b'{"type":"t","source":"player_chat"}', ("player_chat", None, None, None, None)),
        (b'{"type":"t"}', ("t", None, None, None, None)),
        (b'{"kind":7,"verb":"v"}', ("v", None, None, None, None)),
        (b'{"kind":"k","room":"cellar","metadata":{"m":1}}',
         ("k", "cellar", '{"m":1}', None, None)),
        (b'{"kind":"k","payload":{"room_id":"attic"}}',
         ("k", "attic", '{"room_id":"attic"}', None, None)),
        (b'{"kind":"k","detail":"text","args":[1]}', ("k", None, "[1]", None, None)),
        (b'{"kind":"k","event_id":"build_1","id":"evt_1"}', ("k", None, None, "evt_1", None)),
        (b'{"kind":"k","id":"evt_1"}', ("k", None, None, None, None)),
        (b'{"kind":"k","schema_version":3}', ("k", None, None, None, "3")),
    ],
)  # fmt: skip
def test_columns_take_the_first_usable_key(
    world: World, line: bytes, columns: tuple[str | None, ...]
) -> None:
    """IN-13: precedence, rooms of both shapes, payloads, second ids, schema versions."""
    world.write(line)

    world.run()

    query = "SELECT kind, room_id, payload_json, other_id, schema_version FROM events"
    assert world.ask(query) == [columns]


# ---- schema, times, exit status


def test_sc01_no_position_can_be_stored_twice(world: World) -> None:
    """SC-01: the database itself refuses a second row for a place, events and dead letters."""
    world.write(OFFER, b"bad")
    world.run()

    with closing(sqlite3.connect(world.database)) as connection:
        for table in ("events", "dead_letters"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")][1:]
            columns = ", ".join(names)
            with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
                connection.execute(
                    f"INSERT INTO {table}({columns}) SELECT {columns} FROM {table}"  # noqa: S608  # names from the database itself
                )


def test_sc01_bytes_that_do_not_add_up_are_refused(world: World) -> None:
    """SC-01: a checkpoint must equal the bytes accounted for."""
    world.write(OFFER)
    world.run()

    with (
        closing(sqlite3.connect(world.database)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK"),
    ):
        connection.execute("UPDATE generations SET byte_offset = byte_offset + 1")


def test_sc02_spellings_of_one_instant_are_equal(world: World) -> None:
    """SC-02: the text stays as written, ts_us is one number, and no time is guessed."""
    equal = ["2026-02-08T10:00:00Z", "2026-02-08T10:00:00+00:00", "2026-02-08T15:30:00.000+05:30"]
    unknown = ["2026-02-08T10:00:00", "2026-02-30T10:00:00Z", "yesterday", "2026-02-08"]
    world.write(*[b'{"ts":"%s"}' % text.encode() for text in [*equal, *unknown]])
    world.append(b'{"ts":1770544800}\n{"timestamp":"2026-02-08T10:00:00.000001Z"}\n{}\n')

    world.run()

    instant = 1_770_544_800_000_000
    assert world.ask("SELECT ts, ts_us FROM events ORDER BY id") == [
        *((text, instant) for text in equal),
        *((text, None) for text in unknown),
        ("1770544800", None),
        ("2026-02-08T10:00:00.000001Z", instant + 1),
        (None, None),
    ]


def test_cl01_unreadable_logs_are_named_and_the_others_go_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """CL-01: a missing log, a directory, a loop: named in output and error log, exit 3."""
    world.write(OFFER)
    missing, folder, loop = (world.folder / name for name in ("missing", "folder", "loop"))
    folder.mkdir()
    loop.symlink_to(loop)
    error_log = world.folder / "errors.log"

    status = world.run("--error-log", str(error_log), logs=[missing, folder, loop, world.log])

    output = capsys.readouterr().out
    assert status == 3
    for path in (missing, folder, loop):
        assert f"error: {path}" in output
        assert f"error: {path}" in error_log.read_text()
    assert world.raws() == [OFFER]


def test_cl01_log_without_permission_is_named(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CL-01: a log that may not be opened is named, and the others go on."""
    secret = world.folder / "secret.jsonl"
    secret.write_bytes(APPLY + b"\n")
    world.write(OFFER)
    open_path: Any = Path.open

    def refuse(self: Path, *arguments: object, **options: object) -> object:
        if self == secret.resolve():
            raise PermissionError(13, "Permission denied", str(self))
        return open_path(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)

    status = world.run(logs=[secret, world.log])

    assert status == 3
    assert f"Permission denied: '{secret}'" in capsys.readouterr().out
    monkeypatch.undo()
    assert world.raws() == [OFFER]


@pytest.mark.parametrize(
    "arguments",
    [[], ["--db", "x"], ["--log"], ["--log", "a", "--nonsense"],
     ["--log", "a", "--db", "a"], ["--log", "a", "--error-log", "./a"]],
)  # fmt: skip
def test_cl01_wrong_usage_is_status_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CL-01: no log, an unknown option, a log that would be written to."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as exit_:
        projector.main(arguments)

    assert exit_.value.code == 2
    assert list(tmp_path.iterdir()) == []


def foreign_database(path: Path, application_id: int) -> None:
    """Make a database that somebody else owns."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"CREATE TABLE events(a); PRAGMA application_id = {application_id};"
        )


@pytest.mark.parametrize("owner", [0x45564944, 0, 7])
def test_other_databases_are_refused_by_name(
    world: World, owner: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The full product's store and any other database are left as they are."""
    world.write(OFFER)
    world.database.parent.mkdir()
    foreign_database(world.database, owner)
    before = world.database.read_bytes()

    status = world.run()

    assert status == 3
    assert str(world.database) in capsys.readouterr().out
    assert world.database.read_bytes() == before


@pytest.mark.parametrize("content", [b"{}\n", b"x" * 5000, b"SQLite format 3\0"])
def test_files_that_are_no_database_are_refused(world: World, content: bytes) -> None:
    """A path given by mistake is not overwritten."""
    world.write(OFFER)
    world.database.parent.mkdir()
    world.database.write_bytes(content)

    status = world.run()

    assert status == 3
    assert world.database.read_bytes() == content


def test_newer_database_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A database of a later version is not written to."""
    world.write(OFFER)
    world.run()
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("PRAGMA user_version = 2")
    world.append(APPLY + b"\n")

    status = world.run()

    assert status == 3
    assert "newer" in capsys.readouterr().out
    assert world.raws() == [OFFER]


def test_second_projector_is_status_4(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """IN-29: while one projector is at work, another one says so and does nothing."""
    world.write(OFFER)
    world.run()
    script = """
import contextlib, pathlib
with contextlib.ExitStack() as resources:
    tool.database_at(pathlib.Path(sys.argv[1]), resources)
    print("held", flush=True)
    sys.stdin.read()
"""
    preamble = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('tool', {str(TOOL)!r})\n"
        "tool = importlib.util.module_from_spec(spec); sys.modules['tool'] = tool\n"
        "spec.loader.exec_module(tool)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", preamble + script, str(world.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        world.append(APPLY + b"\n")
        status = world.run()
        holder.kill()

    assert status == 4
    assert "another projector" in capsys.readouterr().out
    assert world.run() == 0
    assert world.raws() == [OFFER, APPLY]


def test_database_locked_by_another_program_is_status_3(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is no projector gives a clear message, and the next run goes on."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")
    monkeypatch.setattr(projector, "LOCK_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        status = world.run()

    assert status == 3
    assert f"error: {world.database}: database is locked" in capsys.readouterr().out
    assert world.run() == 0
    assert world.raws() == [OFFER, APPLY]


def test_full_disk_is_status_3_and_loses_nothing(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed stays; with room again the rest follows."""
    lines = numbered(0, 3000)
    world.write(*lines[:10])
    world.run()
    world.append(b"".join(line + b"\n" for line in lines[10:]))
    database_at = projector.database_at

    def small_database_at(*arguments: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = database_at(*arguments)
        connection.execute("PRAGMA max_page_count = 150")
        return connection

    monkeypatch.setattr(projector, "database_at", small_database_at)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 4096)
    monkeypatch.setattr(projector, "TRANSACTION_BYTES", 8192)

    status = world.run()
    output = capsys.readouterr().out
    stored = world.raws()
    monkeypatch.undo()
    world.run()

    assert status == 3
    assert "database or disk is full" in output
    assert 10 < len(stored) < 3000
    assert world.raws() == lines


def test_read_error_of_one_log_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input/output error rolls back that log's transaction only."""
    other = world.folder / "other.jsonl"
    other.write_bytes(LOOK + b"\n")
    world.write(OFFER, APPLY)
    pieces = projector.LogFile.pieces

    def failing(self: object, start: int) -> object:
        yield from pieces(self, start)
        if self.size == world.log.stat().st_size:  # type: ignore[attr-defined]  # a LogFile
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(projector.LogFile, "pieces", failing)

    status = world.run(logs=[world.log, other])

    assert status == 3
    assert world.raws() == [LOOK]
    monkeypatch.undo()
    assert world.run() == 0
    assert sorted(world.raws()) == sorted([LOOK, OFFER, APPLY])


# ---- bytes


def test_crlf_is_kept_in_raw_and_left_out_of_the_checksum(world: World) -> None:
    """One trailing carriage return belongs to the line ending; a second one to the line."""
    world.write(OFFER + b"\r", APPLY + b"\r\r")

    world.run()

    assert world.ask("SELECT raw_json, sha256 FROM events") == [
        ((OFFER + b"\r").decode(), hashlib.sha256(OFFER).hexdigest()),
        ((APPLY + b"\r\r").decode(), hashlib.sha256(APPLY + b"\r").hexdigest()),
    ]


def test_line_separators_inside_strings_split_nothing(world: World) -> None:
    """Lines end at a newline only, not where Python's splitlines would end them."""
    line = '{"kind":"k","actor":"a\u2028b\u2029c\x85d"}'.encode()
    world.write(line)

    world.run()

    assert world.raws() == [line]


@pytest.mark.parametrize("nul_bytes", [1, 100, 5000])
def test_nul_runs_are_skipped_and_accounted(
    world: World, nul_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hole that a truncation leaves, even one longer than the line limit, costs no event."""
    monkeypatch.setattr(projector, "LINE_BYTES_MAX", 1000)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 64)
    hole = b"\0" * nul_bytes
    world.log.write_bytes(hole + OFFER + b"\n" + hole + b"\n" + hole + APPLY + b"\n" + hole)
    world.run()
    held_back = world.ask("SELECT last_size - byte_offset FROM ingest_state")
    world.append(LOOK + b"\n")

    world.run()

    assert world.raws() == [OFFER, APPLY, LOOK]
    assert held_back == [(nul_bytes,)]
    assert world.ask("SELECT line_no FROM events") == [(1,), (3,), (4,)]
    assert world.ask("SELECT skipped_bytes FROM generations") == [(4 * nul_bytes + 1,)]
    assert world.ask("SELECT byte_offset FROM events")[0] == (nul_bytes,)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("length", [999, 1000, 1001, 1063, 1064, 1065, 5000])
def test_too_long_lines_are_hashed_not_held(
    world: World, length: int, ending: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line over the limit is a dead letter with place, length and checksum, without its bytes."""
    monkeypatch.setattr(projector, "LINE_BYTES_MAX", 1000)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 64)
    line = b'{"a":"' + b"x" * (length - 8) + b'"}'
    is_long = len(line + ending) - 1 > 1000
    world.log.write_bytes(OFFER + b"\n" + line + ending + APPLY + b"\n")

    world.run()

    query = "SELECT line_no, byte_offset, reason, raw, byte_length, sha256 FROM dead_letters"
    letters = world.ask(query)
    expected = (2, len(OFFER) + 1, "too_long", None, len(line + ending) - 1,
                hashlib.sha256(line).hexdigest())  # fmt: skip
    assert letters == ([expected] if is_long else [])
    assert world.ask("SELECT line_no FROM events") == [(1,), *[(2,)] * (not is_long), (3,)]


def test_too_long_line_waits_for_its_newline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long line that is still being written is held back, and stored once when complete."""
    monkeypatch.setattr(projector, "LINE_BYTES_MAX", 1000)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 64)
    world.log.write_bytes(OFFER + b"\n" + b"x" * 3000)
    world.run()
    world.append(b"y" * 3000 + b"\n" + APPLY + b"\n")

    world.run()

    assert world.ask("SELECT byte_length, sha256 FROM dead_letters") == [
        (6000, hashlib.sha256(b"x" * 3000 + b"y" * 3000).hexdigest())
    ]
    assert world.raws() == [OFFER, APPLY]


def test_memory_does_not_grow_with_the_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of 32 MiB passes through a small multiple of the limit."""
    monkeypatch.setattr(projector, "LINE_BYTES_MAX", 64 * 1024)
    monkeypatch.setattr(projector, "BLOCK_BYTES", 64 * 1024)
    world.write(b"x" * 32 * 1024 * 1024, OFFER)
    world.run()
    world.database.unlink()

    tracemalloc.start()
    world.run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2 * 1024 * 1024
    assert world.raws() == [OFFER]


def test_empty_and_blank_logs_give_no_rows(world: World) -> None:
    """Nothing in, nothing out, and every blank byte accounted for."""
    world.log.write_bytes(b"")
    empty = world.run()
    world.log.write_bytes(b"\n\r\n   \n\t\n")

    status = world.run("--strict")

    assert (empty, status) == (0, 0)
    assert world.ask("SELECT count(*) FROM events") == [(0,)]
    assert world.ask("SELECT skipped_bytes, line_no FROM generations") == [(9, 4)]


PARTS = st.sampled_from(
    [OFFER, APPLY, b"{}", b"\n", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\0", b"\0" * 70, b"[", b"bad",
     b'{"a":"', b'"}', b"\xff", rb"\ud800", b"x" * 300, b" "]
)  # fmt: skip


@settings(
    derandomize=True, max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(data=st.lists(PARTS, max_size=25).map(b"".join), cuts=st.lists(st.integers(0, 2000)))
def test_any_bytes_in_any_portions_are_accounted_for(data: bytes, cuts: list[int]) -> None:
    """Events, dead letters and skipped bytes tile the log, however it came in."""
    query = (
        "SELECT byte_offset, line_no, raw_json, sha256 FROM events UNION ALL "
        "SELECT byte_offset, line_no, raw, sha256 FROM dead_letters ORDER BY 1"
    )
    with (
        tempfile.TemporaryDirectory() as once,
        tempfile.TemporaryDirectory() as bit_by_bit,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(projector, "LINE_BYTES_MAX", 250)
        patch.setattr(projector, "BLOCK_BYTES", 50)
        worlds = World(Path(once)), World(Path(bit_by_bit))
        worlds[0].log.write_bytes(data)
        worlds[0].run()
        for end in [*sorted(cuts)[:4], len(data)]:
            worlds[1].log.write_bytes(data[:end])
            worlds[1].run()
        whole, parts = (world.ask(query) for world in worlds)
        counts = [world.ask("SELECT * FROM generations") for world in worlds]

    assert whole == parts
    assert len(counts[0]) == len(counts[1]) <= 1
    for rows in counts:
        assert [row[3] for row in rows] == [data.rfind(b"\n") + 1] * len(rows)
    for byte_offset, line_no, raw, _ in whole:
        exact = raw.encode() if isinstance(raw, str) else raw or b""
        assert data[byte_offset:].startswith(exact)
        assert data[:byte_offset].count(b"\n") == line_no - 1


# ---- kills, signals, what the file may touch


def kill_script(when: str, count: int) -> str:
    """A run in small transactions that kills itself at its ``count``-th commit."""
    return f"""
tool.TRANSACTION_BYTES = tool.BLOCK_BYTES = 300
commit, left = tool.Run.commit, [{count}]
def killed(self, *arguments, **options):
    left[0] -= 1
    if left[0] == 0 and {when!r} == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    commit(self, *arguments, **options)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
tool.Run.commit = killed
sys.exit(tool.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_killed_run_then_resume_equals_an_undisturbed_run(
    world: World, when: str, count: int
) -> None:
    """IN-22: kill -9 around a commit, go on, and every table is as if nothing had happened."""
    lines = [line for i in range(60) for line in (*numbered(i, i + 1), b"bad %d" % i, b"")]
    world.write(*lines)
    calm = World(world.folder)
    calm.database = world.folder / "calm.db"
    calm.run()

    killed = run_script(kill_script(when, count), "--db", world.database, "--log", world.log)
    done = len(world.ask("SELECT 1 FROM events")) if (when, count) != ("before", 1) else 0
    status = world.run()

    assert killed.returncode == -signal.SIGKILL
    assert done < 60
    assert (done > 0) == ((when, count) != ("before", 1))
    assert status == 0
    assert world.dump() == calm.dump()


def test_kill_in_the_middle_of_a_rotation_loses_and_doubles_nothing(world: World) -> None:
    """IN-22: killed between the old file's tail and the new file, the next run does the rest."""
    world.write(*numbered(0, 10))
    world.run()
    world.append(b"".join(line + b"\n" for line in numbered(10, 20)))
    world.rotate()
    world.write(*numbered(20, 30))

    killed = run_script(kill_script("after", 1), "--db", world.database, "--log", world.log)
    status = world.run()

    assert killed.returncode == -signal.SIGKILL
    assert status == 0
    assert world.raws() == numbered(0, 30)
    assert world.ask("SELECT count(*) FROM gaps") == [(0,)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_run_at_a_whole_transaction(world: World, number: signal.Signals) -> None:
    """A stopped run says where it stopped, exits 3, and the next run completes it."""
    other = world.folder / "other.jsonl"
    other.write_bytes(LOOK + b"\n")
    world.write(*numbered(0, 200))
    script = f"""
tool.BLOCK_BYTES = 700
write, left = tool.Run.write, [2]
def slow(self, batch):
    write(self, batch)
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), {int(number)})
tool.Run.write = slow
for signal_number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(signal_number, lambda received, _: tool.stop_signals.append(received))
sys.exit(tool.main(sys.argv[1:]))
"""
    stopped = run_script(script, "--db", world.database, "--log", world.log, "--log", other)
    done = len(world.raws())
    status = world.run(logs=[world.log, other])

    assert stopped.returncode == 3
    assert "stopped at this checkpoint" in stopped.stdout
    assert f"{other}: not reached" in stopped.stdout
    assert 0 < done < 200
    assert status == 0
    assert world.raws() == [*numbered(0, 200), LOOK]


def test_real_process_stops_on_sigterm(world: World) -> None:
    """The script itself installs the handlers: a busy run ends with status 3 and a checkpoint."""
    world.write(*numbered(0, 100_000))
    command = [sys.executable, str(TOOL), "--db", str(world.database), "--log", str(world.log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        journal = world.database.with_name(world.database.name + "-journal")
        deadline = time.monotonic() + 30
        while not (journal.exists() and journal.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 3
    assert "by signal 15" in output or "not reached" in output
    assert world.run() == 0
    assert world.ask("SELECT count(*), count(DISTINCT byte_offset) FROM events") == [
        (100_000, 100_000)
    ]


def test_logs_are_opened_for_reading_only_and_no_network_is_touched(world: World) -> None:
    """CL-09: the interpreter's own audit trail shows no write to a log and no socket."""
    world.write(OFFER)
    world.run()
    world.append(APPLY + b"\n")
    world.rotate()
    world.write(LOOK)
    script = """
seen = []
def watch(event, arguments):
    if event == "open" and "event_log.jsonl" in str(arguments[0]):
        seen.append(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_TRUNC))
    if event.split(".")[0] in ("socket", "subprocess", "urllib") or event == "os.system":
        seen.append(event)
sys.addaudithook(watch)
tool.main(sys.argv[1:])
print("seen", sorted(map(str, seen)))
"""
    done = run_script(script, "--db", world.database, "--log", world.log)

    assert done.stdout.splitlines()[-1] == "seen ['0', '0']", done.stdout + done.stderr
    assert world.raws() == [OFFER, APPLY, LOOK]


@pytest.mark.parametrize("path", [TOOL, QUERY_TOOL], ids=lambda path: path.name)
def test_tools_import_nothing_but_the_standard_library(path: Path) -> None:
    """Each tool stands alone: no third party, nothing of evidentia, no import by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            roots.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Name):
            assert node.id not in {"__import__", "eval", "exec"}

    assert roots <= sys.stdlib_module_names
    assert not roots & {"evidentia", "importlib", "runpy", "socket", "urllib", "http", "subprocess"}


def test_script_stays_readable_in_one_sitting() -> None:
    """The projector is one file of fewer than 600 lines with no function over 50."""
    text = TOOL.read_text(encoding="utf-8")

    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]

    assert len(text.splitlines()) < 600
    assert all((node.end_lineno or 0) - node.lineno < 50 for node in functions)
    assert "signed" not in text.replace("designed", "")


def test_names_with_odd_bytes_are_read_and_printed_safely(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newline, an escape sequence or invalid UTF-8 in a name neither stops nor garbles a run."""
    odd = Path(os.fsdecode(os.fsencode(world.folder) + b"/a\n\x1b[31m\xff -b.jsonl"))
    odd.write_bytes(OFFER + b"\n")

    status = world.run(logs=[odd])
    again = world.run(logs=[odd])

    output = capsys.readouterr().out
    assert (status, again) == (0, 0)
    assert "\x1b" not in output
    assert len(output.splitlines()) == 4
    assert world.raws() == [OFFER]


def test_rows_are_in_json_that_sqlite_can_read(world: World) -> None:
    """payload_json is valid JSON, also where a number is longer than Python writes."""
    world.write(OFFER, b'{"detail":{"n":%s,"t":"\xc3\xa9"}}' % (b"7" * 5000))

    world.run()

    payloads = [json.loads(row[0]) for row in world.ask("SELECT payload_json FROM events")]
    assert payloads == [{"cost": 1}, {"n": "7" * 5000, "t": "\u00e9"}]
