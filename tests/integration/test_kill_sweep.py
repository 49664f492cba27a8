"""Ingest killed with SIGKILL at random moments: nothing lost, nothing doubled.

The gate runs a quick form. The full form, 200 kills over a log of 50 MB, runs by command::

    EVIDENTIA_KILLS=200 EVIDENTIA_KILL_MEGABYTES=50 pytest -s tests/integration/test_kill_sweep.py
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidentia import VerifyOptions, load_config, open_workspace
from evidentia.audit.values import VerifyReport
from evidentia.errors import StoreMissingError

KILLS = int(os.environ.get("EVIDENTIA_KILLS", "12"))
MEGABYTES = int(os.environ.get("EVIDENTIA_KILL_MEGABYTES", "4"))
SEED = int(os.environ.get("EVIDENTIA_KILL_SEED", "1"))
GENERATOR = Path(__file__).parents[2] / "examples" / "generate_logs.py"
FULL_KILLS = 100
LINE_BYTES = 320
RUNS_PER_KILL_MAX = 10


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated log of the size asked for."""
    path = tmp_path_factory.mktemp("log") / "cowrie.json"
    events = str(MEGABYTES * 1_000_000 // LINE_BYTES)
    subprocess.run(
        [sys.executable, str(GENERATOR), "cowrie", "--events", events, "--out", str(path)],
        check=True,
    )
    return path


def _configuration(folder: Path, log: Path, batch_events: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "evidentia.toml"
    path.write_text(
        f'[store]\nurl = "sqlite:///store.db"\n[ingest]\nbatch_events = {batch_events}\n'
        f'[[logs]]\npath = "{log}"\npack = "cowrie"\n',
        "utf-8",
    )
    return path


def _ingest(configuration: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "evidentia", "--config", str(configuration), "--quiet", "ingest"]
    )


def _verified(configuration: Path, *, is_deep: bool) -> VerifyReport:
    report = open_workspace(load_config(configuration)).verify(VerifyOptions(is_deep=is_deep))
    assert report.findings == ()
    return report


def _events_after_kill(configuration: Path) -> int:
    try:
        return _verified(configuration, is_deep=False).events
    except StoreMissingError:
        # Killed before the store was made, which happens in one transaction.
        return 0


def test_a_killed_ingest_loses_nothing_and_doubles_nothing(log: Path, tmp_path: Path) -> None:
    """Invariant 2, IN-22: whole batches after every kill, and in the end an undisturbed store."""
    chance = random.Random(SEED)  # noqa: S311 - the moments must be the same again
    began = time.monotonic()
    undisturbed = _configuration(tmp_path / "undisturbed", log, 50_000)
    assert _ingest(undisturbed).wait(300) == 0
    seconds = time.monotonic() - began
    expected = _verified(undisturbed, is_deep=True)
    fired = stores = inside = 0
    configuration = undisturbed
    for _ in range(KILLS * RUNS_PER_KILL_MAX):
        folder = tmp_path / f"store{stores}"
        batch_events = chance.choice([200, 3_000, 30_000])
        configuration = _configuration(folder, log, batch_events)
        process = _ingest(configuration)
        time.sleep(chance.uniform(0.0, seconds))
        process.send_signal(signal.SIGKILL)
        if process.wait(60) == -signal.SIGKILL:
            fired += 1
            inside += 0 < _events_after_kill(configuration) < expected.events
        else:
            stores += 1
            assert _verified(configuration, is_deep=True).content_digest == expected.content_digest
        if fired >= KILLS:
            break
    assert _ingest(configuration).wait(300) == 0
    report = _verified(configuration, is_deep=True)

    assert fired == KILLS
    # A dozen kills may all fall before the first batch or after the last; hundreds cannot.
    assert inside > 0 or KILLS < FULL_KILLS, "no kill fell between two batches"
    assert (report.events, report.content_digest) == (expected.events, expected.content_digest)
    sys.stdout.write(f"seed {SEED}: {fired} kills, {inside} between batches, {stores} whole runs\n")
