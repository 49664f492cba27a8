"""Debian's logrotate, forced again and again under a writer at full speed.

With rename and create nothing may be lost. With copytruncate logrotate itself loses what is written
between its copy and its truncation; all that was readable is stored, and the rest lies in gaps.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.rotation.scene import Follower
from tests.rotation.world import UNPACKERS
from tests.unit.ingest.kit import Place

from evidentia.pack.registry import load_packs

from .loads import (
    GLOB,
    LOG,
    WriterProcess,
    assert_all_tiled,
    assert_whole,
    committed,
    ended,
    follow,
    read_on,
    stored_lines,
    wait_until,
    writing,
)
from .log_writer import line_of

ROTATIONS: Final = 5
LINES: Final = 20_000
"""Lines for each rotation: at full speed they outlast it."""
QUIET_SECONDS: Final = 4
GROWTH_BYTES: Final = 300_000

Poll = Callable[[], object]


class Logrotate:
    """Forced runs of the program, with a state and a configuration of our own."""

    def __init__(self, writer: WriterProcess, *words: str) -> None:
        found = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin:/sbin")
        if found is None:
            pytest.skip("needs logrotate: apt install logrotate")
        self._program = found
        self._writer = writer
        self._folder = writer.folder.parent
        self._config = self._folder / "logrotate.conf"
        self._config.write_text(self._text(writer, words))
        # Writable by others it would be ignored, and the run would end with 0 all the same.
        self._config.chmod(0o644)
        writer.folder.chmod(0o755)

    def _text(self, writer: WriterProcess, words: tuple[str, ...]) -> str:
        reopen = (
            "postrotate",
            f"kill -USR1 {writer.number}",
            f"while [ ! -e {writer.acknowledged} ]; do sleep 0.01; done",
            f"rm {writer.acknowledged}",
            "endscript",
        )
        lines = ("missingok", *words, *(() if "copytruncate" in words else reopen))
        return f"{writer.log} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"

    def run(self, poll: Poll) -> None:
        """One rotation of a log that has grown, looked at all the while."""
        self._writer.grant()
        wait_until(self._has_grown)
        before = self._inventory()
        with subprocess.Popen(
            [self._program, "-f", "-s", str(self._folder / "state"), str(self._config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            while process.poll() is None:
                poll()
            out, _errors = process.communicate()
        assert (process.returncode, out) == (0, "")
        assert self._inventory() != before, "logrotate has rotated nothing"
        poll()

    def _has_grown(self) -> bool:
        log = self._writer.log
        return log.exists() and log.stat().st_size > GROWTH_BYTES

    def _inventory(self) -> list[tuple[str, int]]:
        files = [path for path in self._folder.rglob(f"{LOG}*") if path.name != LOG]
        return sorted((str(path), path.stat().st_ino) for path in files)


@contextmanager
def in_process(folder: Path) -> Iterator[tuple[Place, Poll]]:
    """A loader that is up in this process, and looks when it is told to."""
    place = Place(folder=folder)
    with Follower(place, f"logs/{GLOB}") as follower:
        yield place, follower.poll
        for _ in range(4):
            follower.poll()


@contextmanager
def as_process(folder: Path) -> Iterator[tuple[Place, Poll]]:
    """``evidentia follow`` beside us, which looks when it likes."""
    place = Place(folder=folder, packs=load_packs())
    process = follow(folder)
    try:
        yield place, lambda: time.sleep(0.005)
        last, quiet = -1, 0
        # It is done when it stores nothing more for a while.
        while quiet < QUIET_SECONDS:
            time.sleep(1.0)
            now = committed(place)
            last, quiet = now, quiet + 1 if now == last else 0
        ended(process)
        # On a slow machine it may have been asked to stop while it compared a copy: what was left
        # then is left to the next run, as for a user.
        read_on(folder)
    finally:
        process.kill()
        process.communicate()


LOADERS = {"in process": in_process, "follow": as_process}
RENAMING = {
    "create": ("rotate 99", "create 0644"),
    "create, compress": ("rotate 99", "create 0644", "compress"),
    "create, delaycompress": ("rotate 99", "create 0644", "compress", "delaycompress"),
    "nocreate": ("rotate 99", "nocreate"),
    "dateext": ("rotate 99", "create 0644", "dateext", "dateformat -%Y%m%d-%s"),
    "olddir": ("rotate 99", "create 0644", "olddir ../old", "createolddir 0755"),
    "rotate 1": ("rotate 1", "create 0644"),
}


def next_second(poll: Poll) -> None:
    """Wait until a file that is named by the time gets another name."""
    # One more than the next: a file may be named by a moment before logrotate was done.
    now = int(time.time()) + 1
    wait_until(lambda: int(time.time()) > now, poll)


def rotate_under_load(folder: Path, loader: str, words: tuple[str, ...]) -> tuple[Place, int]:
    """Rotate a few times while a writer and a loader are at work; the store, and lines written."""
    (folder / "old").mkdir()
    with writing(folder, lines=LINES) as writer:
        logrotate = Logrotate(writer, *words)
        with LOADERS[loader](folder) as (place, poll):
            wait_until(lambda: writer.log.stat().st_size > GROWTH_BYTES)
            # What is rotated away before the first look is nobody's to promise.
            poll()
            if loader == "follow":
                wait_until(lambda: committed(place) > 0)
            for _ in range(ROTATIONS):
                logrotate.run(poll)
                if "dateext" in words:
                    next_second(poll)
            count = writer.stop()
    return place, count


@pytest.mark.parametrize("mode", RENAMING)
def test_renaming_loses_nothing(tmp_path: Path, mode: str) -> None:
    """M02, M13: every line that the writer wrote is stored once, and nothing is suspected."""
    place, count = rotate_under_load(tmp_path, "in process", RENAMING[mode])

    assert_whole(place, count)
    assert_all_tiled(place)


@pytest.mark.parametrize("mode", ["create", "create, delaycompress"])
def test_renaming_loses_nothing_of_a_follower(tmp_path: Path, mode: str) -> None:
    """The same with ``evidentia follow`` in a process of its own."""
    place, count = rotate_under_load(tmp_path, "follow", RENAMING[mode])

    assert_whole(place, count)
    assert_all_tiled(place)
    assert place.verify().findings == ()


def left_on_disk(folder: Path) -> set[bytes]:
    """Every whole line in the files that are there, and what a closed archive breaks off with."""
    found: set[bytes] = set()
    for path in folder.glob(GLOB):
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = UNPACKERS["gz"](data)
        is_closed = path.suffix == ".gz"
        lines = data.split(b"\n")
        found.update(line.lstrip(b"\0") for line in (lines if is_closed else lines[:-1]))
    return found


def assert_honest(place: Place, count: int) -> int:
    """What is missing lies between a segment with a window and the next; how much that is."""
    lines = stored_lines(place)
    raws = [raw for _segment, _number, raw in lines]
    known = {line_of(number)[:-1]: number for number in range(count)}
    assert len(raws) == len(set(raws)), "a line is stored twice"
    torn = {bytes(raw) for (raw,) in place.rows("SELECT raw FROM dead_letter_rows")}
    whole = left_on_disk(place.folder / "logs")
    assert not (whole & known.keys()) - set(raws), "a line that can be read is not stored"
    assert not set(raws) - known.keys()
    assert torn <= whole, "a dead letter is nowhere in the logs"
    numbers = defaultdict(list)
    for segment, number, _raw in lines:
        numbers[segment].append(number)
    gaps = place.rows("SELECT DISTINCT segment_id, kind FROM gap_rows")
    assert {kind for _segment, kind in gaps} <= {"copytruncate_window"}
    windows = {max(numbers[segment]) for segment, _kind in gaps if numbers[segment]}
    missing = sorted(set(range(count)) - {number for _segment, number, _raw in lines})
    starts = [number for number in missing if number - 1 not in missing]
    assert [start - 1 for start in starts if start - 1 not in windows] == []
    return len(missing)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    "words",
    [
        ("rotate 99", "copytruncate"),
        ("rotate 99", "copytruncate", "compress"),
        ("rotate 99", "copytruncate", "compress", "delaycompress"),
    ],
    ids=["copytruncate", "compress", "delaycompress"],
)
def test_copytruncate_loses_only_what_it_says(
    tmp_path: Path, loader: str, words: tuple[str, ...]
) -> None:
    """M01, M06: all that was readable is stored once; the loss inside logrotate is in gaps."""
    place, count = rotate_under_load(tmp_path, loader, words)

    missing = assert_honest(place, count)
    assert_all_tiled(place)
    windows = place.rows("SELECT count(DISTINCT segment_id) FROM gap_rows")[0][0]
    assert windows == ROTATIONS
    if not missing:
        pytest.skip("logrotate lost nothing this time, so nothing was there to be reported")
