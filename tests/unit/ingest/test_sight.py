"""What one look sees, and in which order new files are read."""

from __future__ import annotations

import bz2
import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from evidentia.ingest.held import Held
from evidentia.ingest.parse import ParseSettings
from evidentia.ingest.plan import Memory, inode_of
from evidentia.ingest.sight import Sight, by_first_event
from evidentia.log.discovery import Discovery, discover
from evidentia.log.values import Limits, LogFile, LogSource
from evidentia.store.values import Segment, SegmentState

from .kit import PLAIN, Place, good, goods
from .sink import a_segment

SETTINGS = {("plain", False): ParseSettings.of(PLAIN, is_lenient=False)}


def looked(place: Place, *patterns: str) -> Discovery:
    """What patterns of the folder lead to."""
    folder = place.folder
    return discover([LogSource(pattern=str(folder / each), pack="plain") for each in patterns])


def ordered(place: Place, *patterns: str) -> list[str]:
    """The names of the files in the order they are read."""
    files = looked(place, *patterns or ("*",)).files
    return [each.path.name for each in by_first_event(files, SETTINGS, Limits(), Memory())]


def seen_at(path: Path, place: Place, number: int = 1, **changes: object) -> Segment:
    """A segment of the pattern ``*.jsonl`` that was last seen at a path."""
    fields = {"path": str(path), "source": str(place.folder / "*.jsonl"), "checkpoint": 1}
    return a_segment(number, **(fields | changes))


def sight(
    place: Place, segments: Sequence[Segment], *patterns: str, held: Held | None = None
) -> Sight:
    """What one look sees."""
    return Sight.of(looked(place, *patterns or ("*.jsonl",)), tuple(segments), held)


def names(files: Sequence[LogFile]) -> list[str]:
    """Their names."""
    return [file.path.name for file in files]


def test_new_files_are_read_in_the_order_of_their_first_events(place: Place) -> None:
    """Whatever they are called, and however they are packed."""
    place.write("a", goods(2, 30))
    place.write("b", goods(2, 10))
    place.write("c.gz", gzip.compress(goods(2, 20)))
    place.write("d.bz2", bz2.compress(goods(2)))

    assert ordered(place) == ["d.bz2", "b", "c.gz", "a"]


def test_files_without_a_time_come_last_as_named(place: Place) -> None:
    """No event, no time, no line: their names are all there is."""
    place.write("a", b'{"kind":"good"}\n')
    place.write("b", b"[1]\n")
    place.write("c", b"")
    place.write("d", b'{"kind":"good","ts":"never"}\n')
    place.write("e", goods(1))

    assert ordered(place) == ["e", "a", "b", "c", "d"]


def test_marks_and_holes_before_the_first_event_are_skipped(place: Place) -> None:
    """A byte-order mark, and what a copytruncate rotation leaves."""
    place.write("a", goods(1, 30))
    place.write("b", b"\xef\xbb\xbf" + goods(1, 20))
    place.write("c", bytes(64) + goods(1, 10))

    assert ordered(place) == ["c", "b", "a"]


def test_of_files_that_begin_alike_the_longest_comes_first(place: Place) -> None:
    """So a copy finds the lines of its original stored; the packing does not count."""
    place.write("a", goods(2))
    place.write("b.gz", gzip.compress(goods(90)))
    place.write("c", goods(9))

    assert ordered(place) == ["b.gz", "c", "a"]


def test_of_equal_files_the_live_one_comes_first(place: Place) -> None:
    """The list has it last, after its rotated ones."""
    for name in ("live.jsonl.2", "live.jsonl.1", "live.jsonl"):
        place.write(name, goods(3))

    assert ordered(place)[0] == "live.jsonl"


def test_files_of_the_same_time_stay_with_their_like(place: Place) -> None:
    """Two pairs of copies whose first events have one time are not mixed."""
    place.write("a", good(0) + goods(1, 5))
    place.write("b", good(0, n="x") + goods(3, 5))
    place.write("c", good(0) + goods(2, 5))
    place.write("d", good(0, n="x") + goods(4, 5))

    assert ordered(place) == ["c", "a", "d", "b"]


