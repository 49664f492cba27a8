"""The chains of ggen receipts and acceptance receipts, recomputed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.sealers import (
    PUBLIC,
    SIGNER,
    STRANGER,
    ZEROS,
    AcceptanceLog,
    ReceiptLog,
    edited,
)

from evidentia.pack.seal import SealKeys, SealReading, SealReason, SealScheme, SealVerdict
from evidentia.packs.pipeline.acceptance_seal import ACCEPTANCE
from evidentia.packs.pipeline.receipt_seal import RECEIPT
from evidentia.proof.claims import Level

TRUSTED = SealKeys(public_keys={"other": bytes(32), "operator": PUBLIC}, is_signature_required=True)
V2 = "ggen-receipt/v2"


def readings(
    lines: list[bytes], keys: SealKeys | None = None, scheme: SealScheme = RECEIPT
) -> list[SealReading]:
    """What a fresh checker says of lines in their order."""
    checker = scheme.checker(keys or SealKeys())
    return [checker.check(line) for line in lines]


def receipts() -> list[bytes]:
    """Receipts of every form: without schema, v1, v2 folded in."""
    log = ReceiptLog()
    return [
        log.line({"n": 1.50}, schema=None),
        log.line({"n": 2}),
        log.line({"n": 3}, schema=V2, v2={"admission": {"é": 1}}),
        log.line({"n": 4}, instruction_id=2**64 - 1, activity_idx=513, node_kind=7, ts_ns=9),
    ]


def test_receipts_without_a_key_are_a_chain() -> None:
    """Their signatures need a key; the chain of every form holds without one."""
    found = readings(receipts())

    assert {(each.verdict, each.reason, each.level) for each in found} == {
        (SealVerdict.NO_KEY, None, Level.CHAIN)
    }


def test_receipts_of_a_trusted_key_are_level_five() -> None:
    """A receipt does not name its key, so any trusted one may have signed it."""
    found = readings(receipts(), TRUSTED)

    assert {(each.verdict, each.level) for each in found} == {(SealVerdict.VALID, Level.SIGNED)}


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers() | FINITE, max_size=4))
def test_the_payload_is_hashed_as_it_stands(payload: dict[str, object]) -> None:
    """Raw bytes are hashed, so no way to print a number can make a difference."""
    log = ReceiptLog()

    found = readings([log.line(payload), log.line(payload)])

    assert {each.reason for each in found} == {None}


@pytest.mark.parametrize(
    ("index", "old", "new", "reason"),
    [
        (1, b'"n":2', b'"n":3', SealReason.PAYLOAD_HASH_MISMATCH),
        (1, b'"n":2', b'"n": 2', SealReason.PAYLOAD_HASH_MISMATCH),
        (1, b'"Green"', b'"Red"', SealReason.HASH_MISMATCH),
        (1, b'"obligation_count":2', b'"obligation_count":1', SealReason.HASH_MISMATCH),
        (1, b'"law:', b'"lax:', SealReason.HASH_MISMATCH),
        (1, b'"ts_ns":0', b'"ts_ns":1', SealReason.HASH_MISMATCH),
        (1, b'"ts_ns":0', b'"ts_ns":-1', SealReason.DECODE),
        (1, b'"node_kind":0', b'"node_kind":256', SealReason.DECODE),
        (1, b'"instruction_id":0', b'"instruction_id":1', SealReason.HASH_MISMATCH),
        (2, b'{"admission"', b'{"admissiom"', SealReason.HASH_MISMATCH),
        (2, b"receipt/v2", b"receipt/v1", SealReason.HASH_MISMATCH),
        (1, b"receipt/v1", b"receipt/v3", SealReason.UNKNOWN_EVENT_SCHEMA_VERSION),
        (1, b'"version":1', b'"version":2', SealReason.UNKNOWN_EVENT_SCHEMA_VERSION),
        (0, ZEROS.encode(), b"x" * 64, SealReason.DECODE),
    ],
)
def test_what_is_covered_is_covered(index: int, old: bytes, new: bytes, reason: SealReason) -> None:
    """Each covered member, edited, makes its own receipt invalid and no other."""
    lines = receipts()
    lines[index] = edited(lines[index], old, new)

    found = readings(lines)

    assert found[index].reason is reason
    assert [each.verdict for each in found].count(SealVerdict.INVALID) == 1


@pytest.mark.parametrize(
    ("old", "new"), [(b"ggen.sync", b"ggen.none"), (b'"schema":"ggen-receipt/v1"', b'"origin":1')]
)
def test_what_is_not_covered_is_said(old: bytes, new: bytes) -> None:
    """IT-18: activity and the schema of an unfolded receipt can be edited; the scheme says so."""
    lines = receipts()

    (_, found, *_) = readings([lines[0], edited(lines[1], old, new)])

    assert found.verdict is SealVerdict.NO_KEY
    assert RECEIPT.does_not_cover[0].startswith("activity, origin")


def test_a_v2_block_outside_the_hash_is_remarked() -> None:
    """IT-16: such a receipt holds, and the report says that its block is not covered."""
    line = ReceiptLog().line({"n": 1}, schema=V2, v2={"admission": {}}, is_folded=False)

    (found,) = readings([line], TRUSTED)
    (altered,) = readings([edited(line, b'{"admission":{}}', b'{"admission":[]}')], TRUSTED)

    assert (found.verdict, found.reason) == (SealVerdict.VALID, SealReason.UNCOVERED_BLOCK)
    assert altered == found


def test_links_are_followed() -> None:
    """A removed receipt breaks the chain; a first receipt that names another is an orphan."""
    lines = receipts()
    head = RECEIPT.head(lines[0]) if RECEIPT.head else ""

    assert readings([lines[0], lines[2]])[1].reason is SealReason.HASH_CHAIN_BREAK
    assert readings(lines[1:])[0].reason is SealReason.ORPHAN
    assert readings(lines[1:], SealKeys(predecessors=frozenset({head})))[0].reason is None


@pytest.mark.parametrize("signature", [b"", b"00", b"zz"])
def test_a_signature_that_does_not_hold(signature: bytes) -> None:
    """A stripped, short or malformed signature is found where a key was given."""
    line = ReceiptLog().line({"n": 1})
    start = line.index(b'"signature_hex":"') + len(b'"signature_hex":"')
    line = line[:start] + signature + line[start + 128 :]

    (found,) = readings([line], TRUSTED)

    expected = SealReason.BAD_SIGNATURE if signature else SealReason.MISSING_SIGNATURE
    assert found.reason is expected


def test_a_strangers_signature_does_not_hold() -> None:
    """IT-07: a log made anew with another key fails."""
    (found,) = readings([ReceiptLog(signer=STRANGER).line({"n": 1})], TRUSTED)
    (trusted,) = readings([ReceiptLog(signer=SIGNER).line({"n": 1})], TRUSTED)

    assert found.reason is SealReason.BAD_SIGNATURE
    assert trusted.reason is None


def test_acceptance_receipts_name_the_line_before() -> None:
    """Every byte of a line but the last counts, its newline included."""
    log = AcceptanceLog()
    lines = [log.line(number) for number in range(3)]
    changed = [lines[0], edited(lines[1], b"pass", b"fail"), lines[2]]

    good = readings(lines, scheme=ACCEPTANCE)
    bad = readings(changed, scheme=ACCEPTANCE)

    assert {(each.verdict, each.level) for each in good} == {(SealVerdict.VALID, Level.CHAIN)}
    assert [each.reason for each in bad] == [None, None, SealReason.HASH_CHAIN_BREAK]
    assert readings(lines[1:], scheme=ACCEPTANCE)[0].reason is SealReason.ORPHAN
    assert readings([b'{"a":1}'], scheme=ACCEPTANCE)[0].verdict is SealVerdict.ABSENT


def test_the_two_schemes_do_not_take_each_other_for_their_own() -> None:
    """A log of receipts and one of acceptance receipts are told apart."""
    receipt, acceptance = receipts()[0], AcceptanceLog().line(1)

    assert (RECEIPT.recognises(receipt), ACCEPTANCE.recognises(receipt)) == (True, False)
    assert (RECEIPT.recognises(acceptance), ACCEPTANCE.recognises(acceptance)) == (False, True)


def test_real_rows_hold(shared_data: Path) -> None:
    """The chain of the real receipts at hand holds; five are v1, seven have v2 folded in."""
    lines = (shared_data / "pipeline" / "receipt-log.jsonl").read_bytes().splitlines()

    found = Counter((each.verdict, each.reason) for each in readings(lines))

    assert found == {(SealVerdict.NO_KEY, None): 12}
