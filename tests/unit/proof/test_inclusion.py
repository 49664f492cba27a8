"""Inclusion and consistency proofs."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as oracle_consistency
from pymerkle import verify_inclusion as oracle_inclusion

from evidentia.errors import ProofError
from evidentia.proof.inclusion import (
    consistency_path,
    inclusion_path,
    verify_consistency,
    verify_inclusion,
)
from evidentia.proof.tree import EMPTY_ROOT, leaf_hash, root_of

VECTORS = Path(__file__).parents[2] / "vectors" / "transparency-dev-merkle"
# Its roots are a word of 12 bytes, to say that they do not matter. Here a root has 32 bytes.
PLACEHOLDER_ROOTS = "additional/sizes-are-equal-one-and-proof-is-empty"
LEAVES = [leaf_hash(b"%d" % number) for number in range(40)]
SIZES = st.integers(1, len(LEAVES))


def vectors(kind: str) -> list[Any]:
    """The published cases of a kind, each under its name."""
    cases = json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=name) for name, case in cases.items()]


def hashes(texts: list[str] | None) -> list[bytes]:
    """The bytes of a proof's base64 lines."""
    return [b64decode(text) for text in texts or ()]


@pytest.mark.parametrize("case", vectors("inclusion"))
def test_inclusion_vectors(case: dict[str, Any]) -> None:
    """The published proofs hold, and none that was tampered with does."""
    arguments = (
        b64decode(case["leafHash"]),
        case["leafIdx"],
        case["treeSize"],
        hashes(case["proof"]),
        b64decode(case["root"]),
    )

    if case["wantErr"]:
        with pytest.raises(ProofError):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@pytest.mark.parametrize("case", vectors("consistency"))
def test_consistency_vectors(case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """The published proofs hold, and none that was tampered with does; size zero proves nothing."""
    arguments = (
        case["size1"],
        b64decode(case["root1"]),
        case["size2"],
        b64decode(case["root2"]),
        hashes(case["proof"]),
    )

    if case["wantErr"] or PLACEHOLDER_ROOTS in request.node.name:
        with pytest.raises(ProofError):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


def test_all_published_vectors_are_there() -> None:
    """98 of each kind; were the files empty, the tests above would pass."""
    assert [len(vectors(kind)) for kind in ("inclusion", "consistency")] == [98, 98]


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_every_small_tree_is_proved(size: int) -> None:
    """Each path is accepted for its own leaf and index, and for no other index."""
    root = root_of(LEAVES[:size])

    for index in range(size):
        path = inclusion_path(index, size, LEAVES)
        verify_inclusion(LEAVES[index], index, size, path, root)
        for other in set(range(size)) - {index}:
            with pytest.raises(ProofError):
                verify_inclusion(LEAVES[index], other, size, path, root)


@pytest.mark.parametrize("second", range(1, 34))
def test_every_small_tree_extends_every_smaller_one(second: int) -> None:
    """Each path is accepted for its own sizes, and for no other first size."""
    roots = [root_of(LEAVES[:size]) for size in range(second + 1)]

    for first in range(1, second + 1):
        path = consistency_path(first, second, LEAVES)
        verify_consistency(first, roots[first], second, roots[second], path)
        for other in set(range(1, second)) - {first}:
            with pytest.raises(ProofError):
                verify_consistency(other, roots[first], second, roots[second], path)


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=60), st.data())
def test_pymerkle_accepts_our_paths_and_we_accept_its(entries: list[bytes], data: Any) -> None:
    """Two implementations agree on inclusion and consistency, each verifying the other's proofs."""
    oracle = InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    leaves = [leaf_hash(entry) for entry in entries]
    second = data.draw(st.integers(1, len(leaves)))
    first = data.draw(st.integers(1, second))
    index = data.draw(st.integers(0, second - 1))
    before, root = root_of(leaves[:first]), root_of(leaves[:second])

    theirs = oracle.prove_inclusion(index + 1, second)
    assert tuple(theirs.path[1:]) == inclusion_path(index, second, leaves)
    oracle_inclusion(leaves[index], root, theirs)
    verify_inclusion(leaves[index], index, second, theirs.path[1:], root)
    oracle_consistency(before, root, oracle.prove_consistency(first, second))


