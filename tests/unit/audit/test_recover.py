"""Recover puts back what the log gives, touches nothing else, and refuses where it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.ingest.kit import PLAIN, Place, good, goods

from evidentia.audit import segments
from evidentia.audit.values import FindingKind

from .conftest import CONTENT, LOG
from .damage import LASTING, REPAIRABLE, Damage


def without_bookkeeping(place: Place) -> dict[str, object]:
    """Everything in the store but runs and what was done by whom."""
    return dict(place.dump("runs", "audit_log", "kinds"))


@pytest.mark.parametrize("damage", REPAIRABLE, ids=lambda damage: damage.name)
def test_what_the_log_gives_is_put_back_and_nothing_else_is_touched(
    filled: Place, damage: Damage
) -> None:
    """RR-17: the store is as it was, row for row, and the audit log says what was done."""
    digest, before = filled.digest(), without_bookkeeping(filled)
    filled.damage(*damage.statements)

    report = filled.workspace.recover()

    assert (report.batches, report.unrepaired) == (1, ())
    assert (filled.digest(), without_bookkeeping(filled)) == (digest, before)
    assert filled.verify().finding_count == 0
    assert filled.rows("SELECT action FROM audit_log") == [("recover",)]
    assert (filled.folder / LOG).read_bytes() == CONTENT


@pytest.mark.parametrize("damage", LASTING, ids=lambda damage: damage.name)
def test_what_a_replay_cannot_mend_is_named_and_left(filled: Place, damage: Damage) -> None:
    """The store's own records are not made up."""
    filled.damage(*damage.statements)
    before = without_bookkeeping(filled)

    report = filled.workspace.recover()

    assert report.unrepaired
    assert set(damage.kinds) & {finding.kind for finding in report.unrepaired}
    assert without_bookkeeping(filled) == before


def test_nothing_is_recovered_where_nothing_is_wrong(filled: Place) -> None:
    """A whole store is left alone."""
    before = without_bookkeeping(filled)

    report = filled.workspace.recover()

    assert (report.batches, report.events, report.unrepaired) == (0, 0, ())
    assert without_bookkeeping(filled) == before


def test_a_batch_whose_log_changed_is_refused(filled: Place) -> None:
    """Rows are never made from bytes that are not those that were ingested."""
    filled.damage("DELETE FROM event_rows WHERE line_no = 4")
    data = bytearray(CONTENT)
    data[900] ^= 1
    filled.write(LOG, bytes(data))
    before = without_bookkeeping(filled)

    report = filled.workspace.recover()

    assert report.batches == 0
    assert {finding.kind for finding in report.unrepaired} == {FindingKind.LOG_CHANGED}
    assert without_bookkeeping(filled) == before


def test_other_batches_of_a_changed_log_are_mended(filled: Place) -> None:
    """Only the batches whose bytes changed are beyond repair."""
    filled.damage("DELETE FROM event_rows WHERE line_no IN (4, 53)")
    data = bytearray(CONTENT)
    data[900] ^= 1
    filled.write(LOG, bytes(data))

    report = filled.workspace.recover()

    assert report.batches == 1
    assert len(filled.rows("SELECT id FROM event_rows WHERE line_no = 53")) == 1


def test_a_missing_log_mends_nothing(filled: Place) -> None:
    """Without the log there is nothing to replay, and the damage is named all the same."""
    filled.damage("DELETE FROM event_rows WHERE line_no = 4")
    (filled.folder / LOG).unlink()

    report = filled.workspace.recover()

    assert report.batches == 0
    assert {finding.kind for finding in report.unrepaired} == {
        FindingKind.LOG_MISSING,
        FindingKind.LOG_CHANGED,
    }


def test_a_replaced_segment_is_beyond_replay(filled: Place) -> None:
    """The rows of a log that is gone cannot be derived again."""
    filled.write(LOG, goods(4, 100))
    filled.ingest(LOG)
    filled.damage("DELETE FROM event_rows WHERE line_no = 4 AND id < (2 << 40)")

    report = filled.workspace.recover()

    assert report.batches == 0
    (finding,) = report.unrepaired
    assert finding.detail == "the batch is damaged and its bytes are no longer in the log"


def test_columns_of_a_newer_pack_are_derived_again(filled: Place) -> None:
    """After a pack was upgraded, recover brings every row to what it says now."""
    newer = replace(PLAIN, version=2, fields=replace(PLAIN.fields, actor=("id",)))
    upgraded = replace(filled, packs={**filled.packs, "plain": newer})

    report = upgraded.workspace.recover()

    assert report.unrepaired == ()
    assert upgraded.verify().finding_count == 0
    assert ("e0",) in filled.rows("SELECT actor FROM event_rows")


def test_the_standing_of_dead_letters_survives(filled: Place) -> None:
    """What was done about a dead letter is kept when rows beside it are put back."""
    ((position,),) = filled.rows("SELECT min(id) FROM dead_letter_rows")
    with filled.workspace.writer("test") as writer:
        writer.resolve_dead_letter(position, "a test")
    ((line_no,),) = filled.rows(
        "SELECT max(line_no) FROM event_rows WHERE batch_id = "
        "(SELECT batch_id FROM dead_letter_rows WHERE id = ?)",
        position,
    )
    filled.damage(f"DELETE FROM event_rows WHERE line_no = {line_no}")  # noqa: S608 - a number

    report = filled.workspace.recover()

    assert (report.batches, report.unrepaired) == (1, ())
    assert filled.rows("SELECT state, resolution FROM dead_letter_rows WHERE id = ?", position) == [
        ("resolved", "a test")
    ]


def test_lines_too_long_to_hold_are_put_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """M45: the dead letter of a line of any length is derived from the log again."""
    monkeypatch.setattr(segments, "_HELD_BYTES_MAX", 3_000)
    place.write(LOG, goods(2) + b"\0" * 5_000 + good(2) + b"x" * 4_000 + b"\n" + goods(2, 3))
    place.ingest(LOG)
    digest = place.digest()
    place.damage("DELETE FROM dead_letter_rows", "DELETE FROM fillers")

    report = place.workspace.recover()

    assert (report.batches, report.unrepaired) == (2, ())
    assert place.digest() == digest


def test_damage_to_many_batches_of_many_kinds_is_mended_at_once(place: Place) -> None:
    """Each batch is one transaction; what is left is exactly the undamaged store."""
    place.write(LOG, b"".join(good(n, kind=f"kind {n}") for n in range(200)))
    place.ingest(LOG)
    digest, batches = place.digest(), len(place.rows("SELECT id FROM batches"))
    place.damage("DELETE FROM event_rows", "DELETE FROM kinds")

    report = place.workspace.recover()

    assert batches > 10
    assert (report.batches, report.events) == (batches, 200)
    assert place.digest() == digest
