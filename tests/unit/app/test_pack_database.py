"""A pack's own database with its ledger: what is recorded is in both, or says why it is not."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.app.pack_database import PackDesk
from evidentia.app.recording import open_recorder
from evidentia.app.workspace import utc_microseconds
from evidentia.errors import LedgerHeldError, StoreError, StoreMissingError
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject
from evidentia.ledger.holding import held
from evidentia.packs.pipeline.kinds import kind_named
from evidentia.packs.pipeline.records import draft_of

DAY_US = 86_400_000_000
RECEIPT: JsonObject = {
    "agent_id": "agent-1",
    "operation": "generation",
    "status": "passed",
    "timestamp": "2026-01-29T10:00:00Z",
    "duration_ms": 20,
}


def _receipt(name: str) -> Draft:
    return draft_of(kind_named("receipt"), {**RECEIPT, "execution_id": name})


@pytest.fixture
def desk(tmp_path: Path) -> PackDesk:
    """An empty database and its ledger."""
    return open_recorder("pipeline", tmp_path / "pipeline.db").desk


def _after(desk: PackDesk, days: int) -> PackDesk:
    return replace(desk, clock=lambda: utc_microseconds() + days * DAY_US)


def _names(desk: PackDesk) -> list[object]:
    with desk.store.reading() as reader:
        return [row[1] for row in reader.rows("receipts")]


def test_init_makes_an_empty_database_and_a_ledger(tmp_path: Path, desk: PackDesk) -> None:
    """And finds everything well; a second time it refuses and changes nothing."""
    other = replace(desk, path=tmp_path / "other.db")

    assert all(each.is_well for each in other.init())
    before = (other.path.read_bytes(), sorted(other.entry.folder.iterdir()))
    with pytest.raises(StoreError, match="stays as it is"):
        other.init()

    assert (other.path.read_bytes(), sorted(other.entry.folder.iterdir())) == before
    assert sum(other.status().rows.values()) == 0


def test_init_beside_a_ledger_keeps_it(tmp_path: Path, desk: PackDesk) -> None:
    """A new database is filled from the ledger that is there."""
    desk.record([_receipt("one")])
    other = replace(desk, path=tmp_path / "other.db")

    other.init()
    other.project()

    assert _names(other) == ["one"]


def test_a_refused_record_is_in_the_ledger_and_told(desk: PackDesk) -> None:
    """The answer says which of the events gave no rows, and why."""
    desk.record([_receipt("one")])

    done = desk.record([_receipt("two"), _receipt("one")])

    assert [each.refusal and each.refusal.reason for each in done] == [None, "duplicate"]
    assert desk.status().ledger_size == 4
    assert desk.status().refused == {"duplicate": 1}


def test_nothing_is_appended_where_there_is_no_database(tmp_path: Path, desk: PackDesk) -> None:
    """It is found out before the ledger is touched."""
    lost = replace(desk, path=tmp_path / "nowhere.db")

    with pytest.raises(StoreMissingError):
        lost.record([_receipt("one")])

    assert desk.status().ledger_size == 1


def test_a_ledger_that_is_held_is_waited_for(desk: PackDesk) -> None:
    """Until it is free; not for ever."""
    impatient = replace(desk, wait_seconds=0.05)
    with held(desk.entry.folder), pytest.raises(LedgerHeldError):
        impatient.record([_receipt("one")])

    thread = threading.Thread(target=desk.record, args=([_receipt("two")],))
    with held(desk.entry.folder):
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(60)

    assert _names(desk) == ["two"]


def test_status_tells_what_is_to_come(desk: PackDesk) -> None:
    """Events that the ledger has and the database lacks."""
    desk.record([_receipt("one")])
    with desk.store.remaking():
        pass

    assert desk.status().checkpoint.size == 0
    assert desk.status().ledger_size == 2
    assert desk.project().rows == 1


def test_rebuild_makes_a_lost_database_again(desk: PackDesk) -> None:
    """The ledger has every event."""
    desk.record([_receipt("one"), _receipt("two")])
    desk.path.unlink()

    desk.rebuild()

    assert _names(desk) == ["one", "two"]
    assert desk.check().is_well


def test_archive_restore_and_rebuild_agree(desk: PackDesk) -> None:
    """Rows that went and came back, also past an event that was refused meanwhile."""
    desk.record([_receipt("one")])
    later = _after(desk, 100)
    assert later.archive(101 * DAY_US) is None

    record = later.archive(90 * DAY_US)
    assert record is not None
    assert _names(desk) == []
    assert desk.record([_receipt("one")])[0].refusal is not None
    desk.rebuild()
    assert _names(desk) == []
    assert desk.check().is_well

    assert later.restore(Path(record.path)).must_rebuild
    assert _names(desk) == ["one"]
    assert desk.check().is_well
    assert desk.status().archives == ()


def test_a_rebuild_may_forget_the_archives(desk: PackDesk) -> None:
    """Also where their files are gone."""
    desk.record([_receipt("one")])
    record = _after(desk, 1).archive(0)
    assert record is not None
    Path(record.path).unlink()

    desk.rebuild(with_archived=True)

    assert _names(desk) == ["one"]
    assert desk.check().is_well


def test_a_backup_can_be_used_in_place_of_the_database(tmp_path: Path, desk: PackDesk) -> None:
    """It knows how far it has come, and goes on from there."""
    desk.record([_receipt("one")])
    desk.backup(tmp_path / "copy.db")
    desk.record([_receipt("two")])

    copy = replace(desk, path=tmp_path / "copy.db")
    copy.project()

    assert _names(copy) == ["one", "two"]
    assert copy.check().is_well
    assert copy.maintain(is_vacuuming=True).problems == ()
