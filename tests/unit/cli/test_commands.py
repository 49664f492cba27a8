"""What the reading and repairing commands print, for people and as JSON, over the examples."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ingest.kit import goods

from evidentia.errors import StoreError

from .conftest import HOSTILE, LOGS, Command


def sql(store: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement past the program."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(statement).fetchall()
        connection.commit()
    return rows


def damaged(store: Path, statement: str) -> Path:
    """The store, changed behind the program's back."""
    for (name,) in sql(store, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        sql(store, f"DROP TRIGGER {name}")
    sql(store, statement)
    return store


READING = (
    ("status",),
    ("verify",),
    ("verify", "--deep"),
    ("recover",),
    ("doctor",),
    ("packs",),
    ("query",),
    ("query", "sessions"),
    ("events", "--limit", "5"),
    ("explain", f"{HOSTILE}:2"),
    ("report", "daily", "--pack", "cowrie"),
    ("report", "weekly", "2026-W01", "--pack", "world"),
    ("report", "monthly", "2026-01", "--pack", "world"),
    ("dead-letters", "list"),
    ("dead-letters", "retry", "--all"),
)


@pytest.mark.parametrize("words", READING, ids=lambda words: " ".join(words[:2]))
def test_json_is_one_object_and_a_page_is_no_json(
    command: Command, store: Path, words: tuple[str, ...]
) -> None:
    """With --json exactly one object on standard output, and nothing else anywhere."""
    page, as_json = command("--db", store, *words), command("--db", store, *words, "--json")

    assert (page.status, page.err, as_json.status, as_json.err) == (0, "", 0, "")
    assert page.out
    assert not page.out.startswith("{")
    assert as_json.object
    assert as_json.out == json.dumps(as_json.object, indent=2) + "\n"


@pytest.mark.parametrize(
    "words",
    [
        *(
            words
            for words in READING
            if words[0] not in ("packs", "doctor") and words != ("query",)
        ),
        ("export", "raw", "1", "--output", "x"),
        ("dead-letters", "show", "1"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_error_is_one_json_object_too(
    command: Command, folder: Path, words: tuple[str, ...]
) -> None:
    """CL-01: what, where and fix as an object; the status is that of the page."""
    (folder / "s.db").write_bytes(b"this is no database")

    page, as_json = command("--db", "s.db", *words), command("--json", "--db", "s.db", *words)

    assert page.status == as_json.status != 0
    assert page.out == ""
    assert set(as_json.object) == {"error", "what", "where", "fix"}
    assert as_json.err == page.err


def test_verify_says_what_it_proves(command: Command, store: Path) -> None:
    """Invariant 7: the level, its sentence, and what it cannot exclude."""
    shallow, deep = command("verify", "--db", store), command("verify", "--deep", "--db", store)

    assert "level 1 (checksum): no accidental damage found" in shallow.out
    assert "not excluded: changes by anyone who edits both" in shallow.out
    assert "by digest of their bytes" in shallow.out
    assert "line by line with every column" in deep.out
    assert "content digest " in deep.out


def test_verify_names_findings_and_ends_with_status_1(command: Command, store: Path) -> None:
    """Place, what is wrong, what was expected; recover then mends it."""
    damaged(store, "UPDATE event_rows SET actor = 'mallory' WHERE line_no = 2 AND batch_id = 1")

    wrong = command("verify", "--deep", "--db", store)
    as_json = command("verify", "--deep", "--db", store, "--json")
    mended = command("recover", "--db", store)
    after = command("verify", "--deep", "--db", store)

    assert (wrong.status, as_json.status, mended.status, after.status) == (1, 1, 0, 0)
    assert "column: " in wrong.out
    assert "'mallory'" in wrong.out
    assert "1 finding" in wrong.out
    assert as_json.object["is_same"] is False
    assert as_json.object["findings"][0]["kind"] == "column"
    assert mended.out.startswith("put back 1 batch with ")


def test_verify_lists_the_first_findings_and_counts_all(command: Command, store: Path) -> None:
    """A screenful, and how many more."""
    damaged(store, "UPDATE event_rows SET session_id = 'x'")

    result = command("verify", "--deep", "--db", store)

    assert "more findings" in result.out
    assert result.out.count("column session_id") == 20


def test_recover_names_what_it_cannot_mend(command: Command, store: Path) -> None:
    """Status 1, the findings, and what to do instead."""
    damaged(store, "UPDATE batches SET committed_us = 1 WHERE id = 2")

    page, as_json = command("recover", "--db", store), command("recover", "--db", store, "--json")

    assert (page.status, as_json.status) == (1, 1)
    assert "that a replay cannot mend" in page.out
    assert as_json.object["unrepaired"][0]["kind"] == "chain"


def test_recover_has_nothing_to_do(command: Command, store: Path) -> None:
    """A whole store is told to be that."""
    result = command("recover", "--db", store)

    assert result.out == "nothing to recover: log and store hold the same\n"


def test_a_replaced_log_and_known_gaps_are_in_the_verdict(command: Command, folder: Path) -> None:
    """VR-07: what could not be compared, and what may be missing."""
    path = folder / "a.jsonl"
    path.write_bytes(goods(3) + b'{"torn')
    command("--db", "s.db", "ingest", "--pack", "world", "--log", path)
    path.write_bytes(goods(2, 9))
    command("--db", "s.db", "ingest", "--pack", "world", "--log", path)

    verified, status = command("--db", "s.db", "verify"), command("--db", "s.db", "status")

    assert "no file holds it; store's own bytes checked" in verified.out
    assert "gap copytruncate_window: " in verified.out
    assert "level 0 (readable)" in verified.out
    assert "2 gaps known" in verified.out
    assert "replaced" in status.out
    assert "gap copytruncate_window: " in status.out


def test_status_tells_who_holds_the_store(command: Command, store: Path) -> None:
    """A run in progress, with its process and user."""
    sql(
        store,
        "INSERT INTO lease VALUES ('ingest', 't', 'ingest', 'anna', 'far.example', 7, '', 1, 1)",
    )

    page, as_json = command("--db", store, "status"), command("--db", store, "status", "--json")

    assert "held by process 7 on far.example (ingest, user anna)" in page.out
    assert "on another host, last heard of " in page.out
    assert as_json.object["held_by"] == {
        "pid": 7,
        "host": "far.example",
        "actor": "anna",
        "command": "ingest",
        "is_alive": None,
        "heartbeat": "1970-01-01T00:00:00.000001Z",
    }


def test_events_are_filtered_by_column(command: Command, store: Path) -> None:
    """Kind, session, actor, id, file and time, alone and together."""
    log = LOGS / "cowrie.json.2026-01-02"

    def found(*words: str) -> list[dict[str, object]]:
        events = command("--db", store, "--json", "events", "--limit", "2000", *words).object
        listed: list[dict[str, object]] = events["events"]
        return listed

    everything = found()
    first = found("--log", str(log))[0]
    alike = found("--session", str(first["session_id"]), "--kind", str(first["kind"]))
    day = found(
        "--since", "2026-01-02", "--until", "2026-01-03T00:00:00Z", "--actor", str(first["actor"])
    )

    assert {event["log_path"] for event in found("--log", str(log))} == {str(log)}
    assert first["id"] in {event["id"] for event in alike}
    assert {event["session_id"] for event in alike} == {first["session_id"]}
    assert {event["actor"] for event in day} == {first["actor"]}
    assert len(found("--event-id", "no such id")) == 0
    assert found("--after-id", str(everything[9]["id"])) == everything[10:]


def test_a_listing_that_is_cut_says_how_to_go_on(command: Command, store: Path) -> None:
    """The last id is the place to go on from."""
    result = command("--db", store, "events", "--limit", "3")

    last = command("--db", store, "events", "--limit", "3", "--json").object["events"][-1]["id"]
    assert f"go on with --after-id {last}" in result.out


def test_queries_are_listed_with_their_parameters(command: Command, store: Path) -> None:
    """What can be asked, and with what."""
    page, as_json = command("query", "--list"), command("query", "--list", "--json")

    assert store.exists()
    assert "sessions" in page.out
    names = {query["name"] for query in as_json.object["queries"]}
    assert {"sessions", "recent"} <= names
    assert all(query["description"] for query in as_json.object["queries"])


def test_an_answer_without_rows_says_so(command: Command, store: Path) -> None:
    """An empty table would look like a mistake."""
    result = command("--db", store, "query", "sessions", "since=2031-01-01", "until=2031-01-02")

    assert "(no rows)" in result.out


def test_times_of_an_answer_are_iso_8601(command: Command, store: Path) -> None:
    """On the page to the second, in JSON whole."""
    words = ("--db", store, "query", "sessions", "since=2026-01-01", "until=2026-02-01", "limit=2")

    page, as_json = command(*words), command(*words, "--json")

    times = [column["name"] for column in as_json.object["columns"] if column["type"] == "time"]
    value = as_json.object["rows"][0][times[0]]
    assert value.startswith("2026-01-")
    assert f"{value[:19]}Z" in page.out


def test_a_query_has_as_long_as_the_caller_says(
    command: Command, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit reaches the query, and its end is told with the way to raise it."""
    from evidentia.report import queries  # noqa: PLC0415 - only here

    answers: list[bool] = []

    def slow(*arguments: Any) -> None:
        answers.append(arguments[3]())
        time.sleep(0.05)
        answers.append(arguments[3]())
        raise StoreError("the query took longer than its time limit", fix="raise it with --timeout")

    monkeypatch.setattr(queries, "ask", slow)

    result = command("--db", store, "query", "sessions", "--timeout", "0.04")

    assert answers == [False, True]
    assert (result.status, "--timeout" in result.err) == (3, True)


@pytest.mark.parametrize(
    ("line", "word"),
    [(1, "an event"), (2, "a dead letter"), (13, "blank"), (999, "not in the store")],
)
def test_explain_says_what_became_of_a_line(
    command: Command, store: Path, line: int, word: str
) -> None:
    """One sentence, then the facts."""
    page = command("--db", store, "explain", f"{HOSTILE}:{line}")
    as_json = command("--db", store, "explain", f"{HOSTILE}:{line}", "--json")

    assert page.out.startswith(f"{HOSTILE}:{line} is {word}\n")
    assert "because" in page.out
    assert as_json.object["line_no"] == line


def test_a_report_needs_one_pack(command: Command, store: Path) -> None:
    """With several in the store, the choice is the reader's."""
    unclear, chosen = (
        command("--db", store, "report", "daily"),
        command("--db", store, "report", "daily", "2026-01-01", "--pack", "cowrie"),
    )

    assert unclear.status == 2
    assert "--pack cowrie|world" in unclear.err
    assert chosen.out.startswith("Cowrie honeypot sessions: daily report, 2026-01-01\n")
    assert "behind this report: " in chosen.out


def test_the_only_pack_of_a_store_is_taken(command: Command, folder: Path) -> None:
    """One pack, no question; none, no report."""
    (folder / "a.jsonl").write_bytes(goods(3))
    command("--db", "one.db", "ingest", "--pack", "world", "--log", "a.jsonl")
    command("--db", "none.db", "init", "here")

    one, none = (
        command("--db", "one.db", "report", "monthly"),
        command("--db", "none.db", "report", "daily"),
    )

    assert one.status == 0
    assert "monthly report, 2026-01" in one.out
    assert (none.status, "ingest a log first" in none.err) == (2, True)


def test_a_report_draws_bars(command: Command, store: Path) -> None:
    """The longest has the full width, and none that counts is empty."""
    result = command("--db", store, "report", "monthly", "2026-01", "--pack", "world")

    assert "█" * 30 in result.out


def test_dead_letters_are_grouped_listed_and_shown(command: Command, store: Path) -> None:
    """How many of each reason, then one by one; one of them whole."""
    listed = command("--db", store, "dead-letters", "list")
    some = command("--db", store, "dead-letters", "list", "--reason", "number", "--json").object
    number = some["dead_letters"][0]["id"]
    one = command("--db", store, "dead-letters", "show", number)

    assert "2  number (open)" in listed.out
    assert [letter["reason"] for letter in some["dead_letters"]] == ["number", "number"]
    assert f"{HOSTILE}:2" in one.out
    assert "reason     number at column " in one.out
    assert "NaN" in one.out


def test_a_store_without_dead_letters_says_so(command: Command, folder: Path) -> None:
    """Nothing to deal with."""
    (folder / "a.jsonl").write_bytes(goods(3))
    command("--db", "s.db", "ingest", "--pack", "world", "--log", "a.jsonl")

    assert command("--db", "s.db", "dead-letters", "list").out == "there are no dead letters\n"


def test_dead_letters_are_resolved_for_a_reason(command: Command, store: Path) -> None:
    """Nothing is deleted; who did it and why is shown, and it cannot be done twice."""
    first, second = (
        letter["id"]
        for letter in command("--db", store, "dead-letters", "list", "--json").object[
            "dead_letters"
        ][:2]
    )

    done = command("--db", store, "dead-letters", "resolve", first, "--reason", "a \x1b[31mtest")
    shown = command("--db", store, "dead-letters", "show", first)
    again = command("--db", store, "dead-letters", "resolve", second, first, "--reason", "x")
    retried = command("--db", store, "dead-letters", "retry", first)
    left = command("--db", store, "dead-letters", "list", "--state", "resolved", "--json").object

    assert done.out == "resolved 1 dead letter\n"
    assert r"a \x1b[31mtest" in shown.out
    assert (again.status, retried.status) == (2, 2)
    assert f"dead letter {first} is resolved already" in again.err
    assert [letter["id"] for letter in left["dead_letters"]] == [first]


def test_a_dead_letter_that_is_not_there_is_named(command: Command, store: Path) -> None:
    """All of them at once."""
    result = command("--db", store, "dead-letters", "retry", "1", "2")

    assert result.status == 2
    assert "there is no dead letter 1; there is no dead letter 2" in result.err
    assert command("--db", store, "dead-letters", "show", "1").status == 2


def test_a_lenient_retry_is_asked_for(command: Command, store: Path) -> None:
    """M42, M47: what a strict log refused can be taken in, flagged, one by one or all."""
    strict = command("--db", store, "dead-letters", "retry", "--all", "--json").object
    lenient = command("--db", store, "dead-letters", "retry", "--all", "--lenient")

    assert (strict["attempted"], strict["recovered"]) == (11, 0)
    assert lenient.out == "read 11 dead letters again: 3 events recovered, 8 not\n"
    assert command("--db", store, "verify", "--deep").status == 0


def test_a_segment_is_exported_by_number_or_file(command: Command, store: Path) -> None:
    """IN-25: to a file or to standard output, the same bytes."""
    result = command("--db", store, "export", "raw", HOSTILE, "--output", "copy.jsonl")
    number = command("--db", store, "--json", "export", "raw", HOSTILE, "-o", "again.jsonl")

    assert result.out.startswith("wrote 1.")
    assert Path("copy.jsonl").read_bytes() == HOSTILE.read_bytes()
    assert number.object["bytes"] == HOSTILE.stat().st_size


def test_an_export_overwrites_nothing(command: Command, store: Path) -> None:
    """CL-02: a file that exists is left as it is."""
    Path("copy.jsonl").write_bytes(b"precious")

    result = command("--db", store, "export", "raw", "1", "--output", "copy.jsonl")

    assert (result.status, Path("copy.jsonl").read_bytes()) == (2, b"precious")


@pytest.mark.parametrize("place", ["absent/x.jsonl", "."])
def test_an_export_that_cannot_be_written_is_an_error(
    command: Command, store: Path, place: str
) -> None:
    """The system's words, and where."""
    result = command("--db", store, "export", "raw", "1", "--output", place)

    assert result.status in (2, 3)
    assert "error: " in result.err


def test_an_export_that_fails_leaves_no_half_a_file(command: Command, store: Path) -> None:
    """What is not whole must not look like a result."""
    damaged(store, "DELETE FROM event_rows WHERE batch_id = 1 AND line_no = 9")

    result = command("--db", store, "export", "raw", "1", "--output", "copy.jsonl")

    assert result.status == 3
    assert "the store lacks bytes" in result.err
    assert not Path("copy.jsonl").exists()


def test_a_segment_that_is_not_there_is_wrong_usage(command: Command, store: Path) -> None:
    """The way to the list is given."""
    result = command("--db", store, "export", "raw", "77")

    assert (result.status, "status --json" in result.err) == (2, True)


def test_init_writes_a_configuration_and_an_empty_store(command: Command, folder: Path) -> None:
    """CL-04: a fresh store has no rows, and the folder is made."""
    first, second = command("init", "here"), command("init", "here", "--json")

    store = folder / "here" / "evidence" / "derived" / "evidentia.db"
    assert first.out.startswith("wrote here/evidentia.toml; store ")
    assert second.object["is_new"] is False
    assert command("--config", "here/evidentia.toml", "status").status == 0
    for table in ("event_rows", "batches", "segments", "runs", "dead_letter_rows"):
        assert sql(store, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - tables of ours


def test_init_leaves_what_is_there(command: Command, folder: Path) -> None:
    """CL-02: no configuration and no store is overwritten."""
    (folder / "evidentia.toml").write_text('[store]\nurl = "sqlite:///mine.db"\n')

    result = command("init")

    assert result.out.startswith("kept evidentia.toml; store ")
    assert (folder / "mine.db").exists()
    assert (folder / "evidentia.toml").read_text().startswith("[store]")


def test_init_writes_the_store_that_it_is_told(command: Command, folder: Path) -> None:
    """--db goes into the configuration; an existing one names its own store."""
    first = command("--db", 'odd "name"/s.db', "init", "here")
    second = command("--db", "other.db", "init", "here")

    assert first.status == 0
    assert (folder / 'odd "name"' / "s.db").exists()
    assert command("--config", "here/evidentia.toml", "status").status == 0
    assert (second.status, "names its store" in second.err) == (2, True)


def test_init_needs_a_folder(command: Command, folder: Path) -> None:
    """A file in the way is told."""
    (folder / "here").write_text("a file")

    result = command("init", "here")

    assert result.status == 2
    assert "the configuration cannot be written" in result.err


def test_packs_are_listed_with_what_they_add(command: Command) -> None:
    """Name, version, queries and columns of each."""
    page, as_json = command("packs"), command("packs", "--json")

    assert "cowrie" in page.out
    cowrie = next(pack for pack in as_json.object["packs"] if pack["name"] == "cowrie")
    assert "username" in cowrie["columns"]
    assert cowrie["known_kinds"] > 0


def test_doctor_says_what_is_wrong_and_how_to_fix_it(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing log, a broken configuration, a pack that does not load: each with its fix."""
    (folder / "evidentia.toml").write_text('[[logs]]\npath = "absent.jsonl"\npack = "world"\n')
    missing = command("doctor")
    (folder / "evidentia.toml").write_text("[nonsense")
    broken = command("doctor", "--json")
    (folder / "evidentia.toml").unlink()

    def fail() -> None:
        from evidentia.errors import PackError  # noqa: PLC0415 - only here

        raise PackError("pack 'x' does not load", fix="mend it")

    monkeypatch.setattr("evidentia.pack.registry.load_packs", fail)
    packless = command("doctor")

    assert (missing.status, broken.status, packless.status) == (1, 1, 1)
    assert "WRONG log " in missing.out
    assert "      fix: correct the path" in missing.out
    assert broken.object["is_well"] is False
    assert "WRONG packs: pack 'x' does not load" in packless.out


def test_names_are_completed_for_the_shell() -> None:
    """Packs and queries by their beginnings."""
    from evidentia.cli.completion import complete_packs, complete_queries  # noqa: PLC0415 - only here

    assert complete_packs("co") == ["cortex", "cowrie"]
    assert "sessions" in complete_queries("sess")
    assert complete_queries("no such") == []
