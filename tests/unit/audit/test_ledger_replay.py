"""Replay of a ledger: idempotent, in ledger order, and refused on divergence before a byte."""

from __future__ import annotations

import pytest

from evidentia.errors import DivergenceError

from .mirror_kit import EDIT, Mirror, draft, drafts


def test_what_was_never_read_is_replayed(both: Mirror) -> None:
    """A store behind is read on; what it had is counted as skipped."""
    both.append(*drafts(7, 3))

    done = both.replay()

    assert (done.replayed, done.skipped_existing, done.parity.is_consistent) == (3, 4, True)
    assert both.stored() == [line.raw for line in both.lines()]


def test_a_new_store_is_filled_in_ledger_order(mirror: Mirror) -> None:
    """The store is disposable: replay alone makes it again."""
    mirror.append(*drafts(0, 5))

    done = mirror.replay()

    assert (done.replayed, done.skipped_existing) == (6, 0)
    assert mirror.stored() == [line.raw for line in mirror.lines()]


def test_lost_rows_are_put_back(both: Mirror) -> None:
    """Rows out of the middle of what was read come back, in their places, with what is new."""
    both.tamper("DELETE FROM event_rows WHERE event_id IN ('evt-0', 'evt-1')")
    both.append(draft(9))

    done = both.replay()

    assert (done.replayed, done.skipped_existing, done.parity.is_consistent) == (3, 2, True)
    assert both.stored() == [line.raw for line in both.lines()]


def test_a_second_replay_does_nothing(both: Mirror) -> None:
    """Idempotent: nothing is replayed, and no row, batch or segment is touched."""
    both.append(draft(9))
    both.replay()
    tables = ("event_rows", "batches", "segments", "audit_log")
    before = [both.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - names from above

    done = both.replay()

    assert (done.replayed, done.skipped_existing) == (0, 5)
    assert [both.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608 - names from above


def cut_last(both: Mirror) -> None:
    """Take the ledger's last line away."""
    (path,) = both.ledger_folder.glob("*.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def edit_row(both: Mirror) -> None:
    """Edit a row, and let the ledger go on."""
    both.tamper(EDIT)
    both.append(draft(9))


def rename_row(both: Mirror) -> None:
    """Give a row another id and other bytes, and let the ledger go on."""
    both.tamper("UPDATE event_rows SET event_id = 'x', raw = x'7b7d' WHERE event_id = 'evt-1'")
    both.append(draft(9))


def repeat_line(both: Mirror) -> None:
    """Let the ledger hold a line twice."""
    (path,) = both.ledger_folder.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + both.lines()[-1].raw + b"\n")


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (cut_last, "the store holds the event evt-2, and the ledger does not"),
        (edit_row, "the event evt-2 is"),
        (rename_row, "the store holds the event x"),
        (repeat_line, "more than one event of the ledger has the id evt-2"),
    ],
)
def test_divergence_is_refused_before_anything_is_written(both: Mirror, damage, what) -> None:
    """Other bytes under one id or place, or more in the store: nothing is replayed."""
    damage(both)
    before = both.rows("SELECT * FROM event_rows"), both.rows("SELECT * FROM batches")

    with pytest.raises(DivergenceError, match=what):
        both.replay()

    assert (both.rows("SELECT * FROM event_rows"), both.rows("SELECT * FROM batches")) == before


def test_other_logs_of_the_store_are_left_alone(both: Mirror) -> None:
    """Rows that another ledger's segment lost are not put back on the way."""
    other = Mirror(folder=both.folder / "other")
    other.folder.mkdir()
    other.create()
    with both.writer() as writer:
        catch_up = both.catch_up(writer)
        catch_up.folder = other.ledger_folder
        catch_up.run()
    both.tamper("DELETE FROM event_rows WHERE id >= 2 * 1099511627776 OR event_id = 'evt-1'")

    done = both.replay()

    assert (done.replayed, done.parity.is_consistent) == (1, True)
    assert len(both.stored()) == 4
