"""What the five closed queries promise, on databases that the projector makes here."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
NAMES = ["recent", "growth_story", "security", "hot_rooms", "budget_compliance"]


def load(name: str) -> ModuleType:
    """A tool as a module, without running it."""
    spec = importlib.util.spec_from_file_location(f"{name}_for_queries", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


projector = load("project_events_to_sqlite")
query_tool = load("query_sqlite")


class Desk:
    """A log, its database, and the query tool pointed at it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.log = folder / "log.jsonl"
        self.database = folder / "events.db"
        self.capsys = capsys

    def add(self, *events: dict[str, object]) -> None:
        """Append events to the log and project them."""
        with self.log.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in events)
        assert projector.main(["--db", str(self.database), "--log", str(self.log)]) == 0
        self.capsys.readouterr()

    def answer(self, *arguments: str) -> dict[str, Any]:
        """The tool's JSON answer."""
        assert query_tool.main([*arguments, "--json", "--db", str(self.database)]) == 0
        found: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return found

    def column(self, name: str, *arguments: str) -> list[Any]:
        """One column of the answer's rows."""
        return [row[name] for row in self.answer(*arguments)["rows"]]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk without any event yet."""
    return Desk(tmp_path, capsys)


def at(minute: int, kind: str, **members: object) -> dict[str, object]:
    """An event of one morning."""
    return {"ts": f"2026-02-08T10:{minute:02}:00Z", "event_type": kind, **members}


def bot(minute: int, result: str) -> dict[str, object]:
    """A row of the bot audit."""
    return {
        "ts": f"2026-02-08T10:{minute:02}:00+00:00",
        "actor_id": "bot7",
        "role": "guest",
        "source": "ai_player",
        "cmd_text": "dig",
        "result": result,
        "reason": "because",
    }


def test_recent_shows_events_from_a_time_on_in_order(desk: Desk) -> None:
    """SC-02: three spellings of the instant of --since are in, a later zone is compared as time."""
    desk.add(
        at(0, "early"),
        at(30, "utc"),
        {"ts": "2026-02-08T12:30:00+02:00", "kind": "east"},
        {"ts": "2026-02-08T09:30:00.000-01:00", "kind": "west"},
        {"ts": "2026-02-08T11:00:00+02:00", "kind": "early east"},
    )

    found = desk.answer("recent", "--since", "2026-02-08T10:30:00Z")

    assert [row["kind"] for row in found["rows"]] == ["utc", "east", "west"]
    assert {row["time"] for row in found["rows"]} == {"2026-02-08T10:30:00Z"}
    assert found["rows"][1]["ts"] == "2026-02-08T12:30:00+02:00"


def test_recent_shows_the_last_hour_unless_told(desk: Desk) -> None:
    """Without --since it is the hour before now."""
    now = datetime.now(UTC)
    desk.add(
        {"ts": (now - timedelta(minutes=59)).isoformat(), "kind": "new"},
        {"ts": (now - timedelta(minutes=61)).isoformat(), "kind": "old"},
    )

    kinds = desk.column("kind", "recent")

    assert kinds == ["new"]


def test_vr08_late_and_unzoned_events_are_seen_by_id(desk: Desk) -> None:
    """VR-08: --since-id goes by arrival, so that no event is missed, whatever its time."""
    desk.add(at(30, "first"))
    last = desk.answer("recent", "--since", "2026-02-08T00:00:00Z")["next_id"]
    desk.add(at(1, "late"), {"ts": "2026-02-08T10:31:00", "kind": "no zone"}, {"kind": "no time"})

    by_time = desk.answer("recent", "--since", "2026-02-08T10:30:00Z")
    by_id = desk.answer("recent", "--since-id", str(last))
    nothing_new = desk.answer("recent", "--since-id", str(by_id["next_id"]))

    assert [row["kind"] for row in by_time["rows"]] == ["first"]
    assert by_time["untimed"] == 2
    assert [row["kind"] for row in by_id["rows"]] == ["late", "no zone", "no time"]
    assert nothing_new["rows"] == []


def test_recent_by_id_can_be_read_page_by_page(desk: Desk) -> None:
    """next_id leads from page to page without hole or overlap."""
    desk.add(*[at(i, f"k{i}") for i in range(10)])
    kinds: list[str] = []
    next_id = 0
    for _ in range(4):
        page = desk.answer("recent", "--since-id", str(next_id), "--limit", "3")
        kinds += [row["kind"] for row in page["rows"]]
        next_id = page["next_id"]

    assert kinds == [f"k{i}" for i in range(10)]


def test_growth_story_holds_growth_in_the_order_of_time(desk: Desk) -> None:
    """Only kinds of the growth family, oldest first; of too many the newest."""
    desk.add(
        at(2, "growth.apply.started", apply_id="ap_1", offer_id="off_1"),
        at(1, "growth.offer.created", offer_id="off_1", window_key="2026-02-08"),
        at(3, "growth.apply.failed", apply_id="ap_1", detail={"reason": "tests"}),
        at(4, "growthless"),
        at(5, "regrowth.offer"),
    )

    rows = desk.answer("growth_story")["rows"]
    newest = desk.column("kind", "growth_story", "--limit", "2")

    assert [(row["kind"], row["offer_id"], row["apply_id"], row["reason"]) for row in rows] == [
        ("growth.offer.created", "off_1", None, None),
        ("growth.apply.started", "off_1", "ap_1", None),
        ("growth.apply.failed", None, "ap_1", "tests"),
    ]
    assert newest == ["growth.apply.started", "growth.apply.failed"]


def test_vr03_security_selects_declared_kinds_not_fragments(desk: Desk) -> None:
    """VR-03: words that merely contain rate, auth, deny or block are not denials."""
    innocent = ["generate_room", "operate", "author_note", "authored", "blockchain", "denyse",
                "unauthored", "rejection_letter", "iterate.rated"]  # fmt: skip
    guilty = ["auth.login", "growth.offer.rejected", "DENY_BUDGET", "governance_denial",
              "door.blocked", "unauthorized", "security.alarm"]  # fmt: skip
    desk.add(*[at(i, kind) for i, kind in enumerate([*innocent, *guilty])])

    kinds = desk.column("kind", "security")

    assert kinds == guilty[::-1]


def test_vr04_security_sees_denials_of_every_writer(desk: Desk) -> None:
    """VR-04: bots denied or rate-limited, and permission checks whose result is a denial."""
    desk.add(
        bot(1, "allowed"),
        bot(2, "denied"),
        bot(3, "rate_limited"),
        at(4, "permission_check", actor="you", result="denied", reason="no consent"),
        at(5, "permission_check", actor="you", result="approved"),
    )

    rows = desk.answer("security")["rows"]

    assert [(row["kind"], row["actor"], row["reason"]) for row in rows] == [
        ("permission_check", "you", "no consent"),
        ("bot.rate_limited", "bot7", "because"),
        ("bot.denied", "bot7", "because"),
    ]


def test_hot_rooms_counts_rooms_of_both_shapes(desk: Desk) -> None:
    """Rooms by number of events, with their first and last time; 20 unless told."""
    desk.add(
        at(3, "look", room={"id": "spawn", "name": "The Clearing"}),
        at(1, "say", room="spawn"),
        at(2, "look", room="gate"),
        at(4, "no room"),
        *[at(5, "look", room=f"r{i:02}") for i in range(30)],
    )

    found = desk.answer("hot_rooms")

    assert len(found["rows"]) == 20
    assert found["is_cut"] is True
    assert found["rows"][0] == {
        "room_id": "spawn",
        "events": 2,
        "first": "2026-02-08T10:01:00Z",
        "last": "2026-02-08T10:03:00Z",
    }


def test_budget_compliance_counts_by_window(desk: Desk) -> None:
    """VR-01: each column has a value computed by hand."""
    windows = {"2026-02-08": [3, 1, 2, 1, 1], "2026-02-09T07": [1, 0, 1, 0, 0]}
    kinds = ["offer.created", "offer.rejected", "apply.started", "apply.succeeded", "apply.failed"]
    desk.add(
        *[
            at(1, f"growth.{kind}", window_key=window)
            for window, counts in windows.items()
            for kind, count in zip(kinds, counts, strict=True)
            for _ in range(count)
        ],
        at(2, "growth.offer.created"),
    )

    rows = desk.answer("budget_compliance")["rows"]

    assert [list(row.values()) for row in rows] == [
        ["2026-02-09T07", *windows["2026-02-09T07"]],
        ["2026-02-08", *windows["2026-02-08"]],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_query_runs_on_an_empty_database(desk: Desk, name: str) -> None:
    """No event is no error, in text and in JSON."""
    desk.add()

    found = desk.answer(name)
    status = query_tool.main([name, "--db", str(desk.database)])

    assert found["rows"] == []
    assert status == 0
    assert "(0 rows; go on with: recent --since-id 0)" in desk.capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_since_restricts_every_query(desk: Desk, name: str) -> None:
    """--since leaves earlier events out, and says how many have no known time."""
    members = {"room": "r", "window_key": "w", "result": "denied"}
    desk.add(at(1, "growth.offer.created", **members), {"kind": "growth.x", **members})

    before = desk.answer(name, "--since", "2026-02-08T10:01:00Z")
    after = desk.answer(name, "--since", "2026-02-08T11:01:00.000001+01:00")

    assert (len(before["rows"]), len(after["rows"])) == (1, 0)
    assert before["untimed"] == 1


def test_text_shows_dead_letters_gaps_and_cut_rows(desk: Desk) -> None:
    """VR-07: what stands beside the rows is said under them."""
    desk.log.write_text("bad\n")
    desk.add(at(1, "a", room="r1"), at(2, "b", room="r2"))

    query_tool.main(["hot_rooms", "--limit", "1", "--db", str(desk.database)])

    lines = desk.capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["room_id", "events", "first", "last"]
    assert lines[1].split()[:2] == ["r1", "1"]
    assert lines[2:] == [
        "(1 rows; go on with: recent --since-id 2)",
        "(in the database: 1 dead letters, 0 gaps)",
        "(there are more rows: raise --limit)",
    ]


def test_hostile_text_cannot_move_the_cursor(desk: Desk) -> None:
    """Escape sequences and line breaks of a writer are shown escaped."""
    desk.add(at(1, "growth.\x1b[31m", actor="a\nb\x00c"))

    query_tool.main(["growth_story", "--db", str(desk.database)])

    output = desk.capsys.readouterr().out
    assert "\x1b" not in output
    assert r"growth.\x1b[31m" in output
    assert r"a\nb\u0000c" in output


# ---- usage and failures


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["recent; DROP TABLE events"],
        ["recent", "--since", "2026-02-08T10:00:00"],
        ["recent", "--since", "yesterday"],
        ["recent", "--since-id", "-1"],
        ["recent", "--since-id", "1", "--since", "2026-02-08T10:00:00Z"],
        ["hot_rooms", "--since-id", "1"],
        ["recent", "--limit", "0"],
        ["recent", "--limit", "9" * 30],
        ["recent", "--sql", "SELECT 1"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """CL-01: an unknown name, a time that leaves doubt, SQL from outside: refused."""
    with pytest.raises(SystemExit) as exit_:
        query_tool.main(arguments)

    assert exit_.value.code == 2
    assert "error" in capsys.readouterr().err


def test_unknown_name_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    """CL-01: who asks for something unknown is told what there is."""
    with pytest.raises(SystemExit):
        query_tool.main(["nonsense"])

    output = capsys.readouterr().err
    assert all(name in output for name in NAMES)


def test_the_list_of_queries_is_closed() -> None:
    """There are five queries, and each is one SELECT with bound values only."""
    assert list(query_tool.QUERIES) == NAMES
    for query in [*query_tool.QUERIES.values(), query_tool.RECENT_BY_ID]:
        first = query.sql.split()[0]
        assert first in {"SELECT", "WITH"}
        assert ";" not in query.sql
        assert ":row_count" in query.sql


def test_missing_database_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database that is not there is not made."""
    missing = tmp_path / "events.db"

    status = query_tool.main(["recent", "--db", str(missing)])

    assert status == 3
    assert f"error: {missing}" in capsys.readouterr().err
    assert not missing.exists()


