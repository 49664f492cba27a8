"""Which segment a file continues: content decides, and no segment is continued twice."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from evidentia.errors import LogMissingError, UsageError
from evidentia.event.values import ByteOffset
from evidentia.ingest.plan import Plan, Refusal, plan_files, replacement
from evidentia.ingest.values import IngestReport, Outcome
from evidentia.log.discovery import discover
from evidentia.log.identity import fingerprint
from evidentia.log.values import Compression, Limits, LogFile, LogSource
from evidentia.store.values import Segment, SegmentState

from .kit import Place, good, goods
from .sink import a_segment

LIMITS = Limits()


def found(path: Path, *, is_lenient: bool = False) -> LogFile:
    """The file, as the allow-list leads to it."""
    source = LogSource(pattern=str(path), pack="plain", is_lenient=is_lenient)
    (file,) = discover([source]).files
    return file


def segment_of(file: Path, number: int = 1, **changes: object) -> Segment:
    """The segment that a file would be after it was read to its end."""
    status, size = file.stat(), file.stat().st_size
    known: dict[str, object] = {
        "path": str(file),
        "device": status.st_dev,
        "inode": status.st_ino,
        "checkpoint": size,
        "last_size": size,
        "fingerprint": fingerprint(file, Compression.NONE, ByteOffset(size)),
    }
    return a_segment(number, **(known | changes))


def planned(*files: LogFile, segments: tuple[Segment, ...]) -> list[Plan]:
    """The plans for files that can all be read."""
    plans = plan_files(files, segments, LIMITS)
    assert not any(isinstance(each, Refusal) for each in plans)
    return [each for each in plans if isinstance(each, Plan)]


def test_a_file_that_grew_continues_its_segment(place: Place) -> None:
    """Head and anchor are where they were, so reading goes on at the checkpoint."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    place.append("a.jsonl", goods(5))

    (plan,) = planned(found(path), segments=(segment,))

    assert (plan.segment, plan.is_unchanged, plan.replaced) == (segment, False, ())
    assert plan.fingerprints.fingerprint() == segment.fingerprint


@pytest.mark.parametrize(
    "data",
    [
        goods(49),
        b"x" + goods(50)[1:],
        goods(50)[:-2] + b" \n",
        goods(50, 1) + goods(9),
    ],
    ids=["shrunk", "another head", "another anchor", "larger"],
)
def test_a_file_whose_read_bytes_changed_begins_a_segment(place: Place, data: bytes) -> None:
    """IN-02, M07, M24: shrunk or rewritten, whatever its size, the file is the next segment."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    place.write("a.jsonl", data)

    (plan,) = planned(found(path), segments=(segment,))

    assert (plan.segment, plan.replaced) == (None, (segment,))


def test_a_file_with_the_same_inode_under_another_name_continues(place: Place) -> None:
    """M02: a renamed file is known by its inode and proven by its content."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path = path.rename(place.folder / "a.jsonl.1")

    (plan,) = planned(found(path), segments=(segment,))

    assert plan.segment == segment


def test_a_file_with_the_same_name_and_content_continues(place: Place) -> None:
    """M32: device and inode may change; the path is where to look, the content proves."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path, device=99, inode=99)

    (plan,) = planned(found(path), segments=(segment,))

    assert plan.segment == segment


def test_an_inode_with_other_content_is_no_proof(place: Place) -> None:
    """M12: a file that was given a freed inode begins a segment, and the old one ends."""
    path = place.write("b.jsonl", goods(80, 7))
    old = segment_of(path, path="/logs/a.jsonl", fingerprint=a_segment().fingerprint)

    (plan,) = planned(found(path), segments=(old,))

    assert (plan.segment, plan.replaced) == (None, (old,))


def test_after_a_rotation_each_file_has_its_own_segment(place: Place) -> None:
    """M02: the renamed file continues; the new one at its path begins, and replaces nothing."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(3, 100))

    new, old = planned(found(path), found(place.folder / "a.jsonl.1"), segments=(segment,))

    assert (new.segment, new.replaced) == (None, ())
    assert old.segment == segment


def test_no_segment_is_continued_by_a_file_and_its_copy(place: Place) -> None:
    """The renamed file continues the segment; an identical copy at its path is another file."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(50))

    copy, original = planned(found(path), found(place.folder / "a.jsonl.1"), segments=(segment,))

    assert (copy.segment, copy.replaced) == (None, ())
    assert original.segment == segment


def test_inodes_that_were_dealt_anew_confuse_nothing(place: Place) -> None:
    """A restored folder has other inodes: each file is still known by path and content."""
    first, second = place.write("a.jsonl", goods(50)), place.write("b.jsonl", goods(50, 50))
    one, two = segment_of(first, 1), segment_of(second, 2)
    one, two = (
        segment_of(first, 1, inode=two.inode),
        segment_of(second, 2, inode=one.inode),
    )

    plans = planned(found(first), found(second), segments=(one, two))

    assert [plan.segment for plan in plans] == [one, two]
    assert [plan.replaced for plan in plans] == [(), ()]


def test_the_segment_that_was_read_furthest_is_tried_first(place: Place) -> None:
    """Of several segments that fit, the one with the largest checkpoint goes on."""
    path = place.write("a.jsonl", goods(50))
    empty = segment_of(path, 1, checkpoint=0, fingerprint=a_segment().fingerprint)
    full = segment_of(path, 2)

    (plan,) = planned(found(path), segments=(empty, full))

    assert plan.segment == full


def test_a_replaced_segment_is_never_continued(place: Place) -> None:
    """What ended stays ended, even if its bytes come back."""
    path = place.write("a.jsonl", goods(50))

    (plan,) = planned(found(path), segments=(segment_of(path, state=SegmentState.REPLACED),))

    assert (plan.segment, plan.replaced) == (None, ())


@pytest.mark.parametrize("state", [SegmentState.FINISHED, SegmentState.BROKEN])
def test_a_finished_file_of_the_same_size_is_unchanged(place: Place, state: SegmentState) -> None:
    """A finished segment is read again only when its file has another size."""
    path = place.write("a.jsonl", goods(50))
    done = segment_of(path, state=state)

    (same,) = planned(found(path), segments=(done,))
    place.append("a.jsonl", goods(1))
    (grown,) = planned(found(path), segments=(done,))

    assert (same.is_unchanged, grown.is_unchanged) == (True, False)


def test_a_file_that_is_packed_now_is_another_segment(place: Place) -> None:
    """Byte offsets of a plain segment say nothing about the bytes of an archive at its path."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path.write_bytes(gzip.compress(goods(50)))

    (plan,) = planned(found(path), segments=(segment,))

    assert (plan.segment, plan.replaced) == (None, (segment,))