def test_a_file_that_cannot_be_read_stands_last_and_fails_later(place: Place) -> None:
    """Only an order is at stake."""
    place.write("a.gz", b"\x1f\x8bgarbage")
    place.write("b", goods(1))
    gone = place.write("c", goods(1))
    files = looked(place, "*").files
    gone.unlink()

    order = by_first_event(files, SETTINGS, Limits(), Memory())

    assert names(order)[0] == "b"


def test_one_file_is_not_even_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no order of one."""
    place.write("a", goods(1))

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("evidentia.ingest.sight.open_stream", fail)

    assert ordered(place) == ["a"]


def test_a_look_sees_the_list_and_where_known_segments_were_last(place: Place) -> None:
    """A file that was renamed out of the list is still read where it was seen."""
    place.write("a.jsonl", goods(1))
    other = place.write("a.old", goods(2))

    found = sight(place, [seen_at(other, place)])

    assert names(found.files) == ["a.jsonl", "a.old"]
    assert (found.in_scope, found.unknown) == (frozenset({1}), frozenset())


def test_a_file_is_seen_once_under_any_name(place: Place) -> None:
    """The list leads to it already, or another segment was seen there too."""
    path = place.write("a.jsonl", goods(1))
    (place.folder / "link.old").hardlink_to(path)
    segments = [seen_at(place.folder / "link.old", place, number) for number in (1, 2)]

    found = sight(place, segments)

    assert names(found.files) == ["a.jsonl"]


@pytest.mark.parametrize("state", [SegmentState.GONE, SegmentState.REPLACED])
def test_a_segment_without_a_file_is_not_looked_for(place: Place, state: SegmentState) -> None:
    """What is at its last place now is not it."""
    other = place.write("a.old", goods(2))

    found = sight(place, [seen_at(other, place, state=state)])

    assert found.files == ()


def test_a_segment_of_another_list_is_out_of_scope(place: Place) -> None:
    """Only what the list names is opened, and only on that something is decided."""
    other = place.write("a.old", goods(2))
    segment = seen_at(other, place, source=str(place.folder / "*.old"))

    found = sight(place, [segment])

    assert (found.files, found.in_scope) == ((), frozenset())


def test_a_missing_file_is_known_to_be_missing(place: Place) -> None:
    """Its folder is there, so it has gone."""
    found = sight(place, [seen_at(place.folder / "a.old", place)])

    assert (found.files, found.unknown) == ((), frozenset())


def test_a_missing_folder_tells_nothing(place: Place) -> None:
    """A disk that is not mounted is no deletion."""
    (place.folder / "disk").mkdir()
    path = place.write("disk/a.jsonl", goods(1))
    shutil.rmtree(path.parent)

    found = sight(place, [seen_at(path, place)])

    assert found.unknown == {1}


def test_something_else_at_its_place_tells_nothing(place: Place) -> None:
    """A folder where the file was cannot be looked at as a log."""
    (place.folder / "a.old").mkdir()

    found = sight(place, [seen_at(place.folder / "a.old", place)])

    assert (found.files, found.unknown) == ((), frozenset({1}))


def test_files_without_a_name_are_seen_through_their_descriptors(place: Place) -> None:
    """With how long they have not grown."""
    path = place.write("a.jsonl", goods(1))
    now = [0.0]
    held = Held(lambda: now[0])
    (file,) = looked(place, "a.jsonl").files
    held.add(file)
    with_name = sight(place, [], held=held).held
    path.unlink()

    first = sight(place, [], held=held)
    now[0] = 9.0
    second = sight(place, [], held=held)
    held.close()

    assert with_name == ()
    assert [inode_of(each) for each in second.held] == [inode_of(file)]
    assert first.idle_seconds == {inode_of(file): 0.0}
    assert second.idle_seconds == {inode_of(file): 9.0}
