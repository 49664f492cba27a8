"""Proofs about trees: a leaf is in a tree, a tree extends an earlier one (RFC 6962 §2.1.1, §2.1.2).

Both proofs are the roots of a few ranges of leaves, so both are made and checked in one way: which
ranges they are follows from the numbers alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from evidentia.errors import ProofError
from evidentia.proof.tree import CompactRange, check_hash, node_hash

_STRETCH: Final = 4096
"""Leaf hashes taken at a time: a slice of a list is a copy, and memory stays bounded."""


class LeafHashes(Protocol):
    """A ledger's leaf hashes in order: a list, or a view on a file that gives slices."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __getitem__(self, stretch: slice, /) -> Iterable[bytes]:
        """Those of a stretch, in order."""
        ...


def inclusion_path(index: int, size: int, leaves: LeafHashes) -> tuple[bytes, ...]:
    """The hashes that lead from a leaf to the root of the tree of ``size``, lowest first.

    Each leaf hash below ``size`` is read at most once; at most about 130 hashes are held, and one
    stretch of leaves.

    Raises:
        ProofError: There is no such leaf, or no such tree over these leaves.
    """
    siblings = _siblings_of_leaf(index, size)
    _check_available(size, leaves)
    return tuple(_root_of_range(leaves, start, end) for start, end in siblings)


def consistency_path(first: int, second: int, leaves: LeafHashes) -> tuple[bytes, ...]:
    """The hashes that show that the tree of size ``second`` extends that of size ``first``.

    Cost as for ``inclusion_path``. Empty when both sizes are equal.

    Raises:
        ProofError: ``first`` is 0 or beyond ``second``, or there are too few leaves.
    """
    start, siblings = _siblings_of_tree(first, second)
    _check_available(second, leaves)
    ranges = siblings if start == 0 else [(start, first), *siblings]
    return tuple(_root_of_range(leaves, start, end) for start, end in ranges)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Return when the path leads from the leaf hash at ``index`` to the root of ``size`` leaves.

    Raises:
        ProofError: It does not, or cannot.
    """
    siblings = _siblings_of_leaf(index, size)
    _check_path(path, len(siblings))
    check_hash(leaf)
    check_hash(root)
    node = leaf
    for (start, _), sibling in zip(siblings, path, strict=True):
        node = node_hash(sibling, node) if start < index else node_hash(node, sibling)
    _check_root(node, root, size)


def verify_consistency(
    first_size: int, first_root: bytes, second_size: int, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Return when the path shows that the second tree begins with the leaves of the first.

    Raises:
        ProofError: It does not, or cannot.
    """
    start, siblings = _siblings_of_tree(first_size, second_size)
    _check_path(path, len(siblings) + (start > 0))
    check_hash(first_root)
    check_hash(second_root)
    # A first tree that is a full subtree of the second is its own beginning.
    first = second = path[0] if start else first_root
    for (side, _), sibling in zip(siblings, path[len(path) - len(siblings) :], strict=True):
        if side < first_size:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
        else:
            second = node_hash(second, sibling)
    _check_root(first, first_root, first_size)
    _check_root(second, second_root, second_size)


def _siblings_of_leaf(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges beside the way from a leaf up to the root, lowest first."""
    if not 0 <= index < size:
        raise ProofError(f"there is no leaf {index} in a tree of size {size}")
    siblings: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            siblings.append((split, end))
            end = split
        else:
            siblings.append((start, split))
            start = split
    return siblings[::-1]


def _siblings_of_tree(first: int, second: int) -> tuple[int, list[tuple[int, int]]]:
    """Where the last full subtree of the first tree starts, and the ranges beside its way up."""
    if not 0 < first <= second:
        raise ProofError(
            f"size {second} cannot be shown to extend size {first}",
            fix="compare a tree that is not empty with one of the same or a larger size",
        )
    siblings: list[tuple[int, int]] = []
    start, end = 0, second
    while end != first:
        split = _split(start, end)
        if first <= split:
            siblings.append((split, end))
            end = split
        else:
            siblings.append((start, split))
            start = split
    return start, siblings[::-1]


def _split(start: int, end: int) -> int:
    """Where a tree of several leaves parts: after the largest power of two below their number."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _root_of_range(leaves: LeafHashes, start: int, end: int) -> bytes:
    tree = CompactRange()
    for low in range(start, end, _STRETCH):
        tree.extend(leaves[low : min(low + _STRETCH, end)])
    if tree.size != end - start:
        raise ProofError(f"leaf hashes {start} to {end} are {tree.size} in number")
    return tree.root()


def _check_available(size: int, leaves: LeafHashes) -> None:
    if size > len(leaves):
        raise ProofError(f"a tree of size {size} over {len(leaves)} leaves")


def _check_path(path: Sequence[bytes], wanted: int) -> None:
    if len(path) != wanted:
        raise ProofError(f"the proof has {len(path)} hashes where {wanted} are needed")
    for each in path:
        check_hash(each)


def _check_root(found: bytes, wanted: bytes, size: int) -> None:
    if found != wanted:
        raise ProofError(
            f"the proof leads to root {found.hex()} at size {size}, not to {wanted.hex()}"
        )
