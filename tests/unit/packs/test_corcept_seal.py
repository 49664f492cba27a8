"""The three forms of a corcept row's hash, its link and its signature, recomputed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.unit.packs.sealers import (
    PUBLIC,
    SIGNER,
    STRANGER,
    CorceptLedger,
    compact,
    corcept_key_id,
    corcept_signature,
    edited,
)

from evidentia.pack.seal import SealKeys, SealReading, SealReason, SealVerdict
from evidentia.packs.cortex.corcept_seal import CORCEPT, CorceptChecker, key_id
from evidentia.proof.claims import Level

TRUSTED = SealKeys(public_keys={"operator": PUBLIC})
STRICT = SealKeys(public_keys={"operator": PUBLIC}, is_signature_required=True)
LENIENT = SealKeys(is_legacy_allowed=True)


def readings(lines: list[bytes], keys: SealKeys | None = None) -> list[SealReading]:
    """What a fresh checker says of lines in their order."""
    checker = CorceptChecker(keys or SealKeys())
    return [checker.check(line) for line in lines]


def test_a_keyless_chain_is_level_two() -> None:
    """IT-07: unsigned rows are internally consistent and no more."""
    ledger = CorceptLedger()

    found = readings([ledger.line(), ledger.line(), ledger.line()])

    assert {(each.verdict, each.reason, each.level) for each in found} == {
        (SealVerdict.VALID, None, Level.CHAIN)
    }


def test_rows_signed_by_a_trusted_key_are_level_five() -> None:
    """A signature of a key that the operator trusts is what a forger cannot redo."""
    ledger = CorceptLedger(signer=SIGNER)

    found = readings([ledger.line(), ledger.line()], STRICT)

    assert {(each.verdict, each.level) for each in found} == {(SealVerdict.VALID, Level.SIGNED)}


def test_a_signature_without_a_key_is_not_called_valid() -> None:
    """Nobody's key, nobody's word: the chain is level two and the verdict says what is missing."""
    (found,) = readings([CorceptLedger(signer=SIGNER).line()])

    assert (found.verdict, found.level) == (SealVerdict.NO_KEY, Level.CHAIN)


def test_a_ledger_forged_and_chained_anew_fails_only_with_a_key() -> None:
    """IT-07: recomputing everything passes at level two; the signature is what gives it away."""
    forged = CorceptLedger(signer=STRANGER)
    stripped = CorceptLedger()
    lines = [forged.line(target="rm -rf /"), forged.line()]

    keyless = readings([stripped.line(target="rm -rf /")])
    trusted = readings(lines, TRUSTED)

    assert keyless[0].verdict is SealVerdict.VALID
    assert {each.reason for each in trusted} == {SealReason.UNKNOWN_KEY_ID}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signature": None}, SealReason.MISSING_SIGNATURE),
        ({"signature": "x"}, SealReason.DECODE),
        ({"signature": {"schema_version": 2}}, SealReason.UNKNOWN_ATTESTATION_SCHEMA_VERSION),
        ({"signature": {"schema_version": 1}}, SealReason.UNKNOWN_KEY_ID),
        (
            {"signature": {"schema_version": 1, "key_id": corcept_key_id(PUBLIC), "bytes": "?"}},
            SealReason.BAD_SIGNATURE,
        ),
        ({"signature": corcept_signature(SIGNER, "blake3:other")}, SealReason.BAD_SIGNATURE),
        ({"schema": "corcept.ledger_event.v2"}, SealReason.UNKNOWN_EVENT_SCHEMA_VERSION),
        ({"target": "git push"}, SealReason.HASH_MISMATCH),
        ({"extra": 1}, SealReason.HASH_MISMATCH),
        ({"cexsessionid": "x"}, SealReason.HASH_MISMATCH),
        ({"prev_hash": "blake3:" + "0" * 64}, SealReason.HASH_MISMATCH),
    ],
)
def test_each_failure_has_its_reason(change: dict[str, object], reason: SealReason) -> None:
    """IT-10: whatever is edited, added or stripped, the row is invalid and the reason says why."""
    row = {**CorceptLedger(signer=SIGNER).row(), **change}

    (found,) = readings([compact(row)], STRICT)

    assert (found.verdict, found.reason) == (SealVerdict.INVALID, reason)


def test_a_key_is_known_by_its_own_hash() -> None:
    """What the operator calls a key does not matter: rows name it by the hash of its bytes."""
    assert key_id(PUBLIC) == corcept_key_id(PUBLIC)


def test_links_are_followed() -> None:
    """A removed row breaks the chain; a first row that names another is an orphan."""
    ledger = CorceptLedger()
    lines = [ledger.line() for _ in range(3)]

    assert [each.reason for each in readings([lines[0], lines[2]])] == [
        None,
        SealReason.HASH_CHAIN_BREAK,
    ]
    assert readings(lines[1:])[0].reason is SealReason.ORPHAN
    head = CORCEPT.head(lines[0]) if CORCEPT.head else ""
    assert readings(lines[1:], SealKeys(predecessors=frozenset({head})))[0].reason is None


@pytest.mark.parametrize("form", ["former", "oldest"])
def test_an_older_form_is_valid_only_where_it_is_allowed(form: str) -> None:
    """IT-11: a downgrade is allowed per log, is listed row by row and lowers the level."""
    ledger = CorceptLedger(form=form)
    lines = [ledger.line(), ledger.line()]

    refused, allowed = readings(lines), readings(lines, LENIENT)

    legacy = SealReason.LEGACY_HASH_FORMAT
    assert {(each.verdict, each.reason) for each in refused} == {(SealVerdict.INVALID, legacy)}
    assert {(each.verdict, each.reason, each.level) for each in allowed} == {
        (SealVerdict.VALID, legacy, Level.CHECKSUM)
    }


@pytest.mark.parametrize("form", ["former", "oldest"])
def test_an_edited_row_of_an_older_form_is_a_mismatch(form: str) -> None:
    """Allowing an older form allows nothing else."""
    line = edited(CorceptLedger(form=form).line(), b"git status", b"git push")

    (found,) = readings([line], LENIENT)

    assert found.reason is SealReason.HASH_MISMATCH


def test_a_signed_row_of_an_older_form_is_still_lowered() -> None:
    """IT-11: the form costs the claim, whoever signed it."""
    line = CorceptLedger(form="former", signer=SIGNER).line()
    keys = SealKeys(public_keys={"operator": PUBLIC}, is_legacy_allowed=True)

    (found,) = readings([line], keys)

    assert (found.verdict, found.level) == (SealVerdict.VALID, Level.CHECKSUM)


def test_absent_optional_members_count_as_null() -> None:
    """The writer hashes an optional member that is not given as null, and so do we."""
    row = CorceptLedger().row(tool=None, target=None, decision=None)
    for name in ("tool", "target", "decision", "decision_reason", "prev_hash"):
        del row[name]

    (found,) = readings([compact(row)])

    assert found.verdict is SealVerdict.VALID


def test_numbers_are_hashed_as_rfc_8785_prints_them() -> None:
    """The current form is over RFC 8785: one number has one spelling, whatever the row has."""
    ledger = CorceptLedger()
    line = ledger.line(metadata={"n": 10, "b": 1, "a": 2})

    (found,) = readings([edited(line, b'"n":10', b'"n":1e1')])

    assert found.verdict is SealVerdict.VALID


@pytest.mark.parametrize("value", ["NaN", "1e400", "9" * 30, '"\\ud800"'])
def test_what_rfc_8785_cannot_write_is_invalid(value: str) -> None:
    """A row that cannot be hashed is wrong, and nothing raises."""
    line = CorceptLedger().line(metadata={"n": 10})

    (found,) = readings([edited(line, b'"n":10', f'"n":{value}'.encode())])

    assert found.verdict is not SealVerdict.VALID


def test_rows_of_other_programs_are_not_recognised() -> None:
    """A row without the schema's name or without a hash carries no such seal."""
    line = CorceptLedger().line()

    assert CORCEPT.recognises(line)
    assert not CORCEPT.recognises(b'{"hash":"blake3:0"}')
    assert not CORCEPT.recognises(edited(line, b'"hash":"', b'"hush":"'))
    assert not CORCEPT.recognises(b'{"schema":"corcept.x","hash"')
    assert readings([b'{"schema":"corcept.ledger_event.v1","hash":null}'])[0].verdict is (
        SealVerdict.ABSENT
    )


@pytest.mark.parametrize(
    ("name", "count", "verdict"),
    [
        ("corcept-hook-governance__ledger__events", 11, SealVerdict.VALID),
        # Forged and chained anew on purpose: a keyless pass proves little.
        (
            "corcept-ledger-recompute-attack__cells__events-recomputed",
            *(3, SealVerdict.NO_KEY),
        ),
    ],
)
def test_real_rows_hold(shared_data: Path, name: str, count: int, verdict: SealVerdict) -> None:
    """Every real row has the former hash that its members give, and the chain holds."""
    lines = (shared_data / "cortex" / f"{name}.jsonl").read_bytes().splitlines()

    found = Counter((each.verdict, each.reason) for each in readings(lines, LENIENT))

    assert found == {(verdict, SealReason.LEGACY_HASH_FORMAT): count}
