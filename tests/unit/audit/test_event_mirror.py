"""One event mirrored by itself: idempotent, closed on divergence, and never over a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidentia.audit.event_mirror import EventMirror, MirrorOutcome
from evidentia.errors import DivergenceError, LedgerError, StoreError, UsageError
from evidentia.ledger.lines import Line
from evidentia.store.heads import StoredHead
from evidentia.store.writer import StoreWriter

from .mirror_kit import EDIT, Mirror, draft, drafts

HEAD = StoredHead(origin="example.org/a", size=3, root=bytes(32))


class StopError(Exception):
    """The caller's own."""


def test_events_are_mirrored_one_by_one(mirror: Mirror) -> None:
    """Each in its turn is inserted, and the store is then that of the ledger, batch by batch."""
    mirror.append(*drafts(0, 3))
    with mirror.event_mirror() as (_, events):
        done = [events.mirror_event(line) for line in mirror.lines()]

    assert done == [MirrorOutcome.INSERTED] * 4
    assert mirror.stored() == [line.raw for line in mirror.lines()]
    assert mirror.rows("SELECT line_no FROM event_rows ORDER BY id") == [(1,), (2,), (3,), (4,)]
    assert mirror.parity().is_consistent


def test_an_ingest_goes_on_where_single_events_ended(mirror: Mirror) -> None:
    """What single events left behind is what an ingest recognises and reads on."""
    mirror.append(*drafts(0, 3))
    with mirror.event_mirror() as (_, events):
        for line in mirror.lines()[:2]:
            events.mirror_event(line)
    with mirror.writer() as writer:
        report = mirror.catch_up(writer).run()

    assert [(file.events, file.is_new_segment) for file in report.files] == [(2, False)]
    assert mirror.parity().is_consistent


def test_single_events_go_on_where_an_ingest_ended(both: Mirror) -> None:
    """And the other way round."""
    both.append(draft(9))
    with both.event_mirror() as (_, events):
        outcome = events.mirror_event(both.lines()[-1])

    assert outcome is MirrorOutcome.INSERTED
    assert both.parity().is_consistent


def test_single_events_pass_from_one_segment_to_the_next(tmp_path) -> None:
    """A new file of the ledger begins a segment, once the one before is all there."""
    mirror = Mirror(folder=tmp_path, segment_bytes_max=1_000)
    mirror.create()
    for number in range(6):
        mirror.append(draft(number))
    with mirror.event_mirror() as (_, events):
        for line in mirror.lines():
            events.mirror_event(line)

    assert len({line.path for line in mirror.lines()}) > 1
    assert mirror.parity().is_consistent


def test_an_event_that_is_there_is_left_alone(both: Mirror) -> None:
    """Idempotent: the identical row is no reason to write anything."""
    before = both.rows("SELECT * FROM event_rows"), both.rows("SELECT * FROM batches")
    with both.event_mirror() as (_, events):
        done = {events.mirror_event(line) for line in both.lines()}

    assert done == {MirrorOutcome.ALREADY_PRESENT}
    assert (both.rows("SELECT * FROM event_rows"), both.rows("SELECT * FROM batches")) == before


def test_other_content_in_the_place_is_refused(both: Mirror) -> None:
    """Divergence is not written over."""
    both.tamper(EDIT)
    with both.event_mirror() as (_, events), pytest.raises(DivergenceError, match="another event"):
        events.mirror_event(both.lines()[-1])


def test_a_lost_row_is_refused_with_the_way_to_mend_it(both: Mirror) -> None:
    """What had been read and is gone is for recover, which goes by batches."""
    both.tamper("DELETE FROM event_rows WHERE event_id = 'evt-2'")
    with both.event_mirror() as (_, events), pytest.raises(StoreError, match="no row") as seen:
        events.mirror_event(both.lines()[-1])

    assert "evidentia recover" in (seen.value.fix or "")


def test_an_id_that_stands_elsewhere_is_refused(both: Mirror) -> None:
    """One id, two rows: never."""
    both.append(draft(9))
    both.tamper("UPDATE event_rows SET event_id = 'evt-9' WHERE event_id = 'evt-0'")
    with both.event_mirror() as (_, events), pytest.raises(DivergenceError, match="another place"):
        events.mirror_event(both.lines()[-1])


