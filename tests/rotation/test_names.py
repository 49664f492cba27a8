"""Rows 18 to 20 and 59 of the matrix: links, odd files, many names, another folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place, goods

from evidentia.audit.values import FindingKind
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
    held_by,
    letters,
    lines,
    once,
    segments,
    states,
)


def switched(link: Path, target: str) -> None:
    """Let a symbolic link point elsewhere, in one step."""
    made = link.with_name("link in the making")
    made.symlink_to(target)
    made.rename(link)


@pytest.mark.parametrize("is_up", [False, True], ids=["down", "up"])
def test_m18_the_file_that_a_link_left_is_drained_first(place: Place, *, is_up: bool) -> None:
    """The remembered real path gives its tail, although no entry of the list names it any more."""
    (place.folder / "logs").mkdir()
    place.write("logs/day-1.jsonl", lines(0, 10))
    link = place.folder / "current"
    link.symlink_to("logs/day-1.jsonl")

    def switch() -> None:
        place.append("logs/day-1.jsonl", lines(10, 5))
        place.write("logs/day-2.jsonl", lines(20, 3))
        switched(link, "logs/day-2.jsonl")

    if is_up:
        with Follower(place, "current") as follower:
            follower.poll()
            switch()
            follower.poll()
            follower.poll()
            follower.poll()
            assert_settled(place, follower.poll)
    else:
        place.ingest("current")
        switch()
        place.ingest("current")
        place.ingest("current")
        assert_settled(place, lambda: place.ingest("current"))

    once(place, lines(0, 15), lines(20, 3))
    assert held_by(place, 1) == lines(0, 15).splitlines()
    assert place.rows("SELECT segment_id FROM batches ORDER BY id") == [(1,), (1,), (2,)]
    assert gaps(place) == []
    assert_sound(place)


def test_m19_odd_files_are_problems_of_their_own(place: Place) -> None:
    """A loop, a dangling link, a folder, a FIFO and a device stop no other log of a follower."""
    place.write(LIVE, lines(0, 3))
    (place.folder / "live.jsonl.folder").mkdir()
    os.mkfifo(place.folder / "live.jsonl.pipe")
    (place.folder / "live.jsonl.loop").symlink_to("live.jsonl.loop")
    (place.folder / "live.jsonl.dangling").symlink_to("nowhere")
    (place.folder / "live.jsonl.device").symlink_to("/dev/null")

    with Follower(place, ALL) as follower:
        first = follower.poll()
        place.append(LIVE, lines(3, 3))
        second = follower.poll()

        once(place, lines(0, 6))
        assert_settled(place, follower.poll)
    for report in (first, second):
        told = "\n".join(map(str, report.problems))
        names = ("folder", "pipe", "loop", "dangling", "device")
        assert all(f"live.jsonl.{name}" in told for name in names), told


def test_m20_hard_links_and_overlapping_globs_are_one_segment(place: Place) -> None:
    """One file is read once, and every name under which it was found is kept."""
    live = place.write(LIVE, lines(0, 10))
    os.link(live, place.folder / "other.jsonl")
    patterns = ("live.jsonl", "*.jsonl", "./live*", "other.jsonl")

    place.ingest(*patterns)
    place.append("other.jsonl", lines(10, 5))
    place.ingest(*patterns)

    once(place, lines(0, 15))
    assert len(segments(place)) == 1
    assert aliases(place, 1) >= {"live.jsonl", "other.jsonl"}
    assert_sound(place)
    assert_settled(place, lambda: place.ingest(*patterns))


def test_m20_a_hard_link_carries_a_segment_on_when_the_other_name_goes(
    place: Place, look: Look
) -> None:
    """A name is not the file: nothing is lost with one of two."""
    live = place.write(LIVE, lines(0, 10))
    os.link(live, place.folder / "live.jsonl.link")
    look()
    live.unlink()
    place.append("live.jsonl.link", lines(10, 5))
    look()

    once(place, lines(0, 15))
    assert len(segments(place)) == 1
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, look)


def test_m20_a_hard_link_made_by_a_rotation_is_no_second_log(place: Place, look: Look) -> None:
    """Link, then rename over: the way some writers rotate without a moment without a log."""
    live = place.write(LIVE, lines(0, 10))
    look()
    os.link(live, place.folder / "live.jsonl.1")
    look()
    place.append(LIVE, lines(10, 2))
    place.write("new", lines(20, 3)).replace(live)
    look()

    once(place, lines(0, 12), lines(20, 3))
    assert held_by(place, 1) == lines(0, 12).splitlines()
    assert gaps(place) == []
    assert_sound(place)


@pytest.mark.parametrize("is_copied", [False, True], ids=["moved", "another mount"])
def test_m59_a_log_that_moved_is_known_by_its_content(place: Place, *, is_copied: bool) -> None:
    """Another folder in the configuration, other inodes: the same segment goes on."""
    (place.folder / "before").mkdir()
    (place.folder / "after").mkdir()
    old = place.write("before/live.jsonl", lines(0, 30))
    place.ingest("before/live.jsonl")
    place.append("before/live.jsonl", lines(30, 5))
    new = place.folder / "after" / "live.jsonl"
    if is_copied:
        shutil.copyfile(old, new)
        assert new.stat().st_ino != old.stat().st_ino
        old.unlink()
    else:
        old.rename(new)

    place.ingest("after/live.jsonl")
    place.append("after/live.jsonl", lines(35, 5))
    place.ingest("after/live.jsonl")

    once(place, lines(0, 40))
    assert len(segments(place)) == 1
    assert decisions(place, "live.jsonl")[:2] == ["new", "continued"]
    assert {Path(path).parent.name for (path,) in place.rows("SELECT path FROM segment_names")} == {
        "before",
        "after",
    }
    assert gaps(place) == []
    assert_sound(place)
    assert_settled(place, lambda: place.ingest("after/live.jsonl"))


def test_m59_a_folder_that_moved_with_its_old_files_is_known_whole(place: Place) -> None:
    """Every file of it continues its own segment, in whatever order they are found."""
    (place.folder / "before").mkdir()
    for number in range(6):
        place.write(f"before/live.jsonl.{number}", lines(10 * number, 10))
    place.ingest("before/live.jsonl*")
    shutil.copytree(place.folder / "before", place.folder / "after")
    shutil.rmtree(place.folder / "before")

    place.ingest("after/live.jsonl*")
    place.ingest("after/live.jsonl*")

    once(place, goods(60))
    assert len(segments(place)) == 6
    assert gaps(place) == []
    assert_sound(place)


def test_m60_hostile_names_are_printed_escaped_in_gaps_and_decisions(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    """What rotations add to the output escapes a terminal's commands, as test_hostile has it."""
    from evidentia.cli.application import run  # noqa: PLC0415 - only here

    name = "live.jsonl.\x1b]0;owned\x07\x1b[31m=cmd()<script>${x}\n"
    try:
        hostile = place.write(name, lines(0, 10) + b'{"torn')
    except OSError:
        pytest.skip("this file system refuses such names")
    place.write(LIVE, lines(10, 1))
    place.ingest(ALL)
    hostile.unlink()
    place.ingest(ALL)
    assert "rotated_away" in {kind for _segment, kind in gaps(place)}

    for words in (("status",), ("verify",), ("doctor",), ("status", "--json")):
        run(["--db", str(place.store.path), *words])
        printed = capfd.readouterr()
        assert "\x1b]0" not in printed.out + printed.err, words
        assert "\x07" not in printed.out + printed.err, words


def test_m58_a_folder_that_is_removed_and_comes_back_begins_anew(place: Place) -> None:
    """While it is away nothing is decided, as it may be not mounted; then there is a gap."""
    (place.folder / "logs").mkdir()
    place.write("logs/live.jsonl", lines(0, 10))
    place.write("other.jsonl", lines(50, 1))
    patterns = ("logs/*.jsonl", "other.jsonl")
    place.ingest(*patterns)
    shutil.rmtree(place.folder / "logs")

    reports = [place.ingest(*patterns) for _ in range(3)]
    (place.folder / "logs").mkdir()
    place.write("logs/live.jsonl", lines(60, 4))
    place.ingest(*patterns)

    assert [report.gaps for report in reports] == [(), (), ()]
    assert all(file.outcome is not Outcome.FAILED for report in reports for file in report.files)
    once(place, lines(0, 10), lines(50, 1), lines(60, 4))
    assert gaps(place) == [(1, "rotated_away")]
    assert states(place)[0] in {"gone", "replaced"}
    assert states(place)[1:] == ["live", "live"]
    assert letters(place) == []
    assert_tiled(place)
    assert_sound(place, may_miss=[FindingKind.LOG_MISSING])
