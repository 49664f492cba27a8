"""How a segment ends, how another file goes on with it, and what may have been lost."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.ingest.endings import (
    Arrival,
    Ending,
    Surroundings,
    arrival_of,
    change_of,
    ending_of,
    finished,
    outgrown,
)
from evidentia.ingest.plan import inode_of
from evidentia.log.values import Compression, LogFile, LogSource
from evidentia.store.sightings import DecisionKind
from evidentia.store.values import GapKind, Segment, SegmentState

from .sink import a_segment

PATH = "/logs/a.jsonl"


def a_file(path: str = PATH, inode: int = 7, size: int = 50, **changes: object) -> LogFile:
    """A file of the list."""
    file = LogFile(
        path=Path(path),
        names=(path,),
        source=LogSource(pattern="/logs/*", pack="plain"),
        compression=Compression.NONE,
        device=1,
        inode=inode,
        size=size,
        mtime_us=0,
    )
    return replace(file, **changes)


def known(**changes: object) -> Segment:
    """A segment that was read to byte 90 of 100 bytes of the file with inode 7."""
    fields: dict[str, object] = {
        "path": PATH,
        "inode": 7,
        "checkpoint": 90,
        "last_size": 100,
        "tail_bytes": 10,
    }
    return a_segment(3, **(fields | changes))


def seen(
    *files: LogFile,
    copied: Mapping[int, Collection[str]] | None = None,
    waiting: Collection[int] = (),
) -> Surroundings:
    """What a pass has seen."""
    return Surroundings(
        by_inode={inode_of(file): file for file in files},
        by_path={str(file.path): file for file in files},
        copied=copied or {},
        waiting=waiting,
    )


def told(ending: Ending | None) -> tuple[object, ...]:
    """Decision, state and gaps of an ending."""
    assert ending is not None
    assert ending.decision.segment_id == ending.segment.id
    assert isinstance(json.loads(ending.decision.evidence), dict)
    return (ending.decision.kind, ending.change.state, [gap.kind for gap in ending.gaps])


def test_a_file_with_other_bytes_replaces_its_segment() -> None:
    """Cut or written anew: what came between the last look and the cut is unknown."""
    ending = ending_of(known(), seen(a_file()))

    assert told(ending) == (
        DecisionKind.REPLACED,
        SegmentState.REPLACED,
        [GapKind.COPYTRUNCATE_WINDOW, GapKind.UNREAD_REPLACED],
    )
    assert ending is not None
    assert [gap.byte_offset for gap in ending.gaps] == [90, 90]
    assert json.loads(ending.gaps[0].evidence) == {
        "checkpoint": 90,
        "size_before": 100,
        "size_now": 50,
        "held_back_bytes": 10,
    }


def test_without_held_back_bytes_none_are_lost() -> None:
    """The second gap is for bytes that were seen."""
    ending = ending_of(known(tail_bytes=0), seen(a_file()))

    assert told(ending)[2] == [GapKind.COPYTRUNCATE_WINDOW]


def test_a_segment_whose_file_is_nowhere_is_gone() -> None:
    """What followed its checkpoint is unknown."""
    ending = ending_of(known(), seen())

    assert told(ending) == (
        DecisionKind.GONE,
        SegmentState.GONE,
        [GapKind.ROTATED_AWAY, GapKind.UNREAD_REPLACED],
    )


def test_a_segment_with_another_file_at_its_path_is_replaced() -> None:
    """Its own file went out of the list before its end was seen."""
    ending = ending_of(known(tail_bytes=0), seen(a_file(inode=8)))

    assert told(ending) == (
        DecisionKind.REPLACED,
        SegmentState.REPLACED,
        [GapKind.ROTATED_AWAY],
    )


@pytest.mark.parametrize("state", [SegmentState.FINISHED, SegmentState.BROKEN])
@pytest.mark.parametrize("files", [(), (a_file(),), (a_file(inode=8),)])
def test_what_was_read_to_its_end_goes_without_a_loss(
    state: SegmentState, files: tuple[LogFile, ...]
) -> None:
    """Deleting an old archive is no gap."""
    ending = ending_of(known(state=state, tail_bytes=0), seen(*files))

    assert told(ending) == (DecisionKind.GONE, SegmentState.GONE, [])


@pytest.mark.parametrize("state", [SegmentState.REPLACED, SegmentState.GONE])
def test_nothing_ends_twice(state: SegmentState) -> None:
    """What has no file any more has ended already."""
    assert ending_of(known(state=state), seen(a_file())) is None


def test_an_empty_file_has_not_taken_its_place_yet() -> None:
    """It was cut, and its copy may still come."""
    assert ending_of(known(), seen(a_file(size=0))) is None


def test_a_file_that_is_a_copy_of_its_own_beginning_may_come_back() -> None:
    """A network file system shows it shorter for a while, and so does a restored backup."""
    around = seen(a_file(), copied={3: [PATH]})

    assert ending_of(known(), around) is None


def test_another_file_s_copy_keeps_nothing_alive() -> None:
    """Its own file was cut all the same."""
    around = seen(a_file(), a_file("/logs/b", 9), copied={3: ["/logs/b"], 4: [PATH]})

    assert told(ending_of(known(), around))[0] is DecisionKind.REPLACED


def test_an_archive_in_the_making_may_hold_it() -> None:
    """As long as it is being written, nothing is decided."""
    assert ending_of(known(), seen(waiting={3})) is None
    assert ending_of(known(), seen(waiting={4})) is not None


@pytest.mark.parametrize(
    ("generation", "is_own"), [(5, True), (6, False), (None, True)], ids=["same", "other", "none"]
)
def test_an_inode_that_was_dealt_anew_is_another_file(
    generation: int | None, *, is_own: bool
) -> None:
    """The file system's generation tells, where there is one."""
    file = a_file("/logs/b.jsonl", generation=generation)

    ending = ending_of(known(generation=5, tail_bytes=0), seen(file))

    kind = GapKind.COPYTRUNCATE_WINDOW if is_own else GapKind.ROTATED_AWAY
    assert told(ending)[2] == [kind]


