"""What one transaction commits, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from evidentia.errors import StoreError
from evidentia.event.values import position_of
from evidentia.proof.chain import GENESIS, link_batch
from evidentia.store.records import facts_of
from evidentia.store.values import NULL, Batch, BatchWrite, FillerKind, Segment, SegmentState

from .scene import FINGERPRINT, LINE, SPAN, Scene, dead_letter, event, filler, finding, gap, lines


def test_everything_of_a_batch_is_visible_together(scene: Scene) -> None:
    """IN-22: rows, dead letters, fillers, findings, gaps, batch and checkpoint commit as one."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)

    with scene.store.reader() as reader:
        counts = reader.counts()
        fillers = list(reader.fillers(segment.id, SPAN))
        findings = list(reader.findings(segment.id, SPAN))
        letters = list(reader.dead_letters(segment.id, SPAN))

    assert (counts.events, counts.dead_letters, counts.open_dead_letters) == (3, 1, 1)
    assert (counts.gaps, counts.batches, counts.segments) == (1, 1, 1)
    assert fillers == [filler(segment, 5)]
    assert findings == [finding(segment, 1)]
    assert [letter.row for letter in letters] == [dead_letter(segment, 4)]
    assert (segment.checkpoint, segment.next_line, segment.tail_bytes) == (5 * LINE, 6, 0)
    assert (segment.fingerprint, segment.state) == (FINGERPRINT, SegmentState.LIVE)


def test_an_event_comes_back_as_it_was_written(scene: Scene) -> None:
    """Position, line, raw bytes, hash, flags and columns survive the round trip."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        row = event(segment, 1, kind, flags=5, promoted=("admin", 22))
        writer.commit_batch(lines(segment, 1, 1, events=[row], promoted=("role", "port")))

    (found,) = scene.events(segment, ("port", "role"))

    assert (found.position, found.line_no, found.raw, found.sha256, found.flags) == (
        row[0],
        1,
        row[3],
        row[4],
        5,
    )
    assert found.columns == (
        "e1",
        row[7],
        "as written",
        "login",
        "somebody",
        "s0",
        "{}",
        22,
        "admin",
    )


@pytest.mark.parametrize("nothing", [None, NULL])
def test_null_can_be_given_in_two_ways(scene: Scene, nothing: float | None) -> None:
    """NaN is quicker to bind than None, and no column of any type ever holds it."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        empty = dict.fromkeys(("event_id", "ts", "ts_text", "actor", "session_id"), nothing)
        row = event(segment, 1, kind, payload_json="", promoted=(nothing, nothing), **empty)
        writer.commit_batch(lines(segment, 1, 1, events=[row], promoted=("role", "port")))

    (found,) = scene.events(segment, ("port", "role"))

    assert found.columns == (None, None, None, "login", None, None, "", None, None)


def _bad_event(segment: Segment, kind: int) -> BatchWrite:
    twice = [event(segment, 6, kind), event(segment, 7, kind), event(segment, 6, kind)]
    return lines(segment, 6, 8, events=twice)


def _bad_dead_letter(segment: Segment, kind: int) -> BatchWrite:
    del kind
    return lines(segment, 6, 8, dead_letters=[dead_letter(segment, 6)] * 2)


def _bad_filler(segment: Segment, kind: int) -> BatchWrite:
    del kind
    return lines(segment, 6, 8, fillers=[filler(segment, 6)] * 2)


def _bad_finding(segment: Segment, kind: int) -> BatchWrite:
    return lines(segment, 6, 8, events=[event(segment, 6, kind)], findings=[finding(segment, 7)])


def _bad_gap(segment: Segment, kind: int) -> BatchWrite:
    orphan = gap(segment, 700)
    return lines(
        segment,
        6,
        8,
        events=[event(segment, 6, kind)],
        gaps=[gap(segment, 650), dataclasses.replace(orphan, segment_id=999)],
    )


def _bad_range(segment: Segment, kind: int) -> BatchWrite:
    write = lines(segment, 6, 8, events=[event(segment, 6, kind)])
    return dataclasses.replace(write, byte_end=write.byte_start)


def _bad_kind(segment: Segment, kind: int) -> BatchWrite:
    return lines(segment, 6, 8, events=[event(segment, 6, kind), event(segment, 7, 999)])


def _bad_start(segment: Segment, kind: int) -> BatchWrite:
    return lines(segment, 7, 8, events=[event(segment, 7, kind)], gaps=[gap(segment, 650)])