def test_another_pack_for_a_known_log_is_wrong_usage(place: Place) -> None:
    """A log is read by one pack; the message names it."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, pack="other")

    (refusal,) = plan_files([found(path)], (segment,), LIMITS)

    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.problem, UsageError)
    assert "--pack other" in str(refusal.problem)


@pytest.mark.parametrize("is_lenient", [False, True])
def test_another_strictness_for_a_known_log_is_wrong_usage(
    place: Place, *, is_lenient: bool
) -> None:
    """Rows read leniently would not be what a strict replay gives, nor the other way round."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, is_lenient=not is_lenient)

    (refusal,) = plan_files([found(path, is_lenient=is_lenient)], (segment,), LIMITS)

    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.problem, UsageError)


def test_a_refused_file_keeps_its_segment_from_others(place: Place) -> None:
    """A segment of a log that is asked for wrongly is not declared replaced."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, pack="other")
    file = found(path)
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(2, 9))

    refusal, plan = plan_files([found(place.folder / "a.jsonl.1"), found(path)], (segment,), LIMITS)

    assert file.inode == segment.inode
    assert isinstance(refusal, Refusal)
    assert isinstance(plan, Plan)
    assert plan.replaced == ()


def test_a_file_that_goes_away_is_refused_and_the_others_planned(place: Place) -> None:
    """A log that vanished between discovery and planning is one problem."""
    first, second = place.write("a.jsonl", goods(5)), place.write("b.jsonl", goods(5, 5))
    files = [found(first), found(second)]
    segments = (segment_of(first, 1), segment_of(second, 2))
    first.unlink()

    refusal, plan = plan_files(files, segments, LIMITS)

    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.problem, LogMissingError)
    assert isinstance(plan, Plan)


def test_held_back_bytes_of_a_replaced_segment_are_a_gap() -> None:
    """Bytes that were seen and never read may be lost, which is said once."""
    segment = a_segment(checkpoint=70, tail_bytes=8, last_size=78)

    change, gaps = replacement(segment)

    (gap,) = gaps
    assert (gap.kind, gap.byte_offset) == ("unread_replaced", 70)
    assert json.loads(gap.evidence) == {"tail_bytes": 8, "last_size": 78}
    assert (change.state, change.path) == (SegmentState.REPLACED, segment.path)


def test_a_replaced_segment_that_was_read_whole_leaves_no_gap() -> None:
    """Where nothing was held back, nothing is suspected."""
    _change, gaps = replacement(a_segment(checkpoint=70))

    assert gaps == ()


def outcomes(report: IngestReport) -> list[Outcome]:
    """What became of each file."""
    return [file.outcome for file in report.files]


def test_renaming_rotations_lose_and_repeat_nothing(place: Place) -> None:
    """IN-03, IN-04, M02, M03: tails are read from the renamed files, each line once."""
    written: list[bytes] = []

    def write(name: str, count: int) -> None:
        lines = [good(len(written) + number) for number in range(count)]
        written.extend(line[:-1] for line in lines)
        place.append(name, b"".join(lines))

    write("a.jsonl", 40)
    place.ingest("a.jsonl*")
    for _rotation in range(3):
        write("a.jsonl", 7)
        for number in (2, 1):
            older = place.folder / f"a.jsonl.{number}"
            if older.exists():
                older.rename(place.folder / f"a.jsonl.{number + 1}")
        (place.folder / "a.jsonl").rename(place.folder / "a.jsonl.1")
        write("a.jsonl", 5)
        place.ingest("a.jsonl*")
        assert outcomes(place.ingest("a.jsonl*")) == [Outcome.UNCHANGED] * len(
            list(place.folder.glob("a.jsonl*"))
        )

    assert sorted(place.raws()) == sorted(written)
    assert place.verify().finding_count == 0


def test_a_known_log_at_the_wrong_pack_does_not_stop_the_others(place: Place) -> None:
    """Invariant 5: one entry asked for wrongly is one failed file."""
    place.write("a.jsonl", goods(5))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(5, 5))

    report = place.ingest("a.jsonl", "b.jsonl", pack="other")

    assert outcomes(report) == [Outcome.FAILED, Outcome.READ]


def test_a_pattern_known_with_another_pack_fails_its_file_alone(place: Place) -> None:
    """The store keeps one pack for each entry of the allow-list; a new file under it is refused."""
    place.write("a.jsonl", goods(5))
    place.ingest("*.jsonl")
    place.write("b.jsonl", goods(5, 5))
    place.write("c.log", goods(5, 10))

    report = place.ingest("*.jsonl", "c.log", pack="other")

    by_name = {Path(file.path).name: file.outcome for file in report.files}
    assert by_name == {
        "a.jsonl": Outcome.FAILED,
        "b.jsonl": Outcome.FAILED,
        "c.log": Outcome.READ,
    }
