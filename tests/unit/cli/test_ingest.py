"""``evidentia ingest``: what it prints, remembers and answers."""

from __future__ import annotations

import gzip
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.ingest.kit import goods

from evidentia.cli.ingest import _watching
from evidentia.cli.output import Output

from .conftest import HOSTILE, Command

INGEST = ("--db", "s.db", "ingest", "--pack", "world", "--log")


def test_a_run_is_told_in_a_table_and_a_sentence(command: Command, folder: Path) -> None:
    """Each log with its counts, then the sums, then where the dead letters are."""
    (folder / "a.jsonl").write_bytes(goods(3) + b"[1]\n" + b'{"torn')

    result = command(*INGEST, "a.jsonl")

    header, row, summary, hint = result.out.splitlines()
    assert header.split() == [
        "log",
        "events",
        "dead",
        "letters",
        "bytes",
        "held",
        "back",
        "outcome",
    ]
    assert row.split()[:3] == ["a.jsonl", "3", "1"]
    assert summary.startswith("stored 3 events and 1 dead letter from 1 log (")
    assert hint == "dead letters: see 'evidentia dead-letters list'"
    assert (result.status, result.err) == (0, "")


def test_a_run_without_news_says_so(command: Command, folder: Path) -> None:
    """Unchanged logs are counted, not listed."""
    (folder / "a.jsonl").write_bytes(goods(3))
    command(*INGEST, "a.jsonl")

    result = command(*INGEST, "a.jsonl")

    assert result.out.startswith("stored 0 events and 0 dead letters from 1 log (0 B)")
    assert result.out.rstrip().endswith("1 unchanged")


def test_json_holds_every_file_and_problem(command: Command, folder: Path) -> None:
    """One object, with problems where they belong; standard error tells people as well."""
    (folder / "a.jsonl").write_bytes(goods(3))
    (folder / "b.jsonl").write_bytes(b'[\n{"a":1},\n{"a":2}\n]\n')

    result = command(*INGEST, "a.jsonl", "--log", "b.jsonl", "--log", "absent.jsonl", "--json")

    found = result.object
    assert result.status == 3
    assert [log["outcome"] for log in found["logs"]] == ["read", "failed"]
    assert found["logs"][1]["problem"]["error"] == "LogFormatError"
    assert [problem["error"] for problem in found["problems"]] == ["LogMissingError"]
    assert (found["events"], found["is_stopped"], found["is_dry_run"]) == (3, False, False)


def test_problems_are_printed_after_the_table(command: Command, folder: Path) -> None:
    """What failed is named with its fix, and the rest was done."""
    (folder / "a.jsonl").write_bytes(goods(3))

    result = command(*INGEST, "a.jsonl", "--log", "absent.jsonl")

    assert result.status == 3
    assert "stored 3 events" in result.out
    assert f"   at: {folder / 'absent.jsonl'}" in result.err


def test_gaps_are_told_and_strict_makes_them_a_finding(command: Command, folder: Path) -> None:
    """VR-07: a suspected loss is printed; with --strict the status is 1."""
    path = folder / "a.jsonl"
    path.write_bytes(goods(3) + b'{"torn')
    command(*INGEST, "a.jsonl")
    path.write_bytes(goods(2, 9))

    result = command(*INGEST, "a.jsonl", "--strict")

    assert result.status == 1
    assert "gap: the file was cut or written anew" in result.out
    assert "gap: the last 6 bytes had no newline yet" in result.out


def test_many_logs_are_not_all_listed(command: Command, folder: Path) -> None:
    """A table of a screen's height, and how many more there are."""
    for number in range(30):
        (folder / f"{number:02d}.jsonl").write_bytes(goods(1, number))

    result = command(*INGEST, "*.jsonl")

    assert "… and 6 more logs" in result.out
    assert "stored 30 events" in result.out


def test_a_dry_run_says_what_it_would_do(command: Command, folder: Path) -> None:
    """Nothing is made, and no advice is given about dead letters that are not there."""
    (folder / "a.jsonl").write_bytes(goods(3) + b"[1]\n")

    result = command(*INGEST, "a.jsonl", "--dry-run")

    assert "would store 3 events and 1 dead letter" in result.out
    assert "dead-letters list" not in result.out
    assert not (folder / "s.db").exists()