def _bad_byte(segment: Segment, kind: int) -> BatchWrite:
    write = lines(segment, 6, 8, events=[event(segment, 6, kind)])
    return dataclasses.replace(write, byte_start=write.byte_start + 1)


def _bad_line(segment: Segment, kind: int) -> BatchWrite:
    write = lines(segment, 6, 8, events=[event(segment, 6, kind)])
    return dataclasses.replace(write, first_line=7)


def _bad_segment(segment: Segment, kind: int) -> BatchWrite:
    write = lines(segment, 6, 8, events=[event(segment, 6, kind)])
    return dataclasses.replace(write, segment_id=999)


@pytest.mark.parametrize(
    "make",
    [
        _bad_event,
        _bad_dead_letter,
        _bad_filler,
        _bad_finding,
        _bad_gap,
        _bad_range,
        _bad_kind,
        _bad_start,
        _bad_byte,
        _bad_line,
        _bad_segment,
    ],
)
def test_a_batch_that_fails_anywhere_leaves_nothing(
    scene: Scene, make: Callable[[Segment, int], BatchWrite]
) -> None:
    """IN-22: whichever part is refused, no row, gap, batch record or checkpoint remains."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]
        before = scene.adapter.dump()

        with pytest.raises(StoreError):
            writer.commit_batch(make(segment, kind))

        assert scene.adapter.dump() == before
        writer.commit_batch(lines(segment, 6, 8, events=[event(segment, 6, kind)]))


def test_a_batch_elsewhere_than_at_the_checkpoint_is_refused(scene: Scene) -> None:
    """IN-01: the checkpoint moves by compare-and-swap, so bytes are neither skipped nor doubled."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)

        with pytest.raises(
            StoreError, match="does not begin at the segment's checkpoint"
        ) as caught:
            writer.commit_batch(lines(segment, 1, 3))

        assert caught.value.where == f"segment {segment.id}, byte 0, line 1"


def test_a_position_is_stored_once(scene: Scene) -> None:
    """SC-01: inserting a position twice is impossible, also in a later batch."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]

        with pytest.raises(StoreError):
            writer.commit_batch(lines(segment, 6, 8, events=[event(segment, 1, kind)]))

        assert len(scene.events(segment)) == 3


def test_a_position_is_stored_once_while_a_large_load_runs(scene: Scene) -> None:
    """SC-01: the bulk mode lifts no constraint."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]

        with writer.bulk(), pytest.raises(StoreError):
            writer.commit_batch(lines(segment, 6, 8, events=[event(segment, 1, kind)]))

        assert len(scene.events(segment)) == 3


def test_batches_tile_a_segment(scene: Scene) -> None:
    """Invariant 3: each batch begins where the one before it ended, from byte 0 on."""
    with scene.writer() as writer:
        one, two = scene.segment(writer, "/logs/1"), scene.segment(writer, "/logs/2")
        for first, last in ((1, 2), (3, 3), (4, 9)):
            writer.commit_batch(lines(one, first, last))
            writer.commit_batch(lines(two, first, last))

    with scene.store.reader() as reader:
        batches = list(reader.batches(one.id))
        ids = [batch.id for batch in reader.batches()]

    assert [(batch.byte_start, batch.byte_end) for batch in batches] == [
        (0, 2 * LINE),
        (2 * LINE, 3 * LINE),
        (3 * LINE, 9 * LINE),
    ]
    assert [batch.first_line for batch in batches[1:]] == [b.next_line for b in batches[:-1]]
    assert ids == [1, 2, 3, 4, 5, 6]


def _batches(scene: Scene) -> list[Batch]:
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        nul = [filler(segment, 6, FillerKind.NUL), filler(segment, 7, FillerKind.BOM)]
        committed = writer.commit_batch(lines(segment, 6, 8, fillers=nul))
    with scene.store.reader() as reader:
        batches = list(reader.batches())
    assert batches[-1] == committed
    return batches


def test_the_chain_can_be_recomputed_from_the_records(scene: Scene) -> None:
    """Each link is the hash of the record's facts and the link before it, nothing else."""
    batches = _batches(scene)

    link = GENESIS
    for batch in batches:
        link = link_batch(link, facts_of(batch))
        assert link == batch.chain


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Batch)])
def test_a_batch_record_with_an_edited_field_breaks_the_chain(scene: Scene, name: str) -> None:
    """IT-15: no field of a batch record, counts and times included, can be edited unseen."""
    first, second = _batches(scene)
    value = getattr(second, name)
    edited = dataclasses.replace(
        second, **{name: bytes(reversed(value)) if isinstance(value, bytes) else value + 1}
    )

    is_whole = link_batch(first.chain, facts_of(edited)) == edited.chain

    assert not is_whole


