"""Real processes in trouble: signals, full disks, held stores, wrong places, other programs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place, goods, is_tiled

from .processes import (
    environment,
    evidentia,
    signal_group,
    small_place,
    start,
    tiling,
    wait_for_progress,
)

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECTOR = CHECKOUT / "tools" / "project_events_to_sqlite.py"
LINES = 6_000
INGEST = ("ingest", "--db", "s.db", "--pack", "world", "--log", "a.jsonl")


@pytest.fixture
def slow(tmp_path: Path) -> Place:
    """A folder whose log takes hundreds of batches."""
    place = small_place(tmp_path)
    place.write("a.jsonl", goods(LINES))
    return place


def checked(place: Place, *, is_whole: bool = True) -> None:
    """The store equals its log, as far as it has come."""
    report = place.verify()
    assert report.findings == ()
    assert is_tiled(tiling(place), report.segments[0].checkpoint)
    if is_whole:
        assert place.raws() == goods(LINES).split(b"\n")[:-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", [0, 2])
def test_a_signal_ends_the_run_after_the_batch_at_hand(
    slow: Place, number: signal.Signals, jobs: int
) -> None:
    """Ctrl-C or a service manager's stop: committed, told where, and completed by the next run."""
    process = start(*INGEST, "--jobs", jobs, folder=slow.folder)
    wait_for_progress(process, slow.store.path)

    signal_group(process, number)
    out, errors = process.communicate(timeout=60)
    checked(slow, is_whole=False)
    stored = len(slow.raws())
    rest = evidentia(*INGEST, "--jobs", jobs, "--json", folder=slow.folder)

    assert process.returncode == 3
    assert "stopped" in out
    assert re.search(r"stopped in .*a\.jsonl at line [\d,]+; everything up to there", errors)
    assert "Traceback" not in errors
    assert 0 < stored < LINES
    assert json.loads(rest.stdout)["events"] == LINES - stored
    checked(slow)