def test_a_finished_segment_keeps_its_name_and_loses_nothing() -> None:
    """Its writer has moved on, and the list still leads to it."""
    ending = finished(known(tail_bytes=0), {"writer": "x"}, is_nameless=False)

    assert told(ending) == (DecisionKind.FINISHED, SegmentState.FINISHED, [])
    assert json.loads(ending.decision.evidence) == {"writer": "x"}


@pytest.mark.parametrize(("tail_bytes", "gaps"), [(0, []), (10, [GapKind.UNREAD_REPLACED])])
def test_a_finished_segment_without_a_name_loses_its_held_back_bytes(
    tail_bytes: int, gaps: list[GapKind]
) -> None:
    """When its descriptor is closed, its file is gone."""
    ending = finished(known(tail_bytes=tail_bytes), {}, is_nameless=True)

    assert told(ending) == (DecisionKind.FINISHED, SegmentState.GONE, gaps)


@pytest.mark.parametrize(
    ("segment", "file", "how"),
    [
        (known(), a_file("/logs/a.jsonl.1"), "renamed"),
        (known(), a_file("/logs/a.jsonl.1", 8), "copied"),
        (known(), a_file(inode=8), "replaced by an equal file"),
        (known(), a_file("/logs/a.gz", 8, compression=Compression.GZIP), "compressed"),
        (known(compression=Compression.GZIP), a_file(inode=8), "decompressed"),
        (known(state=SegmentState.GONE), a_file(), "found again"),
        (known(state=SegmentState.REPLACED), a_file("/logs/b", 8), "found again"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_another_file_goes_on_is_recorded(segment: Segment, file: LogFile, how: str) -> None:
    """With the name it had and the byte it goes on at."""
    arrival = arrival_of(segment, file, None)

    assert arrival is not None
    assert arrival.decision is not None
    evidence = json.loads(arrival.decision.evidence)
    assert (arrival.decision.kind, arrival.decision.path) == (
        DecisionKind.CONTINUED,
        str(file.path),
    )
    assert (evidence["how"], evidence["was"], evidence["checkpoint"]) == (how, PATH, 90)
    assert arrival.gaps(segment, file, 95) == ()


def test_the_same_file_under_its_name_is_no_arrival() -> None:
    """A log that merely grew."""
    file = a_file(size=200)

    assert arrival_of(known(), file, file) is None


def test_a_copy_of_a_file_that_was_cut_leaves_a_window() -> None:
    """What was written between the copy and the cut is in neither."""
    copy, own = a_file("/logs/a.jsonl.1", 8, 95), a_file(size=5)

    arrival = arrival_of(known(), copy, own)

    assert arrival is not None
    (gap,) = arrival.gaps(known(), copy, 95)
    assert (gap.kind, gap.byte_offset, gap.segment_id) == (GapKind.COPYTRUNCATE_WINDOW, 95, 3)
    assert json.loads(gap.evidence) == {
        "copy": "a.jsonl.1",
        "copy_ends_at": 95,
        "size_before": 100,
        "size_now": 5,
        "seen_but_not_in_copy_bytes": 5,
    }


@pytest.mark.parametrize(
    ("segment", "own"),
    [
        (known(state=SegmentState.FINISHED), a_file(size=5)),
        (known(), a_file("/logs/elsewhere.jsonl", size=5)),
        (known(), None),
    ],
    ids=["finished", "renamed", "deleted"],
)
def test_a_copy_of_anything_else_leaves_none(segment: Segment, own: LogFile | None) -> None:
    """Only a live file that was cut in its place had a writer in between."""
    arrival = arrival_of(segment, a_file("/logs/a.jsonl.1", 8, 95), own)

    assert arrival is not None
    assert arrival.cut is None


@pytest.mark.parametrize("cut", [None, a_file(size=5)])
def test_a_copy_that_outgrows_a_segment_goes_on_with_it(cut: LogFile | None) -> None:
    """With the window where the segment's own file was cut."""
    copy = a_file("/logs/a.jsonl.1", 8, 120)

    arrival = outgrown(known(), copy, cut)

    assert isinstance(arrival, Arrival)
    assert arrival.decision is not None
    assert json.loads(arrival.decision.evidence)["how"] == "outgrown by a copy"
    assert len(arrival.gaps(known(), copy, 120)) == (cut is not None)


def test_a_change_of_state_changes_nothing_else() -> None:
    """Path, numbers and sizes stay as they were seen last."""
    segment = known(generation=4, compression=Compression.XZ, last_mtime_us=9)

    change = change_of(segment, SegmentState.GONE)

    assert change.state is SegmentState.GONE
    same = ("tail_bytes", "last_size", "last_mtime_us", "path", "device", "inode", "generation")
    assert [getattr(change, name) for name in same] == [getattr(segment, name) for name in same]
    assert change.compression is Compression.XZ


def test_a_broken_archive_is_not_said_to_have_been_read_to_its_end() -> None:
    """It was read up to its last good line; what followed is a gap."""
    ending = ending_of(known(state=SegmentState.BROKEN, tail_bytes=0), seen())

    assert ending is not None
    assert json.loads(ending.decision.evidence).get("read_to_its_end") is not True
