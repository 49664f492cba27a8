"""The Merkle tree of RFC 6962."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from evidentia.errors import ProofError
from evidentia.proof.tree import EMPTY_ROOT, CompactRange, leaf_hash, node_hash, root_of

# The entries and roots that certificate-transparency implementations have published since RFC 6962.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = st.lists(st.binary(max_size=40), max_size=70)


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 as it is written down: split at the largest power of two below the size."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


def test_the_constants_of_the_rfc() -> None:
    """RFC 6962: the root of nothing, the leaf of nothing, and a node."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (
        leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert (
        leaf_hash(b"L123456").hex()
        == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    )
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots_of_eight_leaves(size: int) -> None:
    """The roots that every implementation since RFC 6962 agrees on."""
    assert root_of(map(leaf_hash, ENTRIES[:size])).hex() == ROOTS[size - 1]


@settings(derandomize=True, max_examples=100)
@given(LEAVES)
def test_a_root_is_that_of_the_definition_and_of_another_library(entries: list[bytes]) -> None:
    """The carry loop gives what the recursive definition and pymerkle give."""
    oracle = InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    leaves = [leaf_hash(entry) for entry in entries]

    assert root_of(leaves) == recursive_root(leaves)
    assert root_of(leaves) == (oracle.get_root() if entries else EMPTY_ROOT)


@settings(derandomize=True, max_examples=100)
@given(LEAVES, st.integers(0, 70))
def test_a_tree_goes_on_from_its_compact_range(entries: list[bytes], cut: int) -> None:
    """Size and hashes are all that a writer keeps: the root is the same wherever it paused."""
    leaves = [leaf_hash(entry) for entry in entries]
    before = CompactRange()
    before.extend(leaves[:cut])

    after = CompactRange(before.size, before.hashes)
    for leaf in leaves[cut:]:
        after.append(leaf)

    assert after.size == len(leaves)
    assert len(after.hashes) == len(leaves).bit_count()
    assert after.root() == root_of(leaves)


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(1, []), (0, [bytes(32)]), (3, [bytes(32)]), (-1, []), (-1, [bytes(32)]), (1, [bytes(31)])],
)
def test_hashes_that_do_not_fit_the_size_are_refused(size: int, hashes: list[bytes]) -> None:
    """There is one hash of 32 bytes for each bit that is set in the size."""
    with pytest.raises(ProofError):
        CompactRange(size, hashes)


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33)])
def test_a_leaf_of_another_length_leaves_the_tree_as_it_was(leaf: bytes) -> None:
    """Only leaf hashes go in: an entry handed in by mistake is refused."""
    tree = CompactRange()
    tree.append(bytes(32))

    with pytest.raises(ProofError):
        tree.append(leaf)

    assert (tree.size, tree.hashes) == (1, (bytes(32),))


def test_leaves_before_a_refused_one_are_kept() -> None:
    """``extend`` is not all or none, and size and hashes still belong together."""
    tree = CompactRange()

    with pytest.raises(ProofError):
        tree.extend([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c"), b"short"])

    assert tree.root() == root_of(map(leaf_hash, (b"a", b"b", b"c")))
    assert CompactRange(tree.size, tree.hashes).root() == tree.root()
