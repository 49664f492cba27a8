"""The dead-letter desk."""

from __future__ import annotations

import pytest

from evidentia.errors import StoreError, UsageError
from evidentia.store.dead_letters import Retry
from evidentia.store.values import DeadLetter

from .scene import SPAN, Scene, dead_letter, event, finding, lines


def _letter(scene: Scene, position: int) -> DeadLetter:
    with scene.store.reader() as reader:
        found = reader.dead_letter(position)
    assert found is not None
    return found


def test_a_dead_letter_keeps_its_bytes_place_and_reason(scene: Scene) -> None:
    """Invariant 5: exact bytes, place and true reason, also where only hash and length are kept."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        held = dead_letter(segment, 1, raw=b"\xff\x00\xfe", has_newline=False)
        long = dead_letter(segment, 2, raw=None, length=2**40 - 1, column_no=2**33)
        writer.commit_batch(lines(segment, 1, 2, dead_letters=[held, long]))

    with scene.store.reader() as reader:
        found = list(reader.dead_letters(segment.id, SPAN))

    assert [letter.row for letter in found] == [held, long]
    assert {(letter.batch_id, letter.attempts, letter.state) for letter in found} == {
        (1, 0, "open")
    }
    assert {(one.resolution, one.resolved_by, one.resolved_us) for one in found} == {
        (None, None, None)
    }


def test_a_retry_counts_the_attempt_and_says_what_it_found(scene: Scene) -> None:
    """Each attempt is counted; the newest reason stands, the bytes never change."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        row = dead_letter(segment, 4)
        writer.retry_dead_letter(row.position, Retry(event=None, reason="syntax"))

        writer.retry_dead_letter(
            row.position, Retry(event=None, reason="torn", column_no=9, detail="no end")
        )

    found = _letter(scene, row.position)
    assert (found.attempts, found.state) == (2, "open")
    assert (found.row.reason, found.row.column_no, found.row.detail) == ("torn", 9, "no end")
    assert (found.row.raw, found.row.sha256) == (row.raw, row.sha256)


def test_a_recovered_event_stands_at_the_dead_letters_position(scene: Scene) -> None:
    """The event takes its place in the evidence, in the batch that accounted for its bytes."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        position = dead_letter(segment, 4).position
        row = event(segment, 4, writer.kind_ids(["login"])["login"], promoted=("admin",))
        scene.clock.advance(5)

        writer.retry_dead_letter(
            position, Retry(event=row, promoted=("role",), findings=(finding(segment, 4),))
        )

    found = _letter(scene, position)
    with scene.store.reader() as reader:
        findings = list(reader.findings(segment.id, (300, 400)))
        (recovered,) = reader.rows_per_batch()
        counts = reader.counts()
    assert (found.state, found.attempts, found.resolved_us) == ("recovered", 1, scene.clock())
    assert scene.events(segment, ("role",))[-1].columns[-1] == "admin"
    assert findings == [finding(segment, 4)]
    assert (recovered.events, recovered.dead_letters, recovered.recovered) == (4, 1, 1)
    assert counts.open_dead_letters == 0


def test_a_recovered_event_cannot_stand_elsewhere(scene: Scene) -> None:
    """A retry whose event has another position is refused whole."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        kind = writer.kind_ids(["login"])["login"]
        before = scene.adapter.dump()

        with pytest.raises(StoreError, match="own position"):
            writer.retry_dead_letter(
                dead_letter(segment, 4).position, Retry(event=event(segment, 9, kind))
            )

        assert scene.adapter.dump() == before


def test_a_resolution_has_a_reason_an_author_and_a_time(scene: Scene) -> None:
    """What was decided about a dead letter is recorded beside it; it is never deleted."""
    with scene.writer() as writer:
        position = dead_letter(scene.fill(writer), 4).position

        writer.resolve_dead_letter(position, "a known defect of the writer")

    found = _letter(scene, position)
    assert (found.state, found.resolution) == ("resolved", "a known defect of the writer")
    assert (found.resolved_by, found.resolved_us) == (scene.owner.actor, scene.clock())


@pytest.mark.parametrize("action", ["retry", "resolve"])
def test_only_an_open_dead_letter_can_be_dealt_with(scene: Scene, action: str) -> None:
    """One that is absent or dealt with already is refused, and nothing is recorded."""
    with scene.writer() as writer:
        position = dead_letter(scene.fill(writer), 4).position
        writer.resolve_dead_letter(position, "seen")
        before = scene.adapter.dump()

        def deal_with(position: int) -> None:
            if action == "retry":
                writer.retry_dead_letter(position, Retry(event=None, reason="syntax"))
            else:
                writer.resolve_dead_letter(position, "again")

        with pytest.raises(UsageError, match="is resolved already"):
            deal_with(position)
        with pytest.raises(UsageError, match="there is no dead letter 5"):
            deal_with(5)

        assert scene.adapter.dump() == before


def test_the_desk_is_audited(scene: Scene) -> None:
    """Who tried and decided what stands in the audit log, newest first."""
    with scene.writer() as writer:
        segment = scene.fill(writer)
        kind = writer.kind_ids(["login"])["login"]
        writer.commit_batch(lines(segment, 6, 6, dead_letters=[dead_letter(segment, 6)]))
        first, second = dead_letter(segment, 4).position, dead_letter(segment, 6).position
        writer.retry_dead_letter(first, Retry(event=None, reason="syntax"))
        writer.retry_dead_letter(first, Retry(event=event(segment, 4, kind)))
        writer.resolve_dead_letter(second, "known")

    with scene.store.reader() as reader:
        entries = reader.audit_entries(limit=9)
        newest = reader.audit_entries(limit=1)

    assert [(entry.action, entry.subject, entry.detail) for entry in entries] == [
        ("dead-letter resolve", str(second), "known"),
        ("dead-letter retry", str(first), "recovered"),
        ("dead-letter retry", str(first), "syntax"),
    ]
    assert newest == entries[:1]


def test_dead_letters_are_listed_and_grouped(scene: Scene) -> None:
    """By state and reason, in order of position, at most as many as asked for."""
    with scene.writer() as writer:
        segment = scene.segment(writer)
        letters = [
            dead_letter(segment, line, reason=reason)
            for line, reason in enumerate(("torn", "syntax", "syntax"), start=1)
        ]
        writer.commit_batch(lines(segment, 1, 3, dead_letters=letters))
        writer.resolve_dead_letter(letters[2].position, "seen")

    with scene.store.reader() as reader:
        every = reader.list_dead_letters(state=None, reason=None, limit=9)
        some = reader.list_dead_letters(state="open", reason="syntax", limit=9)
        first = reader.list_dead_letters(state="open", reason=None, limit=1)
        groups = reader.dead_letter_groups()
        absent = reader.dead_letter(1)

    assert [letter.row.line_no for letter in every] == [1, 2, 3]
    assert [letter.row.line_no for letter in some] == [2]
    assert [letter.row.line_no for letter in first] == [1]
    assert groups == (("syntax", "open", 1), ("syntax", "resolved", 1), ("torn", "open", 1))
    assert absent is None