@settings(derandomize=True, max_examples=200)
@given(SIZES, st.data())
def test_a_changed_bit_is_noticed(second: int, data: Any) -> None:
    """No bit of leaf, path or root can be flipped."""
    first = data.draw(st.integers(1, second))
    index = data.draw(st.integers(0, second - 1))
    inclusion = [LEAVES[index], root_of(LEAVES[:second]), *inclusion_path(index, second, LEAVES)]
    consistency = [
        root_of(LEAVES[:first]),
        root_of(LEAVES[:second]),
        *consistency_path(first, second, LEAVES),
    ]

    leaf, root, *path = flipped(inclusion, data)
    with pytest.raises(ProofError):
        verify_inclusion(leaf, index, second, path, root)
    before, after, *path = flipped(consistency, data)
    with pytest.raises(ProofError):
        verify_consistency(first, before, second, after, path)


def flipped(values: list[bytes], data: Any) -> list[bytes]:
    """The values with one bit of one of them changed."""
    place = data.draw(st.integers(0, len(values) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = int.from_bytes(values[place], "big") ^ 1 << bit
    return [*values[:place], changed.to_bytes(32, "big"), *values[place + 1 :]]


class View:
    """Leaf hashes that are read on demand, and count how often each one is."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads = 0
        self.longest = 0

    def __len__(self) -> int:
        """As many as it was made with."""
        return self.size

    def __getitem__(self, stretch: slice, /) -> Iterator[bytes]:
        """A stretch of equal hashes, counted."""
        start, stop, _ = stretch.indices(self.size)
        self.longest = max(self.longest, stop - start)
        self.reads += stop - start
        return itertools.repeat(bytes(32), stop - start)


def test_leaves_are_read_once_and_in_small_stretches() -> None:
    """Memory does not grow with the ledger: a view on a file is all that is needed."""
    view = View(100_000)

    inclusion_path(12_345, 99_999, view)

    assert view.reads == 99_998
    assert view.longest <= 4096


def test_a_view_that_breaks_off_is_noticed() -> None:
    """Fewer leaves than announced make no proof."""

    class Short(View):
        def __getitem__(self, stretch: slice, /) -> Iterator[bytes]:
            """One hash where there should be more."""
            return itertools.islice(super().__getitem__(stretch), 1)

    with pytest.raises(ProofError, match="number"):
        inclusion_path(0, 8, Short(8))


def test_a_proof_about_a_huge_tree_is_checked_at_once() -> None:
    """The cost is in the number of hashes, at most 63, whatever size is claimed."""
    with pytest.raises(ProofError, match="leads to root"):
        verify_inclusion(bytes(32), 0, 2**63 - 1, [bytes(32)] * 63, bytes(32))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4), (0, 41), (40, 41)])
def test_no_path_without_its_leaf_and_tree(index: int, size: int) -> None:
    """An index or a size that does not exist is refused."""
    with pytest.raises(ProofError):
        inclusion_path(index, size, LEAVES)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (6, 5), (-1, 5), (5, 41)])
def test_no_consistency_with_nothing(first: int, second: int) -> None:
    """There is nothing to compare in an empty tree, nor in one that shrank."""
    with pytest.raises(ProofError):
        consistency_path(first, second, LEAVES)
    with pytest.raises(ProofError):
        verify_consistency(first, EMPTY_ROOT, second, EMPTY_ROOT, [])


def test_the_failure_says_what_failed() -> None:
    """A proof of the wrong length and one to another root are told apart."""
    with pytest.raises(ProofError, match="1 hashes where 2 are needed"):
        verify_inclusion(LEAVES[0], 0, 4, [LEAVES[1]], root_of(LEAVES[:4]))
    with pytest.raises(ProofError, match=f"not to {root_of(LEAVES[:3]).hex()}"):
        verify_inclusion(LEAVES[0], 0, 4, inclusion_path(0, 4, LEAVES), root_of(LEAVES[:3]))
