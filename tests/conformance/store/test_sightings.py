"""Decisions, names, stale copies; and segments that change together with what explains it."""

from __future__ import annotations

import dataclasses

import pytest

from evidentia.errors import StoreError
from evidentia.log.values import Compression, LogSource
from evidentia.store import sightings
from evidentia.store.sightings import Decision, DecisionKind, StaleCopy, StoredDecision
from evidentia.store.values import NewSegment, Segment, SegmentChange, SegmentState
from evidentia.store.writer import StoreWriter

from .scene import FINGERPRINT, Scene, gap, lines


def change_to(segment: Segment, state: SegmentState, path: str = "/logs/a.1") -> SegmentChange:
    """A change of state and place."""
    return SegmentChange(
        state=state,
        tail_bytes=7,
        last_size=1_000,
        last_mtime_us=5,
        path=path,
        device=segment.device,
        inode=segment.inode,
        generation=2**32 - 1,
    )


def decided(segment: Segment, kind: DecisionKind, path: str = "/logs/a.1") -> Decision:
    """A decision on a segment."""
    return Decision(path=path, segment_id=segment.id, kind=kind, evidence='{"seen": "\\u00e4"}')


def a_copy(segment: Segment, path: str = "/logs/b", **changes: object) -> StaleCopy:
    """A copy of a segment."""
    copy = StaleCopy(
        path=path,
        segment_id=segment.id,
        device=1,
        inode=9,
        size=300,
        same_bytes=200,
        fingerprint=FINGERPRINT,
    )
    return dataclasses.replace(copy, **changes)


def decisions(scene: Scene, segment_id: int | None = None) -> tuple[StoredDecision, ...]:
    """Every decision, or those on one segment."""
    with scene.store.reader() as reader:
        return reader.decisions(segment_id)


def names(scene: Scene) -> dict[int, tuple[str, ...]]:
    """The names of every segment."""
    with scene.store.reader() as reader:
        return reader.segment_names()


def test_decisions_are_kept_in_order_with_their_evidence(scene: Scene) -> None:
    """What was decided, on which file and segment, when, by which run, and why."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        scene.clock.advance(1)
        writer.record_decision(decided(segment, DecisionKind.STALE_COPY, "/logs/z"))
        scene.clock.advance(1)
        writer.record_decision(decided(segment, DecisionKind.STALE_COPY, "/logs/b"))

    found = decisions(scene)

    assert [(each.kind, each.path) for each in found] == [
        (DecisionKind.NEW, "/logs/a.jsonl"),
        (DecisionKind.STALE_COPY, "/logs/z"),
        (DecisionKind.STALE_COPY, "/logs/b"),
    ]
    assert found[1].evidence == '{"seen": "\\u00e4"}'
    assert found[2].at_us - found[1].at_us == 1_000_000
    assert {each.run_id for each in found} == {1}
    assert [each.id for each in found] == sorted(each.id for each in found)


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_every_kind_of_decision_comes_back(scene: Scene, kind: DecisionKind) -> None:
    """The words are stored and read again."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.record_decision(decided(segment, kind))

    assert decisions(scene)[-1].kind is kind


def test_decisions_on_one_segment_can_be_asked_for(scene: Scene) -> None:
    """Why a segment became what it is, without the others."""
    with scene.writer() as writer:
        first = scene.fill(writer)
        second = scene.segment(writer, "/logs/b")
        writer.commit_batch(lines(second, 1, 1))
        writer.record_decision(decided(second, DecisionKind.GONE))

    found = [decisions(scene, each.id) for each in (first, second)]

    assert [[each.kind for each in some] for some in found] == [
        [DecisionKind.NEW],
        [DecisionKind.NEW, DecisionKind.GONE],
    ]


def test_a_decision_needs_its_segment(scene: Scene) -> None:
    """SC-05: a decision on nothing is refused, and nothing of it is left."""
    with scene.writer() as writer:
        segment = scene.fill(writer)

        with pytest.raises(StoreError):
            writer.record_decision(
                dataclasses.replace(decided(segment, DecisionKind.GONE), segment_id=99)
            )

    assert len(decisions(scene)) == 1


