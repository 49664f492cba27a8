"""Which segment a file continues: content decides, and no segment is continued twice."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from evidentia.errors import LogMissingError, UsageError
from evidentia.event.values import ByteOffset
from evidentia.ingest.plan import Memory, Plan, Planned, Refusal, plan_files
from evidentia.ingest.values import IngestReport, Outcome
from evidentia.log.discovery import discover
from evidentia.log.identity import fingerprint
from evidentia.log.values import Compression, Limits, LogFile, LogPlace, LogSource
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
        "fingerprint": fingerprint(
            LogPlace(path=file, compression=Compression.NONE), ByteOffset(size)
        ),
    }
    return a_segment(number, **(known | changes))


def plan(*files: LogFile, segments: tuple[Segment, ...]) -> Planned:
    """The decisions for files that can all be read."""
    decided = plan_files(files, segments, LIMITS, Memory())
    assert decided.refusals == ()
    return decided


def continued(decided: Planned) -> dict[str, int]:
    """Which segment each file continues, by the file's name."""
    return {each.file.path.name: each.segment.id for each in decided.plans if each.segment}


def test_a_file_that_grew_continues_its_segment(place: Place) -> None:
    """Head and anchor are where they were, so reading goes on at the checkpoint."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    place.append("a.jsonl", goods(5))

    (grown,) = plan(found(path), segments=(segment,)).plans

    assert (grown.segment, grown.is_unchanged) == (segment, False)
    assert grown.fingerprints.fingerprint() == segment.fingerprint


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
def test_a_file_whose_read_bytes_changed_continues_nothing(place: Place, data: bytes) -> None:
    """IN-02, M07, M24: shrunk or rewritten, whatever its size, the file is not the segment."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    place.write("a.jsonl", data)

    decided = plan(found(path), segments=(segment,))

    assert [file.path for file in decided.rest] == [path]
    assert decided.unclaimed == (segment,)


def test_a_file_with_the_same_inode_under_another_name_continues(place: Place) -> None:
    """M02: a renamed file is known by its inode and proven by its content."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path = path.rename(place.folder / "a.jsonl.1")

    assert continued(plan(found(path), segments=(segment,))) == {"a.jsonl.1": segment.id}


def test_a_file_with_the_same_content_continues_whatever_its_inode(place: Place) -> None:
    """M32: device and inode may change; the content proves."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path, device=99, inode=99, path="/elsewhere/a.jsonl")

    assert continued(plan(found(path), segments=(segment,))) == {"a.jsonl": segment.id}


def test_an_archive_continues_the_segment_whose_bytes_it_holds(place: Place) -> None:
    """M01, M13: offsets count the decompressed stream, so the packed file goes on where it was."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    packed = place.write("a.jsonl.1.gz", gzip.compress(goods(60)))
    place.write("a.jsonl", goods(3, 90))

    decided = plan(found(path), found(packed), segments=(segment,))

    assert continued(decided) == {"a.jsonl.1.gz": segment.id}
    assert [file.path for file in decided.rest] == [path]


def test_an_inode_with_other_content_is_no_proof(place: Place) -> None:
    """M12: a file that was given a freed inode continues nothing."""
    path = place.write("b.jsonl", goods(80, 7))
    other = fingerprint(
        LogPlace(path=place.write("c", goods(80)), compression=Compression.NONE), ByteOffset(900)
    )
    old = segment_of(path, path="/logs/a.jsonl", checkpoint=900, fingerprint=other)

    decided = plan(found(path), segments=(old,))

    assert (continued(decided), decided.unclaimed) == ({}, (old,))


def test_after_a_rotation_the_renamed_file_continues(place: Place) -> None:
    """M02: the new file at the path is left over, and no segment is without a file."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(3, 100))

    decided = plan(found(path), found(place.folder / "a.jsonl.1"), segments=(segment,))

    assert continued(decided) == {"a.jsonl.1": segment.id}
    assert ([file.path for file in decided.rest], decided.unclaimed) == ([path], ())


def test_no_segment_is_continued_by_a_file_and_its_copy(place: Place) -> None:
    """The renamed file continues the segment; an identical copy at its path is left over."""
    path = place.write("a.jsonl", goods(50))
    segment = segment_of(path)
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(50))

    decided = plan(found(path), found(place.folder / "a.jsonl.1"), segments=(segment,))

    assert continued(decided) == {"a.jsonl.1": segment.id}
    assert [file.path for file in decided.rest] == [path]


def test_inodes_that_were_dealt_anew_confuse_nothing(place: Place) -> None:
    """A restored folder has other inodes: each file is still known by its content."""
    first, second = place.write("a.jsonl", goods(50)), place.write("b.jsonl", goods(50, 50))
    one, two = segment_of(first, 1), segment_of(second, 2)
    one, two = (
        segment_of(first, 1, inode=two.inode),
        segment_of(second, 2, inode=one.inode),
    )

    decided = plan(found(first), found(second), segments=(one, two))

    assert continued(decided) == {"a.jsonl": 1, "b.jsonl": 2}


