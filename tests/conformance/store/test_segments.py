"""Logs, segments, gaps and kinds."""

from __future__ import annotations

import pytest

from evidentia.errors import StoreError, UsageError
from evidentia.log.values import Compression, LogSource
from evidentia.store.records import unsigned_64
from evidentia.store.values import NewSegment, SegmentChange, SegmentState

from .scene import PACK, Scene, event, gap, lines


def test_a_segment_begins_with_nothing_read(scene: Scene) -> None:
    """A new segment stands at byte 0 and line 1, live; nobody sees it before its first batch."""
    with scene.writer() as writer:
        segment = scene.segment(writer, "/logs/x")
        again = scene.segment(writer, "/logs/x")

        assert writer.segments() == ()
        writer.commit_batch(lines(segment, 1, 1))
        (stored,) = writer.segments()

    assert again == segment
    assert (stored.id, stored.path, stored.first_path) == (segment.id, "/logs/x", "/logs/x")

    assert (segment.path, segment.pack, segment.is_lenient) == ("/logs/x", "demo", False)
    assert (segment.checkpoint, segment.next_line, segment.tail_bytes) == (0, 1, 0)
    assert (segment.state, segment.compression) == (SegmentState.LIVE, Compression.NONE)


def test_file_system_numbers_of_64_bits_come_back(scene: Scene) -> None:
    """A device or inode above 2**63 is kept and told from every other."""
    with scene.writer() as writer:
        log_id = writer.log_id(LogSource(pattern="/logs/*", pack="demo"))
        new = NewSegment(
            log_id=log_id,
            path="/logs/a",
            compression=Compression.GZIP,
            device=2**64 - 1,
            inode=2**63,
        )

        segment = writer.add_segment(new)

    assert (unsigned_64(segment.device), unsigned_64(segment.inode)) == (2**64 - 1, 2**63)


def test_what_a_look_at_the_file_found_is_recorded(scene: Scene) -> None:
    """State, path, identity, size and tail change without a batch; the checkpoint does not."""
    with scene.writer() as writer:
        segment = scene.fill(writer)

        writer.change_segment(
            segment.id,
            SegmentChange(
                state=SegmentState.REPLACED,
                tail_bytes=7,
                last_size=2**62,
                last_mtime_us=-1,
                path="/logs/a.1",
                device=2**63 + 5,
                inode=9,
            ),
        )

    found = scene.current(segment)
    assert (found.state, found.tail_bytes, found.last_size) == (SegmentState.REPLACED, 7, 2**62)
    assert (found.path, unsigned_64(found.device), found.inode) == ("/logs/a.1", 2**63 + 5, 9)
    assert found.checkpoint == segment.checkpoint


def test_a_log_is_registered_once(scene: Scene) -> None:
    """The same allow-list entry has the same id in every run."""
    source = LogSource(pattern="/logs/*", pack="demo", is_lenient=True)
    with scene.writer() as writer:
        first = writer.log_id(source)
    with scene.writer() as writer:
        again = writer.log_id(source)

    assert first == again


@pytest.mark.parametrize(
    "source",
    [
        LogSource(pattern="/logs/*", pack="other"),
        LogSource(pattern="/logs/*", pack="demo", is_lenient=True),
    ],
)
def test_a_log_cannot_change_its_pack_or_strictness(scene: Scene, source: LogSource) -> None:
    """One store holds one reading of a log."""
    with scene.writer() as writer:
        writer.log_id(LogSource(pattern="/logs/*", pack="demo"))

        with pytest.raises(UsageError, match="this log is in the store as pack demo"):
            writer.log_id(source)


def test_a_lenient_log_says_so_when_refused(scene: Scene) -> None:
    """The message names the strictness of both sides."""
    with scene.writer() as writer:
        writer.log_id(LogSource(pattern="/logs/*", pack="demo", is_lenient=True))

        with pytest.raises(UsageError, match=r"as pack demo \(lenient\), not demo"):
            writer.log_id(LogSource(pattern="/logs/*", pack="demo"))


def test_rows_need_what_they_refer_to(scene: Scene) -> None:
    """SC-05: foreign keys are enforced: a segment needs its log, a gap its segment."""
    with scene.writer() as writer:
        orphan = NewSegment(log_id=999, path="/x", compression=Compression.NONE, device=1, inode=1)
        with pytest.raises(StoreError):
            writer.add_segment(orphan)
        segment = scene.segment(writer)

        with pytest.raises(StoreError):
            writer.record_gaps([gap(segment, segment_id=999)])


def test_a_gap_is_recorded_once_per_place_and_kind(scene: Scene) -> None:
    """IN-18: seeing the same loss again changes nothing; another kind or place is another gap."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        seen = gap(segment)
        writer.record_gaps([seen, gap(segment, kind="unread_replaced")])
        scene.clock.advance(5)

        writer.record_gaps([seen, gap(segment, detail="said differently"), gap(segment, 50)])

    with scene.store.reader() as reader:
        gaps = reader.gaps()
    assert [(each.kind, each.byte_offset) for each in gaps] == [
        ("truncated_archive", 0),
        ("unread_replaced", 0),
        ("truncated_archive", 50),
    ]
    assert (gaps[0].path, gaps[0].segment_id) == (segment.path, segment.id)
    assert (gaps[0].detail, gaps[0].evidence) == ("the file ends early", '{"seen":1}')
    assert gaps[2].found_us - gaps[0].found_us == 5_000_000


def test_kinds_keep_their_ids(scene: Scene) -> None:
    """IN-16: any kind is stored, and means the same in every later run."""
    names = ["login", "", "späť", "a'b\"c;--"]
    with scene.writer() as writer:
        first = {name: writer.kind_ids(names)[name] for name in names}
        later = writer.kind_ids(["login"])["login"]
    with scene.writer() as writer:
        again = {name: writer.kind_ids([*names, "new"])[name] for name in names}

    assert first == again
    assert later == first["login"]
    assert len(set(first.values())) == 4


def test_more_kinds_than_one_statement_binds(scene: Scene) -> None:
    """Invariant 12: a hostile log with a new kind on every line is stored like any other."""
    names = [f"kind{number}" for number in range(40_000)]
    with scene.writer() as writer:
        writer.kind_ids(["login"])

        ids = writer.kind_ids(names)

    assert len({ids[name] for name in names}) == 40_000


def test_kinds_that_were_forgotten_are_found_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 12: only so many kinds are remembered; the others are looked up."""
    monkeypatch.setattr("evidentia.store.kinds._KNOWN_KINDS_MAX", 2)
    with scene.writer() as writer:
        first = dict(writer.kind_ids(["a", "b"]))

        second = writer.kind_ids(["b", "c"])
        assert set(second) == {"b", "c"}
        again = writer.kind_ids(["a"])

    assert again["a"] == first["a"]
    assert second["b"] == first["b"]


def test_each_kind_is_counted_with_its_pack(scene: Scene) -> None:
    """The listing of kinds goes by pack and kind, most first."""
    with scene.writer() as writer:
        scene.fill(writer, 3)
        other = scene.segment(writer, "/logs/b")
        kinds = writer.kind_ids(["logout", "login"])
        rows = [event(other, 1, kinds["logout"]), event(other, 2, kinds["login"])]
        writer.commit_batch(lines(other, 1, 2, events=rows))

    with scene.store.reader() as reader:
        kinds_found = reader.kinds()
        versions = reader.pack_versions()

    assert kinds_found == (("demo", "login", 4), ("demo", "logout", 1))
    assert versions == {PACK.name: PACK.version}
