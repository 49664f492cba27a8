"""Ingest killed while summaries are merged: in small batches, and at the end of a large load."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidentia.app import Config, Workspace, open_workspace
from evidentia.store.opening import Store

from .processes import checkpoint_of, environment, evidentia, small_place, start, wait_for_progress

LOGS = Path(__file__).resolve().parents[2] / "examples" / "logs"
LOG = "cowrie.json"
INGEST = ("ingest", "--db", "s.db", "--pack", "cowrie", "--log", LOG)
KILLS = 4
REPEATS = 3
"""Of the log, so that a run is killed before its end."""
KILLED_INSIDE = """
import os, signal, sys
from evidentia.cli.application import run
from evidentia.ingest import passing, run as ingesting, values
from evidentia.store import pending, spans, summaries
for module in (passing, ingesting, values):
    if hasattr(module, "BULK_BYTES"):
        module.BULK_BYTES = 0
spans._MERGED_EVENTS = pending._ROWS_MAX = 100
if sys.argv[2] == "stored":
    ingesting.Ingester._counting = lambda self, settings: settings
left = int(sys.argv[1])
def deadly(method):
    def merge_or_die(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*arguments, **named)
    return merge_or_die
name = {"stored": "merged", "counted": "merge_rows"}[sys.argv[2]]
setattr(summaries.SummarySql, name, deadly(getattr(summaries.SummarySql, name)))
sys.exit(run(sys.argv[3:]))
"""


def workspace(store: Path) -> Workspace:
    """The store with every installed pack."""
    return open_workspace(Config(store=Store(path=store)))


def digests(store: Path) -> dict[str, str | None]:
    """The digest of each summary, which must be what the events give, up to the newest batch."""
    checks = workspace(store).check_projections()
    assert [each for each in checks if not each.is_well] == []
    return {each.name: each.digest for each in checks}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a log of sessions, and small steps configured."""
    small_place(tmp_path)
    data = b"".join(
        each.read_bytes() for each in sorted(LOGS.glob("cowrie*")) if each.suffix != ".gz"
    )
    (tmp_path / LOG).write_bytes(data * REPEATS)
    return tmp_path


@pytest.fixture
def whole(folder: Path) -> dict[str, str | None]:
    """What the summaries are where nobody is killed."""
    other = folder / "whole"
    other.mkdir()
    shutil.copy(folder / LOG, other / LOG)
    assert evidentia(*INGEST, folder=other).returncode == 0
    return digests(other / "s.db")


def test_kills_between_batches_leave_summaries_of_whole_batches(
    folder: Path, whole: dict[str, str | None]
) -> None:
    """Invariant 2: right after each kill, every summary is what its events give, to the last."""
    chance = random.Random(1)  # noqa: S311 - the moments must be the same again
    fired = 0
    for _ in range(KILLS):
        before = checkpoint_of(folder / "s.db")
        process = start(*INGEST, "--jobs", 0, folder=folder)
        wait_for_progress(process, folder / "s.db", before)
        time.sleep(chance.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        fired += process.returncode == -signal.SIGKILL
        digests(folder / "s.db")

    assert evidentia(*INGEST, folder=folder).returncode == 0

    assert fired
    assert digests(folder / "s.db") == whole


@pytest.mark.parametrize("merges", [1, 2, 9, 14])
@pytest.mark.parametrize("source", ["counted", "stored"])
def test_a_load_killed_while_it_merges_is_completed_by_the_next_run(
    folder: Path, whole: dict[str, str | None], merges: int, source: str
) -> None:
    """What was merged stays, once; the rest is merged by the next writer."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_INSIDE, str(merges), source, *INGEST],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    checks = workspace(folder / "s.db").check_projections()

    assert killed.returncode == -signal.SIGKILL
    assert all(each.drift_count == 0 for each in checks)
    # What was counted is merged in the transaction of a batch, which goes with it.
    is_cut_off = checkpoint_of(folder / "s.db") < (folder / LOG).stat().st_size
    assert is_cut_off or any(each.problem for each in checks)
    assert evidentia(*INGEST, folder=folder).returncode == 0
    assert digests(folder / "s.db") == whole
