"""A look that is held up: rotations come between listing the files and looking into them.

Whatever the list said, a name leads to another file by then. Nothing that is found there may be
taken for the file that was listed, now or, being remembered, at a later look.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from random import Random

import pytest
from tests.unit.ingest.kit import Place

from .scene import ALL, LIVE, Follower, assert_sound, assert_tiled, gaps, lines, once, states

HIGHEST = 40
SEEDS = (*range(8), 1093, 1100, 1294)
"""With the last ones a look met a file that had been given the inode of the one that was listed."""


def rotate(folder: Path) -> None:
    """As logrotate does it with delaycompress: the last but one is packed, the live one renamed."""
    for number in range(HIGHEST, 1, -1):
        packed = folder / f"{LIVE}.{number}.gz"
        if packed.exists():
            packed.rename(folder / f"{LIVE}.{number + 1}.gz")
    last = folder / f"{LIVE}.1"
    if last.exists():
        packed = folder / f"{LIVE}.2.gz"
        status = last.stat()
        packed.write_bytes(gzip.compress(last.read_bytes()))
        os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
        last.unlink()
    (folder / LIVE).rename(last)
    (folder / LIVE).touch()


@pytest.mark.parametrize("holds_open", [False, True], ids=["forgets", "holds"])
def test_an_archive_is_known_by_its_own_bytes(place: Place, *, holds_open: bool) -> None:
    """What was found at the name of an archive is not remembered of the one that was there."""
    with Follower(place, ALL, holds_open=holds_open) as follower:
        place.append(LIVE, lines(0, 10))
        follower.poll()
        place.append(LIVE, lines(10, 10))
        for first in (20, 40):
            rotate(place.folder)
            place.append(LIVE, lines(first, 20))
        listed = follower.listed()
        rotate(place.folder)
        place.append(LIVE, lines(60, 20))

        follower.poll(listed)
        follower.poll()

    once(place, lines(0, 80))
    assert gaps(place) == []
    assert states(place)[0] == "finished"
    assert_tiled(place)


def test_a_log_that_was_renamed_in_between_was_not_cut(place: Place) -> None:
    """Else each later one that is first seen rotated would be taken for a copy with a loss."""
    live = place.folder / LIVE
    with Follower(place, ALL, holds_open=False) as follower:
        place.append(LIVE, lines(0, 20))
        follower.poll()
        listed = follower.listed()
        inode = live.stat().st_ino
        rotate(place.folder)
        follower.poll(listed)
        rotate(place.folder)
        kept = live.rename(place.folder / "kept") if live.stat().st_ino == inode else None
        place.append(LIVE, lines(20, 20))
        rotate(place.folder)
        if kept:
            kept.unlink()
        if not has_inode(live, inode):
            pytest.skip("this file system does not deal a freed inode anew")
        place.append(LIVE, lines(40, 20))
        follower.poll()

    once(place, lines(0, 60))
    assert gaps(place) == []


def has_inode(path: Path, inode: int) -> bool:
    """Make an empty file anew until it has an inode that was freed; whether it came to that."""
    others = []
    for number in range(2_000):
        if path.stat().st_ino == inode:
            break
        others.append(path.with_name(f"other{number}"))
        path.rename(others[-1])
        path.touch()
    for each in others:
        each.unlink()
    return path.stat().st_ino == inode


@pytest.mark.parametrize("holds_open", [False, True], ids=["forgets", "holds"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_late_looks_lose_double_and_suspect_nothing(
    place: Place, seed: int, *, holds_open: bool
) -> None:
    """However many rotations come in between: no line is lost, and none is said to be."""
    chance = Random(seed)  # noqa: S311 - the same again
    written = 0
    with Follower(place, ALL, holds_open=holds_open) as follower:
        place.append(LIVE, b"")
        listed = follower.listed()
        for _ in range(45):
            match chance.choice(("write", "write", "rotate", "list", "look", "look late")):
                case "write":
                    count = chance.randint(1, 30)
                    place.append(LIVE, lines(written, count))
                    written += count
                case "rotate":
                    rotate(place.folder)
                case "list":
                    listed = follower.listed()
                case "look":
                    follower.poll()
                case _:
                    follower.poll(listed)
        for _ in range(3):
            follower.poll()

    once(place, lines(0, written))
    assert gaps(place) == []
    assert_sound(place)
