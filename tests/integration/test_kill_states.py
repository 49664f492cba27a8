"""A state killed while it is made anew, or while late events are applied: nobody sees half."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evidentia.app import Config, open_workspace
from evidentia.projection.check import ProjectionCheck
from evidentia.store.opening import Store

from .processes import environment, evidentia, small_place

GROWTH = Path(__file__).resolve().parents[2] / "examples/logs/world/growth_events.jsonl"
LOG = "growth.jsonl"
INGEST = ("ingest", "--db", "s.db", "--pack", "world", "--log", LOG)
REBUILD = ("projection", "rebuild", "offers", "--db", "s.db")
KILLED_INSIDE = """
import os, signal, sys
from evidentia.cli.application import run
from evidentia.store import states
states._FILLED_EVENTS = states._PAGE_EVENTS = 5
put, left = states.StateTable._put, int(sys.argv[1])
def put_or_die(self, connection, made):
    global left
    put(self, connection, made)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
states.StateTable._put = put_or_die
sys.exit(run(sys.argv[2:]))
"""


def killed(folder: Path, number: int, *command: str) -> int:
    """The status of a command that is killed when it has written rows for the nth time."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_INSIDE, str(number), *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    return done.returncode


def offers(folder: Path) -> ProjectionCheck:
    """What the check of the offers finds, with every installed pack."""
    workspace = open_workspace(Config(store=Store(path=folder / "s.db")))
    (found,) = workspace.check_projections(["offers"])
    return found


def shown(folder: Path) -> list[tuple[object, ...]]:
    """The offers as readers see them."""
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        return connection.execute("SELECT * FROM offers ORDER BY offer_id").fetchall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of the odd lines of a log; the even ones will come late."""
    small_place(tmp_path)
    lines = GROWTH.read_bytes().splitlines(keepends=True)
    (tmp_path / LOG).write_bytes(b"".join(lines[::2]))
    assert evidentia(*INGEST, folder=tmp_path).returncode == 0
    with (tmp_path / LOG).open("ab") as log:
        log.writelines(lines[1::2])
    return tmp_path


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_rebuild_that_is_killed_leaves_what_was_shown(folder: Path, number: int) -> None:
    """The old table, whole; the next rebuild begins anew and ends well."""
    before, digest = shown(folder), offers(folder).digest

    status = killed(folder, number, *REBUILD)

    assert status == -signal.SIGKILL
    assert shown(folder) == before
    assert offers(folder).is_well
    assert evidentia(*REBUILD, folder=folder).returncode == 0
    assert shown(folder) == before
    assert offers(folder).digest == digest


@pytest.mark.parametrize("number", [1, 2, 5])
def test_late_events_are_applied_with_their_batch_or_not_at_all(folder: Path, number: int) -> None:
    """A kill in between leaves the batch before; the next run gives what one reading gives."""
    status = killed(folder, number, *INGEST, "--jobs", "1")
    found = offers(folder)

    assert status == -signal.SIGKILL
    assert found.is_well
    assert evidentia(*INGEST, folder=folder).returncode == 0
    late = shown(folder)
    (folder / "s.db").unlink()
    (folder / LOG).write_bytes(GROWTH.read_bytes())
    assert evidentia(*INGEST, folder=folder).returncode == 0
    assert late == shown(folder)
