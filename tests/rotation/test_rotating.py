"""Rows 1 to 9 and 14 of the matrix: rotations, truncations, half-written archives."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

from tests.unit.ingest.kit import Place

from evidentia.audit.values import FindingKind
from evidentia.ingest.values import Outcome

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    Follower,
    assert_settled,
    assert_sound,
    assert_tiled,
    gaps,
    held_by,
    letters,
    lines,
    once,
    segments,
    states,
)


def emptied(path: Path) -> None:
    """Truncate as logrotate does: the file stays, its bytes go."""
    with path.open("rb+") as file:
        file.truncate(0)


def test_m01_a_copy_gzipped_at_once_gives_the_unread_tail(place: Place, look: Look) -> None:
    """Cowrie's shipped configuration: the tail comes from the .gz, at its decompressed byte."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 5))

    place.write("live.jsonl.1.gz", gzip.compress(live.read_bytes()))
    emptied(live)
    place.append(LIVE, lines(15, 3))
    look()

    once(place, lines(0, 18))
    assert held_by(place, 1) == lines(0, 15).splitlines()
    assert held_by(place, 2) == lines(15, 3).splitlines()
    assert place.rows("SELECT max(id % (1 << 40)) FROM event_rows WHERE id >> 40 = 1") == [
        (len(lines(0, 14)),)
    ]
    assert gaps(place) == [(1, "copytruncate_window")]
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m01_rotations_with_gzip_at_once_follow_each_other(place: Place, look: Look) -> None:
    """Each next archive continues the segment of the bytes it holds, whatever its number is."""
    live = place.write(LIVE, lines(0, 10))
    look()
    for rotation in range(4):
        first = 10 + 8 * rotation
        place.append(LIVE, lines(first, 5))
        for number in (3, 2, 1):
            older = place.folder / f"live.jsonl.{number}.gz"
            if older.exists():
                older.rename(place.folder / f"live.jsonl.{number + 1}.gz")
        place.write("live.jsonl.1.gz", gzip.compress(live.read_bytes()))
        emptied(live)
        place.append(LIVE, lines(first + 5, 3))
        look()

    once(place, lines(0, 42))
    assert len(segments(place)) == 5
    assert {kind for _segment, kind in gaps(place)} == {"copytruncate_window"}
    assert_sound(place)


def test_m02_a_renamed_file_is_drained_before_the_new_one(place: Place, look: Look) -> None:
    """The unread tail comes first, then the successor; nothing is suspected."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 5))

    live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(15, 4))
    look()

    once(place, lines(0, 19))
    assert place.rows("SELECT segment_id FROM batches ORDER BY id") == [(1,), (1,), (2,)]
    assert gaps(place) == []
    assert_sound(place)
    look()
    assert states(place) == ["finished", "live"]
    look()
    assert_settled(place, look)


def test_m03_three_rotations_while_nobody_looked_are_drained_in_order(place: Place) -> None:
    """The store holds all lines in the order they were written."""
    live = place.write(LIVE, lines(0, 10))
    place.ingest(ALL)
    for rotation in range(3):
        place.append(LIVE, lines(10 + 9 * rotation, 5))
        for number in (2, 1):
            older = place.folder / f"live.jsonl.{number}"
            if older.exists():
                older.rename(place.folder / f"live.jsonl.{number + 1}")
        live.rename(place.folder / "live.jsonl.1")
        place.write(LIVE, lines(15 + 9 * rotation, 4))

    place.ingest(ALL)

    assert place.raws() == lines(0, 37).splitlines()
    assert gaps(place) == []
    assert_sound(place)
    place.ingest(ALL)
    assert_settled(place, lambda: place.ingest(ALL))
    assert states(place)[0] == "finished"


def test_m04_a_file_renamed_out_of_the_list_is_drained_by_a_loader_that_is_up(
    place: Place,
) -> None:
    """The open descriptor is read to its end, twice without growth, and then let go."""
    live = place.write(LIVE, lines(0, 10))
    (place.folder / "old").mkdir()
    with Follower(place, ALL) as follower:
        follower.poll()
        place.append(LIVE, lines(10, 5))
        moved = live.rename(place.folder / "old" / "1.jsonl")
        place.write(LIVE, lines(20, 2))
        follower.poll()
        with moved.open("ab") as late:
            late.write(lines(15, 5))
        follower.poll()
        follower.now += 6.0
        follower.poll()

        assert_settled(place, follower.poll)

    once(place, lines(0, 22))
    assert held_by(place, 1) == lines(0, 20).splitlines()
    assert gaps(place) == []
    assert states(place) == ["gone", "live"]
    assert_tiled(place)


def test_m04_a_file_renamed_out_of_the_list_while_nobody_looked_is_a_gap(place: Place) -> None:
    """What it still held is unknown: one gap at the checkpoint, once, and the run goes on."""
    live = place.write(LIVE, lines(0, 10))
    (place.folder / "old").mkdir()
    place.ingest(ALL)
    place.append(LIVE, lines(10, 5))
    live.rename(place.folder / "old" / "1.jsonl")
    place.write(LIVE, lines(20, 2))

    report = place.ingest(ALL)

    once(place, lines(0, 10), lines(20, 2))
    assert [(gap.segment_id, gap.kind) for gap in report.gaps] == [(1, "rotated_away")]
    assert place.rows("SELECT segment_id, byte_offset, kind FROM gap_rows") == [
        (1, len(lines(0, 10)), "rotated_away")
    ]
    assert [file.problem for file in report.files] == [None]
    assert states(place)[0] in {"gone", "replaced"}
    assert states(place)[1] == "live"
    assert_tiled(place)
    assert_settled(place, lambda: place.ingest(ALL))


def test_m05_a_quiet_writer_loses_nothing_by_copytruncate(place: Place, look: Look) -> None:
    """The copy continues the old segment, the emptied file begins the next one."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 5))

    shutil.copyfile(live, place.folder / "live.jsonl.1")
    emptied(live)
    look()
    place.append(LIVE, lines(15, 3))
    look()

    once(place, lines(0, 18))
    assert held_by(place, 1) == lines(0, 15).splitlines()
    assert gaps(place) == [(1, "copytruncate_window")]
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m05_the_window_of_a_copytruncate_says_what_was_seen(place: Place, look: Look) -> None:
    """The gap stands where the copy ends, and its evidence holds sizes."""
    live = place.write(LIVE, lines(0, 10))
    look()
    shutil.copyfile(live, place.folder / "live.jsonl.1")
    emptied(live)
    place.append(LIVE, lines(10, 2))
    look()

    ((offset, kind, evidence),) = place.rows("SELECT byte_offset, kind, evidence FROM gap_rows")
    assert (offset, kind) == (len(lines(0, 10)), "copytruncate_window")
    assert any(isinstance(value, int) for value in json.loads(evidence).values())
    look()
    assert len(gaps(place)) == 1


