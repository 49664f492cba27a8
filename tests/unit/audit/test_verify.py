"""Verify finds and names every difference between log and store, and says what that proves."""

from __future__ import annotations

import gzip
import sqlite3
from collections import Counter
from dataclasses import replace

import pytest
from tests.unit.ingest.kit import PLAIN, Place, good, goods

from evidentia.audit import segments
from evidentia.audit.values import FindingKind, VerifyReport
from evidentia.audit.verify import FINDINGS_KEPT, VerifyOptions
from evidentia.errors import PackError
from evidentia.log.values import Limits
from evidentia.proof.claims import Level
from evidentia.store.reader import StoreReader

from .conftest import CONTENT, LOG, OPTIONS
from .damage import LASTING, REPAIRABLE, Damage


def kinds(report: VerifyReport) -> set[FindingKind]:
    """The kinds of all findings."""
    return {finding.kind for finding in report.findings}


def test_a_store_and_its_log_are_the_same(filled: Place) -> None:
    """What was just ingested, something of everything in it, gives no finding at all."""
    deep, shallow = filled.verify(), filled.verify(is_deep=False)

    assert (deep.findings, shallow.findings) == ((), ())
    assert (deep.level, shallow.level) == (Level.CHECKSUM, Level.CHECKSUM)
    assert deep.content_digest == filled.digest()
    assert shallow.content_digest is None
    (verdict,) = deep.segments
    assert (verdict.checkpoint, verdict.is_compared) == (len(CONTENT), True)
    assert (verdict.events, verdict.dead_letters) == (deep.events, deep.dead_letters) == (40, 11)
    assert verdict.batches == 5


@pytest.mark.parametrize("damage", [*REPAIRABLE, *LASTING], ids=lambda damage: damage.name)
def test_damage_is_found_and_named(filled: Place, damage: Damage) -> None:
    """IT-15, IT-19, RR-17: whatever was changed out of band, --deep names its kind and place."""
    filled.damage(*damage.statements)

    report = filled.verify()

    assert set(damage.kinds) <= kinds(report)
    assert (report.level, report.finding_count) == (None, len(report.findings))
    assert all(finding.batch_id is not None or finding.segment_id for finding in report.findings)


@pytest.mark.parametrize("damage", [*REPAIRABLE, *LASTING], ids=lambda damage: damage.name)
def test_without_deep_the_records_and_the_log_are_compared(filled: Place, damage: Damage) -> None:
    """Counts, tiling, chain and digests are always checked; rows only with --deep."""
    filled.damage(*damage.statements)

    report = filled.verify(is_deep=False)

    assert bool(report.finding_count) == damage.is_shallow


def test_a_finding_names_place_line_and_both_values(filled: Place) -> None:
    """What the log gives stands beside what the store has."""
    filled.damage("UPDATE event_rows SET actor = 'mallory' WHERE line_no = 4")

    (finding,) = filled.verify().findings

    assert finding.path == str(filled.folder / LOG)
    assert (finding.line_no, finding.segment_id, finding.batch_id) == (4, 1, 1)
    assert finding.byte_offset == 3 + len(goods(3))
    assert (finding.expected, finding.found) == ("'actor 0'", "'mallory'")
    assert "column actor" in finding.detail


def test_the_store_itself_refuses_to_be_edited(filled: Place) -> None:
    """IT-15: UPDATE and DELETE on events and batches raise."""
    connection = sqlite3.connect(filled.store.path)
    statements = (
        "UPDATE event_rows SET actor = 'x'",
        "DELETE FROM event_rows",
        "UPDATE batches SET event_count = 0",
        "DELETE FROM batches",
    )

    for statement in statements:
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)

    connection.close()


@pytest.mark.parametrize("place_of_byte", [0, 700, 2_500, len(CONTENT) - 2])
def test_a_changed_byte_of_the_log_is_named(filled: Place, place_of_byte: int) -> None:
    """IT-19, M25: the first differing byte is named, and the batch that holds it."""
    data = bytearray(CONTENT)
    data[place_of_byte] ^= 1
    filled.write(LOG, bytes(data))

    for is_deep in (False, True):
        (finding,) = filled.verify(is_deep=is_deep).findings

        assert (finding.kind, finding.byte_offset) == (FindingKind.LOG_CHANGED, place_of_byte)


