"""Stored evidence is not edited in place, and there is one door for putting it back."""

from __future__ import annotations

import dataclasses

import pytest

from evidentia.errors import StoreError
from evidentia.store.dead_letters import Retry
from evidentia.store.heads import StoredHead
from evidentia.store.values import Batch, Segment

from .scene import LINE, SPAN, Scene, dead_letter, event, filler, finding, lines

FORBIDDEN = [
    "UPDATE event_rows SET actor = 'nobody'",
    "UPDATE event_rows SET batch_id = batch_id",
    "DELETE FROM event_rows",
    "UPDATE batches SET event_count = event_count + 1",
    "DELETE FROM batches",
    "UPDATE fillers SET length = 1",
    "DELETE FROM fillers",
    "UPDATE kinds SET name = 'other'",
    "DELETE FROM kinds",
    "UPDATE gap_rows SET detail = 'nothing happened'",
    "DELETE FROM gap_rows",
    "UPDATE audit_log SET actor = 'nobody'",
    "DELETE FROM audit_log",
    "DELETE FROM dead_letter_rows",
    "UPDATE dead_letter_rows SET id = id + 1",
    "UPDATE dead_letter_rows SET raw = NULL",
    "UPDATE dead_letter_rows SET length = 1",
    "UPDATE dead_letter_rows SET sha256 = raw",
    "UPDATE dead_letter_rows SET line_no = 7",
    "UPDATE dead_letter_rows SET has_newline = has_newline",
    "UPDATE dead_letter_rows SET batch_id = batch_id",
    "UPDATE tree_heads SET size = size - 1",
    "UPDATE tree_heads SET root = x'00'",
    "UPDATE tree_heads SET origin = 'another', size = size + 1",
    "DELETE FROM tree_heads",
    "REPLACE INTO tree_heads SELECT origin, 0, root, note, 0 FROM tree_heads",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_stored_evidence_cannot_be_edited_in_place(scene: Scene, sql: str) -> None:
    """IT-15: UPDATE and DELETE are refused by the store itself, whoever asks."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.replace_tree_head(None, StoredHead(origin="a", size=3, root=bytes(32)))
        writer.resolve_dead_letter(dead_letter(segment, 4).position, "seen")
    before = scene.adapter.dump()

    with pytest.raises(scene.adapter.refusal):
        scene.adapter.execute_raw(sql)

    assert scene.adapter.dump() == before


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_a_large_load_leaves_the_protection_in_place(scene: Scene, sql: str) -> None:
    """IT-15: the bulk mode lifts no ban on UPDATE or DELETE, and restores what it lifts."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        writer.replace_tree_head(None, StoredHead(origin="a", size=3, root=bytes(32)))
        writer.resolve_dead_letter(dead_letter(segment, 4).position, "seen")
        guards = scene.adapter.guards()
        with writer.bulk():
            before = scene.adapter.dump()

            with pytest.raises(scene.adapter.refusal):
                scene.adapter.execute_raw(sql)

            assert scene.adapter.dump() == before

    assert scene.adapter.guards() == guards


def _batch(scene: Scene, segment: Segment) -> Batch:
    with scene.store.reader() as reader:
        return next(reader.batches(segment.id))


def test_rows_can_be_put_back_through_the_one_door(scene: Scene) -> None:
    """Recover replaces the rows of a batch's range, and the audit log says so."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]
        writer.commit_batch(lines(segment, 6, 6, events=[event(segment, 6, kind)]))
        guards, batch = scene.adapter.guards(), _batch(scene, segment)
        rows = [event(segment, 1, kind, actor="as the log says"), event(segment, 2, kind)]

        writer.replace_rows(
            batch,
            lines(
                segment,
                1,
                5,
                events=rows,
                findings=[finding(segment, 2)],
                dead_letters=[dead_letter(segment, 4)],
                fillers=[filler(segment, 3), filler(segment, 5)],
            ),
        )

    events = scene.events(segment)
    with scene.store.reader() as reader:
        findings = list(reader.findings(segment.id, SPAN))
        fillers = list(reader.fillers(segment.id, SPAN))
        batches = list(reader.batches())
        (note,) = reader.audit_entries(limit=10)
    assert [(row.line_no, row.columns[4]) for row in events] == [
        (1, "as the log says"),
        (2, "somebody"),
        (6, "somebody"),
    ]
    assert findings == [finding(segment, 2)]
    assert fillers == [filler(segment, 3), filler(segment, 5)]
    assert batches[0] == batch
    assert (note.action, note.subject, note.detail) == (
        "recover",
        f"batch {batch.id}",
        "2 events from the log",
    )
    assert (note.actor, note.at_us) == (scene.owner.actor, scene.clock())
    assert scene.adapter.guards() == guards


def test_a_failure_while_rows_are_put_back_changes_nothing(scene: Scene) -> None:
    """The old rows stay, and the protection with them, when the new rows are refused."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        before, guards = scene.adapter.dump(), scene.adapter.guards()
        bad = lines(segment, 1, 5, events=[event(segment, 1, 999)])

        with pytest.raises(StoreError):
            writer.replace_rows(_batch(scene, segment), bad)

        assert (scene.adapter.dump(), scene.adapter.guards()) == (before, guards)
    with pytest.raises(scene.adapter.refusal):
        scene.adapter.execute_raw("DELETE FROM event_rows")


def _replace(scene: Scene, letters: list[int], events: list[int]) -> list[tuple[int, str, int]]:
    """Line, state and attempts of the dead letters after the batch was put back."""
    with scene.store.reader() as reader:
        (segment,) = reader.segments()
    with scene.writer() as writer:
        kind = writer.kind_ids(["login"])["login"]
        writer.replace_rows(
            _batch(scene, segment),
            lines(
                segment,
                1,
                5,
                events=[event(segment, line, kind) for line in events],
                dead_letters=[dead_letter(segment, line) for line in letters],
            ),
        )
    with scene.store.reader() as reader:
        found = list(reader.dead_letters(segment.id, SPAN))
    return [(letter.row.line_no, letter.state, letter.attempts) for letter in found]


def test_putting_rows_back_keeps_what_was_decided_about_intact_dead_letters(scene: Scene) -> None:
    """Attempts and resolution stand beside bytes that are still what the log has."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        position = dead_letter(segment, 4).position
        writer.retry_dead_letter(position, Retry(event=None, reason="torn", detail="said anew"))
        writer.resolve_dead_letter(position, "known")

    letters = _replace(scene, letters=[4], events=[1, 2, 3])

    assert letters == [(4, "resolved", 1)]


def test_putting_rows_back_removes_a_dead_letter_that_the_log_does_not_give(scene: Scene) -> None:
    """A dead letter where the log has an event was never the log's; a missing one comes back."""
    with scene.writer() as writer:
        scene.fill(writer, 3)

    letters = _replace(scene, letters=[2, 3], events=[1, 4])

    assert letters == [(2, "open", 0), (3, "open", 0)]


@pytest.mark.parametrize(
    "change",
    [
        {"raw": b"edited".ljust(LINE - 1)},
        {"length": 1},
        {"line_no": 9},
        {"has_newline": False},
        {"sha256": b"x" * 32},
    ],
)
def test_putting_rows_back_mends_an_edited_dead_letter(
    scene: Scene, change: dict[str, object]
) -> None:
    """Any byte, length or line that differs from the log's makes the letter anew."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        edited = dead_letter(segment, 4, **change)
        writer.commit_batch(lines(segment, 1, 5, dead_letters=[edited]))
        writer.retry_dead_letter(edited.position, Retry(event=None, reason="syntax"))

    letters = _replace(scene, letters=[4], events=[])

    assert letters == [(4, "open", 0)]


def test_putting_rows_back_keeps_a_dead_letter_that_became_an_event(scene: Scene) -> None:
    """A recovered letter stays beside its event, when the log gives that event."""
    with scene.writer() as writer:
        segment = scene.fill(writer, 3)
        kind = writer.kind_ids(["login"])["login"]
        letter = dead_letter(segment, 4)
        row = event(segment, 4, kind, raw=letter.raw, sha256=letter.sha256)
        writer.retry_dead_letter(letter.position, Retry(event=row))
        batch = _batch(scene, segment)

        writer.replace_rows(batch, lines(segment, 1, 5, events=[row]))
        with scene.store.reader() as reader:
            kept = reader.dead_letter(letter.position)
        writer.replace_rows(batch, lines(segment, 1, 5, dead_letters=[letter]))

    with scene.store.reader() as reader:
        again = reader.dead_letter(letter.position)
    assert kept is not None
    assert again is not None
    assert (kept.state, kept.attempts) == ("recovered", 1)
    assert (again.state, again.attempts) == ("open", 0)


def test_putting_rows_back_works_at_the_end_of_the_last_segment(scene: Scene) -> None:
    """The range of the very last batch lies just inside 64 bits."""
    with scene.writer() as writer:
        segment = scene.last_segment(writer)
        whole = dataclasses.replace(lines(segment, 1, 1), byte_end=2**40)
        batch = writer.commit_batch(whole)
        kind = writer.kind_ids(["login"])["login"]

        writer.replace_rows(batch, dataclasses.replace(whole, events=[event(segment, 1, kind)]))

    assert len(scene.events(segment)) == 1