def test_a_second_interrupt_ends_at_once_and_leaves_whole_batches(slow: Place) -> None:
    """Whoever presses Ctrl-C twice does not wait, and loses nothing either."""
    process = start(*INGEST, folder=slow.folder)
    wait_for_progress(process, slow.store.path)
    process.send_signal(signal.SIGSTOP)

    signal_group(process, signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    signal_group(process, signal.SIGINT)
    _out, errors = process.communicate(timeout=60)

    assert process.returncode in (3, 130)
    assert "Traceback" not in errors
    checked(slow, is_whole=False)
    assert evidentia(*INGEST, folder=slow.folder).returncode == 0
    checked(slow)


def test_a_second_ingester_is_refused_with_the_first_ones_name(slow: Place) -> None:
    """M33, IN-29: status 4 and the holder; reading goes on; the first one ends as if alone."""
    first = start(*INGEST, folder=slow.folder)
    wait_for_progress(first, slow.store.path)
    first.send_signal(signal.SIGSTOP)

    second = evidentia(*INGEST, folder=slow.folder)
    as_json = evidentia(*INGEST, "--json", folder=slow.folder)
    reading = evidentia("--db", "s.db", "status", folder=slow.folder)
    first.send_signal(signal.SIGCONT)
    first.communicate(timeout=60)

    assert (second.returncode, as_json.returncode) == (4, 4)
    assert f"the store is held by process {first.pid} on " in second.stderr
    assert json.loads(as_json.stdout)["error"] == "StoreHeldError"
    assert (reading.returncode, f"held by process {first.pid}" in reading.stdout) == (0, True)
    assert first.returncode == 0
    checked(slow)


def test_a_killed_holder_is_taken_over_at_once(slow: Place) -> None:
    """M33: the lease of a process that is gone holds nobody up."""
    first = start(*INGEST, folder=slow.folder)
    wait_for_progress(first, slow.store.path)
    first.kill()
    first.communicate()

    second = evidentia(*INGEST, folder=slow.folder)

    assert second.returncode == 0
    checked(slow)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of a few megabytes; needs root and the right to mount."""
    disk = folder / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs root to mount a small file system")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"this machine does not let root mount: {done.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("jobs", [0, 1])
def test_a_full_disk_loses_nothing(slow: Place, jobs: int) -> None:
    """M36: the last batch is rolled back, status 3 says so, and with space the rest is stored."""
    with small_disk(slow.folder, "3m") as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        command = (*INGEST, "--db", disk / "s.db", "--jobs", jobs)
        there = Place(folder=slow.folder, name="disk/s.db", packs=slow.packs, options=slow.options)

        full = evidentia(*command, folder=slow.folder)
        before = there.verify(is_deep=True)
        stored = len(there.raws())
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        rest = evidentia(*command, folder=slow.folder)

        assert full.returncode == 3
        assert "there is no space left for the store" in full.stderr
        assert "  fix: free some space and run the same command again" in full.stderr
        assert "Traceback" not in full.stderr
        assert (before.findings, 0 < stored < LINES) == ((), True)
        assert rest.returncode == 0
        checked(there)


def test_a_store_in_an_absent_folder_is_made_with_it(slow: Place) -> None:
    """The first ingest makes the folders; a reading command makes nothing."""
    reading = evidentia("--db", "x/y/s.db", "status", folder=slow.folder)
    is_made = (slow.folder / "x").exists()
    writing = evidentia(*INGEST, "--db", "x/y/s.db", folder=slow.folder)

    assert (reading.returncode, is_made) == (3, False)
    assert (writing.returncode, (slow.folder / "x" / "y" / "s.db").exists()) == (0, True)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder", "this is a folder, not a store"),
        ("a.jsonl", "this file is not a store: it is not an SQLite database"),
        ("a.jsonl/s.db", "the store's folder cannot be made"),
        ("foreign.db", "this database belongs to another program"),
        ("pipe", "this is not a regular file"),
    ],
)
def test_a_wrong_place_for_the_store_is_named_and_left_alone(
    slow: Place, name: str, what: str
) -> None:
    """CL-02, CL-07: nothing of somebody else is written to, and no other place is used instead."""
    (slow.folder / "folder").mkdir()
    os.mkfifo(slow.folder / "pipe")
    other = Place(folder=slow.folder, name="foreign.db")
    other.rows("CREATE TABLE theirs (a)")
    before = other.store.path.read_bytes(), (slow.folder / "a.jsonl").read_bytes()

    done = evidentia(*INGEST, "--db", name, folder=slow.folder)

    assert done.returncode == 3
    assert what in done.stderr
    assert (other.store.path.read_bytes(), (slow.folder / "a.jsonl").read_bytes()) == before


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """A folder in which nothing can be made, for root neither."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i", str(folder)], check=False).returncode:
        pytest.skip(
            "needs chattr and a file system with immutable folders, as root writes anywhere"
        )
    try:
        yield
    finally:
        subprocess.run([chattr, "-i", str(folder)], check=True)


def test_a_folder_that_cannot_be_written_is_a_failure_with_advice(slow: Place) -> None:
    """CL-07: an absent or a full store in it: status 3, the place, what to check."""
    (slow.folder / "sealed").mkdir()
    command = (*INGEST, "--db", "sealed/s.db")
    assert evidentia(*command, folder=slow.folder).returncode == 0

    with unwritable(slow.folder / "sealed"):
        again = evidentia(*command, folder=slow.folder)
        absent = evidentia(*INGEST, "--db", "sealed/other.db", folder=slow.folder)
        deeper = evidentia(*INGEST, "--db", "sealed/x/s.db", folder=slow.folder)

    for done in (again, absent, deeper):
        assert done.returncode == 3
        assert "   at: sealed/" in done.stderr
        assert "  fix: " in done.stderr
        assert "Traceback" not in done.stderr