def test_events_are_not_jumped_over(both: Mirror) -> None:
    """ADR 0021: rows have their places and batches tile; nothing is filled in unasked."""
    both.append(draft(8))
    both.append(draft(9))
    stored = both.stored()
    last = both.lines()[-1]
    with both.event_mirror() as (_, events), pytest.raises(DivergenceError, match="lacks") as seen:
        events.mirror_event(last)

    assert both.stored() == stored
    assert "evidentia recover" in (seen.value.fix or "")


def test_a_segment_is_not_jumped_over(tmp_path) -> None:
    """Nor is a whole file of the ledger."""
    mirror = Mirror(folder=tmp_path, segment_bytes_max=1_000)
    mirror.create()
    for number in range(6):
        mirror.append(draft(number))
    last = mirror.lines()[-1]
    with mirror.event_mirror() as (_, events):
        first_of_last = next(line for line in mirror.lines() if line.path == last.path)
        with pytest.raises(DivergenceError, match="lacks events before"):
            events.mirror_event(first_of_last)


def test_a_line_that_is_not_in_the_ledger_is_refused(both: Mirror) -> None:
    """The caller's bytes are compared with the disk's: the store follows the ledger alone."""
    both.append(draft(9))
    line = both.lines()[-1]
    wrong = [
        replace(line, raw=line.raw.replace(b"hello", b"HELLO")),
        replace(line, byte_offset=line.byte_offset + 1, raw=line.raw[1:]),
        replace(line, is_whole=False),
        replace(line, path=line.path.with_name("elsewhere.jsonl")),
    ]
    with both.event_mirror() as (_, events):
        for each in wrong[:1] + wrong[2:]:
            with pytest.raises(LedgerError):
                events.mirror_event(each)
        with pytest.raises(DivergenceError):
            events.mirror_event(wrong[1])


def test_a_ledger_that_was_changed_before_the_event_is_refused(both: Mirror) -> None:
    """What the store has read must be what the ledger holds before anything is added behind it."""
    both.append(draft(9))
    (path,) = both.ledger_folder.glob("*.jsonl")
    head, last = path.read_bytes()[:-400], path.read_bytes()[-400:]
    path.write_bytes(head.replace(b"hello", b"HELLO") + last)
    with both.event_mirror() as (_, events), pytest.raises(DivergenceError):
        events.mirror_event(both.lines()[-1])


def mirror_and_stop(writer: StoreWriter, events: EventMirror, line: Line) -> None:
    """One event and another write in a transaction that the caller ends with an error."""
    with writer.transaction():
        assert events.mirror_event_in(line) is MirrorOutcome.INSERTED
        writer.replace_tree_head(None, HEAD)
        raise StopError


def test_a_callers_transaction_commits_or_rolls_back_as_one(both: Mirror) -> None:
    """The event and what the caller writes beside it are both there, or neither."""
    both.append(draft(9))
    line = both.lines()[-1]
    with both.event_mirror() as (writer, events):
        with pytest.raises(StopError):
            mirror_and_stop(writer, events, line)
        after_error = (len(both.stored()), writer.tree_head(HEAD.origin))
        with writer.transaction():
            again = events.mirror_event_in(line)
            writer.replace_tree_head(None, HEAD)

    assert after_error == (4, None)
    assert again is MirrorOutcome.INSERTED
    assert both.rows("SELECT size FROM tree_heads") == [(3,)]
    assert both.parity().is_consistent


def test_the_first_event_rolls_back_with_its_segment(mirror: Mirror) -> None:
    """Not even the segment is left of a transaction that failed."""
    (line,) = mirror.lines()
    with mirror.event_mirror() as (writer, events):
        with pytest.raises(StopError):
            mirror_and_stop(writer, events, line)
        counts = mirror.rows("SELECT count(*) FROM segments UNION ALL SELECT count(*) FROM kinds")
        events.mirror_event(line)

    assert counts == [(0,), (0,)]
    assert mirror.parity().is_consistent


def test_without_a_transaction_the_inner_form_is_refused(both: Mirror) -> None:
    """Half of it would be committed otherwise."""
    with both.event_mirror() as (_, events), pytest.raises(UsageError, match="none is open"):
        events.mirror_event_in(both.lines()[-1])
