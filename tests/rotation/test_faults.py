"""Rows 30 to 33, 36, 57 and 58 of the matrix: clocks, devices, networks, loaders, many files."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.processes import environment
from tests.unit.ingest.kit import Place, good

from evidentia.errors import StoreHeldError
from evidentia.ingest.values import Outcome

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    Follower,
    aliases,
    assert_settled,
    assert_sound,
    assert_tiled,
    decisions,
    gaps,
    lines,
    once,
    segments,
    stored,
    wanted,
)

MANY_FILES = int(os.environ.get("EVIDENTIA_MANY_FILES", "1200"))
"""The full form has 10,000."""
DESCRIPTORS = 256


@pytest.mark.parametrize("seconds", [0, -86_400 * 365, 4_070_908_800], ids=["1970", "1969", "2099"])
def test_m30_times_of_change_decide_nothing(place: Place, look: Look, seconds: int) -> None:
    """Backwards, equal or in 2099: the same segments, the same events."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 5))
    os.utime(live, (seconds, seconds))
    look()
    moved = live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(15, 5))
    for path in (moved, live):
        os.utime(path, (seconds, seconds))
    look()
    look()

    once(place, lines(0, 20))
    assert len(segments(place)) == 2
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


def test_m30_a_growth_within_one_and_the_same_time_is_seen(place: Place, look: Look) -> None:
    """A file whose time of change stands still is read all the same."""
    live = place.write(LIVE, lines(0, 10))
    os.utime(live, (1, 1))
    look()
    for number in range(10, 15):
        place.append(LIVE, lines(number, 1))
        os.utime(live, (1, 1))
        assert look().events == 1

    once(place, lines(0, 15))


