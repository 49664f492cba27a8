"""Mirrored append: the ledger first, then the store; what diverges is refused before a byte."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from evidentia.audit.mirror import MirroredLedger
from evidentia.errors import (
    DivergenceError,
    DuplicateIdError,
    PolicyError,
    SequenceError,
    StoreError,
)
from evidentia.proof.policy import PARITY_RULE, Contribution, Outcome, compose
from evidentia.store.writer import StoreWriter

from .mirror_kit import ALLOW, EDIT, PACKS, Mirror, draft, drafts


def decision(outcome: Outcome, rule_id: str = PARITY_RULE):
    """A decision of one rule."""
    return compose([Contribution(rule_id=rule_id, outcome=outcome, reason="a test says so")])


def files_of(mirror: Mirror) -> dict[str, bytes]:
    """The ledger's segments, byte for byte."""
    return {each.name: each.read_bytes() for each in mirror.ledger_folder.glob("*.jsonl")}


def test_an_append_reaches_the_ledger_and_the_store(mirror: Mirror) -> None:
    """Every line of the ledger is a row of the store, its own first event included, in order."""
    with mirror.mirrored() as mirrored:
        first = mirrored.append(drafts(0, 3), ALLOW)
        second = mirrored.append(drafts(3, 2), ALLOW)

    assert [each.sequence for each in (*first, *second)] == [1, 2, 3, 4, 5]
    assert mirror.stored() == [line.raw for line in mirror.lines()]
    assert mirror.parity().is_consistent
    assert mirror.parity().jsonl_event_count == 6


def test_the_store_is_what_any_ingest_of_the_ledger_gives(both: Mirror, tmp_path) -> None:
    """Invariant 10: rows, checkpoint and tiling are those of an ingest of the same folder."""
    sql = "SELECT id, line_no, raw, sha256, event_id, ts, actor, sequence FROM event_rows"
    places = "SELECT id, path, checkpoint, next_line, anchor_hash, state FROM segments"
    other = Mirror(folder=tmp_path / "other")
    other.folder.mkdir()
    other.ledger_folder.symlink_to(both.ledger_folder)
    with other.writer() as writer:
        other.catch_up(writer).run()

    assert other.rows(sql) == both.rows(sql)
    assert other.rows(places) == both.rows(places)


@pytest.mark.parametrize(
    "policy",
    [
        decision(Outcome.ALLOW, "some.other_rule"),
        decision(Outcome.QUARANTINE),
        decision(Outcome.REJECT),
        replace(decision(Outcome.REJECT), final_outcome=Outcome.ALLOW),
    ],
)
def test_a_decision_that_blocks_is_refused_before_a_byte_is_written(both: Mirror, policy) -> None:
    """Without the parity rule, or with quarantine or reject, nothing is appended anywhere."""
    before, stored = files_of(both), both.stored()
    with both.mirrored() as mirrored, pytest.raises(PolicyError):
        mirrored.append([draft(9)], policy)

    assert (files_of(both), both.stored()) == (before, stored)


def test_a_parity_rule_that_was_outvoted_by_a_warning_still_counts(both: Mirror) -> None:
    """A required contributor may stand among the discarded."""
    warned = compose(
        [
            Contribution(rule_id=PARITY_RULE, outcome=Outcome.ALLOW, reason="equal"),
            Contribution(rule_id="some.other_rule", outcome=Outcome.WARN, reason="late"),
        ]
    )
    with both.mirrored() as mirrored:
        mirrored.append([draft(9)], warned)

    assert both.parity().is_consistent


def test_the_same_event_again_is_acknowledged_again(both: Mirror) -> None:
    """A retry adds nothing to either side."""
    before, stored = files_of(both), both.stored()
    with both.mirrored() as mirrored:
        (again,) = mirrored.append([draft(1)], ALLOW)

    assert (again.sequence, again.is_repeat) == (2, True)
    assert (files_of(both), both.stored()) == (before, stored)