def test_a_batch_counts_what_it_holds(scene: Scene) -> None:
    """The record says how many events, dead letters and filler bytes of each kind it has."""
    first, second = _batches(scene)

    with scene.store.reader() as reader:
        rows = reader.rows_per_batch()

    assert (first.event_count, first.dead_letter_count, first.blank_bytes) == (3, 1, LINE)
    assert (second.nul_bytes, second.bom_bytes, second.event_count) == (LINE, LINE, 0)
    assert [(row.batch_id, row.events, row.dead_letters) for row in rows] == [(1, 3, 1), (2, 0, 0)]
    assert [(row.blank_bytes, row.bom_bytes, row.nul_bytes) for row in rows] == [
        (LINE, 0, 0),
        (0, LINE, LINE),
    ]


def test_a_batch_may_end_a_segment(scene: Scene) -> None:
    """The state that a batch gives stands with its checkpoint."""
    with scene.writer() as writer:
        segment = scene.segment(writer)

        writer.commit_batch(lines(segment, 1, 1, state=SegmentState.BROKEN))

    assert scene.current(segment).state is SegmentState.BROKEN


def test_the_newest_batch_says_whether_there_is_any(scene: Scene) -> None:
    """A store without batches is one that a large load may fill."""
    with scene.writer() as writer:
        before = writer.has_events()
        scene.fill(writer)

        after = writer.has_events()

    assert (before, after) == (False, True)


def test_positions_reach_to_63_bits(scene: Scene) -> None:
    """The last byte of the last segment has a position that the store holds."""
    with scene.writer() as writer:
        segment = scene.last_segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        last = position_of(segment.id, 2**40 - 1)
        writer.commit_batch(lines(segment, 1, 1, events=[event(segment, 1, kind, id=last)]))

    (found,) = scene.events(segment)

    assert found.position == 2**63 - 1


def test_integers_reach_to_63_bits_and_texts_hold_what_they_held(scene: Scene) -> None:
    """Extreme numbers, NULLs, an escaped NUL and text of any plane come back unchanged."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        rows = [
            event(segment, 1, kind, ts=-(2**63), actor="a\\u0000b", promoted=(None, 2**63 - 1)),
            event(
                segment,
                2,
                kind,
                event_id=None,
                ts=None,
                ts_text=None,
                actor=None,
                session_id=None,
                payload_json=None,
                promoted=("\U0001f980 é", -(2**63)),
            ),
        ]
        writer.commit_batch(lines(segment, 1, 2, events=rows, promoted=("role", "port")))

    first, second = scene.events(segment, ("role", "port"))

    assert first.columns[1] == -(2**63)
    assert (first.columns[4], first.columns[7:]) == ("a\\u0000b", (None, 2**63 - 1))
    assert second.columns[:3] == (None, None, None)
    assert second.columns[3:] == ("login", None, None, None, "\U0001f980 é", -(2**63))


@pytest.mark.parametrize("value", [2**63, "\ud800"])
def test_a_value_that_does_not_fit_is_refused_as_our_error(scene: Scene, value: object) -> None:
    """IN-06: an integer beyond 64 bits or a lone surrogate is refused, and nothing leaks."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]
        column = "ts" if isinstance(value, int) else "actor"
        row = event(segment, 1, kind, **{column: value})

        with pytest.raises(StoreError, match="does not fit"):
            writer.commit_batch(lines(segment, 1, 1, events=[row]))


@pytest.mark.parametrize(
    "columns",
    [{"ts": "garbage"}, {"ts": "{not json"}, {"line_no": "abc"}, {"actor": b"bytes"}, {"raw": 1.5}],
)
def test_a_value_of_another_type_is_refused(scene: Scene, columns: dict[str, object]) -> None:
    """SC-03: columns are strict: text in an integer column is refused, and so is the reverse."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        kind = writer.kind_ids(["login"])["login"]

        with pytest.raises(StoreError):
            writer.commit_batch(lines(segment, 1, 1, events=[event(segment, 1, kind, **columns)]))


def test_no_column_of_a_key_may_be_null(scene: Scene) -> None:
    """IN-23: a NULL cannot slip past a primary or unique key."""
    scene.store.create()

    nullable = scene.adapter.nullable_keys()

    assert nullable == []