def test_each_name_is_kept_once_and_the_oldest_first(scene: Scene) -> None:
    """A segment's first name, those of renames, those of hard links."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        for path in ("/logs/z", "/logs/z", "/logs/a.jsonl", "/logs/b"):
            scene.clock.advance(1)
            writer.change_segment(segment.id, change_to(segment, SegmentState.LIVE, path))
        writer.add_names(segment.id, ["/logs/z", "/logs/link"])

    assert names(scene) == {segment.id: ("/logs/a.jsonl", "/logs/z", "/logs/b", "/logs/link")}


def test_one_name_may_lead_to_many_segments(scene: Scene) -> None:
    """The live file's name belongs to each segment in turn."""
    with scene.writer() as writer:
        first = scene.fill(writer)
        log_id = writer.log_id(LogSource(pattern=first.path, pack="demo"))
        new = NewSegment(
            log_id=log_id, path=first.path, compression=Compression.NONE, device=1, inode=3
        )
        second = writer.add_segment(new)
        writer.commit_batch(lines(second, 1, 1))

    assert names(scene) == {first.id: (first.path,), second.id: (first.path,)}


def test_a_copy_is_remembered_with_all_that_tells_it(scene: Scene) -> None:
    """Seen again under its path, the newer look replaces the older one."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.remember_copy(a_copy(segment, "/logs/c"))
        writer.remember_copy(a_copy(segment, "/logs/b"))
        again = a_copy(segment, "/logs/c", size=2**40, same_bytes=2**39, inode=10)

        writer.remember_copy(again)

        assert writer.stale_copies() == (a_copy(segment, "/logs/b"), again)
    with scene.store.reader() as reader:
        assert reader.stale_copies() == (a_copy(segment, "/logs/b"), again)


def test_a_copy_is_forgotten_by_its_path(scene: Scene) -> None:
    """And forgetting what was never known is nothing."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.remember_copy(a_copy(segment, "/logs/b"))
        writer.remember_copy(a_copy(segment, "/logs/c"))

        writer.forget_copy("/logs/b")
        writer.forget_copy("/logs/absent")

    with scene.store.reader() as reader:
        assert [copy.path for copy in reader.stale_copies()] == ["/logs/c"]


def test_a_copy_s_numbers_of_64_bits_are_kept(scene: Scene) -> None:
    """Devices and inodes above 2**63 come in the form that segments hold them."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.remember_copy(a_copy(segment, device=2**64 - 1, inode=2**63))

        (copy,) = writer.stale_copies()

    assert (copy.device, copy.inode) == (-1, -(2**63))


def test_a_segment_is_stored_with_its_first_batch_only(scene: Scene) -> None:
    """Until then neither it, nor its name, nor a decision is there, in this run or the next."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        writer.change_segment(segment.id, change_to(segment, SegmentState.LIVE))
        before = writer.segments()
    left = (decisions(scene), names(scene))

    with scene.writer() as writer:
        again = scene.segment(writer)
        writer.commit_batch(lines(again, 1, 1))

    assert (before, left) == ((), ((), {}))
    assert again.id == segment.id
    assert scene.current(again).first_path == "/logs/a.jsonl"
    assert [each.kind for each in decisions(scene)] == [DecisionKind.NEW]
    assert names(scene) == {again.id: ("/logs/a.jsonl",)}