def test_m06_copytruncate_under_load_keeps_all_that_was_readable(place: Place, look: Look) -> None:
    """The window is a gap, and the torn first line after it a dead letter with its bytes."""
    live = place.write(LIVE, lines(0, 10))
    look()
    torn = lines(16, 1)
    place.append(LIVE, lines(10, 3))
    shutil.copyfile(live, place.folder / "live.jsonl.1")
    place.append(LIVE, lines(13, 3) + torn[:30])
    emptied(live)
    place.append(LIVE, torn[30:] + lines(17, 4))
    look()

    once(place, lines(0, 13), lines(17, 4))
    assert letters(place) == [torn[30:-1]]
    assert gaps(place) == [(1, "copytruncate_window")]
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m07_truncated_and_grown_past_the_old_offset_is_the_next_segment(
    place: Place, look: Look
) -> None:
    """Size alone says nothing: the anchor does."""
    live = place.write(LIVE, lines(0, 40))
    look()

    emptied(live)
    place.append(LIVE, lines(40, 90))
    look()

    once(place, lines(0, 130))
    assert held_by(place, 2) == lines(40, 90).splitlines()
    assert states(place)[0] == "replaced"
    assert gaps(place) == [(1, "copytruncate_window")]
    assert_sound(place)
    assert_settled(place, look)


def test_m08_an_emptied_file_is_nothing_until_its_first_byte(place: Place, look: Look) -> None:
    """However often it is looked at, nothing is said again; its first line begins a segment."""
    live = place.write(LIVE, lines(0, 10))
    look()
    emptied(live)
    look()
    look()

    for _ in range(3):
        assert look().problems == ()
        assert_settled(place, look)
    assert len(segments(place)) == 1
    place.append(LIVE, lines(10, 1))
    look()

    once(place, lines(0, 11))
    assert len(segments(place)) == 2
    assert len(gaps(place)) == 1


def test_m09_copy_before_truncate_is_not_read_twice(place: Place, look: Look) -> None:
    """Lines written and read between copy and truncation leave the copy behind: it is stale."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 5))
    shutil.copyfile(live, place.folder / "live.jsonl.1")
    look()
    place.append(LIVE, lines(15, 5))
    look()
    emptied(live)
    look()
    place.append(LIVE, lines(20, 5))
    look()

    once(place, lines(0, 25))
    assert len(segments(place)) == 2
    assert gaps(place) == [(1, "copytruncate_window")]
    assert_sound(place, may_miss=[FindingKind.LOG_CHANGED, FindingKind.LOG_MISSING])
    look()
    assert_settled(place, look)


def test_m09_a_copy_and_its_original_seen_for_the_first_time_are_one_segment(
    place: Place, look: Look
) -> None:
    """A file that is the beginning of another is a copy in the making."""
    live = place.write(LIVE, lines(0, 10))
    shutil.copyfile(live, place.folder / "live.jsonl.1")
    place.append(LIVE, lines(10, 5))
    look()
    emptied(live)
    place.append(LIVE, lines(15, 5))
    look()

    once(place, lines(0, 20))


def test_m14_a_half_written_archive_waits_and_is_read_once(place: Place, look: Look) -> None:
    """Nothing is taken from it before it is complete, and nothing twice after."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 200))
    packed = gzip.compress(live.read_bytes())

    emptied(live)
    place.append(LIVE, lines(300, 2))
    place.write("live.jsonl.1.gz", packed[: len(packed) // 2])
    halfway = look()
    looked_at = {Path(file.path).name: file.outcome for file in halfway.files}
    still = look()
    place.write("live.jsonl.1.gz", packed)
    look()

    assert looked_at["live.jsonl.1.gz"] is Outcome.WAITING
    assert still.events == 0
    once(place, lines(0, 210), lines(300, 2))
    assert held_by(place, 1) == lines(0, 210).splitlines()
    assert {kind for _segment, kind in gaps(place)} <= {"copytruncate_window"}
    assert_sound(place)
    look()
    assert_settled(place, look)


def test_m14_an_archive_cut_at_any_byte_is_never_taken_for_whole(place: Place) -> None:
    """Grown a few bytes at a time, it is waited for until its very last byte."""
    packed = gzip.compress(lines(0, 30))
    for cut in range(1, len(packed), max(1, len(packed) // 40)):
        place.write("live.jsonl.1.gz", packed[:cut])
        assert place.ingest(ALL).events == 0
    place.write("live.jsonl.1.gz", packed)

    place.ingest(ALL)

    once(place, lines(0, 30))
    assert gaps(place) == []
