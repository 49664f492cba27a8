"""The commands that look after a pack's own database, as typed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Command

RECEIPT = {
    "execution_id": "exec-1",
    "agent_id": "agent-1",
    "operation": "generation",
    "status": "passed",
    "timestamp": "2026-01-29T10:00:00Z",
    "duration_ms": 20,
}
HERE = ("--database", "p.db")


@pytest.fixture
def database(folder: Path, command: Command) -> Path:
    """A database with a receipt, and the same one again, refused."""
    assert command("pipeline", "init", "p.db").status == 0
    (folder / "receipt.json").write_text(json.dumps(RECEIPT))
    command("pipeline", "record", "receipt", "receipt.json", *HERE)
    command("pipeline", "record", "receipt", "receipt.json", *HERE)
    return folder / "p.db"


def test_init_makes_a_database_and_says_what_it_looked_at(folder: Path, command: Command) -> None:
    """Readable for people, one object for programs."""
    told = command("pipeline", "init", "p.db")
    found = command("pipeline", "init", "q.db", "--json").object

    assert told.status == 0
    assert "indexes       well" in told.out
    assert "made p.db" in told.out
    assert found["is_well"]
    assert {each["name"] for each in found["findings"]} >= {"tables", "indexes", "views", "JSON"}
    assert (folder / "q.ledger").is_dir()


def test_init_uses_the_usual_place(folder: Path, command: Command) -> None:
    """Without a path it is the one that every other command looks at."""
    assert command("pipeline", "init").status == 0
    assert command("pipeline", "status").status == 0

    assert (folder / "evidence" / "derived" / "pipeline.db").is_file()


def test_init_on_an_existing_file_refuses_and_changes_nothing(
    folder: Path, command: Command
) -> None:
    """Whatever it is (CL-02)."""
    (folder / "p.db").write_text("mine")

    done = command("pipeline", "init", "p.db")

    assert done.status == 3
    assert "stays as it is" in done.err
    assert (folder / "p.db").read_text() == "mine"
    assert not (folder / "p.ledger").exists()


@pytest.mark.usefixtures("database")
def test_status_and_refused(command: Command) -> None:
    """How it stands, and what gave no rows."""
    told = command("pipeline", "status", *HERE)
    found = command("pipeline", "status", *HERE, "--json").object
    refused = command("pipeline", "refused", *HERE, "--json").object

    assert "3 events of p.ledger applied" in told.out
    assert "1 event refused: duplicate" in told.out
    assert found["rows"]["receipts"] == 1
    assert found["settings"]["journal_mode"] == "wal"
    assert [each["reason"] for each in refused["refused"]] == ["duplicate"]
    assert json.loads(refused["refused"][0]["event_json"])["payload"] == RECEIPT
    assert "exec-1" in command("pipeline", "refused", *HERE).out


def test_check_names_what_drifted_and_rebuild_mends_it(database: Path, command: Command) -> None:
    """With what it was and what it should be; exit status 1."""
    with closing(sqlite3.connect(database)) as plain:
        plain.execute("UPDATE receipts SET duration_ms = 99")
        plain.commit()

    found = command("pipeline", "check", *HERE)
    rebuilt = command("pipeline", "rebuild", *HERE)
    after = command("pipeline", "check", *HERE, "--json")

    assert found.status == 1
    assert "receipts 1: duration_ms is 99, should be 20" in found.out
    assert "3 events applied: 1 row written, 1 event refused" in rebuilt.out
    assert (after.status, after.object["is_well"]) == (0, True)


@pytest.mark.usefixtures("database")
def test_archive_and_restore(folder: Path, command: Command) -> None:
    """A round trip, and what is no age or no archive."""
    none = command("pipeline", "archive", "--older-than", "90d", *HERE)
    done = command("pipeline", "archive", "--older-than", "0h", *HERE, "--json").object
    stands = command("pipeline", "status", *HERE)
    back = command("pipeline", "restore", "p-archive-0001.db", *HERE)

    assert "no row is older than 90d" in none.out
    assert done["archive"]["row_count"] == 1
    assert "archive 1: 1 row older than" in stands.out
    assert "1 row put back" in back.out
    assert (folder / "p-archive-0001.db").is_file()
    assert command("pipeline", "archive", "--older-than", "soon", *HERE).status == 2
    assert command("pipeline", "restore", "receipt.json", *HERE).status == 3


@pytest.mark.usefixtures("database")
def test_backup_and_maintain(folder: Path, command: Command) -> None:
    """A copy that was compared, and a file that was looked at."""
    done = command("pipeline", "backup", "copy.db", *HERE)
    again = command("pipeline", "backup", "copy.db", *HERE)
    kept = command("pipeline", "maintain", "--vacuum", *HERE)

    assert "opened and compared" in done.out
    assert again.status == 3
    assert "whole" in kept.out
    assert command("pipeline", "check", "--database", "copy.db", "--ledger", "p.ledger").status == 0
    assert (folder / "copy.db").is_file()


def test_maintain_names_what_is_wrong(database: Path, command: Command) -> None:
    """Exit status 1, and the file is left as it is."""
    with closing(sqlite3.connect(database)) as plain:
        plain.execute(
            "INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, status, timestamp)"
            " VALUES ('nobody', 'μ₁_normalize', 1, 'passed', '2026-01-29T10:00:00Z')"
        )
        plain.commit()

    done = command("pipeline", "maintain", *HERE)

    assert done.status == 1
    assert "a row of pipeline_metrics refers to nothing in receipts" in done.out


@pytest.mark.usefixtures("database")
def test_a_project_has_nothing_left_to_do_after_recording(command: Command) -> None:
    """Recording applies what it appended."""
    assert command("pipeline", "project", *HERE, "--json").object == {
        "events": 0,
        "rows": 0,
        "refused": 0,
    }


def test_a_store_is_not_taken_for_the_packs_database(folder: Path, command: Command) -> None:
    """Nor the other way round; each is told by name."""
    command("pipeline", "init", "p.db")
    command("init")

    store = command("pipeline", "status", "--database", "evidence/derived/evidentia.db")
    own = command("status", "--db", "p.db")

    assert (store.status, own.status) == (3, 3)
    assert "this database is a store" in store.err
    assert "a pack's own" in own.err
    assert (folder / "evidentia.toml").is_file()
