"""The chain of Cortex rows, version 1, recomputed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.sealers import ZEROS, CortexLedger, compact, edited

from evidentia.pack.seal import SealKeys, SealReading, SealReason, SealVerdict
from evidentia.packs.cortex.event_seal import CORTEX_V1, EventChecker
from evidentia.proof.claims import Level

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


def readings(lines: list[bytes], keys: SealKeys | None = None) -> list[SealReading]:
    """What a fresh checker says of lines in their order."""
    checker = EventChecker(keys or SealKeys())
    return [checker.check(line) for line in lines]


def three() -> list[bytes]:
    """Three rows of one chain."""
    ledger = CortexLedger()
    return [ledger.line({"n": number, "a": [1.50, "é"]}) for number in range(3)]


def test_a_chain_that_holds_is_level_two() -> None:
    """Every row of a good chain is valid, and no more than internally consistent."""
    found = readings(three())

    assert {(each.verdict, each.reason, each.level) for each in found} == {
        (SealVerdict.VALID, None, Level.CHAIN)
    }


@given(st.lists(JSON, min_size=1, max_size=4))
def test_every_payload_that_a_writer_seals_holds(payloads: list[object]) -> None:
    """Whatever the payloads, keys in any order, what the writer's rule gives is what we compute."""
    ledger = CortexLedger()

    found = readings([ledger.line(payload) for payload in payloads])

    assert {each.verdict for each in found} == {SealVerdict.VALID}


def test_an_edited_payload_is_named_and_nothing_else() -> None:
    """One edited row is one failure: the rows after it are judged by what it states."""
    lines = three()
    lines[1] = edited(lines[1], b'"n":1', b'"n":9')

    found = readings(lines)

    assert [each.reason for each in found] == [None, SealReason.PAYLOAD_HASH_MISMATCH, None]
    assert found[1].level is None


def test_a_payload_edited_with_its_hash_breaks_the_event_hash() -> None:
    """Who recomputes the payload hash has to recompute the event hash as well."""
    lines = three()
    forged = CortexLedger()
    other = forged.row({"n": 9})["payload_hash"]
    row = CortexLedger().row({"n": 9})
    lines[0] = edited(compact(row), str(row["event_hash"]).encode(), ZEROS.encode())

    found = readings(lines)

    assert other == row["payload_hash"]
    assert found[0].reason is SealReason.HASH_MISMATCH
    assert found[1].reason is SealReason.HASH_CHAIN_BREAK


@pytest.mark.parametrize(
    ("order", "reasons"),
    [
        ((0, 2), (None, SealReason.HASH_CHAIN_BREAK)),
        ((0, 2, 1), (None, SealReason.HASH_CHAIN_BREAK, SealReason.HASH_CHAIN_BREAK)),
        ((0, 1, 1), (None, None, SealReason.HASH_CHAIN_BREAK)),
        ((1, 2), (SealReason.ORPHAN, None)),
        ((0, 0), (None, SealReason.HASH_CHAIN_BREAK)),
        ((0, 1), (None, None)),
    ],
)
def test_rows_that_were_removed_moved_or_repeated(
    order: tuple[int, ...], reasons: tuple[SealReason | None, ...]
) -> None:
    """A link names the row before; only a cut tail, the last case, goes unseen (IT-08)."""
    lines = three()

    found = readings([lines[index] for index in order])

    assert tuple(each.reason for each in found) == reasons


def test_a_first_row_may_go_on_with_another_file() -> None:
    """After a rotation the first row names the last of another file; that is no orphan."""
    lines = three()
    before = CORTEX_V1.head(lines[0]) if CORTEX_V1.head else ""

    found = readings(lines[1:], SealKeys(predecessors=frozenset({before})))

    assert [each.reason for each in found] == [None, None]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"evt_0001", b"evt_9999"),
        (b"cortex.event.tool_called.v1", b"cortex.event.nothing.v1"),
        (b'"shell"', b'"other"'),
        (b"2026-01-01T00:00:01Z", b"2020-01-01T00:00:01Z"),
        (b"ses_1", b"ses_2"),
        (b'"build"', b'"quiet"'),
    ],
)
def test_what_the_scheme_says_is_uncovered_is_uncovered(old: bytes, new: bytes) -> None:
    """IT-05: id, type, source, times, session and tags can be edited, and the scheme says so."""
    lines = three()

    (found, *_) = readings([edited(lines[0], old, new)])

    assert found.verdict is SealVerdict.VALID
    assert "event_type, source" in CORTEX_V1.does_not_cover[0]


