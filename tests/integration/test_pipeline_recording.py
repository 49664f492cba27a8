"""Many processes record at once, some are killed: nobody fails, nothing acknowledged is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from evidentia.app.ledger_events import events_of
from evidentia.app.recording import open_recorder

from .processes import TIMEOUT_SECONDS, environment, evidentia

PROCESSES = 16
RECORDS = 4
KILLED = 4
ENDLESS = 10_000
"""More records than one makes before it is killed."""


def _start(folder: Path, number: int, count: int = RECORDS) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.pipeline_recorder"),
            *("pipeline.db", f"agent-{number}", str(count)),
        ],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sixteen_processes_record_at_once_and_four_are_killed(tmp_path: Path) -> None:
    """Every acknowledged receipt is in ledger and table once; no process sees a lock."""
    desk = open_recorder("pipeline", tmp_path / "pipeline.db").desk
    started = [
        _start(tmp_path, number, ENDLESS if number < KILLED else RECORDS)
        for number in range(PROCESSES)
    ]

    acknowledged: list[str] = []
    for process in started[:KILLED]:
        assert process.stdout is not None
        # In the middle of its next record, wherever that is.
        acknowledged.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
    ended = [process.communicate(timeout=TIMEOUT_SECONDS) for process in started]
    for out, _ in ended:
        acknowledged += out.split()

    assert [process.returncode for process in started[:KILLED]] == [-signal.SIGKILL] * KILLED
    for process, (_, problems) in list(zip(started, ended, strict=True))[KILLED:]:
        assert (process.returncode, problems) == (0, "")
    assert len(acknowledged) >= (PROCESSES - KILLED) * RECORDS + KILLED
    # A killed one may have appended what nobody projected yet.
    desk.project()
    recorded = Counter(
        str(event.payload["execution_id"])
        for event in events_of(desk.entry.folder)
        if event.event_type == "pipeline.receipt.v1" and isinstance(event.payload, dict)
    )
    with desk.store.reading() as reader:
        stored = Counter(str(row[1]) for row in reader.rows("receipts"))
        assert reader.refused_counts() == {}
    assert set(acknowledged) <= set(recorded)
    assert stored == recorded
    assert set(recorded.values()) == {1}
    assert desk.check().is_well


def test_one_record_is_one_command(tmp_path: Path) -> None:
    """Recorded, asked, checked, archived and restored by the command line alone."""
    place = ("--database", "p.db")
    document = (
        '{"execution_id": "exec-1", "agent_id": "a", "operation": "generation",'
        ' "status": "passed", "timestamp": "2026-01-29T12:34:56Z", "duration_ms": 2500}'
    )
    (tmp_path / "receipt.json").write_text(document)
    for arguments in (
        ("init", "p.db"),
        ("record", "receipt", "receipt.json", *place),
        ("check", *place),
        ("archive", "--older-than", "0h", *place),
        ("restore", "p-archive-0001.db", *place),
        ("check", *place),
    ):
        done = evidentia("pipeline", *arguments, folder=tmp_path)
        assert done.returncode == 0, (arguments, done.stderr)

    # But for what SQLite keeps beside a database that was read.
    left = {each.name for each in tmp_path.iterdir()} - {"p.db-wal", "p.db-shm"}
    assert left == {"p-archive-0001.db", "p.db", "p.ledger", "receipt.json"}


def test_a_database_that_was_left_behind_is_completed_by_the_next_record(tmp_path: Path) -> None:
    """What a process appended before it died is projected by whoever records next."""
    recorder = open_recorder("pipeline", tmp_path / "pipeline.db")
    process = _start(tmp_path, 1)
    process.communicate(timeout=TIMEOUT_SECONDS)
    # As if the last one had died between the ledger and the tables.
    with recorder.desk.store.remaking():
        pass

    done = _start(tmp_path, 2)
    done.communicate(timeout=TIMEOUT_SECONDS)

    assert (process.returncode, done.returncode) == (0, 0)
    with recorder.desk.store.reading() as reader:
        assert reader.row_counts()["receipts"] == 2 * RECORDS
