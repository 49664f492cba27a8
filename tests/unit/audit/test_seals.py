"""Verify recomputes the seals in the rows, and says what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place
from tests.unit.packs.sealers import (
    PUBLIC,
    SIGNER,
    CorceptLedger,
    CortexLedger,
    ReceiptLog,
    edited,
    world_row,
)

from evidentia.audit import seals
from evidentia.audit.values import FindingKind, SealOptions, VerifyReport
from evidentia.audit.verify import VerifyOptions
from evidentia.pack.contract import Pack
from evidentia.pack.seal import SealKeys, SealReason, SealVerdict
from evidentia.packs.cortex import PACK as CORTEX
from evidentia.packs.pipeline import PACK as PIPELINE
from evidentia.packs.world import PACK as WORLD
from evidentia.proof.claims import Level

PACKS: Mapping[str, Pack] = {"cortex": CORTEX, "pipeline": PIPELINE, "world": WORLD}
LOG = "a.jsonl"
SEALED = SealOptions(is_sealed=True)
SIGNED = SealOptions(keys=SealKeys(public_keys={"operator": PUBLIC}))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder, with the packs that know of seals."""
    return Place(folder=tmp_path, packs=PACKS)


def joined(lines: list[bytes]) -> bytes:
    """Lines with their newlines."""
    return b"".join(line + b"\n" for line in lines)


def worlds(count: int) -> list[bytes]:
    """Rows of the game, each with its checksum."""
    return [
        world_row({"ts": "2026-01-01T00:00:00Z", "action": "look", "n": n}) for n in range(count)
    ]


def verified(
    place: Place, options: SealOptions | None = None, *, pattern: str = LOG, is_deep: bool = False
) -> VerifyReport:
    """A verification with these options for the one log."""
    chosen = {} if options is None else {str(place.folder / pattern): options}
    return place.workspace.verify(VerifyOptions(is_deep=is_deep, seals=chosen))


def test_a_log_of_checksums_is_level_one(place: Place) -> None:
    """IT-01: every row is checked, and the report says that deletion goes unseen."""
    place.write(LOG, joined(worlds(5)))
    place.ingest(LOG, pack="world")

    report = verified(place, SEALED)

    (seal,) = report.seals
    assert (report.finding_count, seal.findings) == (0, 0)
    assert (seal.level, seal.counts[SealVerdict.VALID]) == (Level.CHECKSUM, 5)
    assert seal.scheme is not None
    assert any("deleted" in text for text in seal.scheme.does_not_cover)
    assert set(seal.counts) == set(SealVerdict)


@pytest.mark.parametrize("is_deep", [False, True])
def test_an_edited_row_is_found_with_its_place(place: Place, *, is_deep: bool) -> None:
    """The log and its store hold the same; only the row's own seal tells, and verify says where."""
    lines = worlds(4)
    lines[2] = edited(lines[2], b'"look"', b'"kill"')
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="world")

    report = verified(place, is_deep=is_deep)

    (finding,) = report.findings
    assert finding.kind is FindingKind.SEAL
    assert (finding.path, finding.line_no) == (str(place.folder / LOG), 3)
    assert finding.byte_offset == len(joined(lines[:2]))
    assert finding.detail == "world.sha256: hash_mismatch"
    assert finding.expected != finding.found
    assert (report.level, report.seals[0].level, report.seals[0].findings) == (None, None, 1)


def test_all_failures_are_counted_and_the_first_listed(place: Place) -> None:
    """A log with many broken seals does not fill the memory, nor hide how many there are."""
    lines = [edited(line, b'"look"', b'"kill"') for line in worlds(150)]
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="world")

    report = verified(place)

    assert (report.finding_count, len(report.findings)) == (150, 100)
    assert report.seals[0].reasons == {SealReason.HASH_MISMATCH: 150}
    assert report.seals[0].counts[SealVerdict.INVALID] == 150


def test_a_stripped_seal_is_a_finding_only_where_the_log_is_sealed(place: Place) -> None:
    """IT-02: an absent seal in a log that is configured as sealed is a failure, not a pass."""
    lines = worlds(3)
    marker = b'{"ts":"t","event":"log_rotated","rotated_to":"p","previous_size":1}'
    lines = [marker, lines[0], b'{"ts":"2026-01-01T00:00:00Z","action":"look"}', lines[2]]
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="world")

    plain, sealed = verified(place), verified(place, SEALED)

    assert (plain.finding_count, plain.seals[0].level) == (0, Level.CHECKSUM)
    assert plain.seals[0].counts[SealVerdict.ABSENT] == 2
    assert [finding.line_no for finding in sealed.findings] == [3]


