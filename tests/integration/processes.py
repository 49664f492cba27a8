"""The command line as real processes: started, watched, signalled, killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.unit.ingest.kit import Place

from evidentia.event.values import JsonObject
from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits
from evidentia.pack.registry import load_packs

TIMEOUT_SECONDS: Final = 120.0
LINE_BYTES_MAX: Final = 4_000
SMALL_STEPS: Final = f"""
[limits]
line_bytes_max = {LINE_BYTES_MAX}
[ingest]
batch_events = 20
"""
"""A configuration with so small blocks and batches that a run commits hundreds of times."""


def environment(**more: str) -> dict[str, str]:
    """The environment in which a child finds what this process imports."""
    path = os.pathsep.join(each for each in sys.path if each)
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", **more}


def evidentia(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "evidentia", *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


def start(*arguments: object, folder: Path) -> subprocess.Popen[str]:
    """Start a command in a group of its own, so that a signal reaches its workers as well."""
    return subprocess.Popen(
        [sys.executable, "-m", "evidentia", *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a process and all its children, as a terminal does."""
    os.killpg(process.pid, number)


def small_place(folder: Path) -> Place:
    """The same store and limits as the configuration of small steps, in this process."""
    (folder / "evidentia.toml").write_text(SMALL_STEPS)
    options = IngestOptions(jobs=0, batch_events=20, limits=Limits(line_bytes_max=LINE_BYTES_MAX))
    return Place(folder=folder, packs=load_packs(), options=options)


def checkpoint_of(store: Path) -> int:
    """How far the first segment has been read; 0 where there is none yet."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)) as connection:
        try:
            found = connection.execute("SELECT max(checkpoint) FROM segments").fetchone()
        except sqlite3.OperationalError:
            # The tables are not there yet.
            return 0
    return int(found[0] or 0)


def wait_for_progress(process: subprocess.Popen[str], store: Path, beyond: int = 0) -> int:
    """Wait until a running ingest has committed something; its checkpoint then."""
    until = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < until and process.poll() is None:
        found = checkpoint_of(store)
        if found > beyond:
            return found
        time.sleep(0.005)
    raise AssertionError(f"the run ended with {process.poll()} before it committed anything")


def is_running(number: int) -> bool:
    """Whether a process still runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def tiling(place: Place) -> list[tuple[int, int]]:
    """The byte ranges of all batches of the first segment, in order."""
    return [
        (start, end)
        for start, end in place.rows(
            "SELECT byte_start, byte_end FROM batches WHERE segment_id = 1 ORDER BY byte_start"
        )
    ]


def whole(text: str) -> JsonObject:
    """The one JSON object that a command printed."""
    import json  # noqa: PLC0415 - only here

    found = json.loads(text)
    assert isinstance(found, dict)
    return found
