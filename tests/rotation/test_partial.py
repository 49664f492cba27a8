"""Rows 21 to 23, 34 and 35 of the matrix: lines without their end, torn lines, holes of NULs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
from dataclasses import replace

import pytest
import zstandard
from tests.unit.ingest.kit import Place

from evidentia.event.values import Flag

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    Follower,
    assert_settled,
    assert_sound,
    gaps,
    held_by,
    letters,
    lines,
    once,
    segments,
    states,
)

ONE = lines(10, 1)


@pytest.mark.parametrize("cut", range(1, len(ONE), 16))
def test_m21_a_partial_line_is_never_an_event_and_then_exactly_once(
    place: Place, look: Look, cut: int
) -> None:
    """However often it is looked at while it grows, byte by byte."""
    place.write(LIVE, lines(0, 10) + ONE[:cut])
    look()
    for byte in range(cut, min(cut + 5, len(ONE) - 1)):
        place.append(LIVE, ONE[byte : byte + 1])
        assert look().events == 0
    place.append(LIVE, ONE[min(cut + 5, max(cut, len(ONE) - 1)) :])
    look()

    once(place, lines(0, 11))
    assert (letters(place), gaps(place)) == ([], [])
    assert_sound(place)
    assert_settled(place, look)


def test_m22_a_partial_line_completed_in_the_renamed_file_is_read_once(
    place: Place, look: Look
) -> None:
    """The writer's old descriptor goes on in the renamed file; so does its segment."""
    live = place.write(LIVE, lines(0, 10) + ONE[:30])
    look()
    moved = live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(20, 2))
    look()
    look()
    with moved.open("ab") as late:
        late.write(ONE[30:] + lines(11, 2))
    look()
    look()

    once(place, lines(0, 13), lines(20, 2))
    assert held_by(place, 1) == lines(0, 13).splitlines()
    assert (letters(place), gaps(place)) == ([], [])
    assert states(place) == ["finished", "live"]
    assert_sound(place)
    assert_settled(place, look)


def test_m22_a_partial_line_completed_outside_of_the_list_is_read_once(place: Place) -> None:
    """A descriptor with held-back bytes is kept, for its line may still end."""
    live = place.write(LIVE, lines(0, 10) + ONE[:30])
    (place.folder / "old").mkdir()
    with Follower(place, ALL) as follower:
        follower.poll()
        moved = live.rename(place.folder / "old" / "1.jsonl")
        place.write(LIVE, lines(20, 2))
        follower.poll()
        with moved.open("ab") as late:
            late.write(ONE[30:])
        for _ in range(3):
            follower.poll()
        assert_settled(place, follower.poll)

    once(place, lines(0, 11), lines(20, 2))
    assert (letters(place), gaps(place)) == ([], [])


PACKED = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("packing", PACKED)
def test_m23_a_valid_last_line_of_an_archive_is_an_event_without_newline(
    place: Place, look: Look, packing: str
) -> None:
    """A closed archive does not grow: its last line is as whole as it will ever be."""
    live = place.write(LIVE, lines(0, 10) + ONE[:-1])
    look()
    live.unlink()
    place.write(f"live.jsonl.1.{packing}", PACKED[packing](lines(0, 10) + ONE[:-1]))
    place.write(LIVE, lines(20, 1))
    look()

    once(place, lines(0, 11), lines(20, 1))
    flags = dict(place.rows("SELECT event_id, flags FROM event_rows"))
    assert {name for name, each in flags.items() if each & Flag.NO_NEWLINE} == {"e10"}
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m23_a_torn_last_line_of_an_archive_is_a_dead_letter(place: Place, look: Look) -> None:
    """Its exact bytes are kept, at the byte where they stand."""
    live = place.write(LIVE, lines(0, 10) + ONE[:40])
    look()
    live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(20, 1))
    look()
    (place.folder / "live.jsonl.1").unlink()
    place.write("live.jsonl.1.gz", gzip.compress(lines(0, 10) + ONE[:40]))
    look()

    once(place, lines(0, 10), lines(20, 1))
    assert letters(place) == [ONE[:40]]
    assert place.rows("SELECT id % (1 << 40), has_newline FROM dead_letter_rows") == [
        (len(lines(0, 10)), 0)
    ]
    assert_sound(place)
    look()
    assert_settled(place, look)


