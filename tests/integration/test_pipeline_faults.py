"""A full disk and an interrupt cost a pack's database nothing but time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.packs.test_pipeline_database import ROWS

from evidentia.app.pack_database import PackDesk
from evidentia.app.recording import open_recorder
from evidentia.errors import StoreError
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject
from evidentia.packs.pipeline.kinds import kind_named
from evidentia.packs.pipeline.records import draft_of

from .processes import TIMEOUT_SECONDS, environment

DISK_BYTES = 3 * 1024 * 1024
RECEIPTS = 200
RECORD: JsonObject = {
    "agent_id": "agent-1",
    "operation": "generation",
    "status": "passed",
    "timestamp": "2026-01-29T10:00:00Z",
    "duration_ms": 20,
    "receipt_json": {"text": "x" * 2_000},
}
WAITING = """
import sys
from pathlib import Path
from evidentia.app.recording import open_recorder
from evidentia.audit import derived_replay

desk = open_recorder("pipeline", "pipeline.db").desk
apply = derived_replay.RowWriter.apply

def slow(writer, events, origin):
    done = apply(writer, events, origin)
    print("applied", flush=True)
    sys.stdin.readline()
    return done

derived_replay.RowWriter.apply = slow
desk.rebuild()
"""


def _receipts(first: int) -> list[Draft]:
    return [
        draft_of(kind_named("receipt"), {**RECORD, "execution_id": f"exec-{number}"})
        for number in range(first, first + RECEIPTS)
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MiB, for those who may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def _fill(desk: PackDesk) -> int:
    """Record until the database's disk is full; how many records the ledger has."""
    for number in range(100):
        try:
            desk.record(_receipts(number * RECEIPTS))
        except StoreError:
            return (number + 1) * RECEIPTS
    pytest.fail("the disk was never full")


def test_a_full_disk_loses_no_record(small_disk: Path, tmp_path: Path) -> None:
    """What the ledger acknowledged is in the tables once there is room again."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES // 3))
    ledger = tmp_path / "ledger"
    desk = open_recorder("pipeline", small_disk / "pipeline.db", ledger=ledger).desk

    appended = _fill(desk)

    assert desk.check().is_well
    assert sum(desk.status().rows.values()) < appended
    moved = replace(desk, path=tmp_path / "moved.db")
    moved.rebuild()
    assert moved.status().rows["receipts"] == appended
    ballast.unlink()
    desk.rebuild()
    assert desk.status().rows["receipts"] == desk.status().checkpoint.size - 1


def test_a_full_disk_leaves_no_half_of_a_file(small_disk: Path, tmp_path: Path) -> None:
    """An archive or a copy that has no room is not there, and no row is gone."""
    desk = open_recorder("pipeline", tmp_path / "pipeline.db").desk
    for number in range(8):
        desk.record(_receipts(number * RECEIPTS))
    before = desk.status().rows
    later = replace(desk, clock=lambda: desk.clock() + 1_000_000)

    with pytest.raises(StoreError):
        later.archive(0, small_disk / "archive.db")
    with pytest.raises(StoreError):
        desk.backup(small_disk / "copy.db")

    assert list(small_disk.iterdir()) == []
    assert desk.status().rows == before
    assert desk.check().is_well


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_rebuild_that_is_cut_off_changes_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Everyone else sees the database as it was, during it and after it."""
    desk = open_recorder("pipeline", tmp_path / "pipeline.db").desk
    desk.record(_receipts(0))
    with desk.store.changing() as connection:
        connection.exec_driver_sql("UPDATE receipts SET duration_ms = 99")
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"applied\n"

    during = desk.check().drift_count
    process.send_signal(number)
    process.communicate(timeout=TIMEOUT_SECONDS)

    assert process.returncode == -number
    assert during == desk.check().drift_count == RECEIPTS
    assert set(ROWS) <= set(desk.status().rows)