def test_a_byte_changed_in_a_line_over_the_limit_is_found(filled: Place) -> None:
    """Of such a line the store has the hash alone, so the batch is named and not the byte."""
    start = CONTENT.index(b"x" * 1_500)
    filled.write(LOG, CONTENT[: start + 7] + b"y" + CONTENT[start + 8 :])

    (finding,) = filled.verify().findings

    assert finding.kind is FindingKind.LOG_CHANGED
    assert finding.byte_offset == start + 1_501


def test_a_shortened_log_is_told_from_a_changed_one(filled: Place) -> None:
    """The end of the log is named, and every batch behind it is missing there."""
    filled.write(LOG, CONTENT[:1_200])

    report = filled.verify(is_deep=False)

    assert kinds(report) == {FindingKind.LOG_CHANGED}
    assert report.findings[0].byte_offset == 1_200
    assert {finding.detail for finding in report.findings if finding.byte_offset} == {
        "the log ends before its checkpoint"
    } | {finding.detail for finding in report.findings[1:]}


def test_a_log_that_grew_is_compared_up_to_the_checkpoint(filled: Place) -> None:
    """What was not read yet is no difference."""
    filled.append(LOG, goods(5, 50))

    assert filled.verify().finding_count == 0


def test_a_missing_log_is_one_finding(filled: Place) -> None:
    """A file that is gone is said once, not for every batch."""
    (filled.folder / LOG).unlink()

    report = filled.verify()

    assert kinds(report) == {FindingKind.LOG_MISSING}
    assert (report.finding_count, report.level) == (1, None)


def test_a_segment_of_which_nothing_was_read_needs_no_log(place: Place) -> None:
    """A torn first line that went away left nothing to compare."""
    path = place.write(LOG, b'{"torn')
    place.ingest(LOG)
    path.unlink()

    assert place.verify().finding_count == 0


def test_a_replaced_segment_is_checked_against_its_own_digests(filled: Place) -> None:
    """The log is gone, so the level says that nothing was compared; edited bytes are found."""
    filled.write(LOG, goods(4, 100))
    filled.ingest(LOG)

    before = filled.verify(is_deep=False)
    filled.damage(
        "UPDATE event_rows SET raw = CAST(raw || x'20' AS BLOB) WHERE line_no = 4 AND id < 2 << 40"
    )
    after = filled.verify(is_deep=False)

    assert (before.finding_count, before.level) == (0, Level.READABLE)
    assert [verdict.is_compared for verdict in before.segments] == [False, True]
    assert kinds(after) == {FindingKind.STORED_BYTES}


