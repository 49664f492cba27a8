"""``evidentia follow`` killed with SIGKILL under load and rotation: nothing lost, nothing doubled.

The quick form runs in the gate; the full one, by command, is ``EVIDENTIA_FOLLOW_KILLS=100``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ingest.kit import Place

from evidentia.pack.registry import load_packs

from .loads import (
    WriterProcess,
    assert_all_tiled,
    assert_whole,
    committed,
    ended,
    follow,
    stored_lines,
    wait_until,
    writing,
)

KILLS: Final = int(os.environ.get("EVIDENTIA_FOLLOW_KILLS", "6"))
SEED: Final = int(os.environ.get("EVIDENTIA_KILL_SEED", "1"))
BURST: Final = 40
PAUSE_SECONDS: Final = 0.004


def kill_once(place: Place, writer: WriterProcess, chance: random.Random) -> None:
    """Start a follower, let it work, rotate before or while it does, and kill it."""
    if chance.random() < 0.5:  # a rotation that nobody follows
        writer.rotate()
    before = committed(place)
    process = follow(place.folder)
    try:
        wait_until(lambda: committed(place) > before or process.poll() is not None)
        assert process.poll() is None, process.communicate()[1]
        for _ in range(chance.randrange(3)):
            writer.rotate()
            time.sleep(chance.uniform(0.0, 0.05))  # any moment is as good as another
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def drained(place: Place, count: int) -> None:
    """Let a last follower read everything, and end it."""
    last: subprocess.Popen[str] = follow(place.folder)
    wait_until(
        lambda: (
            last.poll() is not None or place.rows("SELECT count(*) FROM event_rows")[0][0] >= count
        )
    )
    ended(last)


@pytest.mark.slow
def test_killed_followers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """M36: every line of a writer that never stopped is stored once, through every rotation."""
    sys.stdout.write(f"seed {SEED}, {KILLS} kills\n")
    chance = random.Random(SEED)  # noqa: S311 - the moments must be the same again
    place = Place(folder=tmp_path, packs=load_packs())
    with writing(tmp_path, lines=10**9, burst=BURST, pause_seconds=PAUSE_SECONDS) as writer:
        for _ in range(KILLS):
            kill_once(place, writer, chance)
            assert_all_tiled(place)
        count = writer.stop()
    drained(place, count)

    assert_whole(place, count)
    assert_all_tiled(place)
    assert place.verify().findings == ()
    numbers = [number for _segment, number, _raw in stored_lines(place)]
    assert numbers == sorted(numbers), "the order of the writer is not that of the positions"