@pytest.mark.parametrize("application_id", [0, 0x45564944])
def test_foreign_database_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], application_id: int
) -> None:
    """Only the projector's own database is asked."""
    path = tmp_path / "events.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"CREATE TABLE events(id); PRAGMA application_id = {application_id};"
        )

    status = query_tool.main(["recent", "--db", str(path)])

    assert status == 3
    assert f"error: {path}: not a database of" in capsys.readouterr().err


def test_file_that_is_no_database_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log given by mistake gives a message, not a traceback."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"{}\n" * 500)

    status = query_tool.main(["recent", "--db", str(path)])

    assert status == 3
    assert "not a database" in capsys.readouterr().err


def test_database_that_is_being_written_is_status_4(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer in its last moment is named as such."""
    desk.add(at(1, "a"))
    monkeypatch.setattr(query_tool, "LOCK_WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(desk.database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        status = query_tool.main(["recent", "--db", str(desk.database)])

    assert status == 4
    assert "try again" in desk.capsys.readouterr().err


def test_queries_are_answered_while_the_projector_writes(desk: Desk) -> None:
    """A transaction that is being filled does not block a reader."""
    desk.add(at(1, "growth.a"))
    with closing(sqlite3.connect(desk.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM events")

        kinds = desk.column("kind", "growth_story")

    assert kinds == ["growth.a"]


def test_nothing_can_be_written_through_the_query_connection(desk: Desk) -> None:
    """The connection refuses to write by two locks: the file mode and query_only."""
    desk.add(at(1, "a"))
    before = desk.database.read_bytes()

    with closing(query_tool.opened(desk.database)) as connection:
        for statement in ("DELETE FROM events", "CREATE TABLE t(a)", "PRAGMA user_version = 9"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute(statement)
        assert connection.execute("PRAGMA query_only").fetchone() == (1,)

    assert desk.database.read_bytes() == before
    assert sorted(path.name for path in desk.database.parent.iterdir()) == [
        "events.db", "events.db.lock", "log.jsonl"
    ]  # fmt: skip


def test_database_of_a_killed_projector_asks_for_another_run(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """A journal that must be rolled back first is explained, and the next run heals it."""
    desk.add(at(1, "growth.a"))
    script = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.executemany("INSERT INTO gaps VALUES(NULL, 'x', 1, 1, 1, ?, NULL, '')",
                       [("d" * 2000,)] * 500)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(desk.database)], check=False)
    journal = desk.database.with_name("events.db-journal")
    assert journal.stat().st_size > 0

    status = query_tool.main(["growth_story", "--db", str(desk.database)])
    message = capsys.readouterr().err
    desk.add()

    assert status == 3
    assert "run it once more" in message
    assert desk.column("kind", "growth_story") == ["growth.a"]


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-62135596800000000, "0001-01-01T00:00:00Z"),
        (2**62, str(2**62)),
    ],
)
def test_microseconds_become_text_and_back(us: int, text: str) -> None:
    """Shown times can be given to --since again; beyond the calendar the number stays."""
    assert query_tool.iso_of(us) == text
    if "T" in text:
        assert query_tool.microseconds_of(text) == us
    else:
        with pytest.raises(argparse.ArgumentTypeError):
            query_tool.microseconds_of(text)


def test_script_runs_by_itself(desk: Desk) -> None:
    """The file can be run as documented, without an installed package."""
    desk.add(at(1, "growth.é"))

    done = subprocess.run(
        [sys.executable, "-I", str(TOOLS / "query_sqlite.py"), "growth_story", "--db",
         str(desk.database)],
        capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert done.returncode == 0
    assert b"growth." in done.stdout
    assert done.stderr == b""
