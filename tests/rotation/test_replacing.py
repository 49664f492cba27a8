"""Rows 24 to 29 and 37 of the matrix: replacements, copies, restored logs and restored stores."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place

from evidentia.audit.values import FindingKind

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    assert_settled,
    assert_sound,
    assert_tiled,
    decisions,
    gaps,
    held_by,
    lines,
    once,
    segments,
    stored,
    wanted,
)


def replaced(place: Place, data: bytes, *, is_rewritten: bool) -> None:
    """Put other bytes under the live name: into the same file, or as another one."""
    if is_rewritten:
        place.write(LIVE, data)
    else:
        place.write("new", data).replace(place.folder / LIVE)


@pytest.mark.parametrize("is_rewritten", [True, False], ids=["same inode", "other inode"])
def test_m24_a_replacement_of_the_same_size_is_the_next_segment(
    place: Place, look: Look, *, is_rewritten: bool
) -> None:
    """Equal size, other bytes: both contents are stored whole."""
    first, second = lines(100, 20), lines(500, 20)
    assert len(first) == len(second)
    place.write(LIVE, first)
    look()

    replaced(place, second, is_rewritten=is_rewritten)
    look()

    once(place, first, second)
    assert held_by(place, 2) == second.splitlines()
    assert_tiled(place)
    look()
    assert_settled(place, look)


def test_m24_a_replacement_between_two_looks_is_drained_when_it_is_another_file(
    place: Place, look: Look
) -> None:
    """A loader that is up has the old file open; one that was down says what it cannot know."""
    place.write(LIVE, lines(100, 20))
    look()
    place.append(LIVE, lines(120, 5))
    replaced(place, lines(500, 20), is_rewritten=False)
    look()
    look()

    is_drained = (120, lines(120, 1)[:-1]) in stored(place)
    assert is_drained == (not gaps(place))
    if is_drained:
        once(place, lines(100, 25), lines(500, 20))
    else:
        once(place, lines(100, 20), lines(500, 20))
        assert gaps(place) == [(1, "rotated_away")]
    assert_tiled(place)


def test_m25_a_change_before_the_anchor_is_found_by_verify(place: Place, look: Look) -> None:
    """The loader may miss it; the digest does not, and names the byte."""
    data = lines(100, 200)
    place.write(LIVE, data)
    look()
    middle = len(data) // 2
    assert 1_024 < middle < len(data) - 4_096
    changed = data[:middle].rindex(b'"n": ') + 5
    place.write(LIVE, data[:changed] + b"9" + data[changed + 1 :])
    place.append(LIVE, lines(300, 2))
    look()

    assert stored(place) >= wanted(data, lines(300, 2))
    findings = place.verify().findings
    first = min(each.byte_offset for each in findings if each.byte_offset is not None)
    line = data[:changed].rindex(b"\n") + 1
    assert FindingKind.LOG_CHANGED in {each.kind for each in findings} or first == line
    assert line <= first <= changed or first == 0


def test_m26_identical_bytes_written_anew_are_the_same_events(place: Place, look: Look) -> None:
    """A file rewritten with what it held is no event at all, whatever its inode and times are."""
    data = lines(0, 20)
    place.write(LIVE, data)
    look()

    replaced(place, data, is_rewritten=True)
    look()
    replaced(place, data, is_rewritten=False)
    look()
    place.append(LIVE, lines(20, 2))
    look()

    once(place, lines(0, 22))
    assert len(segments(place)) == 1
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


def test_m27_two_files_with_the_same_first_four_kilobytes_are_two_segments(
    place: Place, look: Look
) -> None:
    """What lies behind tells them apart, in the first look and in every later one."""
    shared = lines(0, 60)
    assert len(shared) > 4_096
    place.write("live.jsonl.a", shared + lines(100, 5))
    place.write("live.jsonl.b", shared + lines(200, 5))
    look()
    place.append("live.jsonl.a", lines(105, 5))
    place.append("live.jsonl.b", lines(205, 5))
    look()

    once(place, shared, lines(100, 10), shared, lines(200, 10))
    assert len(segments(place)) == 2
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


def test_m27_two_files_that_are_equal_until_they_diverge_are_two_segments(
    place: Place, look: Look
) -> None:
    """The one that was read goes on; the other is a copy until its bytes differ."""
    shared = lines(0, 60)
    place.write("live.jsonl.a", shared)
    place.write("live.jsonl.b", shared)
    look()
    look()
    once(place, shared)
    assert "stale_copy" in decisions(place, "live.jsonl.a") + decisions(place, "live.jsonl.b")

    place.append("live.jsonl.a", lines(100, 5))
    place.append("live.jsonl.b", lines(200, 5))
    look()
    look()

    once(place, shared, lines(100, 5), shared, lines(200, 5))
    assert len(segments(place)) == 2
    assert_sound(place)
    assert_settled(place, look)


def test_m28_a_second_file_shares_the_one_line_of_the_first_and_diverges(
    place: Place, look: Look
) -> None:
    """Files below any head size are told apart by their stored lines."""
    place.write("live.jsonl.a", lines(0, 1))
    look()
    place.write("live.jsonl.b", lines(0, 1))
    look()
    once(place, lines(0, 1))

    place.append("live.jsonl.b", lines(5, 1))
    look()
    place.append("live.jsonl.a", lines(9, 1))
    look()
    look()

    assert stored(place)[0, lines(0, 1)[:-1]] in {1, 2}
    assert set(stored(place)) == set(wanted(lines(0, 1), lines(5, 1), lines(9, 1)))
    assert stored(place)[5, lines(5, 1)[:-1]] == stored(place)[9, lines(9, 1)[:-1]] == 1
    assert len(segments(place)) == 2
    assert_sound(place)
    assert_settled(place, look)


@pytest.mark.parametrize("is_rewritten", [True, False], ids=["same inode", "other inode"])
@pytest.mark.parametrize("kept", [3, 60], ids=["within the head", "beyond the anchor"])
def test_m29_a_restored_backup_is_stale_until_it_diverges(
    place: Place, look: Look, kept: int, *, is_rewritten: bool
) -> None:
    """Its lines are stored already; its first other line makes it the next segment, from 0."""
    backup = lines(0, kept)
    place.write(LIVE, lines(0, kept + 30))
    look()

    replaced(place, backup, is_rewritten=is_rewritten)
    for _ in range(3):
        assert look().events == 0
    once(place, lines(0, kept + 30))
    place.append(LIVE, lines(900, 4))
    look()
    look()

    once(place, lines(0, kept + 30), backup, lines(900, 4))
    assert held_by(place, 2) == (backup + lines(900, 4)).splitlines()
    assert "stale_copy" in decisions(place, LIVE)
    assert "diverged" in decisions(place, LIVE)
    assert_tiled(place)
    look()
    assert_settled(place, look)


def test_m29_a_restored_backup_that_grows_by_the_same_lines_stays_the_same(
    place: Place, look: Look
) -> None:
    """Restored and replayed to where it was: every byte at its old place, so the same events."""
    place.write(LIVE, lines(0, 30))
    look()
    replaced(place, lines(0, 10), is_rewritten=False)
    look()
    place.append(LIVE, lines(10, 10))
    look()
    place.append(LIVE, lines(20, 15))
    look()
    look()

    once(place, lines(0, 35))
    assert len(segments(place)) == 1
    assert_sound(place)
    assert_settled(place, look)


def copied_store(place: Place, name: str) -> Path:
    """A backup of the store, whole because nobody holds it."""
    backup = place.folder / name
    shutil.copyfile(place.store.path, backup)
    return backup


def test_m37_a_store_restored_from_a_backup_is_filled_in_without_a_double(place: Place) -> None:
    """The checkpoint went back together with the rows, through rotation and compression."""
    live = place.write(LIVE, lines(0, 10))
    place.ingest(ALL)
    backup = copied_store(place, "backup")
    for first in (10, 20, 30):
        place.append(LIVE, lines(first, 5))
        place.ingest(ALL)
        for number in (2, 1):
            older = place.folder / f"live.jsonl.{number}"
            if older.exists():
                older.rename(place.folder / f"live.jsonl.{number + 1}")
        live.rename(place.folder / "live.jsonl.1")
        place.write(LIVE, lines(first + 5, 5))
        place.ingest(ALL)
    digest = place.digest()
    for ending in ("-wal", "-shm"):
        Path(f"{place.store.path}{ending}").unlink(missing_ok=True)
    backup.replace(place.store.path)

    place.ingest(ALL)

    once(place, lines(0, 40))
    assert gaps(place) == []
    assert place.digest() == digest
    assert_sound(place)
    place.ingest(ALL)
    assert_settled(place, lambda: place.ingest(ALL))
