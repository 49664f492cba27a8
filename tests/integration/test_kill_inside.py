"""Ingest killed with SIGKILL in the middle of its work: every kill falls between two batches.

The other sweep kills at any moment of a run; here a run commits hundreds of small batches, and each
kill waits until it has committed some. The log holds something of everything.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.unit.ingest.kit import BAD_LINES, Place, good, is_tiled

from .processes import (
    LINE_BYTES_MAX,
    checkpoint_of,
    evidentia,
    is_running,
    signal_group,
    small_place,
    start,
    tiling,
    wait_for_progress,
)

KILLS = int(os.environ.get("EVIDENTIA_KILLS", "12"))
SEED = int(os.environ.get("EVIDENTIA_KILL_SEED", "1"))
LINES = 8_000
LOG = "a.jsonl"
INGEST = ("ingest", "--db", "s.db", "--pack", "world", "--log", LOG)


def hostile_log(chance: random.Random) -> bytes:
    """Events, bad and blank lines, NULs and lines over the limit, in any order."""
    kinds = ["good"] * 12 + ["bad", "blank", "nuls", "long", "dense"]
    makers: dict[str, Callable[[int], bytes]] = {
        "good": good,
        "bad": lambda n: BAD_LINES[n % len(BAD_LINES)] + b"\n",
        "blank": lambda n: b"\n \n" * (n % 5),
        "nuls": lambda n: b"\0" * (n % 9_000) + good(n),
        "long": lambda n: b'{"a":"' + b"x" * (LINE_BYTES_MAX + n % 9_000) + b'"}\n',
        "dense": lambda n: b"{}\n" * (n % 40),
    }
    return b"".join(makers[chance.choice(kinds)](number) for number in range(LINES))


def children_of(process: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            found.append(int(status.parent.name))
    return found


def check(place: Place) -> None:
    """What must hold after every kill: whole batches, side by side, equal to the log."""
    report = place.verify()
    assert report.findings == ()
    assert is_tiled(tiling(place), report.segments[0].checkpoint)


def kill_once(place: Place, chance: random.Random, orphans: list[int]) -> bool:
    """Start a run and kill it once it has committed something; whether it died in the middle."""
    store = place.store.path
    before = checkpoint_of(store)
    process = start(*INGEST, "--jobs", chance.choice([0, 0, 1, 2]), folder=place.folder)
    wait_for_progress(process, store, before)
    time.sleep(chance.uniform(0.0, 0.08))
    orphans += children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    is_inside = before < checkpoint_of(store) < (place.folder / LOG).stat().st_size
    return process.returncode == -signal.SIGKILL and is_inside


def forget(store: Path) -> None:
    """Begin with an absent store again."""
    for ending in ("", "-wal", "-shm", "-journal"):
        Path(f"{store}{ending}").unlink(missing_ok=True)


def test_kills_between_batches_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Invariants 2 and 10, IN-22, M36: killed in the middle again and again, it ends equal."""
    chance = random.Random(SEED)  # noqa: S311 - the moments must be the same again
    place = small_place(tmp_path)
    path = place.write(LOG, hostile_log(chance))
    undisturbed = Place(folder=tmp_path, name="whole.db", packs=place.packs, options=place.options)
    undisturbed.ingest(LOG, pack="world")
    orphans: list[int] = []
    fired = whole = 0

    while fired < KILLS:
        is_inside = kill_once(place, chance, orphans)
        check(place)
        fired += is_inside
        whole += not is_inside
        if not is_inside:
            forget(place.store.path)
    last = evidentia(*INGEST, folder=tmp_path)

    sys.stdout.write(f"seed {SEED}: {fired} kills between batches, {whole} whole runs\n")
    assert last.returncode == 0
    check(place)
    assert place.digest() == undisturbed.digest()
    assert place.rows("SELECT checkpoint FROM segments") == [(path.stat().st_size,)]
    assert not any(is_running(orphan) for orphan in orphans)


def test_killed_workers_are_started_anew(tmp_path: Path) -> None:
    """A worker that the system kills ends the run with advice; the next one completes it."""
    place = small_place(tmp_path)
    data = hostile_log(random.Random(SEED))  # noqa: S311 - repeatable
    place.write(LOG, data)
    process = start(*INGEST, "--jobs", 2, folder=tmp_path)
    wait_for_progress(process, place.store.path)

    process.send_signal(signal.SIGSTOP)
    for child in children_of(process.pid):
        os.kill(child, signal.SIGKILL)
    process.send_signal(signal.SIGCONT)
    _out, errors = process.communicate(timeout=60)
    check(place)
    rest = evidentia(*INGEST, folder=tmp_path)

    assert process.returncode == 3
    assert "a parser process died (status -9)" in errors
    assert rest.returncode == 0
    assert place.rows("SELECT checkpoint FROM segments") == [(len(data),)]
    check(place)


def test_a_group_that_is_killed_leaves_nobody_behind(tmp_path: Path) -> None:
    """SIGKILL to parent and workers alike: the next run takes over at once."""
    place = small_place(tmp_path)
    place.write(LOG, hostile_log(random.Random(SEED)))  # noqa: S311 - repeatable
    process = start(*INGEST, "--jobs", 1, folder=tmp_path)
    wait_for_progress(process, place.store.path)

    signal_group(process, signal.SIGKILL)
    process.communicate()
    rest = evidentia(*INGEST, folder=tmp_path)

    assert (process.returncode, rest.returncode) == (-signal.SIGKILL, 0)
    check(place)