def test_a_first_batch_that_fails_leaves_no_segment(scene: Scene) -> None:
    """Segment, name, decision and batch come together or not at all; the next try succeeds."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        with pytest.raises(StoreError):
            writer.commit_batch(lines(segment, 2, 3))
        left = (writer.segments(), decisions(scene), names(scene))

        writer.commit_batch(lines(segment, 1, 1))

    assert left == ((), (), {})
    assert scene.current(segment).checkpoint == 100


def test_a_gap_brings_its_segment_with_it(scene: Scene) -> None:
    """An archive that breaks in its first line has no batch, but a loss to tell of."""
    with scene.writer() as writer:
        segment = scene.segment(writer)

        writer.change_segment(
            segment.id, change_to(segment, SegmentState.BROKEN), gaps=[gap(segment)]
        )

    found = scene.current(segment)
    assert (found.state, found.checkpoint, found.path) == (SegmentState.BROKEN, 0, "/logs/a.1")
    assert (found.generation, found.first_path) == (2**32 - 1, "/logs/a.jsonl")
    assert names(scene)[segment.id] == ("/logs/a.1", "/logs/a.jsonl")


def test_two_segments_that_are_not_stored_yet_are_told_apart(scene: Scene) -> None:
    """Each has an id of its own, whichever gets its first batch first."""
    with scene.writer() as writer:
        first, second = (scene.segment(writer, path) for path in ("/logs/a", "/logs/b"))
        writer.commit_batch(lines(second, 1, 1))
        writer.commit_batch(lines(first, 1, 1))

    assert first.id != second.id
    assert (scene.current(first).path, scene.current(second).path) == ("/logs/a", "/logs/b")


@pytest.mark.parametrize(
    ("is_diverged", "kind"), [(False, DecisionKind.NEW), (True, DecisionKind.DIVERGED)]
)
def test_a_new_segment_says_why_it_is_one(
    scene: Scene, kind: DecisionKind, *, is_diverged: bool
) -> None:
    """New, or a copy that went its own way; with what was seen."""
    with scene.writer() as writer:
        new = NewSegment(
            log_id=writer.log_id(LogSource(pattern="/logs/*", pack="demo")),
            path="/logs/a",
            compression=Compression.NONE,
            device=1,
            inode=2,
            is_diverged=is_diverged,
            evidence='{"same_bytes": 5}',
        )
        writer.commit_batch(lines(writer.add_segment(new), 1, 1))

    (found,) = decisions(scene)
    assert (found.kind, found.evidence) == (kind, '{"same_bytes": 5}')


def ended(writer: StoreWriter, segment: Segment) -> None:
    """End a segment, with the loss and the reason."""
    writer.change_segment(
        segment.id,
        change_to(segment, SegmentState.REPLACED),
        gaps=[gap(segment, 50)],
        decision=decided(segment, DecisionKind.REPLACED),
    )


def test_a_segment_ends_with_its_loss_and_its_reason(scene: Scene) -> None:
    """State, gap, decision and name in one call."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        scene.clock.advance(1)

        ended(writer, segment)

    with scene.store.reader() as reader:
        assert [each.byte_offset for each in reader.gaps()] == [0, 50]
    assert scene.current(segment).state is SegmentState.REPLACED
    assert decisions(scene)[-1].kind is DecisionKind.REPLACED
    assert names(scene) == {segment.id: ("/logs/a.jsonl", "/logs/a.1")}


@pytest.mark.parametrize("step", ["insert_decision", "add_name"])
def test_an_ending_that_fails_changes_nothing(
    scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2: a loss without its reason, or a reason without its loss, cannot be."""

    def fail(*_: object) -> None:
        raise StoreError("no more")

    with scene.writer() as writer:
        segment = scene.fill(writer)
        before = scene.adapter.dump()
        with monkeypatch.context() as patch:
            patch.setattr(sightings, step, fail)
            with pytest.raises(StoreError, match="no more"):
                ended(writer, segment)
        after = scene.adapter.dump()

        ended(writer, segment)

    assert after == before
    assert scene.current(segment).state is SegmentState.REPLACED


def test_what_was_seen_is_behind_the_lease(scene: Scene) -> None:
    """Invariant 6: whoever lost the lease records nothing any more."""
    writer = scene.abandoned_writer()
    segment = scene.fill(writer)
    scene.adapter.execute_raw("UPDATE lease SET token = 'another'")
    calls = (
        lambda: writer.record_decision(decided(segment, DecisionKind.GONE)),
        lambda: writer.add_names(segment.id, ["/logs/x"]),
        lambda: writer.remember_copy(a_copy(segment)),
        lambda: writer.forget_copy("/logs/b"),
        lambda: ended(writer, segment),
    )
    before = scene.adapter.dump()

    for call in calls:
        with pytest.raises(StoreError, match="taken over"):
            call()

    assert scene.adapter.dump() == before
    scene.adapter.execute_raw("DELETE FROM lease")