def test_a_sealed_log_without_any_seal_fails_at_every_row(place: Place) -> None:
    """Stripping every seal of a log leaves no scheme to recognise; it is not a pass either."""
    place.write(LOG, b'{"ts":"2026-01-01T00:00:00Z","action":"look"}\n' * 3)
    place.ingest(LOG, pack="world")

    plain, sealed = verified(place), verified(place, SEALED)

    assert (plain.seals[0].scheme, plain.seals[0].level, plain.finding_count) == (None, None, 0)
    assert [finding.line_no for finding in sealed.findings] == [1, 2, 3]
    assert "no seal" in sealed.findings[0].detail


def test_the_scheme_is_that_of_the_first_row_that_carries_one(place: Place) -> None:
    """Rows without a seal at the head of a log do not keep the others from being checked."""
    place.write(LOG, b'{"ts":"t","action":"x"}\n' * 3 + joined(worlds(2)))
    place.ingest(LOG, pack="world")

    (seal,) = verified(place).seals

    assert seal.scheme is not None
    assert (seal.counts[SealVerdict.ABSENT], seal.counts[SealVerdict.VALID]) == (3, 2)


def test_a_dead_letter_in_a_chain_breaks_it(place: Place) -> None:
    """A row that is no event any more is missing from the chain, and the next row says so."""
    ledger = CortexLedger()
    lines = [ledger.line({"n": number}) for number in range(3)]
    lines[1] = lines[1][:-5]
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="cortex")

    report = verified(place)

    assert [finding.line_no for finding in report.findings] == [3]
    assert "hash_chain_break" in report.findings[0].detail


def test_a_chain_goes_on_over_a_rotation(place: Place) -> None:
    """The first row of the new file names the last row of the old one, whichever is found first."""
    ledger = CortexLedger()
    lines = [ledger.line({"n": number}) for number in range(9)]
    place.write("a.jsonl", joined(lines[6:]))
    place.write("a.jsonl.1", joined(lines[3:6]))
    place.write("a.jsonl.2", joined(lines[:3]))
    place.ingest("a.jsonl*", pack="cortex")

    report = verified(place, pattern="a.jsonl*")

    assert report.finding_count == 0
    assert [seal.level for seal in report.seals] == [Level.CHAIN] * 3


def test_a_chain_goes_on_after_the_file_was_renamed(place: Place) -> None:
    """The same while the rotation happens between two passes, with the old file gone since."""
    ledger = CortexLedger()
    place.write("a.jsonl", joined([ledger.line({"n": number}) for number in range(3)]))
    place.ingest("a.jsonl*", pack="cortex")
    (place.folder / "a.jsonl").rename(place.folder / "a.jsonl.1")
    place.write("a.jsonl", joined([ledger.line({"n": number}) for number in range(3)]))
    place.ingest("a.jsonl*", pack="cortex")
    (place.folder / "a.jsonl.1").unlink()
    place.ingest("a.jsonl*", pack="cortex")
    place.ingest("a.jsonl*", pack="cortex")

    report = verified(place, pattern="a.jsonl*")

    assert len(report.seals) == 2
    assert [finding for finding in report.findings if finding.kind is FindingKind.SEAL] == []


def test_a_file_missing_between_two_others_makes_an_orphan(place: Place) -> None:
    """A first row that goes on with no file of the log is an orphan, and the other file is not."""
    ledger = CortexLedger()
    lines = [ledger.line({"n": number}) for number in range(9)]
    place.write("a.jsonl", joined(lines[6:]))
    place.write("a.jsonl.2", joined(lines[:3]))
    place.ingest("a.jsonl*", pack="cortex")

    report = verified(place, pattern="a.jsonl*")

    (finding,) = report.findings
    assert finding.path.endswith("a.jsonl")
    assert (finding.line_no, "orphan" in finding.detail) == (1, True)


def test_several_ledgers_under_one_pattern_do_not_mix(place: Place) -> None:
    """A glob over independent ledgers: each begins a chain of its own."""
    for name in ("a.jsonl", "b.jsonl"):
        ledger = CorceptLedger()
        place.write(name, joined([ledger.line(id=f"{name} {number}") for number in range(3)]))
    place.ingest("*.jsonl", pack="cortex")

    report = verified(place, pattern="*.jsonl")

    assert report.finding_count == 0
    assert [seal.level for seal in report.seals] == [Level.CHAIN] * 2


def test_signed_rows_are_level_five_up_to_the_last_of_them(place: Place) -> None:
    """Rows after the last signed one are a chain; the report says where signatures end."""
    signed = CorceptLedger(signer=SIGNER)
    lines = [signed.line() for _ in range(3)]
    signed.signer = None
    lines += [signed.line() for _ in range(2)]
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="cortex")

    (seal,) = verified(place, SIGNED).seals

    assert (seal.level, seal.signed_line) == (Level.CHAIN, 3)
    assert seal.signed_byte == len(joined(lines[:2]))