@pytest.mark.parametrize("version", ["2", "0", '"1"', "1.0", "null", "true"])
def test_an_unknown_version_fails_closed(version: str) -> None:
    """An edited version number must not hide an edited payload."""
    lines = three()
    lines[1] = edited(lines[1], b'"schema_version":1', f'"schema_version":{version}'.encode())

    found = readings(lines)

    assert found[1].reason is SealReason.UNKNOWN_EVENT_SCHEMA_VERSION
    assert found[1].verdict is SealVerdict.INVALID
    assert found[2].verdict is SealVerdict.VALID


def test_own_ledger_lines_are_not_recognised() -> None:
    """Rows of version 2 are evidentia's own ledger and are judged elsewhere."""
    (line, *_) = three()

    assert CORTEX_V1.recognises(line)
    assert not CORTEX_V1.recognises(edited(line, b'"schema_version":1', b'"schema_version":2'))
    assert not CORTEX_V1.recognises(b'{"event_hash"')


def test_a_signature_is_never_called_valid() -> None:
    """No vector of the real program confirms its input: unknown scheme, over a chain that holds."""
    signature = {"schema_version": 1, "key_id": "k", "signed_at": "t", "bytes": "AA"}
    row = CortexLedger().row({"n": 1})

    (good,) = readings([compact({**row, "signature": signature})])
    (odd,) = readings([compact({**row, "signature": {**signature, "schema_version": 2}})])
    (edited_too,) = readings([compact({**row, "payload": 7, "signature": signature})])

    assert (good.verdict, good.level) == (SealVerdict.UNKNOWN_SCHEME, Level.CHAIN)
    assert odd.reason is SealReason.UNKNOWN_ATTESTATION_SCHEMA_VERSION
    assert edited_too.reason is SealReason.PAYLOAD_HASH_MISMATCH


def test_all_failures_of_a_row_are_told() -> None:
    """Nothing that is wrong with a row is left out because something else is."""
    lines = three()
    lines[2] = edited(lines[2], b'"n":2', b'"n":7')
    keys = SealKeys(is_signature_required=True)

    found = readings([lines[0], lines[2]], keys)

    assert found[1].reason is SealReason.PAYLOAD_HASH_MISMATCH
    assert found[1].also == (SealReason.HASH_CHAIN_BREAK, SealReason.MISSING_SIGNATURE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"prev_event_hash":null', b'"prev_event_hash":5'),
        (b'"prev_event_hash":null', b'"prev_event_hash":"xyz"'),
        (b'"payload_hash":"', b'"payload_hash":"x'),
        (b'"n":0', rb'"n":"\ud800"'),
    ],
)
def test_a_seal_of_another_form_is_invalid(old: bytes, new: bytes) -> None:
    """What cannot be a hash, or cannot be hashed, is wrong and not absent."""
    (line, *_) = three()

    (found,) = readings([edited(line, old, new)])

    assert found.verdict is SealVerdict.INVALID
    assert SealReason.DECODE in (found.reason, *found.also)


def test_a_row_without_hashes_has_no_seal() -> None:
    """A foreign row between two sealed ones neither fails nor breaks the chain."""
    lines = three()

    found = readings([lines[0], b'{"kind":"note"}', b"[]", lines[1]])

    assert [each.verdict for each in found] == [
        *(SealVerdict.VALID, SealVerdict.ABSENT, SealVerdict.ABSENT, SealVerdict.VALID)
    ]
