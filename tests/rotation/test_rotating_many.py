"""Rows 10, 11, 12 and 13: many random rotations, inodes dealt anew, compressors of every sort."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from tests.unit.ingest.kit import Place

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    aliases,
    assert_settled,
    assert_sound,
    assert_tiled,
    decisions,
    gaps,
    held_by,
    lines,
    once,
    segments,
    states,
    stored,
    wanted,
)

ROTATIONS = 20
SEEDS = range(3)


class Writer:
    """Appends lines with running numbers to the live log, and looks now and then."""

    def __init__(self, place: Place, look: Look, seed: int) -> None:
        sys.stdout.write(f"seed {seed}\n")
        self.chance = random.Random(seed)  # noqa: S311 - the same rotations again
        self.place = place
        self.number = 0
        self._look = look

    def write(self, least: int = 0) -> None:
        """A few lines, of any length."""
        for _ in range(self.chance.randrange(least, 9)):
            pad = "x" * self.chance.choice([0, 0, 5, 900, 5_000])
            self.place.append(LIVE, lines(self.number, 1, pad=pad))
            self.number += 1

    def maybe_look(self) -> None:
        """Look, or do not."""
        if self.chance.random() < 0.4:  # a good mix of rotations seen and unseen
            self._look()

    def step(self) -> None:
        """Write, look, write."""
        self.write()
        self.maybe_look()
        self.write()


def shifted(folder: Path, highest: int, ending: str = "") -> None:
    """Give every rotated file the next number."""
    for number in range(highest, 0, -1):
        for name in (f"live.jsonl.{number}", f"live.jsonl.{number}{ending}"):
            if (folder / name).exists():
                (folder / name).rename(folder / name.replace(f".{number}", f".{number + 1}"))


@pytest.mark.parametrize("seed", SEEDS)
def test_m10_random_copytruncate_rotations_lose_and_double_nothing(
    place: Place, look: Look, seed: int
) -> None:
    """Every line is in some copy or was read before; each is stored once."""
    writer = Writer(place, look, seed)
    everything = b""
    for _rotation in range(ROTATIONS):
        writer.step()
        live = place.folder / LIVE
        if not live.exists():
            continue
        shifted(place.folder, ROTATIONS + 1)
        shutil.copyfile(live, place.folder / "live.jsonl.1")
        writer.maybe_look()
        everything += live.read_bytes()
        live.write_bytes(b"")
        writer.maybe_look()
    writer.step()
    everything += (place.folder / LIVE).read_bytes()
    for _ in range(3):
        look()

    once(place, everything)
    assert {kind for _segment, kind in gaps(place)} <= {"copytruncate_window"}
    assert_tiled(place)
    assert_settled(place, look)


@pytest.mark.parametrize("seed", SEEDS)
def test_m10_what_a_copytruncate_window_takes_lies_in_a_reported_gap(
    place: Place, look: Look, seed: int
) -> None:
    """Lines between copy and truncation are stored when they were seen, and else in a gap."""
    writer = Writer(place, look, seed)
    for _rotation in range(ROTATIONS):
        # A file that is empty at every look leaves no evidence of what it held in between.
        writer.write(1)
        live = place.folder / LIVE
        look()
        shifted(place.folder, ROTATIONS + 1)
        shutil.copyfile(live, place.folder / "live.jsonl.1")
        writer.write()
        live.write_bytes(b"")
    writer.step()
    for _ in range(3):
        look()

    assert max(stored(place).values()) == 1
    have = {number for number, _line in stored(place)}
    cut = {segment for segment, _kind in gaps(place)}
    ends = {
        segment: max(number for number, _line in wanted(b"\n".join(held_by(place, segment))))
        for segment in range(1, len(segments(place)) + 1)
        if held_by(place, segment)
    }
    for missing in set(range(writer.number)) - have:
        before = max(number for number in have if number < missing)
        assert any(ends[segment] == before for segment in cut), (missing, before)
    assert_tiled(place)


@pytest.mark.parametrize("seed", SEEDS)
def test_m11_random_rename_rotations_lose_and_double_nothing(
    place: Place, look: Look, seed: int
) -> None:
    """The second-oldest is gzipped each time; every line is stored once and nothing suspected."""
    writer = Writer(place, look, seed)
    for _rotation in range(ROTATIONS):
        writer.step()
        live = place.folder / LIVE
        if not live.exists():
            continue
        shifted(place.folder, ROTATIONS + 1, ".gz")
        live.rename(place.folder / "live.jsonl.1")
        writer.maybe_look()
        second = place.folder / "live.jsonl.2"
        if second.exists():
            place.write("live.jsonl.2.gz", gzip.compress(second.read_bytes()))
            writer.maybe_look()
            second.unlink()
        writer.maybe_look()
    writer.step()
    for _ in range(3):
        look()

    assert {number for number, _line in stored(place)} == set(range(writer.number))
    assert set(stored(place).values()) == {1}
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


def with_freed_inode(folder: Path, name: str, data: bytes, inode: int) -> None:
    """A new file that was given a freed inode; the test is skipped where none is dealt again."""
    strays = []
    for attempt in range(30):
        path = folder / f"stray {attempt}"
        path.write_bytes(data)
        if path.stat().st_ino == inode:
            path.rename(folder / name)
            break
        strays.append(path)
    for path in strays:
        path.unlink()
    if not (folder / name).exists():
        pytest.skip("this file system did not give the freed inode again: the row proves nothing")
    assert (folder / name).stat().st_ino == inode


@pytest.mark.parametrize("count", [3, 40, 90], ids=["smaller", "equal", "larger"])
@pytest.mark.parametrize("name", [LIVE, "live.jsonl.new"])
def test_m12_a_freed_inode_is_another_segment(place: Place, count: int, name: str) -> None:
    """Deleted and made anew with the same inode: other bytes are other events."""
    live = place.write(LIVE, lines(100, 40))
    place.ingest(ALL)
    inode = live.stat().st_ino
    live.unlink()
    with_freed_inode(place.folder, name, lines(200, count), inode)

    place.ingest(ALL)

    once(place, lines(100, 40), lines(200, count))
    assert held_by(place, 2) == lines(200, count).splitlines()
    assert states(place)[0] in {"replaced", "gone"}
    assert_tiled(place)
    assert_settled(place, lambda: place.ingest(ALL))


def test_m12_inodes_that_go_round_confuse_nothing(place: Place) -> None:
    """With one old file kept, every second file has the inode of the one before the last."""
    inodes = []
    for rotation in range(6):
        live = place.write(LIVE, lines(rotation * 10, 10))
        inodes.append(live.stat().st_ino)
        place.ingest(ALL)
        live.replace(place.folder / "live.jsonl.1")
    if len(set(inodes)) == len(inodes):
        pytest.skip("this file system dealt no inode twice: the row proves nothing")

    place.ingest(ALL)

    once(place, lines(0, 60))
    assert gaps(place) == []
    assert len(segments(place)) == 6


def _binary(name: str, *options: str) -> Callable[[Path], Path]:
    def pack(path: Path) -> Path:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"needs {name}")
        subprocess.run([found, *options, str(path)], check=True, capture_output=True)
        (made,) = path.parent.glob(f"{path.name}.?*")
        return made

    return pack


def _library(ending: str, compress: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def pack(path: Path) -> Path:
        made = path.with_name(f"{path.name}.{ending}")
        made.write_bytes(compress(path.read_bytes()))
        path.unlink()
        return made

    return pack


PACKERS = {
    "gzip": _binary("gzip"),
    "bzip2": _binary("bzip2"),
    "xz": _binary("xz"),
    "zstd": _binary("zstd", "-q", "--rm"),
    "python gz": _library("gz", gzip.compress),
    "python bz2": _library("bz2", bz2.compress),
    "python xz": _library("xz", lzma.compress),
    "python zst": _library("zst", zstandard.ZstdCompressor().compress),
}


def rotated(place: Place, look: Look, unread: bytes) -> Path:
    """A log that was read, grew by some unread lines, and was renamed."""
    live = place.write(LIVE, lines(0, 50))
    look()
    place.append(LIVE, unread)
    moved = live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(60, 4))
    return moved


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_m13_a_file_that_was_read_is_not_read_again_when_it_is_compressed(
    place: Place, look: Look, packer: Callable[[Path], Path]
) -> None:
    """The archive is one more name of the same segment."""
    moved = rotated(place, look, b"")
    look()
    look()

    packed = packer(moved)
    assert not moved.exists()
    assert packed.read_bytes()[:4] != lines(0, 1)[:4]
    look()

    once(place, lines(0, 50), lines(60, 4))
    assert packed.name in aliases(place, 1)
    assert decisions(place, packed.name) == ["continued"]
    assert states(place) == ["finished", "live"]
    assert gaps(place) == []
    assert_sound(place)
    look()
    assert_settled(place, look)


@pytest.mark.parametrize("packer", PACKERS.values(), ids=PACKERS)
def test_m13_a_file_compressed_before_its_end_was_read_gives_its_tail(
    place: Place, look: Look, packer: Callable[[Path], Path]
) -> None:
    """The rest comes from the archive, at the decompressed byte where reading stopped."""
    packer(rotated(place, look, lines(50, 7)))
    look()

    once(place, lines(0, 57), lines(60, 4))
    assert held_by(place, 1) == lines(0, 57).splitlines()
    assert gaps(place) == []
    assert_sound(place)
    look()
    assert_settled(place, look)
