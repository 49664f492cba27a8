"""Extension files: that a ledger only grew between two heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidentia.errors import ProofError
from evidentia.proof.extension import (
    PATH_MAX,
    Extension,
    check_extension,
    format_extension,
    parse_extension,
)
from evidentia.proof.head import TreeHead, sign_head
from evidentia.proof.inclusion import consistency_path
from evidentia.proof.keys import Ed25519Signer
from evidentia.proof.tree import leaf_hash, root_of

SIGNER = Ed25519Signer("example.org/a", bytes(32))
LEAVES = [leaf_hash(str(number).encode()) for number in range(20)]


def head(size: int, origin: str = "example.org/a") -> TreeHead:
    """The head over the first leaves."""
    return TreeHead(origin=origin, size=size, root=root_of(LEAVES[:size]))


def extension(old_size: int, size: int) -> Extension:
    """The proof from one size to another."""
    path = consistency_path(old_size, size, LEAVES)
    return Extension(old_size=old_size, path=path, head=sign_head(head(size), [SIGNER]))


@pytest.mark.parametrize("old_size", [1, 7, 8, 19, 20])
def test_an_extension_reads_back_and_holds(old_size: int) -> None:
    """What was written is read, and the newer head follows from it."""
    made = extension(old_size, 20)

    read = parse_extension(format_extension(made))

    assert read == made
    assert check_extension(read, head(old_size), [SIGNER.verifier]) == head(20)


def test_the_form_is_that_of_a_witness_request() -> None:
    """The lines are those that C2SP's witnesses take."""
    lines = format_extension(extension(7, 20)).decode().split("\n")

    assert lines[0] == "old 7"
    assert lines[lines.index("") + 1] == "example.org/a"


def test_an_older_head_that_was_rewritten_is_found() -> None:
    """A head over other events is not extended."""
    other = TreeHead(origin="example.org/a", size=7, root=root_of(LEAVES[1:8]))

    with pytest.raises(ProofError):
        check_extension(extension(7, 20), other, [SIGNER.verifier])


def test_a_head_of_another_size_or_ledger_is_refused() -> None:
    """The proof is about one older head of the same ledger."""
    with pytest.raises(ProofError, match="from size 7"):
        check_extension(extension(7, 20), head(8), [SIGNER.verifier])
    with pytest.raises(ProofError, match="not of other"):
        check_extension(extension(7, 20), head(7, "other"), [SIGNER.verifier])


def test_a_path_that_was_changed_is_found() -> None:
    """One hash out of place, and the proof does not hold."""
    made = extension(7, 20)
    bent = replace(made, path=(*made.path[1:], made.path[0]))

    with pytest.raises(ProofError):
        check_extension(bent, head(7), [SIGNER.verifier])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"old 7\n",
        b"new 7\n\nhead",
        b"old 07\n\nhead",
        b"old 7\nAAAA\n\nhead",
        b"old 7\n\xff\n\nhead",
    ],
)
def test_what_is_no_extension_file_is_refused(raw: bytes) -> None:
    """A file of another form says what is wrong with it."""
    with pytest.raises(ProofError):
        parse_extension(raw)


def test_parts_that_would_not_read_back_are_refused() -> None:
    """Neither a negative size nor more hashes than there can be."""
    with pytest.raises(ProofError):
        Extension(old_size=-1, path=(), head=b"")
    with pytest.raises(ProofError):
        Extension(old_size=1, path=(bytes(32),) * (PATH_MAX + 1), head=b"")