def test_unsigned_rows_before_a_signed_one_are_vouched_for(place: Place) -> None:
    """A signature covers its hash, the hash names the row before, and so on to the first."""
    ledger = CorceptLedger()
    lines = [ledger.line(), ledger.line()]
    ledger.signer = SIGNER
    lines.append(ledger.line())
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="cortex")

    keyed, keyless = verified(place, SIGNED).seals[0], verified(place).seals[0]

    assert (keyed.level, keyed.signed_line) == (Level.SIGNED, 3)
    assert (keyless.level, keyless.signed_line) == (Level.CHAIN, None)


def test_no_level_is_claimed_beside_a_failure(place: Place) -> None:
    """A valid signature behind an edited row does not lend it a level."""
    ledger = CorceptLedger(signer=SIGNER)
    lines = [ledger.line(), ledger.line()]
    lines[0] = edited(lines[0], b"git status", b"git push")
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="cortex")

    (seal,) = verified(place, SIGNED).seals

    assert (seal.findings, seal.level, seal.signed_line) == (1, None, None)


def test_a_downgrade_is_listed_row_by_row(place: Place) -> None:
    """IT-11: allowed older forms lower the level, and each row is named."""
    ledger = CorceptLedger(form="former")
    lines = [ledger.line(), ledger.line()]
    ledger.form = "current"
    lines.append(ledger.line())
    place.write(LOG, joined(lines))
    place.ingest(LOG, pack="cortex")

    refused = verified(place)
    allowed = verified(place, SealOptions(keys=SealKeys(is_legacy_allowed=True)))

    assert refused.finding_count == 2
    (seal,) = allowed.seals
    assert (allowed.finding_count, seal.level) == (0, Level.CHECKSUM)
    legacy = SealReason.LEGACY_HASH_FORMAT
    assert [(remark.reason, remark.line_no) for remark in seal.remarks] == [
        (legacy, 1),
        (legacy, 2),
    ]


def test_remarks_are_counted_beyond_those_listed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IT-16: receipts with an uncovered block are all counted; the first few are listed."""
    log = ReceiptLog()
    v2 = {"schema": "ggen-receipt/v2", "v2": {"a": 1}, "is_folded": False}
    place.write(LOG, joined([log.line({"n": n}, **v2) for n in range(5)]))  # type: ignore[arg-type]
    place.ingest(LOG, pack="pipeline")
    monkeypatch.setattr(seals, "REMARKS_KEPT", 2)

    (seal,) = verified(place).seals

    assert (len(seal.remarks), seal.reasons) == (2, {SealReason.UNCOVERED_BLOCK: 5})
    assert (seal.counts[SealVerdict.NO_KEY], seal.level) == (5, Level.CHAIN)


def test_logs_whose_packs_are_gone_or_know_no_seals_are_passed_over(place: Place) -> None:
    """Verify without --deep needs no pack, and says nothing of seals it knows nothing about."""
    place.write(LOG, joined(worlds(2)))
    place.ingest(LOG, pack="world")

    gone = Place(folder=place.folder, packs={})

    assert gone.verify(is_deep=False).seals == ()


def test_a_line_in_the_store_is_what_is_judged(place: Place) -> None:
    """Who edits the store alone is told by --deep as well; the seal speaks of the store's copy."""
    place.write(LOG, joined(worlds(2)))
    place.ingest(LOG, pack="world")
    place.damage(
        "UPDATE event_rows SET raw = CAST(replace(raw, 'look', 'kill') AS BLOB) WHERE line_no = 2"
    )

    kinds = {finding.kind for finding in verified(place, is_deep=True).findings}

    assert {FindingKind.SEAL, FindingKind.MISMATCHED} <= kinds


@pytest.mark.parametrize(
    ("pack", "pattern", "level"),
    [
        ("world", "world/bruce_activity.jsonl", Level.CHECKSUM),
        ("world", "world/heartbeat.jsonl", Level.CHECKSUM),
        ("cortex", "cortex/*.jsonl", Level.CHECKSUM),
        ("pipeline", "pipeline/receipt-log.jsonl", Level.CHAIN),
    ],
)
def test_real_logs_verify(
    shared_data: Path, tmp_path: Path, pack: str, pattern: str, level: Level
) -> None:
    """The real logs at hand, ingested and verified: every seal holds."""
    place = Place(folder=shared_data, name=str(tmp_path / "s.db"), packs=PACKS)
    place.ingest(pattern, pack=pack)
    options = SealOptions(is_sealed=True, keys=SealKeys(is_legacy_allowed=True))

    report = verified(place, options, pattern=pattern)

    assert (report.finding_count, {seal.level for seal in report.seals}) == (0, {level})