def test_the_segment_that_was_read_furthest_is_continued(place: Place) -> None:
    """Of several segments that fit, the one with the largest checkpoint goes on."""
    path = place.write("a.jsonl", goods(50))
    middle = ByteOffset(len(goods(20)))
    half = segment_of(
        path,
        1,
        checkpoint=middle,
        fingerprint=fingerprint(LogPlace(path=path, compression=Compression.NONE), middle),
    )
    full = segment_of(path, 2)

    assert continued(plan(found(path), segments=(half, full))) == {"a.jsonl": 2}


def test_nothing_continues_a_segment_of_which_nothing_was_read(place: Place) -> None:
    """A segment without a complete line is known by nothing, so nothing can prove it."""
    path = place.write("a.jsonl", goods(50))
    empty = segment_of(path, checkpoint=0, fingerprint=a_segment().fingerprint)

    decided = plan(found(path), segments=(empty,))

    assert [file.path for file in decided.rest] == [path]


@pytest.mark.parametrize("state", [SegmentState.REPLACED, SegmentState.GONE])
def test_a_segment_whose_bytes_come_back_goes_on(place: Place, state: SegmentState) -> None:
    """M29: what was out of sight is known again by its content."""
    path = place.write("a.jsonl", goods(50))

    assert continued(plan(found(path), segments=(segment_of(path, state=state),))) == {"a.jsonl": 1}


@pytest.mark.parametrize("state", [SegmentState.FINISHED, SegmentState.BROKEN])
def test_a_finished_file_of_the_same_size_is_unchanged(place: Place, state: SegmentState) -> None:
    """A finished segment is read again only when its file has another size."""
    path = place.write("a.jsonl", goods(50))
    done = segment_of(path, state=state)

    (same,) = plan(found(path), segments=(done,)).plans
    place.append("a.jsonl", goods(1))
    (grown,) = plan(found(path), segments=(done,)).plans

    assert (same.is_unchanged, grown.is_unchanged) == (True, False)


def test_another_pack_for_a_known_log_is_wrong_usage(place: Place) -> None:
    """A log is read by one pack; the message names it."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, pack="other")

    (refusal,) = plan_files([found(path)], (segment,), LIMITS, Memory()).refusals

    assert isinstance(refusal.problem, UsageError)
    assert "--pack other" in str(refusal.problem)


def test_the_same_content_elsewhere_may_be_read_by_another_pack(place: Place) -> None:
    """Another pack makes other rows of a line, so such a file continues nothing."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, pack="other", path="/logs/b.jsonl", inode=7)

    decided = plan(found(path), segments=(segment,))

    assert [file.path for file in decided.rest] == [path]


@pytest.mark.parametrize("is_lenient", [False, True])
def test_another_strictness_for_a_known_log_is_wrong_usage(
    place: Place, *, is_lenient: bool
) -> None:
    """Rows read leniently would not be what a strict replay gives, nor the other way round."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, is_lenient=not is_lenient)

    file = found(path, is_lenient=is_lenient)
    (refusal,) = plan_files([file], (segment,), LIMITS, Memory()).refusals

    assert isinstance(refusal.problem, UsageError)


def test_a_refused_file_keeps_its_segment_from_others(place: Place) -> None:
    """A segment of a log that is asked for wrongly is not without a file."""
    path = place.write("a.jsonl", goods(5))
    segment = segment_of(path, pack="other")
    path.rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", goods(2, 9))
    files = [found(place.folder / "a.jsonl.1"), found(path)]

    decided = plan_files(files, (segment,), LIMITS, Memory())

    assert [type(each) for each in decided.refusals] == [Refusal]
    assert ([file.path for file in decided.rest], decided.unclaimed) == ([path], ())


def test_a_file_that_goes_away_is_refused_and_the_others_planned(place: Place) -> None:
    """M31: a file that vanished between two looks is one problem of its own."""
    first, second = place.write("a.jsonl", goods(5)), place.write("b.jsonl", goods(5, 9))
    files = [found(first), found(second)]
    segments = (segment_of(first, 1), segment_of(second, 2))
    first.unlink()

    decided = plan_files(files, segments, LIMITS, Memory())

    assert [type(each.problem) for each in decided.refusals] == [LogMissingError]
    assert continued(decided) == {"b.jsonl": 2}


def test_an_archive_is_not_looked_into_twice(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive changes only as a whole, and decompressing it each time would cost a poll."""
    packed = place.write("a.gz", gzip.compress(goods(60)))
    status = packed.stat()
    segment = segment_of(packed, compression=Compression.GZIP)
    memory = Memory()
    memory.settled[status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns // 1000] = (
        segment.id,
        segment.checkpoint,
    )
    monkeypatch.setattr("evidentia.ingest.plan.resume_fingerprint", None)

    (settled,) = plan_files([found(packed)], (segment,), LIMITS, memory).plans

    assert isinstance(settled, Plan)
    assert (settled.segment, settled.is_unchanged) == (segment, True)


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