def test_final_reads_the_last_line(command: Command, folder: Path) -> None:
    """M23: the operator says that the log is closed."""
    (folder / "a.jsonl").write_bytes(goods(3)[:-1])

    waiting, final = (
        command(*INGEST, "a.jsonl", "--json"),
        command(*INGEST, "a.jsonl", "--final", "--json"),
    )

    assert (waiting.object["events"], final.object["events"]) == (2, 1)


def test_lenient_accepts_with_a_flag(command: Command, folder: Path) -> None:
    """M47: repeated keys and the like are events of a lenient log."""
    (folder / "a.jsonl").write_bytes(b'{"a":1,"a":2}\n')

    result = command(*INGEST, "a.jsonl", "--lenient", "--json")

    assert (result.object["events"], result.object["dead_letters"]) == (1, 0)


def test_the_configuration_names_the_logs(command: Command, folder: Path) -> None:
    """Without --log the allow-list of the file holds."""
    (folder / "a.jsonl").write_bytes(goods(3))
    (folder / "evidentia.toml").write_text('[[logs]]\npath = "a.jsonl"\npack = "world"\n')

    result = command("ingest", "--json")

    assert result.object["events"] == 3
    assert (folder / "evidence" / "derived" / "evidentia.db").exists()


def test_a_pattern_is_remembered_as_an_absolute_path(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words in another folder are another log."""
    for name, pack in (("one", "world"), ("two", "cowrie")):
        (folder / name).mkdir()
        (folder / name / "a.jsonl").write_bytes(goods(2))
        monkeypatch.chdir(folder / name)
        result = command("--db", "../s.db", "ingest", "--pack", pack, "--log", "a.jsonl", "--json")
        assert (result.status, result.object["events"]) == (0, 2)

    with closing(sqlite3.connect(folder / "s.db")) as connection:
        found = connection.execute("SELECT source FROM logs ORDER BY id").fetchall()

    assert found == [(str(folder / "one" / "a.jsonl"),), (str(folder / "two" / "a.jsonl"),)]


def test_a_home_folder_is_found(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tilde that the shell left alone is expanded."""
    monkeypatch.setenv("HOME", str(folder))
    (folder / "a.jsonl").write_bytes(goods(2))

    result = command(*INGEST, "~/a.jsonl", "--json")

    assert result.object["events"] == 2


def test_an_archive_that_waits_is_told(command: Command, folder: Path) -> None:
    """M14: still being written, which is no failure."""
    (folder / "a.gz").write_bytes(gzip.compress(goods(99))[:-20])

    result = command(*INGEST, "a.gz")

    assert result.status == 0
    assert "waiting" in result.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_after_the_batch_at_hand(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Ctrl-C and a polite end: the batch is committed, the place named, a second run goes on."""
    (folder / "a.jsonl").write_bytes(goods(30_000))
    monkeypatch.setattr(
        "evidentia.cli.progress.SilentBar.advance",
        lambda _bar, _name, _bytes, _events: os.kill(os.getpid(), number),
    )

    stopped = command(*INGEST, "a.jsonl")
    monkeypatch.undo()
    rest = command(
        "--db", folder / "s.db", "ingest", "--pack", "world", "--log", folder / "a.jsonl", "--json"
    )

    assert stopped.status == 3
    assert f"stopped in {folder / 'a.jsonl'} at line " in stopped.err
    assert 0 < rest.object["events"] < 30_000
    assert signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)


def test_a_second_interrupt_does_not_wait() -> None:
    """Whoever presses Ctrl-C twice means it; a second SIGTERM changes nothing."""
    with _watching(Output()) as watch:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert watch.should_stop()

        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_hostile_names_are_harmless(command: Command, folder: Path) -> None:
    """M56, M60: control characters in a file's name do not reach the terminal."""
    name = "\x1b]0;owned\x07\n.jsonl"
    (folder / name).write_bytes(goods(2) + b"[1]\n")
    (folder / "x\x1b[2J.jsonl").write_bytes(b'[\n{"a":1},\n{"a":2}\n]\n')

    results = [command(*INGEST, "*.jsonl"), command("--db", "s.db", "status")]

    assert all("\x1b" not in each.out + each.err for each in results)
    assert results[0].status == 3


def test_the_hostile_example_is_stored_line_by_line(command: Command) -> None:
    """IN-07: bad lines are counted and visible in the default output."""
    result = command(*INGEST, HOSTILE)

    assert "11 dead letters" in result.out
