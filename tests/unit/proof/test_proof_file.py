"""Proof files."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import ProofError
from evidentia.proof.head import TreeHead, sign_head
from evidentia.proof.inclusion import inclusion_path
from evidentia.proof.keys import Ed25519Signer
from evidentia.proof.proof_file import (
    PROOF_BYTES_MAX,
    Proof,
    check_proof,
    format_proof,
    parse_proof,
)
from evidentia.proof.tree import leaf_hash, root_of

SIGNER = Ed25519Signer("ledger.example/a", bytes(range(32)))
ENTRIES = [b'{"seq":%d}' % number for number in range(7)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
HEAD = TreeHead(origin=SIGNER.name, size=7, root=root_of(LEAVES))
SIGNED = sign_head(HEAD, [SIGNER])


def proof_of(index: int, size: int = 7) -> Proof:
    """The proof of an entry in the tree of a size."""
    head = TreeHead(origin=SIGNER.name, size=size, root=root_of(LEAVES[:size]))
    return Proof(
        index=index, path=inclusion_path(index, size, LEAVES), head=sign_head(head, [SIGNER])
    )


def test_the_text_of_a_proof() -> None:
    """The lines of C2SP's tlog-proof, and then the signed tree head, byte for byte."""
    proof = proof_of(6)
    hashes = [b64encode(each).decode() for each in proof.path]

    assert format_proof(proof) == (
        "\n".join(["c2sp.org/tlog-proof@v1", "index 6", *hashes, "", ""]).encode() + SIGNED
    )


@pytest.mark.parametrize("size", range(1, 8))
def test_every_entry_is_proved(size: int) -> None:
    """A proof that was written and read vouches for its own entry, and for no other."""
    for index in range(size):
        proof = parse_proof(format_proof(proof_of(index, size)))

        assert check_proof(proof, ENTRIES[index], [SIGNER.verifier], SIGNER.name).size == size
        with pytest.raises(ProofError, match="leads to root"):
            check_proof(proof, ENTRIES[index] + b" ", [SIGNER.verifier])


@settings(derandomize=True)
@given(
    st.integers(0, 10**18),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=200),
    st.binary(max_size=200),
)
def test_any_proof_reads_back(index: int, path: list[bytes], head: bytes, extra: bytes) -> None:
    """Writing and reading give the same proof; what goes along and the head are any bytes."""
    proof = Proof(index=index, path=tuple(path), head=head, extra=extra)

    assert parse_proof(format_proof(proof)) == proof


def test_a_proof_holds_only_with_its_signature() -> None:
    """Without a known key, or for another ledger, the path alone proves nothing."""
    other = Ed25519Signer(SIGNER.name, bytes(32))

    with pytest.raises(ProofError, match="no known key"):
        check_proof(proof_of(0), ENTRIES[0], [other.verifier])
    with pytest.raises(ProofError, match="not of"):
        check_proof(proof_of(0), ENTRIES[0], [SIGNER.verifier], "ledger.example/b")


def test_an_index_beyond_the_head_is_refused() -> None:
    """The head says how many entries there are."""
    proof = Proof(index=7, path=proof_of(6).path, head=SIGNED)

    with pytest.raises(ProofError, match="no leaf 7"):
        check_proof(proof, ENTRIES[6], [SIGNER.verifier])


GOOD = format_proof(proof_of(2))
MALFORMED = {
    "nothing": b"",
    "a head alone": SIGNED,
    "another version": GOOD.replace(b"@v1", b"@v2"),
    "a blank before": b"\n" + GOOD,
    "no index": GOOD.replace(b"index 2\n", b""),
    "a first line alone": b"c2sp.org/tlog-proof@v1\n\n" + SIGNED,
    "no number": GOOD.replace(b"index 2", b"index "),
    "a leading zero": GOOD.replace(b"index 2", b"index 02"),
    "a negative index": GOOD.replace(b"index 2", b"index -2"),
    "a huge index": GOOD.replace(b"index 2", b"index " + b"9" * 5000),
    "two spaces": GOOD.replace(b"index 2", b"index  2"),
    "carriage returns": GOOD.replace(b"\n", b"\r\n"),
    "no empty line": GOOD.replace(b"\n\n", b"\n"),
    "empty extra": GOOD.replace(b"index", b"extra \nindex"),
    "extra that is not base64": GOOD.replace(b"index", b"extra ???\nindex"),
    "extra twice": GOOD.replace(b"index", b"extra YQ==\nextra YQ==\nindex"),
    "extra behind the index": GOOD.replace(b"index 2", b"index 2\nextra YQ=="),
    "a short hash": GOOD.replace(b"index 2\n", b"index 2\nYQ==\n"),
    "a hash in hex": GOOD.replace(b"index 2\n", b"index 2\n" + LEAVES[0].hex().encode() + b"\n"),
    "not ASCII": GOOD.replace(b"index", "\u0131ndex".encode()),
    "64 hashes": format_proof(Proof(index=2, path=(LEAVES[0],) * 63, head=SIGNED)).replace(
        b"index 2\n", b"index 2\n" + b64encode(LEAVES[0]) + b"\n"
    ),
    "too many bytes": GOOD + b"x" * PROOF_BYTES_MAX,
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_proof_file_is_refused(raw: bytes) -> None:
    """A proof has one text form."""
    with pytest.raises(ProofError):
        check_proof(parse_proof(raw), ENTRIES[2], [SIGNER.verifier])


@pytest.mark.parametrize(("index", "path"), [(-1, ()), (0, (b"short",)), (0, (bytes(32),) * 64)])
def test_there_is_no_such_proof(index: int, path: tuple[bytes, ...]) -> None:
    """A proof that would not read back is not made."""
    with pytest.raises(ProofError):
        Proof(index=index, path=path, head=SIGNED)


def test_no_bit_of_a_proof_file_can_be_flipped() -> None:
    """Each single changed bit makes the proof false or malformed."""
    for bit in range(8 * len(GOOD)):
        changed = bytearray(GOOD)
        changed[bit // 8] ^= 1 << bit % 8

        with pytest.raises(ProofError):
            check_proof(parse_proof(bytes(changed)), ENTRIES[2], [SIGNER.verifier])