def test_the_engines_own_findings_are_reported(
    filled: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database says of itself is a finding of --deep."""
    monkeypatch.setattr(StoreReader, "integrity_problems", lambda _self: ("page 3 is lost",))

    (finding,) = filled.verify().findings

    assert (finding.kind, finding.detail) == (FindingKind.ENGINE, "page 3 is lost")


def test_findings_are_counted_beyond_those_that_are_listed(place: Place) -> None:
    """Invariant 12: a million differences do not fill the memory."""
    place.write(LOG, goods(500))
    place.ingest(LOG)
    place.damage("UPDATE event_rows SET actor = 'x'")

    report = place.verify()

    assert (report.finding_count, len(report.findings)) == (500, FINDINGS_KEPT)


def test_progress_counts_the_bytes_compared(filled: Place) -> None:
    """Every byte before the checkpoint is told once."""
    done: list[int] = []
    options = VerifyOptions(
        limits=OPTIONS.limits, on_progress=lambda _path, length: done.append(length)
    )

    filled.workspace.verify(options)

    assert sum(done) == len(CONTENT)


def test_rows_need_their_pack_and_digests_do_not(filled: Place) -> None:
    """Without the pack nothing can be recomputed, which is said; the rest can be checked."""
    without = replace(filled, packs={})

    with pytest.raises(PackError, match="pack plain is not installed"):
        without.verify()

    assert without.verify(is_deep=False).finding_count == 0


def test_a_newer_pack_shows_as_columns_that_differ(filled: Place) -> None:
    """Each column is compared with what the pack derives now."""
    newer = replace(PLAIN, fields=replace(PLAIN.fields, actor=("id",)))

    report = replace(filled, packs={**filled.packs, "plain": newer}).verify()

    assert Counter(finding.kind for finding in report.findings) == {FindingKind.COLUMN: 40}


@pytest.mark.parametrize("limit", [500, 1_000, 100_000])
def test_the_line_limit_may_move_after_the_log_was_read(filled: Place, limit: int) -> None:
    """What was over the limit then is compared by its hash, whatever the limit is now."""
    options = replace(OPTIONS, limits=Limits(line_bytes_max=limit))

    report = replace(filled, options=options).verify()

    assert report.findings == ()


@pytest.mark.parametrize("limit", [1_000, 100_000])
def test_a_valid_event_over_the_limit_is_no_difference(place: Place, limit: int) -> None:
    """M45: a line that was refused for its length alone is the dead letter it became."""
    place.write(LOG, goods(2) + good(2, text="x" * 2_000) + goods(2, 3))
    place.ingest(LOG)
    options = replace(OPTIONS, limits=Limits(line_bytes_max=limit))

    report = replace(place, options=options).verify()

    assert (report.findings, report.dead_letters) == ((), 1)


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_lines_too_long_to_hold_are_compared_by_hash(
    place: Place, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    """M45: above the size that is held, a long line and a run of NULs are hashed again."""
    monkeypatch.setattr(segments, "_HELD_BYTES_MAX", 3_000)
    monkeypatch.setattr(segments, "_CHUNK_BYTES", 1_000)
    place.write(LOG, goods(2) + b"\0" * 5_000 + good(2) + b"x" * 4_000 + ending)
    place.ingest(LOG, options=replace(OPTIONS, is_final=True))

    same = place.verify()
    place.damage("UPDATE dead_letter_rows SET sha256 = zeroblob(32)")
    place.damage("UPDATE fillers SET length = length - 1")
    damaged = place.verify()

    assert same.findings == ()
    assert kinds(damaged) == {FindingKind.MISMATCHED, FindingKind.COUNT}


def test_of_a_changed_archive_the_first_difference_is_looked_for(place: Place) -> None:
    """Locating one means decompressing from the beginning, so it is done once."""
    place.write("a.gz", gzip.compress(CONTENT))
    place.ingest("a.gz")
    data = bytearray(CONTENT)
    data[500] ^= 1
    data[len(CONTENT) - 5] ^= 1
    place.write("a.gz", gzip.compress(bytes(data)))

    first, last = place.verify(is_deep=False).findings

    starts = [row[0] for row in place.rows("SELECT byte_start FROM batches")]
    assert first.byte_offset == 500
    assert last.byte_offset in starts


def test_a_broken_archive_is_compared_as_far_as_it_was_read(place: Place) -> None:
    """M15: the segment of an archive that breaks off verifies against the same broken file."""
    archive = gzip.compress(b"".join(good(n, text=f"{n * 7919:x}") for n in range(900)))
    place.write("a.gz", archive[:-900])
    place.ingest("a.gz", options=replace(OPTIONS, is_final=True))

    report = place.verify()

    assert report.findings == ()
    assert len(report.gaps) == 1


def test_held_back_bytes_are_in_the_verdict(place: Place) -> None:
    """What was seen and not read is told, and is no difference."""
    place.write(LOG, goods(2) + b'{"torn')
    place.ingest(LOG)

    (verdict,) = place.verify().segments

    assert (verdict.tail_bytes, verdict.findings) == (6, 0)


def test_a_deleted_row_beside_a_changed_log_is_still_located(filled: Place) -> None:
    """The first difference is looked for in what the store still has."""
    filled.damage("DELETE FROM event_rows WHERE line_no = 2")
    data = bytearray(CONTENT)
    data[3 + len(goods(4)) + 5] ^= 1
    filled.write(LOG, bytes(data))

    report = filled.verify(is_deep=False)

    assert FindingKind.LOG_CHANGED in kinds(report)


def test_nothing_of_an_event_is_left_uncompared(filled: Place) -> None:
    """Every column of the table is either compared or the key; a new one must be thought of."""
    (columns,) = zip(*filled.rows("SELECT name FROM pragma_table_info('event_rows')"), strict=True)

    compared = {
        *("id", "batch_id", "line_no", "kind_id", "raw", "sha256", "flags"),
        *("event_id", "ts", "ts_text", "actor", "session_id", "payload_json", "level", "shade"),
    }

    assert set(columns) == compared
