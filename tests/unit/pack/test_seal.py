"""What the schemes of packs are made with: raw members, digests, signatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from evidentia.pack.seal import (
    SealReason,
    SealVerdict,
    digest_of,
    integer_of,
    is_signed_by,
    read_members,
    text_of,
    value_of,
    without_seal,
)
from evidentia.pack.seal_problems import SealProblems
from evidentia.proof.claims import Level

SIGNER = SigningKey(bytes(range(32)))
PUBLIC = bytes(SIGNER.verify_key)


def test_members_keep_their_exact_bytes() -> None:
    """A hash over a member is one over the bytes that stand in the line."""
    members = read_members(b' { "a" : {"x": 1.50 ,"y":"\\u00e9"} , "b":1e2, "a ":null}\r')

    assert members == {"a": b'{"x": 1.50 ,"y":"\\u00e9"}', "b": b"1e2", "a ": b"null"}


@given(st.binary(max_size=60))
def test_no_bytes_raise(raw: bytes) -> None:
    """Whatever stands in a line, the answer is members or none."""
    members = read_members(raw)

    assert members is None or isinstance(members, dict)
    assert without_seal(raw, b"a").level is None


@pytest.mark.parametrize("raw", [b"", b"[1]", b"{", b'{"a":1}x', b"\xff", b"[" * 100_000])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    """Nothing is made up for a line that is no object."""
    assert read_members(raw) is None


def test_values_of_the_wrong_type_are_absent() -> None:
    """A text is a text, an integer an integer: true is not 1, and 1.0 is not either."""
    members = {"t": b'"x"', "n": b"7", "b": b"true", "f": b"1.0", "bad": b"{"}

    assert [text_of(members, key) for key in ("t", "n", "zz")] == ["x", None, None]
    assert [integer_of(members, key) for key in ("n", "b", "f", "t")] == [7, None, None, None]
    assert value_of(members, "bad") is None


@pytest.mark.parametrize("text", [None, "", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "é" * 64])
def test_only_64_lower_case_digits_are_a_digest(text: str | None) -> None:
    """Two spellings of one hash would be two links."""
    assert digest_of(text) is None
    assert digest_of("0f" * 32) == b"\x0f" * 32


def test_a_signature_holds_for_its_key_and_message_alone() -> None:
    """Another key, another message, a malformed key or signature: none of them holds."""
    signature = SIGNER.sign(b"m").signature

    assert is_signed_by(PUBLIC, signature, b"m")
    assert not is_signed_by(PUBLIC, signature, b"n")
    assert not is_signed_by(bytes(SigningKey(bytes(32)).verify_key), signature, b"m")
    assert not is_signed_by(b"short", signature, b"m")
    assert not is_signed_by(PUBLIC, b"", b"m")


def test_an_unreadable_line_that_could_hold_a_seal_is_invalid() -> None:
    """One odd letter in a lenient log must not turn an edited row into one without a seal."""
    odd = without_seal(rb'{"hash":"x","a":"\ud800"}', b'"hash"')
    plain = without_seal(b'{"a":1}', b'"hash"')

    assert (odd.verdict, odd.reason) == (SealVerdict.INVALID, SealReason.DECODE)
    assert plain.verdict is SealVerdict.ABSENT


def test_problems_keep_all_reasons_and_the_first_values() -> None:
    """The first failure explains the row; the others are named beside it."""
    problems = SealProblems()
    problems.add(SealReason.HASH_MISMATCH, "a", "b" * 500)
    problems.add(SealReason.BAD_SIGNATURE, "c", None)

    reading = problems.reading(level=Level.CHAIN)

    assert (reading.verdict, reading.reason) == (SealVerdict.INVALID, SealReason.HASH_MISMATCH)
    assert reading.also == (SealReason.BAD_SIGNATURE,)
    assert (reading.expected, reading.observed) == ("a", "b" * 200)
    assert reading.level is None


@pytest.mark.parametrize(
    ("stated", "previous", "reason"),
    [
        (None, None, None),
        ("h", None, None),
        ("x", None, SealReason.ORPHAN),
        ("a", "a", None),
        (None, "a", SealReason.HASH_CHAIN_BREAK),
        ("h", "a", SealReason.HASH_CHAIN_BREAK),
    ],
)
def test_a_link_names_the_row_before(
    stated: str | None, previous: str | None, reason: SealReason | None
) -> None:
    """Only the first row of a file may name the end of another file."""
    problems = SealProblems()

    problems.link(stated, previous, frozenset({"h"}))

    assert problems.reasons == ([] if reason is None else [reason])