@pytest.mark.parametrize("rest", [ONE[:-1], ONE[:40]], ids=["valid", "torn"])
def test_m23_a_last_line_is_read_when_the_operator_says_that_it_is_final(
    place: Place, rest: bytes
) -> None:
    """With --final a valid one is an event, a torn one a dead letter; without, neither."""
    place.write(LIVE, lines(0, 10) + rest)
    assert place.ingest(ALL).events == 10

    place.ingest(ALL, options=replace(place.options, is_final=True))

    is_valid = rest == ONE[:-1]
    once(place, lines(0, 11 if is_valid else 10))
    assert letters(place) == ([] if is_valid else [rest])
    assert_sound(place)


def test_m34_what_two_writers_tear_is_kept_and_what_is_whole_is_stored(
    place: Place, look: Look
) -> None:
    """Fragments are dead letters with their bytes, each at its own place."""
    long = lines(50, 1, pad="x" * 6_000)
    place.write(LIVE, lines(0, 5) + long[:4_096] + lines(5, 1))
    look()
    place.append(LIVE, long[4_096:] + lines(6, 4))
    look()

    torn_by, rest = long[:4_096] + lines(5, 1), long[4_096:]
    once(place, lines(0, 5), lines(6, 4))
    assert letters(place) == [torn_by[:-1], rest[:-1]]
    places = [offset for (offset,) in place.rows("SELECT id % (1<<40) FROM dead_letter_rows")]
    assert places == [len(lines(0, 5)), len(lines(0, 5)) + len(torn_by)]
    assert_sound(place)
    assert_settled(place, look)


@pytest.mark.parametrize("count", [3, 300], ids=["a small hole", "a hole beyond the anchor"])
def test_m35_the_hole_of_a_writer_without_append_is_skipped_and_counted(
    place: Place, look: Look, count: int
) -> None:
    """After the truncation it writes at its old offset: NULs first, which are a filler."""
    live = place.folder / LIVE
    with live.open("wb", buffering=0) as writer:
        writer.write(lines(1_000, count))
        look()
        shutil.copyfile(live, place.folder / "live.jsonl.1")
        hole = live.stat().st_size
        with live.open("rb+") as file:
            file.truncate(0)
        look()
        writer.write(lines(2_000, 2))
        assert live.read_bytes()[:hole] == b"\0" * hole
        look()
        writer.write(lines(2_002, 2))
        look()

    once(place, lines(1_000, count), lines(2_000, 4))
    assert place.rows("SELECT id % (1<<40), kind, length FROM fillers") == [(0, "nul", hole)]
    assert held_by(place, 2) == lines(2_000, 4).splitlines()
    assert letters(place) == []
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m35_two_holes_with_equal_heads_are_two_segments(place: Place, look: Look) -> None:
    """A kilobyte of NULs at the start of each: the head alone tells nothing."""
    live = place.folder / LIVE
    with live.open("wb", buffering=0) as writer:
        writer.write(lines(1_000, 100))
        look()
        for rotation in (1, 2, 3):
            shutil.copyfile(live, place.folder / f"live.jsonl.{rotation}")
            with live.open("rb+") as file:
                file.truncate(0)
            writer.write(lines(1_000 * (rotation + 1), 100))
            look()

    once(place, *(lines(1_000 * number, 100) for number in (1, 2, 3, 4)))
    assert len(segments(place)) == 4
    assert_sound(place)


def test_m22_a_first_line_completed_in_the_renamed_file_is_read_once(
    place: Place, look: Look
) -> None:
    """A file of which no whole line was seen yet is known as well, and its successor is another."""
    live = place.write(LIVE, ONE[:30])
    look()
    place.append(LIVE, ONE[30:])
    live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(20, 2))
    look()
    look()

    once(place, lines(10, 1), lines(20, 2))
    assert (letters(place), gaps(place)) == ([], [])
    assert_sound(place)
    look()
    assert_settled(place, look)


@pytest.mark.parametrize("cut", [1, 9, 24])
def test_m21_a_first_line_that_begins_like_others_is_no_gap(
    place: Place, look: Look, cut: int
) -> None:
    """The beginning of a log's first line may be that of any other log's."""
    place.write("live.jsonl.1", lines(10, 3))
    place.write(LIVE, ONE[:cut])
    for _ in range(3):
        look()
    assert gaps(place) == []
    place.append(LIVE, lines(20, 1)[cut:])
    look()
    look()

    once(place, lines(10, 3), lines(20, 1))
    assert (letters(place), gaps(place)) == ([], [])
    assert_settled(place, look)