def test_a_database_of_the_projector_is_listed_and_not_written(slow: Place) -> None:
    """Each refuses the other's file by name; its events are listed read-only."""
    if not PROJECTOR.exists():
        pytest.skip("needs tools/project_events_to_sqlite.py")
    path = slow.write("b.jsonl", goods(5) + b"bad\n")
    made = subprocess.run(
        [sys.executable, str(PROJECTOR), "--db", "events.db", "--log", str(path)],
        cwd=slow.folder,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    database = slow.folder / "events.db"
    before = database.read_bytes()

    listed = evidentia("--db", "events.db", "events", "--json", folder=slow.folder)
    page = evidentia("--db", "events.db", "events", "--kind", "good", folder=slow.folder)
    session = evidentia("--db", "events.db", "events", "--session", "s1", folder=slow.folder)
    refused = evidentia(*INGEST, "--db", "events.db", folder=slow.folder)

    found = json.loads(listed.stdout)["events"]
    assert [event["raw_json"] for event in found] == [
        line.decode() for line in goods(5).split(b"\n")[:-1]
    ]
    assert (page.returncode, page.stdout.count("good")) == (0, 5)
    assert (session.returncode, "have no session" in session.stderr) == (2, True)
    assert refused.returncode == 3
    assert "this database belongs to the stand-alone projector" in refused.stderr
    assert database.read_bytes() == before


def test_a_store_is_refused_by_the_projector(slow: Place) -> None:
    """The same the other way round: our store is not written to by the other program."""
    if not PROJECTOR.exists():
        pytest.skip("needs tools/project_events_to_sqlite.py")
    evidentia(*INGEST, folder=slow.folder)
    before = slow.store.path.read_bytes()

    refused = subprocess.run(
        [sys.executable, str(PROJECTOR), "--db", "s.db", "--log", "a.jsonl"],
        cwd=slow.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode != 0
    assert "not this program's database" in refused.stdout + refused.stderr
    assert slow.store.path.read_bytes() == before


CALLS = (
    *("openat", "open", "creat", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
    *("truncate", "ftruncate", "chmod", "fchmod", "fchmodat"),
)
_OPENED = re.compile(
    r'\b(openat|open|creat)\((?:AT_FDCWD, )?"(?P<path>[^"]*)", (?P<flags>[A-Z_|]+)'
)
_CHANGED = re.compile(
    r"\b(?P<call>unlink(?:at)?|rename(?:at2?)?|truncate|fchmodat|chmod)\((?P<rest>.*)"
)


def test_no_log_is_opened_for_writing(tmp_path: Path) -> None:
    """CL-09, invariant 1: seen by the system's own record of what the processes asked for."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    logs = tmp_path / "logs"
    logs.mkdir()
    place = Place(folder=tmp_path)
    place.write("logs/a.jsonl", b"\xef\xbb\xbf" + goods(50) + b"bad\n" + b'{"torn')
    place.write("logs/b.jsonl", goods(3) + b"x" * 17_000_000 + b"\n")
    (logs / "a.jsonl").chmod(0o644)
    trace = tmp_path / "trace"
    follow = [
        *(strace, "-f", "-o", str(trace), "-s", "4096", "-e", f"trace={','.join(CALLS)}"),
        *(sys.executable, "-m", "evidentia", "--db", "s.db"),
    ]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in logs.iterdir()}
    probe = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("this machine does not let processes be traced")

    for words in (
        ("ingest", "--pack", "world", "--log", "logs/*", "--jobs", "1"),
        ("ingest", "--pack", "world", "--log", "logs/*", "--final"),
        ("verify", "--deep"),
        ("recover",),
        ("export", "raw", "1", "--output", "copy"),
        ("dead-letters", "retry", "--all"),
    ):
        subprocess.run(
            [*follow, *words], cwd=tmp_path, env=environment(), check=True, capture_output=True
        )
        calls = trace.read_text(errors="replace")
        opened = [
            match["flags"] for match in _OPENED.finditer(calls) if f"{logs}/" in match["path"]
        ]
        changed = [match[0] for match in _CHANGED.finditer(calls) if f"{logs}/" in match["rest"]]

        assert changed == []
        assert {flag for flags in opened for flag in flags.split("|")} <= {
            *("O_RDONLY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"),
        }
        # A retry takes the bytes from the store.
        assert bool(opened) == (words[0] != "dead-letters")

    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in logs.iterdir()}
    assert after == before


def test_a_log_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    """M19, M58: a directory, a FIFO, a dangling link, a loop: each named, the rest is read."""
    place = Place(folder=tmp_path)
    place.write("good.jsonl", goods(3))
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")

    done = evidentia(
        *("--db", "s.db", "ingest", "--json", "--pack", "world", "--log", "*.jsonl"),
        folder=tmp_path,
    )

    found = json.loads(done.stdout)
    assert (done.returncode, found["events"]) == (3, 3)
    assert len(found["problems"]) == 4
    assert place.raws() == goods(3).split(b"\n")[:-1]