def test_an_id_with_other_content_is_refused(both: Mirror) -> None:
    """An id names one event for ever."""
    before, stored = files_of(both), both.stored()
    with both.mirrored() as mirrored, pytest.raises(DuplicateIdError):
        mirrored.append([draft(1, "something else")], ALLOW)

    assert (files_of(both), both.stored()) == (before, stored)


def test_an_expected_size_is_passed_on(both: Mirror) -> None:
    """Optimistic concurrency holds for mirrored appends as well."""
    with both.mirrored() as mirrored:
        with pytest.raises(SequenceError):
            mirrored.append([draft(9)], ALLOW, expected_size=3)
        mirrored.append([draft(9)], ALLOW, expected_size=4)

    assert both.parity().is_consistent


def test_a_store_that_failed_is_completed_by_the_retry(
    both: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IN-33: the ledger has the event once, and the store gets it when the same id is retried."""

    def fail(*_: object) -> None:
        raise StoreError("the store is out")

    with both.mirrored() as mirrored:
        with monkeypatch.context() as patched:
            patched.setattr(StoreWriter, "commit_batch", fail)
            with pytest.raises(StoreError, match="the store is out"):
                mirrored.append([draft(9)], ALLOW)
        between = both.parity()

        (done,) = mirrored.append([draft(9)], ALLOW)

    assert between.missing_in_sqlite == ("evt-9",)
    assert done.is_repeat
    assert [line.raw.count(b'"evt-9"') for line in both.lines()].count(1) == 1
    assert both.parity().is_consistent


def test_an_id_that_only_the_store_knows_is_refused(both: Mirror) -> None:
    """Divergence: the store must never hold what the ledger does not, whatever is appended."""
    before = files_of(both)
    both.tamper("UPDATE event_rows SET event_id = 'evt-9', raw = x'7b7d' WHERE event_id = 'evt-2'")

    with both.mirrored() as mirrored, pytest.raises(DivergenceError, match="evt-9"):
        mirrored.append([draft(9)], ALLOW)

    assert files_of(both) == before


def test_an_id_that_both_hold_with_other_bytes_is_refused(both: Mirror) -> None:
    """Divergence: the store's row was edited, and a retry does not acknowledge that."""
    before = files_of(both)
    both.tamper(EDIT)

    with both.mirrored() as mirrored, pytest.raises(DivergenceError, match="evt-2"):
        mirrored.append([draft(2)], ALLOW)

    assert files_of(both) == before


def test_a_row_that_was_lost_is_not_acknowledged(both: Mirror) -> None:
    """The event is in the ledger; that the store lost it is said, with the way to mend it."""
    both.tamper("DELETE FROM event_rows WHERE event_id = 'evt-2'")

    with both.mirrored() as mirrored, pytest.raises(StoreError, match="lacks the event evt-2"):
        mirrored.append([draft(2)], ALLOW)


def test_the_same_id_in_another_log_of_the_store_does_not_count(both: Mirror) -> None:
    """Ids are a ledger's own: other logs in the store may use them for other events."""
    other = Mirror(folder=both.folder / "other")
    other.folder.mkdir()
    other.create()
    with other.mirrored() as mirrored:
        mirrored.append([draft(50, "of the other ledger")], ALLOW)
    with both.writer() as writer:
        both.catch_up(writer)
        catch_up = type(both.catch_up(writer))(writer, PACKS, other.ledger_folder, lambda: 0.0)
        catch_up.run()

    with both.mirrored() as mirrored:
        mirrored.append([draft(50)], ALLOW)

    assert both.parity().is_consistent


def test_a_ledger_that_was_changed_before_the_checkpoint_is_refused(both: Mirror) -> None:
    """The store is not read on into a ledger that is not the one it was read from."""
    (path,) = both.ledger_folder.glob("*.jsonl")
    both.append(draft(9))
    path.write_bytes(path.read_bytes().replace(b"hello", b"HELLO"))
    stored = both.stored()

    with both.writer() as writer, pytest.raises(DivergenceError, match="not those"):
        both.catch_up(writer).run()

    assert both.stored() == stored


def test_an_append_to_a_ledger_that_is_not_the_stores_is_refused_before_a_byte(
    both: Mirror,
) -> None:
    """Another ledger was put into the folder: neither side is written to."""
    other = Mirror(folder=both.folder / "other")
    other.folder.mkdir()
    other.create()
    other.append(*drafts(50, 3))
    for path in other.ledger_folder.glob("*.jsonl"):
        (both.ledger_folder / path.name).write_bytes(path.read_bytes())
    (both.ledger_folder / "acknowledged").unlink()
    before, stored = files_of(both), both.stored()

    with both.mirrored() as mirrored, pytest.raises(DivergenceError, match="not those"):
        mirrored.append([draft(9)], ALLOW)

    assert (files_of(both), both.stored()) == (before, stored)


def test_segments_rotate_beneath_the_mirror(tmp_path) -> None:
    """Each file of the ledger is a segment of the store, and only those that grew are looked at."""
    mirror = Mirror(folder=tmp_path, segment_bytes_max=2_000)
    mirror.create()
    with mirror.mirrored() as mirrored:
        for number in range(30):
            mirrored.append([draft(number)], ALLOW)

    assert len(files_of(mirror)) > 3
    assert mirror.stored() == [line.raw for line in mirror.lines()]
    assert mirror.rows("SELECT DISTINCT state FROM segments") == [("live",)]
    assert mirror.parity().is_consistent


def test_threads_take_turns(both: Mirror) -> None:
    """Concurrent appends through one mirror are all in both, each once."""
    problems: list[BaseException] = []

    def append(mirrored: MirroredLedger, first: int) -> None:
        try:
            for number in range(first, first + 10):
                mirrored.append([draft(number)], ALLOW)
        except BaseException as problem:  # noqa: BLE001 - it is looked at below
            problems.append(problem)

    with both.mirrored() as mirrored:
        threads = [
            threading.Thread(target=append, args=(mirrored, first)) for first in (100, 200, 300)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert problems == []
    assert both.parity().jsonl_event_count == 34
    assert both.parity().is_consistent


def test_the_parity_rule_allows_equal_ends(both: Mirror) -> None:
    """Real evidence: the last row is the ledger's last line, and nothing is left to read."""
    found = both.contribution()

    assert (found.rule_id, found.outcome) == (PARITY_RULE, Outcome.ALLOW)


def test_the_parity_rule_warns_of_a_store_behind(both: Mirror) -> None:
    """A crash between the two looks like this; the append goes on and mends it."""
    both.append(draft(9))

    found = both.contribution()

    assert (found.outcome, "bytes behind" in found.reason) == (Outcome.WARN, True)
    with both.mirrored() as mirrored:
        mirrored.append([draft(10)], compose([mirrored.parity_contribution()]))
        assert mirrored.parity_contribution().outcome is Outcome.ALLOW
    assert both.parity().is_consistent


def cut_ledger(both: Mirror) -> None:
    """Take the ledger's last line away."""
    (path,) = both.ledger_folder.glob("*.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def lose_segment(both: Mirror) -> None:
    """Let another segment of the store have been read from this folder."""
    both.tamper(
        "INSERT INTO segments SELECT 2, log_id, path || '.x', compression, device, 0, head_bytes,"
        " head_hash, anchor_bytes, anchor_hash, checkpoint, next_line, state, tail_bytes,"
        " last_size, last_mtime_us, created_us, generation, first_path || '.x' FROM segments"
    )


def edit_last_row(both: Mirror) -> None:
    """Change the store's last event."""
    both.tamper(EDIT)


def edit_last_line(both: Mirror) -> None:
    """Change the ledger's last event."""
    (path,) = both.ledger_folder.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-30].replace(b"hello", b"HELLO") + path.read_bytes()[-30:])


@pytest.mark.parametrize("damage", [cut_ledger, lose_segment, edit_last_row, edit_last_line])
def test_the_parity_rule_rejects_a_store_ahead_or_other(both: Mirror, damage) -> None:
    """The store holds what the ledger does not: an append under this decision is blocked."""
    damage(both)

    found = both.contribution()

    assert found.outcome is Outcome.REJECT
    assert compose([found]).final_outcome is Outcome.REJECT
