"""Row 17 of the matrix: logs that are deleted, read in part or read to their end."""

from __future__ import annotations

from tests.unit.ingest.kit import Place

from .conftest import Look
from .scene import ALL, LIVE, Follower, assert_settled, gaps, lines, once, segments, states


def test_m17_deleted_while_partly_read_is_a_gap_when_nobody_looked(place: Place) -> None:
    """The rows stay, the segment is gone, and what it still held is unknown."""
    live = place.write(LIVE, lines(0, 10))
    place.write("live.jsonl.other", lines(50, 1))
    place.ingest(ALL)
    place.append(LIVE, lines(10, 5))
    live.unlink()

    place.ingest(ALL)

    once(place, lines(0, 10), lines(50, 1))
    assert sorted(segments(place)) == [
        (LIVE, "gone", len(lines(0, 10))),
        ("live.jsonl.other", "live", len(lines(50, 1))),
    ]
    assert place.rows("SELECT byte_offset, kind FROM gap_rows") == [
        (len(lines(0, 10)), "rotated_away")
    ]
    assert_settled(place, lambda: place.ingest(ALL))


def test_m17_deleted_while_partly_read_is_drained_by_a_loader_that_is_up(place: Place) -> None:
    """A name that goes does not take the bytes from an open descriptor; a minute's silence does."""
    live = place.write(LIVE, lines(0, 10))
    place.write("live.jsonl.other", lines(50, 1))
    with Follower(place, ALL) as follower:
        follower.poll()
        place.append(LIVE, lines(10, 5))
        live.unlink()
        for _ in range(3):
            follower.poll()
        assert ("live.jsonl", "live", len(lines(0, 15))) in segments(place)
        follower.now += 61.0
        follower.poll()
        assert_settled(place, follower.poll)

    once(place, lines(0, 15), lines(50, 1))
    assert gaps(place) == []
    assert ("live.jsonl", "gone", len(lines(0, 15))) in segments(place)


def test_m17_a_torn_last_line_of_a_deleted_file_is_a_gap(place: Place) -> None:
    """Drained or not, bytes that were held back and never ended are said to be missing."""
    live = place.write(LIVE, lines(0, 10) + lines(10, 1)[:40])
    with Follower(place, ALL) as follower:
        follower.poll()
        live.unlink()
        follower.poll()
        follower.now += 61.0
        follower.poll()

    once(place, lines(0, 10))
    found = place.rows("SELECT DISTINCT segment_id, byte_offset FROM gap_rows")
    assert found == [(1, len(lines(0, 10)))]


def test_m17_a_finished_file_that_is_deleted_later_is_no_gap(place: Place, look: Look) -> None:
    """The oldest rotated file goes in the end; everything in it was read."""
    live = place.write(LIVE, lines(0, 10))
    look()
    rotated = live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(10, 4))
    look()
    look()
    rotated.unlink()
    look()

    once(place, lines(0, 14))
    assert gaps(place) == []
    assert states(place)[0] in {"finished", "gone"}
    assert states(place)[1] == "live"


def test_m17_a_finished_file_that_is_renamed_again_stays_finished(place: Place, look: Look) -> None:
    """It was read to its end, whatever its number is and whether or not there is a new line yet."""
    live = place.write(LIVE, lines(0, 10))
    look()
    live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, lines(10, 4))
    look()
    look()
    assert states(place) == ["finished", "live"]

    (place.folder / "live.jsonl.1").rename(place.folder / "live.jsonl.2")
    live.rename(place.folder / "live.jsonl.1")
    place.write(LIVE, b"")
    look()
    look()
    assert states(place)[0] == "finished"
    (place.folder / "live.jsonl.2").unlink()
    look()
    look()

    once(place, lines(0, 14))
    assert gaps(place) == []
    assert_settled(place, look)