class _Smaller:
    """A status with a size that is out of date."""

    def __init__(self, found: os.stat_result, size: int) -> None:
        self._found = found
        self.st_size = size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def test_m31_a_size_that_is_out_of_date_for_one_look_is_not_believed(
    place: Place, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system tells a smaller size for a while: nothing is replaced by that."""
    live = place.write(LIVE, lines(0, 20))
    look()
    inode, told = live.stat().st_ino, []

    def stale(call: Any) -> Any:
        def status(*arguments: Any, **options: Any) -> Any:
            found = call(*arguments, **options)
            if found.st_ino != inode:
                return found
            told.append(found.st_size)
            return _Smaller(found, len(lines(0, 7)))

        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stale(os.stat))
        patch.setattr(os, "fstat", stale(os.fstat))
        look()
    if not told:
        pytest.skip("no stale size was ever seen: the row proves nothing")
    place.append(LIVE, lines(20, 5))
    look()

    once(place, lines(0, 25))
    assert len(segments(place)) == 1
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


@pytest.mark.parametrize("seen", [0, 7, 19], ids=["nothing", "some lines", "all but one"])
def test_m31_a_view_that_is_out_of_date_for_one_look_is_not_believed(
    place: Place, look: Look, seen: int
) -> None:
    """The same with what can be read: fewer bytes for one look, and then all of them again."""
    live = place.write(LIVE, lines(0, 20))
    look()
    inode = live.stat().st_ino
    os.truncate(live, len(lines(0, seen)))
    look()
    place.write(LIVE, lines(0, 25))
    assert live.stat().st_ino == inode
    look()
    look()

    once(place, lines(0, 25))
    assert len(segments(place)) == 1
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


@pytest.mark.parametrize("is_renamed", [False, True])
def test_m32_another_device_number_is_recognised_by_content(
    place: Place, *, is_renamed: bool
) -> None:
    """After a reboot or remount the numbers differ: the bytes say which segment it is."""
    live = place.write(LIVE, lines(0, 20))
    place.ingest(ALL)
    place.damage("UPDATE segments SET device = device + 77, inode = inode + 1000000")
    assert place.rows("SELECT device FROM segments") != [(live.stat().st_dev,)]
    place.append(LIVE, lines(20, 5))
    if is_renamed:
        live.rename(place.folder / "live.jsonl.1")
        place.write(LIVE, lines(30, 5))
    place.ingest(ALL)
    place.ingest(ALL)

    once(place, lines(0, 25), lines(30, 5) if is_renamed else b"")
    assert len(segments(place)) == 1 + is_renamed
    assert gaps(place) == []
    assert place.rows("SELECT device, inode FROM segments WHERE id = 1") == [
        (found.st_dev, found.st_ino)
        for found in [(place.folder / ("live.jsonl.1" if is_renamed else LIVE)).stat()]
    ]
    assert_sound(place)
    assert_settled(place, lambda: place.ingest(ALL))


def test_m33_a_loader_that_is_up_keeps_every_other_one_out(place: Place) -> None:
    """The second is told who holds the store, and reads nothing; the first goes on."""
    place.write(LIVE, lines(0, 5))
    with Follower(place, ALL) as follower:
        follower.poll()
        place.append(LIVE, lines(5, 5))
        with pytest.raises(StoreHeldError, match=f"held by process {os.getpid()}"):
            place.ingest(ALL)
        once(place, lines(0, 5))
        follower.poll()

    place.ingest(ALL)
    once(place, lines(0, 10))


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_m36_dying_at_every_change_during_a_rotation_loses_and_doubles_nothing(
    tmp_path: Path, *, is_after: bool
) -> None:
    """Whichever step of a poll is the last, the next loader ends where an undisturbed one does."""
    step, reached = 0, True
    while reached:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        place = Place(folder=folder)
        live = place.write(LIVE, lines(0, 10))
        place.ingest(ALL)
        place.append(LIVE, lines(10, 5))
        live.rename(folder / "live.jsonl.2")
        place.write(LIVE, lines(20, 3))
        place.ingest(ALL)
        place.append(LIVE, lines(23, 3))
        shutil.copyfile(live, folder / "live.jsonl.1")
        place.write(LIVE, lines(30, 3))
        place.write("live.jsonl.other", lines(40, 3))
        with Follower(place, ALL) as follower:
            reached = follower.dies_at(step, is_after=is_after)
        for _ in range(3):
            place.ingest(ALL)
        once(place, lines(0, 15), lines(20, 6), lines(30, 3), lines(40, 3))
        assert gaps(place) == [(2, "copytruncate_window")], step
        assert_tiled(place)
        assert_settled(place, lambda place=place: place.ingest(ALL))
    assert step > 4, "the poll that should die at every step had none"


@contextmanager
def few_descriptors(count: int) -> Iterator[None]:
    """At most so many open files in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if len(list(Path("/proc/self/fd").iterdir())) > count // 2:
        pytest.skip("this process has too many files open already")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_m57_thousands_of_files_need_few_descriptors(place: Place) -> None:
    """A loader that is up reads, follows and drains far more files than it may have open."""
    chance = random.Random(57)  # noqa: S311 - the same files again
    for number in range(MANY_FILES):
        place.write(f"live.jsonl.{number}", good(number))
    grown = sorted(chance.sample(range(MANY_FILES), MANY_FILES // 20))

    with few_descriptors(DESCRIPTORS), Follower(place, ALL) as follower:
        first = follower.poll()
        for number in grown:
            place.append(f"live.jsonl.{number}", good(MANY_FILES + number))
        second = follower.poll()
        for number in grown[:20]:
            (place.folder / f"live.jsonl.{number}").unlink()
        third = follower.poll()

    expected = [good(number) for number in (*range(MANY_FILES), *(MANY_FILES + n for n in grown))]
    assert stored(place) == wanted(b"".join(expected))
    assert (first.problems, second.problems, third.problems) == ((), (), ())
    assert {file.outcome for file in (*first.files, *second.files)} <= {
        Outcome.READ,
        Outcome.UNCHANGED,
    }
    assert len(segments(place)) == MANY_FILES
    assert_tiled(place)


def test_m57_one_large_file_does_not_keep_the_others_waiting_for_ever(place: Place) -> None:
    """Every file of a poll is read in that poll, whatever another one of them does."""
    place.write("live.jsonl.1", lines(0, 20_000))
    for number in range(2, 30):
        place.write(f"live.jsonl.{number}", good(100_000 + number))

    place.ingest(ALL)

    once(place, lines(0, 20_000), *(good(100_000 + number) for number in range(2, 30)))


def test_m57_a_first_ingest_is_ordered_by_first_event(place: Place) -> None:
    """Files whose names say nothing of their age are read oldest first."""
    for name, first in (("live.jsonl.a", 200), ("live.jsonl.b", 0), ("live.jsonl.c", 100)):
        place.write(name, lines(first, 5))

    place.ingest(ALL)

    once(place, lines(0, 5), lines(100, 5), lines(200, 5))
    assert [name for name, _state, _checkpoint in segments(place)] == [
        "live.jsonl.b",
        "live.jsonl.c",
        "live.jsonl.a",
    ]


NOBODY = 65_534
LOOK = """
import os, sys
from pathlib import Path
from tests.rotation.scene import ALL, gaps, lines
from tests.unit.ingest.kit import Place
# What is imported late is imported now, while this process may read it.
warm = Place(folder=Path(sys.argv[1]))
warm.write("live.jsonl", lines(0, 1))
warm.ingest(ALL)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
place = Place(folder=Path.cwd())
log = place.folder / "live.jsonl"
seen = []
for mode in (0o644, 0, 0, 0o644):
    log.chmod(mode)
    report = place.ingest(ALL)
    failed = [file for file in report.files if file.problem] + list(report.problems)
    seen.append((len(failed), report.events, len(gaps(place))))
    with (place.folder / "live.jsonl.other").open("ab") as other:
        other.write(lines(900 + len(seen), 1))
    if mode:
        with log.open("ab") as file:
            file.write(lines(10 + len(seen), 1))
print(seen)
"""


def test_m58_a_log_that_may_not_be_read_is_a_warning_and_is_read_later(tmp_path: Path) -> None:
    """No gap and no new segment: the same bytes are there when permission comes back."""
    with tempfile.TemporaryDirectory(prefix="evidentia-m58-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / LIVE).write_bytes(lines(0, 10))
        if os.geteuid() == 0:
            os.chown(folder / LIVE, NOBODY, NOBODY)
        done = subprocess.run(
            [sys.executable, "-c", LOOK, str(tmp_path)],
            cwd=folder,
            env=environment(COVERAGE_PROCESS_START=""),
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        # One failure while it is denied; what was written before is read when it is allowed again.
        assert done.stdout.strip() == str([(0, 10, 0), (1, 1, 0), (1, 1, 0), (0, 2, 0)])
        place = Place(folder=folder)
        once(place, lines(0, 10), lines(11, 1), lines(901, 3))
        assert len(segments(place)) == 2
        assert decisions(place, LIVE) == ["new"]
        assert aliases(place, 1) <= {LIVE}
        assert_tiled(place)
